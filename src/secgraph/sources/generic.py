"""Any product whose records a mapping describes: a declarative file says what of a record becomes an alert."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import msgspec

from secgraph.extend import (
    AlertDraft,
    Connector,
    Framing,
    NotAnAlert,
    Option,
    Options,
    Raw,
    Record,
    Unusable,
    instant_of,
    moment,
    techniques,
)
from secgraph.sources.generic_mapping import Plan, mapping
from secgraph.sources.generic_meter import STEPS, Meter, TooMuch, rendered
from secgraph.sources.generic_paths import holds
from secgraph.sources.generic_values import Look, words

LONGEST_ID = 500
"""Characters of a product's id up to which it is kept as it is."""

JSON_GROUP = "json"
"""The group of a line's pattern that holds a JSON object, whose members the record has."""

MOST_RECORDS = 100_000


class Generic:
    """Reads the records of one product as its mapping says. Without one it is only a name."""

    name = "generic"
    framing: Framing = "json"
    options = (Option("mapping", "The file that says what of a record becomes an alert: mapping=@file.toml"),)

    def __init__(self, plan: Plan | None = None) -> None:
        self._plan = plan
        if plan is not None:
            self.framing = plan.framing

    def told(self, options: Options) -> Connector:
        """The source with that mapping."""
        return Generic(mapping(options["mapping"]))

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The records in a document, where the mapping says where they are."""
        if self._plan is None or self._plan.records is None:
            return None
        meter = Meter()
        meter.left = MOST_RECORDS
        try:
            found = self._plan.records(value, meter)
        except (TooMuch, RecursionError):
            return None
        return found if found.__class__ is list else None

    def parts(self, value: Any) -> Record:
        """The groups of the pattern that fits a line."""
        if self._plan is None or not self._plan.patterns:
            return {}
        try:
            return _of_line(self._plan, value)
        except (NotAnAlert, Unusable):
            return {}

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one record."""
        plan = self._plan
        if plan is None:
            raise Unusable("no mapping: add a source of this kind with one, secgraph source add generic --option mapping=@file")
        record = _of_line(plan, raw.value) if plan.patterns else raw.value
        if record.__class__ is not dict:
            raise Unusable("not a JSON object")
        try:
            return [_draft(plan, Look(record), raw.received)]
        except RecursionError:
            raise Unusable("nested too deep for the expressions of the mapping") from None
        except TooMuch:
            raise Unusable(f"the expressions of the mapping take more than {STEPS} steps over it") from None


def _of_line(plan: Plan, line: Any) -> Record:
    if line.__class__ is not str:
        raise Unusable("not a line of text")
    for pattern in plan.patterns:
        found = pattern.search(line)
        if found is not None:
            record = {name: value for name, value in found.groupdict().items() if value is not None}
            return _with_json(record) if JSON_GROUP in record else record
    reason = "no pattern of the mapping knows this line"
    raise NotAnAlert(reason) if plan.passes_over else Unusable(reason)


def _with_json(record: Record) -> Record:
    try:
        inside = msgspec.json.decode(record.pop(JSON_GROUP))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Unusable("what the pattern calls json is none") from None
    if inside.__class__ is not dict:
        raise Unusable("what the pattern calls json is no object")
    return {**record, **inside}


def _draft(plan: Plan, look: Look, received: int) -> AlertDraft:
    record = look.record
    for words_of, find in plan.take:
        if not holds(find(record, look)):
            raise NotAnAlert(f"the mapping takes only what has {words_of[:150]}")
    for words_of, find in plan.skip:
        if holds(find(record, look)):
            raise NotAnAlert(f"the mapping skips what has {words_of[:150]}")
    native_id = _id(plan, look)
    created = None if plan.created is None else plan.created(record, look)
    if created is None and not plan.adds:
        created = moment(received / 1e7)
        look.notes.append("no time of its own: the time of receipt is used")
    look.created = created
    alert: Record = {"providerAlertId": native_id, **plan.constants}
    for name, take in plan.members:
        value = take(record, look)
        if value is not None:
            alert[name] = value
    if created is not None:
        alert["createdDateTime"] = created
    if "title" not in alert and not plan.adds:
        raise Unusable("no title: what the mapping takes it from has no value")
    if plan.techniques:
        alert["mitreTechniques"] = techniques(*[find(record, look) for find in plan.techniques])
    evidence: list[Record] = []
    for item in plan.evidence:
        item.add(look, evidence)
    alert["evidence"] = evidence
    if plan.shows is not None and (native := plan.shows(record, look)):
        alert["additionalData"] = native
    return AlertDraft(
        plan.product, native_id, alert, plan.prefixes, _updated(plan, look), _incident(plan, look), plan.adds, tuple(look.notes)
    )


def _id(plan: Plan, look: Look) -> str:
    if plan.id is not None:
        found = plan.id(look.record, look)
        if not found:
            raise Unusable("no id: what the mapping takes it from has no value")
        return found if len(found) <= LONGEST_ID else _digest([found])
    parts = list(_parts(plan, look))
    if not any(parts):
        raise Unusable("no id: nothing of what the mapping makes it from has a value")
    return _digest(parts)


def _parts(plan: Plan, look: Look) -> Iterator[str]:
    for find in plan.hash:
        value = find(look.record, look)
        found = words(value)
        try:
            yield found if found is not None else "" if value is None else rendered(value, look)
        except ValueError:  # a lone surrogate, which no JSON holds
            yield ""


def _digest(parts: list[str]) -> str:
    return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _updated(plan: Plan, look: Look) -> int | None:
    if plan.updated is None:
        return None
    find, read = plan.updated
    found = read(find(look.record, look), look)
    return None if found is None else instant_of(found)


def _incident(plan: Plan, look: Look) -> tuple[str, str] | None:
    found = None if plan.incident is None else plan.incident(look.record, look)
    return None if found is None else (plan.product, found)
