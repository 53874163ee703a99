"""The older alerts over HTTP: what differs from other sets. Reading is that of every set, over `store.views`.

A source whose last delivery could not be taken makes an answer 206 with a Warning, as a provider that did not answer does in
the published API; the body holds the rows all the same.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge import render
from secgraph.edge.act import Act
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.read import missing
from secgraph.edge.route import Target
from secgraph.edge.write import MINIMAL, REPRESENTATION, changed, same_version, silent
from secgraph.errors import BadBody, BadOption, Refusal
from secgraph.ingest import older
from secgraph.ingest.back import Known, entries, sent_back
from secgraph.model.edm import Action, EntitySet
from secgraph.odata.options import options, whole
from secgraph.odata.view import View, view
from secgraph.store.facts import Facts, Needs, Record, Row
from secgraph.store.protocol import Change, Decision, Store

Handler = Callable[[Asked, Caller, Target, EntitySet], Awaitable[Answer]]

PARTIAL = 206

MOST = 1000
"""Most alerts that one call changes."""

LONGEST = 100
_UNSAID = re.compile(r"[^ !#-+\-.0-\[\]-~]")
"""What would end a Warning's text, part it, or part the header."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the published API is stricter about, where a site wants it so."""

    skip: int = 0
    """Most rows that `$skip` may pass over; 0 for any number."""
    vendor_required: bool = False
    """Whether a change must name the vendor and the provider."""


