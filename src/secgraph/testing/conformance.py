"""For authors of connectors: what a source must keep to, found out with records of its product. Nothing here needs pytest.

`faults_of(connector, records)` lists what is wrong, in sentences; an empty list is what is wanted. Under pytest, a subclass of
`Suite` whose name begins with `Test` runs the same as tests.
"""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, get_args

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import AlertDraft, Connector, Draft, EvidenceDraft, Framing, Option, Pulls, Told, WritesBack
from secgraph.testing.asked import Api, pull_faults, write_faults
from secgraph.testing.drafts import shape_faults, word_faults
from secgraph.testing.hostile import RECEIVED, hostile_faults, outcome, raw_of

__all__ = ["Suite", "draft_faults", "faults_of", "hostile_faults", "option_faults", "pull_faults", "write_faults"]

MOST_TOLD = 40
"""Faults that are told of one thing; the others are most likely the same."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,62}")
ODD_OPTIONS = ("", " ", "\x00", "x" * 10_000, "-1", "\u0663", "http://127.0.0.1/", "https://[", "9" * 400)


def faults_of(connector: Connector, records: Sequence[Any], options: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with how a source reads: its name and options, the drafts of good records (JSON values, or lines, or the
    bytes of reports), and what leaves it where they are odd. `options` are such as it can be told; the records are read with
    them.
    """
    faults = [*_self_faults(connector), *option_faults(connector, options)]
    if options is not None and isinstance(connector, Told):
        try:
            connector = connector.told(_whole(connector.options, options))
        except UsageError as refused:
            return [*faults, f"the options that are given are refused: {refused}"]
        except Exception:  # noqa: BLE001 -- it is told already
            return faults
    faults += draft_faults(connector, records)
    several = [*dict.fromkeys(hostile_faults(connector, records))]
    return faults + several[:MOST_TOLD]


def _whole(known: Sequence[Option], given: Mapping[str, str]) -> dict[str, str]:
    return {one.name: given.get(one.name) or one.default or "" for one in known}


