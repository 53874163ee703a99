"""GET and POST of the evidence of a control: what was found of it, and whatever no scanner here can find (an extension)."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow_key
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.listing import Item, Lists
from secgraph.edge.read import missing
from secgraph.edge.route import Target
from secgraph.errors import BadBody
from secgraph.extend import EvidenceDraft
from secgraph.ingest.controls import seed_one
from secgraph.ingest.evidence import LONGEST, found_of, served
from secgraph.ingest.scored import Scorer, found
from secgraph.model.check import text_from_client
from secgraph.model.edm import EntitySet
from secgraph.odata import bind
from secgraph.odata.query import fold
from secgraph.store.facts import Needs
from secgraph.store.protocol import Decision, PutFound, Store

TAKES = ("$top", "$skiptoken", "$format")
MEMBERS = ("result", "scoreInPercentage", "subject", "source", "checkedDateTime", "details")
RESULTS: dict[str, float | None] = {"pass": 1.0, "fail": 0.0, "notApplicable": None}
SOURCE = "manual"
"""Who found it where nobody says."""
AHEAD = 300 * clock.SECOND
"""So far ahead of ours may the clock of whoever checked be."""


class Evidence:
    """Answers what is asked of evidence, and takes it."""

    def __init__(self, store: Store, lists: Lists, scorer: Scorer, now: clock.Now, most: int) -> None:
        self._store = store
        self._lists = lists
        self._scorer = scorer
        self._now = now
        self._most = most

    async def pieces(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """A page of what was found of a control, one piece for each check and subject."""
        control = await self._control(caller, target, one)
        path = f"{one.path}('{control}')/evidence"
        wanted = await self._lists.wanted(asked, caller, path, TAKES)
        after = str(wanted.after[0]) if wanted.after is not None else ""
        rows = await self._store.fetch(
            "findings_page", tenant=caller.tenant, control=fold(control), after=after, most=wanted.top + 1
        )
        items = [Item(msgspec.json.encode(served(piece)), (piece.key,)) for piece in map(found, rows)]
        more = len(items) > wanted.top > 0
        items = items[: wanted.top]
        return self._lists.page(asked, caller, target, path, wanted, items, items[-1].place if more else None)

    async def add(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Takes a piece of evidence; the answer is it. The score has it already."""
        body = await asked.json(self._most)
        control = await self._control(caller, target, one)
        draft = _draft(body, control, self._now())
        piece = found_of(draft, control)
        await self._store.write(caller.tenant, Needs(), lambda _: Decision((PutFound((piece,), ()),), None))
        await self._scorer.refresh(caller.tenant)
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{control}')/evidence/$entity")
        return Answer(201, render.item(head, msgspec.json.encode(served(piece))))

    async def _control(self, caller: Caller, target: Target, one: EntitySet) -> str:
        """The id of the control; NotFound where the tenant has none of it."""
        key = narrow_key(one.path, target.key, caller)
        document = await self._store.get(key, bind.item(one, {}))
        if document is None and await seed_one(self._store, caller.tenant, fold(target.key)):
            document = await self._store.get(key, bind.item(one, {}))
        if document is None:
            raise missing(one, target.key)
        return str(msgspec.json.decode(document)["id"])


def _draft(body: Any, control: str, now: int) -> EvidenceDraft:
    """The evidence of a body. BadBody for what cannot be evidence."""
    if not isinstance(body, dict):
        raise BadBody("", "The body must be a JSON object.", hint='Such as {"result": "pass", "subject": "web-1"}.')
    for name in body:
        if name not in MEMBERS and not name.startswith("@"):
            raise BadBody(name, "is no member of evidence.", hint=f"Possible: {', '.join(MEMBERS)}.")
    at = _at(body.get("checkedDateTime"), now)
    texts = {name: _text(name, body.get(name)) for name in ("subject", "source", "details")}
    return EvidenceDraft(
        texts["source"] or SOURCE, control, at, _share(body), subject=texts["subject"], details=texts["details"]
    )  # fmt: skip


def _share(body: dict[str, Any]) -> float | None:
    result, percentage = body.get("result"), body.get("scoreInPercentage")
    if (result is None) == (percentage is None):
        raise BadBody("result", "or scoreInPercentage says what was found: one of them.",
                      hint='Such as {"result": "pass"} or {"scoreInPercentage": 75}.')  # fmt: skip
    if percentage is None:
        if not isinstance(result, str) or result not in RESULTS:
            raise BadBody("result", f"{str(result)[:80]!r} is no result.", hint=f"Possible: {', '.join(RESULTS)}.")
        return RESULTS[result]
    if isinstance(percentage, bool) or not isinstance(percentage, int | float) or not math.isfinite(percentage):
        raise BadBody("scoreInPercentage", "must be a number from 0 to 100.")
    if not 0 <= percentage <= 100:
        raise BadBody("scoreInPercentage", "must be a number from 0 to 100.")
    return percentage / 100


def _at(value: Any, now: int) -> int:
    if value is None:
        return now
    at = clock.ticks(value, zone=None) if isinstance(value, str) else None
    if at is None:
        raise BadBody("checkedDateTime", "must be a time with its offset, such as 2026-01-31T12:00:00Z.")
    if at > now + AHEAD:
        raise BadBody("checkedDateTime", "lies in the future.", hint="Leave it out for now.")
    return at


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadBody(name, "must be text.")
    if len(value) > LONGEST:
        raise BadBody(name, f"has more than {LONGEST} characters.")
    return text_from_client(name, value)