class Older:
    """Answers what is particular to the older alerts."""

    def __init__(self, store: Store, most: int, limits: Limits, doors: Known) -> None:
        self._store = store
        self._most = most
        self._limits = limits
        self._doors = doors

    def handlers(self) -> Mapping[str, Act]:
        """The handler of every served action, by the id of its published operation."""
        return {"legacy_alerts_update_many": self.update_many}

    def reading(self, read: Handler) -> Handler:
        """The same read, refused past the limit of `$skip`, and with what is known to be missing from its answer."""

        async def told(asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
            if self._limits.skip and b"skip" in asked.query.lower():
                self._expect_near(whole(options(asked.query), "$skip") or 0)
            answer = await read(asked, caller, target, one)
            failing = await self._store.fetch("sources_failing", tenant=caller.tenant)
            if failing:
                answer.status = PARTIAL
                answer.headers.append((b"warning", ", ".join(map(_warning, failing)).encode("ascii")))
            return answer

        return told

    def _expect_near(self, skip: int) -> None:
        if skip > self._limits.skip:
            raise BadOption("$skip", f"is more than {self._limits.skip}.",
                            hint="Follow @odata.nextLink, or filter by eventDateTime.")  # fmt: skip

    # -- writing

    async def update(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Changes an alert. The answer is its entity tag alone, or the alert for a client that prefers to see it."""
        body = await asked.json(self._most)
        wanted = asked.header(b"if-match")
        shown = view(one.path)
        self._expect_vendor(body)
        key, doors = target.key.casefold(), await self._doors(caller.tenant)

        def decide(facts: Facts) -> Decision[Record]:
            row = facts.rows.get((shown.stored.path, key))
            if row is None:
                raise missing(one, target.key)
            same_version(row, wanted)
            decision = _decided(facts, shown, row, body, caller)
            sent_back(facts, decision.changes, doors)
            return decision

        needs = Needs(((shown.stored.path, key),), entries((key,), doors))
        record = await self._store.write(caller.tenant, needs, decide)
        tag = (b"etag", record["@odata.etag"].encode())
        if asked.prefers(MINIMAL):
            return silent(record)
        if not asked.prefers(REPRESENTATION):
            return Answer(204, headers=[tag])
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}/$entity")
        document = msgspec.json.encode(shown.project(record))
        return Answer(body=render.item(head, document), headers=[tag, (b"preference-applied", REPRESENTATION.encode())])

    async def update_many(self, asked: Asked, caller: Caller, target: Target, action: Action) -> Answer:
        """Changes several alerts in one commit; the answer is all of them, in the order of the request.

        One that cannot be changed stays as it is and stands in the answer with its id and the reason, and the answer is 206; a
        request of which nothing can be carried out is refused.
        """
        del action
        items = _items(await asked.json(self._most))
        for place, (_, item) in enumerate(items):
            self._expect_vendor(item, f"value/{place}")
        one = target.set
        assert one is not None  # noqa: S101 -- the action is bound to a set
        shown = view(one.path)
        keys = [(shown.stored.path, key.casefold()) for key, _ in items]
        doors = await self._doors(caller.tenant)

        def decide(facts: Facts) -> Decision[list[Record | Refusal]]:
            changes: list[Change] = []
            results: list[Record | Refusal] = []
            for place, (key, item) in zip(keys, items, strict=True):
                row = facts.rows.get(place)
                try:
                    if row is None:
                        raise missing(one, key)
                    decision = _decided(facts, shown, row, item, caller)
                except Refusal as refused:
                    results.append(refused)
                else:
                    changes += decision.changes
                    results.append(decision.answer)
            if all(isinstance(result, Refusal) for result in results):
                raise _nothing(results)
            sent_back(facts, changes, doors)
            return Decision(changes, results)

        needs = Needs(tuple(keys), entries([key for _, key in keys], doors))
        results = await self._store.write(caller.tenant, needs, decide)
        documents = [
            msgspec.json.encode(
                {"id": key, "error": {"code": result.code, "message": str(result)}}
                if isinstance(result, Refusal) else shown.project(result)
            )
            for (key, _), result in zip(items, results, strict=True)
        ]  # fmt: skip
        head = render.context(f"{asked.base}/{target.version}", one.path)
        status = PARTIAL if any(isinstance(result, Refusal) for result in results) else 200
        return Answer(status, render.page(head, documents, total=None, next_link=None))

    def _expect_vendor(self, body: Any, path: str = "") -> None:
        if self._limits.vendor_required:
            older.expect_vendor(body, path)


def _decided(facts: Facts, shown: View, row: Row, body: Any, caller: Caller) -> Decision[Record]:
    """What a body asks of a row, in the row's own members."""
    given = older.changes(shown, body, row.record, now=clock.text(facts.now), name=caller.name)
    return changed(facts, shown.stored, row, given, caller)


def _items(body: Any) -> list[tuple[str, Record]]:
    """The alerts of a body by their ids, each with what is said of it; BadBody when they are not a list of objects with
    ids, each named once.
    """
    items = body.get("value") if isinstance(body, dict) else None
    if not isinstance(items, list) or not 1 <= len(items) <= MOST:
        raise BadBody("value", f"must be a list of 1 to {MOST} alerts.")
    found: dict[str, tuple[str, Record]] = {}
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise BadBody(f"value/{place}", "must be an object.")
        key = next((value for name, value in item.items() if name.casefold() == "id"), None)
        if not isinstance(key, str) or not key.strip():
            raise BadBody(f"value/{place}/id", "is required.")
        if key.casefold() in found:
            raise BadBody(f"value/{place}/id", f"names '{key[:80]}' for the second time.")
        found[key.casefold()] = key, {name: value for name, value in item.items() if name.casefold() != "id"}
    return list(found.values())


def _nothing(results: list[Record | Refusal]) -> Refusal:
    """The refusal of a request of which nothing can be carried out: the only one, or all of them in one."""
    refused = [result for result in results if isinstance(result, Refusal)]
    if len(refused) == 1:
        return refused[0]
    reasons = " ".join(f"value/{place}: {result}" for place, result in enumerate(refused[:10]))
    return BadBody("", f"None of the {len(refused)} alerts was changed. {reasons}")


def _warning(state: dict[str, Any]) -> str:
    said = [_UNSAID.sub("_", str(state[name]))[:LONGEST] for name in ("vendor", "provider", "status", "latency")]
    return f'199 - "{"/".join(said)}"'
