"""PATCH and the comments POST: a body is checked inside the tenant's turn, against the row as it stands there."""

from __future__ import annotations

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked, Header
from secgraph.edge.read import UNKNOWN_MEMBERS, missing
from secgraph.edge.route import Target
from secgraph.errors import Redirected, Stale
from secgraph.ingest.assessment.priority import rescored
from secgraph.ingest.back import Doors, Known, entries, needed, sent_back
from secgraph.ingest.objects import told_before
from secgraph.ingest.resolve import handed_down
from secgraph.ingest.scored import Scorer
from secgraph.ingest.stated import stated
from secgraph.model import change, wire
from secgraph.model.choices import ALERTS, CONTROL_PROFILES, INCIDENTS
from secgraph.model.edm import EntitySet
from secgraph.store.facts import Facts, Needs, Record, Row
from secgraph.store.protocol import Change, Deciding, Decision, Put, Store
from secgraph.store.turn import etag

MINIMAL = "return=minimal"
REPRESENTATION = "return=representation"


class Writer:
    """Answers writes."""

    def __init__(self, store: Store, most: int, doors: Known, scorer: Scorer) -> None:
        self._store = store
        self._scorer = scorer
        self._most = most
        self._doors = doors

    async def update(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Changes an object; the answer is the committed row with its entity tag, or the tag alone for who wants no more; where
        PATCH adds an entry to a list, for who does not ask for more.
        """
        body = await asked.json(self._most)
        wanted = asked.header(b"if-match")
        doors = await self._doors(caller.tenant) if one.path in {ALERTS, INCIDENTS} else ()

        def decide(facts: Facts) -> Deciding[Record]:
            row = present(facts, one, target.key)
            same_version(row, wanted)
            if one.choices.entry:
                given = stated(one, body, row.record, now=clock.text(facts.now), name=caller.name)
            else:
                given = change.changes(one, body, row.record)
            decision = changed(facts, one, row, given, caller)
            if one.path == INCIDENTS:
                down = yield from handed_down(facts, row.record, decision.answer, _cause(caller))
                decision.changes = [*down, *decision.changes]
                yield from needed(down, doors)
            sent_back(facts, decision.changes, doors)
            return decision

        record = await self._store.write(caller.tenant, _needs(one, target.key, doors), decide)
        if one.path == CONTROL_PROFILES:
            await self._scorer.refresh(caller.tenant)
        if asked.prefers(MINIMAL):
            return silent(record)
        if one.choices.entry and not asked.prefers(REPRESENTATION):
            return Answer(204, headers=[(b"etag", record["@odata.etag"].encode())])
        return committed(asked, target, one, record)

    async def comment(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Adds a comment; the answer is every comment of the object, the new one last."""
        texts = change.new_comments(await asked.json(self._most))
        wanted = asked.header(b"if-match")
        doors = await self._doors(caller.tenant) if one.path == ALERTS else ()

        def decide(facts: Facts) -> Decision[Record]:
            row = present(facts, one, target.key)
            same_version(row, wanted)
            _not_merged(row)
            now = clock.text(facts.now)
            added = [{"comment": text, "createdByDisplayName": caller.name, "createdDateTime": now} for text in texts]
            record = {**row.record, "comments": [*row.record["comments"], *added]}
            decision = _changed(facts, one, row, record, ("comments",), caller)
            sent_back(facts, decision.changes, doors)
            return decision

        record = await self._store.write(caller.tenant, _needs(one, target.key, doors), decide)
        if asked.prefers(MINIMAL):
            return silent(record)
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{record['id']}')/comments")
        documents = [msgspec.json.encode(comment) for comment in record["comments"]]
        return Answer(body=render.page(head, documents, total=None, next_link=None), headers=_applied(asked, REPRESENTATION))


def silent(record: Record) -> Answer:
    """The answer to a client that asked for none: the entity tag of the row as it was committed."""
    return Answer(204, headers=[(b"etag", record["@odata.etag"].encode()), (b"preference-applied", MINIMAL.encode())])


def committed(asked: Asked, target: Target, one: EntitySet, record: Record) -> Answer:
    """The answer that shows a row as it was committed, with its entity tag."""
    shown = record
    hide = wire.hider(one.type)
    if hide is not None and not asked.prefers(UNKNOWN_MEMBERS):
        shown = hide(record)
    head = render.context(f"{asked.base}/{target.version}", f"{one.path}/$entity")
    tag = record["@odata.etag"].encode()
    headers = [(b"etag", tag), *_applied(asked, UNKNOWN_MEMBERS, REPRESENTATION)]
    return Answer(body=render.item(head, msgspec.json.encode(shown)), headers=headers)


def _applied(asked: Asked, *preferences: str) -> list[Header]:
    """Which of the preferences the client has: all of them were followed."""
    said = [one for one in preferences if asked.prefers(one)]
    return [(b"preference-applied", ", ".join(said).encode())] if said else []


def _needs(one: EntitySet, key: str, doors: Doors) -> Needs:
    folded = key.casefold()
    return Needs(((one.path, folded),), entries((folded,), doors) if doors and one.path == ALERTS else ())


def present(facts: Facts, one: EntitySet, key: str) -> Row:
    """The row of that id; NotFound where the tenant has none."""
    row = facts.rows.get((one.path, key.casefold()))
    if row is None:
        raise missing(one, key)
    return row


def same_version(row: Row, wanted: str) -> None:
    """If-Match: passes `*`, no header, and a list that holds the present tag; weak and strong tags are equal here."""
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",") if tag.strip()}
    present = etag(row.seq)
    if tags and "*" not in tags and present.removeprefix("W/") not in tags:
        raise Stale("The object changed since it was read.", hint=f"Read it again; its present tag is {present}.",
                    headers={"ETag": present})  # fmt: skip