def _self_faults(connector: Connector) -> Iterator[str]:
    name = getattr(connector, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f"its name is {name!r}: small letters, digits, and . _ - behind the first"
    if getattr(connector, "framing", None) not in get_args(Framing):
        yield f"its framing is none of {', '.join(get_args(Framing))}"


def option_faults(connector: Connector, options: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with what a source can be told."""
    if not hasattr(connector, "options") and not hasattr(connector, "told"):
        return [] if not options else ["options are given, and it is told none"]
    if not isinstance(connector, Told):
        return ["it has one of `options` and `told`: it needs both"]
    faults: list[str] = []
    names = [one.name for one in connector.options]
    if len(names) != len(set(names)):
        faults.append("two of its options have one name")
    for one in connector.options:
        if not one.says.strip():
            faults.append(f"the option {one.name} says nothing about itself")
        if one.secret and one.default:
            faults.append(f"the option {one.name} is secret and has a default that everybody knows")
    if strange := sorted(set(options or ()) - set(names)):
        faults.append(f"options are given that it does not have: {', '.join(strange)}")
    if options is None:
        return faults
    for name in names:
        for odd in ODD_OPTIONS:
            faults += _told_faults(connector, _whole(connector.options, options) | {name: odd}, name)
    faults += _told_faults(connector, _whole(connector.options, options), "")
    return [*dict.fromkeys(faults)]


def _told_faults(connector: Told, given: Mapping[str, str], name: str) -> Iterator[str]:
    before = copy.copy(vars(connector))
    try:
        made = connector.told(given)
    except UsageError as refused:
        if not str(refused):
            yield f"the option {name} is refused without a word"
        return
    except Exception as broke:  # noqa: BLE001 -- whatever it is, it is what is looked for
        yield f"{type(broke).__name__} leaves told when {name or 'nothing'} is odd: {str(broke)[:200]}"
        return
    same: Any = made
    if same is connector or vars(connector) != before:
        yield "told changes the source itself: it gives another one"
    yield from _self_faults(made)


def draft_faults(connector: Connector, records: Sequence[Any]) -> list[str]:
    """What is wrong with the drafts of good records."""
    faults: list[str] = []
    count = 0
    for place, record in enumerate(records, 1):
        before = copy.deepcopy(record)
        drafts, _, fault = outcome(connector, record)
        told = [fault] if fault else []
        count += len(drafts)
        shape = [fault for draft in drafts for fault in shape_faults(draft)]
        told += shape
        if not shape:  # else there are no words to look at
            told += [fault for draft in drafts for fault in word_faults(draft)]
            told += [*_repeated(drafts), *_same(connector, record, drafts)]
        if repr(record) != repr(before):
            told.append("normalise changes the record it is given")
        faults += [f"record {place}: {one}" for one in dict.fromkeys(told)]
    if not count:
        faults.append("not one of the records became a draft: nothing can be said about drafts")
    return faults


def _repeated(drafts: list[Draft]) -> Iterator[str]:
    """What one record says twice: only the last word would count."""
    seen: set[Any] = set()
    for draft in drafts:
        if isinstance(draft, EvidenceDraft):
            identity = _identity(draft)
            if identity in seen:
                yield f"it tells twice of the check {draft.check!r} on {draft.subject!r}"
            seen.add(identity)


def _same(connector: Connector, record: Any, drafts: list[Draft]) -> Iterator[str]:
    """Whether one record is one alert, whenever it is read."""
    again, _, _ = outcome(connector, copy.deepcopy(record))
    if again != drafts:
        yield "the same record gives another draft the second time"
    try:
        later = list(connector.normalise(raw_of(record, 99, RECEIVED + clock.DAY)))
    except Exception:  # noqa: BLE001 -- what it raises is told already
        return
    if [_identity(one) for one in later] != [_identity(one) for one in drafts]:
        yield "its identity changes with the time or the line at which it came"


def _identity(draft: Draft) -> Any:
    if isinstance(draft, AlertDraft):
        return replace(draft, alert={}, notes=(), updated=None, incident=None)
    if isinstance(draft, EvidenceDraft):
        return draft.scanner, draft.scope, draft.check, draft.subject
    return draft.set, draft.id


class Suite:
    """The same as tests. A subclass says which `connector`, with which `records`, and what else it has powers for."""

    connector: ClassVar[Connector]
    records: ClassVar[Sequence[Any]]
    """Good ones: JSON values as they are decoded, or lines, or the bytes of reports, where the framing is `whole`."""
    options: ClassVar[Mapping[str, str] | None] = None
    """What it can be told, where it can be told anything."""
    now: ClassVar[int] = RECEIVED
    native_id: ClassVar[str] = ""
    changes: ClassVar[Mapping[str, Any]] = {}
    """Of a source that writes back: an alert that `product()` knows, and what is changed of it."""

    def product(self) -> Any:
        """The product as it answers at the begin of a pull, such as `Canned`: anew with every call."""
        raise NotImplementedError("say what the product answers: def product(self): return Canned(...)")

    def _told(self) -> Connector:
        found = self.connector
        return (
            found.told(_whole(found.options, self.options)) if isinstance(found, Told) and self.options is not None else found
        )

    def test_it_reads_as_a_source_has_to(self) -> None:
        """Names, options, drafts, hostile records."""
        _expect_none(faults_of(self.connector, self.records, self.options))

    def test_it_asks_as_a_source_has_to(self) -> None:
        """Places, origins, broken pulls; of a source that does not pull nothing."""
        told = self._told()
        if isinstance(told, Pulls):
            api: Api = self.product
            _expect_none(asyncio.run(pull_faults(told, api, self.now)))

    def test_it_carries_changes_as_a_source_has_to(self) -> None:
        """Answers and lost answers; of a source that does not write nothing."""
        told = self._told()
        if isinstance(told, WritesBack):
            _expect_none(asyncio.run(write_faults(told, self.product, self.native_id, self.changes)))


def _expect_none(faults: Sequence[str]) -> None:
    if faults:
        raise AssertionError("\n".join([f"{len(faults)} faults:", *faults[:MOST_TOLD]]))
