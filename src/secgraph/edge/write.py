"""PATCH and the comments POST: a body is checked inside the tenant's turn, against the row as it stands there."""

from __future__ import annotations

from typing import Any

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.read import UNKNOWN_MEMBERS, missing
from secgraph.edge.route import Target
from secgraph.errors import BadBody, Stale
from secgraph.model import change, wire
from secgraph.model.edm import EntitySet
from secgraph.store.protocol import Change, Decision, Facts, Needs, Put, Record, Row, Store
from secgraph.store.turn import etag


class Writer:
    """Answers writes."""

    def __init__(self, store: Store, most: int) -> None:
        self._store = store
        self._most = most

    async def update(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Changes an object; the answer is the committed row with its entity tag."""
        body = await self._json(asked)
        wanted = asked.header(b"if-match")

        def decide(facts: Facts) -> Decision[Record]:
            row = _present(facts, one, target.key)
            _same_version(row, wanted)
            given = change.changes(one, body, row.record)
            given = {name: value for name, value in given.items() if value != row.record[name]}
            if not given:
                return Decision((), row.record)
            record = {**row.record, **given, **_consequences(one, given, facts.now, caller)}
            changed = tuple(name for name, value in record.items() if value != row.record[name])
            return _changed(facts, one, row, record, changed, caller)

        record = await self._store.write(caller.tenant, _needs(one, target.key), decide)
        shown = record
        hide = wire.hider(one.type)
        if hide is not None and not asked.prefers(UNKNOWN_MEMBERS):
            shown = hide(record)
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}/$entity")
        tag = record["@odata.etag"].encode()
        return Answer(body=render.item(head, msgspec.json.encode(shown)), headers=[(b"etag", tag)])

    async def comment(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Adds a comment; the answer is every comment of the object, the new one last."""
        texts = change.new_comments(await self._json(asked))
        wanted = asked.header(b"if-match")

        def decide(facts: Facts) -> Decision[Record]:
            row = _present(facts, one, target.key)
            _same_version(row, wanted)
            now = clock.text(facts.now)
            added = [{"comment": text, "createdByDisplayName": caller.name, "createdDateTime": now} for text in texts]
            record = {**row.record, "comments": [*row.record["comments"], *added]}
            return _changed(facts, one, row, record, ("comments",), caller)

        record = await self._store.write(caller.tenant, _needs(one, target.key), decide)
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{record['id']}')/comments")
        documents = [msgspec.json.encode(comment) for comment in record["comments"]]
        return Answer(body=render.page(head, documents, total=None, next_link=None))

    async def _json(self, asked: Asked) -> Any:
        asked.expect_json()
        data = await asked.body(self._most)
        if not data.strip():
            raise BadBody("", "The body is empty.", hint="Send a JSON object.")
        try:
            return msgspec.json.decode(data)
        except RecursionError:
            raise BadBody("", "The body is nested too deep.") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise BadBody("", f"The body is not JSON: {fault}.") from None


def _needs(one: EntitySet, key: str) -> Needs:
    return Needs(rows=((one.path, key.casefold()),))


def _present(facts: Facts, one: EntitySet, key: str) -> Row:
    row = facts.rows.get((one.path, key.casefold()))
    if row is None:
        raise missing(one, key)
    return row


def _same_version(row: Row, wanted: str) -> None:
    """If-Match: passes `*`, no header, and a list that holds the present tag; weak and strong tags are equal here."""
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",") if tag.strip()}
    present = etag(row.seq)
    if tags and "*" not in tags and present.removeprefix("W/") not in tags:
        raise Stale("The object changed since it was read.", hint=f"Read it again; its present tag is {present}.",
                    headers={"ETag": present})  # fmt: skip


def _consequences(one: EntitySet, given: Record, now: int, caller: Caller) -> Record:
    """What follows from a change, as the contract says: who changed an incident, when an alert was resolved."""
    follows: Record = {}
    if "lastModifiedBy" in one.type.properties:
        follows["lastModifiedBy"] = f"API-App:{caller.name}"
    if "resolvedDateTime" in one.type.properties and "status" in given:
        follows["resolvedDateTime"] = clock.text(now) if given["status"] == "resolved" else None
    return follows


def _changed(
    facts: Facts, one: EntitySet, row: Row, record: Record, changed: tuple[str, ...], caller: Caller
) -> Decision[Record]:
    touched = {**row.touched, **{name: facts.now for name in changed if name in one.choices.triage}}
    changes: list[Change] = [Put(one, record, changed, touched=touched, cause=f"app:{caller.app_id}")]
    return Decision(changes, record)