def _not_merged(row: Row) -> None:
    """Redirected for an incident that was merged: what would be written there, nobody would see."""
    further = row.record.get("redirectIncidentId")
    if further:
        merged = row.record["id"]
        raise Redirected(f"Incident {merged} was merged into incident {further}.",
                         hint=f"Change incident {further}, or move alerts back to {merged} with moveAlerts.")  # fmt: skip


def _consequences(one: EntitySet, present: Record, given: Record, now: int, caller: Caller) -> Record:
    """What follows from a change: who changed an incident, when an alert was resolved, how urgent an incident is by its new
    severity.
    """
    follows: Record = {}
    if "lastModifiedBy" in one.type.properties:
        follows["lastModifiedBy"] = f"API-App:{caller.name}"
    if one.choices.sourced and "lastModifiedDateTime" in one.type.properties:
        follows["lastModifiedDateTime"] = clock.text(now)
    if "resolvedDateTime" in one.type.properties and "status" in given:
        follows["resolvedDateTime"] = clock.text(now) if given["status"] == "resolved" else None
    if "severity" in given and present.get("priorityScore") is not None:
        follows["priorityScore"] = rescored(present["priorityScore"], present["severity"], given["severity"])
    return follows


def changed(facts: Facts, one: EntitySet, row: Row, given: Record, caller: Caller) -> Decision[Record]:
    """The change of a row to the members given, with what follows from it; none where all of them are so already."""
    given = {name: value for name, value in given.items() if value != row.record[name]}
    if not given:
        return Decision((), row.record)
    _not_merged(row)
    record = {**row.record, **_consequences(one, row.record, given, facts.now, caller), **given}
    names = tuple(name for name, value in record.items() if value != row.record[name])
    return _changed(facts, one, row, record, names, caller)


def _changed(
    facts: Facts, one: EntitySet, row: Row, record: Record, changed: tuple[str, ...], caller: Caller
) -> Decision[Record]:
    touched = {**row.touched, **{name: facts.now for name in changed if name in one.choices.triage}}
    told = told_before(row, record, changed) if one.choices.sourced else None
    changes: list[Change] = [Put(one, record, changed, touched=touched, cause=_cause(caller), told=told)]
    return Decision(changes, record)


def _cause(caller: Caller) -> str:
    return f"app:{caller.app_id}"
