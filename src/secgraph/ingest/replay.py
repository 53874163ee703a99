"""Replay: puts the alerts of a tenant together once more, line by line of its log, in memory and by the same code as the door.

What people did stands in the log and is done at its place: incidents merged and touched, alerts moved. What the program did
itself is not read but decided again. Under the recorded snapshots and settings the same incidents come out; under others it is
seen what would have been. A person's word about an incident is then about the one in which its first alert is.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from secgraph.ingest.assessment.outline import Outline, packed
from secgraph.ingest.assets.inventory import Inventory
from secgraph.ingest.cases import Cases
from secgraph.ingest.correlate.pack import keys_of, unpack
from secgraph.ingest.correlate.rarity import Snapshot
from secgraph.ingest.correlate.terms import Terms, settings
from secgraph.ingest.desk import Desk
from secgraph.ingest.history import History, Line, said_in, snapshot_at
from secgraph.ingest.looked import looked
from secgraph.ingest.placing import Asking, Placing, Result
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.store.facts import NEAR, Case, Facts, Judged, Near, Needs, Record, Row
from secgraph.store.judgements import numbers
from secgraph.store.protocol import Put, PutCase

MOVE, MAKE = "moveAlerts", "createAlert"
FIRST_OF_OURS = 10**12
"""The number of the first incident that was never opened and would have been."""

_Posting = tuple[int, int, str]
_NOTHING = packed(Outline())


@dataclass(frozen=True, slots=True)
class Otherwise:
    """By what alerts are judged from an instant on, instead of by what was recorded."""

    since: int
    settings: Mapping[str, str | None]
    """JSON by field, over what was said; None for the default."""
    snapshot: Snapshot | None = None


class Replay:
    """The incidents of a tenant as the lines so far leave them."""

    def __init__(self, found: History, otherwise: Otherwise | None = None, assets: Inventory | None = None) -> None:
        """`assets` is the inventory as it is today: what is a scanner counts as if it always had been one. The further names
        of assets stand in what is kept of each alert.
        """
        self._assets = assets or Inventory()
        self.unknown = 0
        """Alerts of the log that are there no more: nobody knows what they named."""
        self.before = 0
        """Alerts from before the log: they are where they are now."""
        self._history = found
        self._otherwise = otherwise
        self._said = dict(found.said)
        self._snapshot = snapshot_at(found, found.lines[0].stamp - 1 if found.lines else 0)
        self._rows: dict[tuple[str, str], Row] = {}
        self._cases: dict[str, Case] = {}
        self._judged: dict[str, Judged] = {}
        self._postings: dict[int, list[_Posting]] = defaultdict(list)
        self._held: dict[str, dict[str, None]] = defaultdict(dict)
        self._called: dict[str, str] = {}
        """Incidents of the log that have another number here."""
        self._opened = ""
        self._fresh = FIRST_OF_OURS
        self._terms: Terms | None = None

    def run(self) -> dict[str, str]:
        """The incident that every alert is in after the last line."""
        self._begin()
        for call in calls(self._history.lines):
            if call[0].action == MOVE:
                self._moved(call)
            else:
                self._take(call[0])
        return {key: one.incident for key, one in self._judged.items()}

    def _begin(self) -> None:
        """Puts alerts from before the log where they are."""
        created = {line.id for line in self._history.lines if line.entity == "alerts_v2" and line.kind == "created"}
        for key, known in self._history.alerts.items():
            if key not in created:
                self.before += 1
                self._there(known.incident)
                self._put(key, known.data, known.incident, known.born)

    # -- lines

    def _take(self, line: Line) -> None:
        match line.entity, line.kind:
            case "snapshots", "created":
                self._snapshot, self._terms = self._history.snapshots.get(int(line.id), self._snapshot), None
            case "correlation", _:
                self._terms, word = None, said_in(line)["is"]
                self._said.pop(line.id, None)
                if word is not None:
                    self._said[line.id] = word
            case "incidents", "created":
                self._opened = line.id
            case "incidents", "updated" if line.by_person:
                self._incident(line)
            case "incidents", "updated" if "status" in line.note and "redirectIncidentId" not in line.note:
                self._follow(line)
            case "incidents", "deleted":
                self._rows.pop((INCIDENTS, self._now(line.id)), None)
            case "alerts_v2", "created":
                self._created(line)
            case "alerts_v2", "updated":
                self._alert(line)
            case "alerts_v2", "deleted":
                self._gone(line.id)

    def _created(self, line: Line) -> None:
        opened, self._opened = self._opened, ""
        if line.data is None:
            self.unknown += 1
            return
        closed, home = bool(line.note.get("closed")), line.note.get("home")
        self._rows[ALERTS, line.id] = Row(_alert(line.id, "", "resolved" if closed else "new"), 1)
        incident = self._place(line, None if home is None else self._at(home), closed, line.stamp, opened)
        if opened:
            self._called[opened] = incident

    def _alert(self, line: Line) -> None:
        row = self._rows.get((ALERTS, line.id))
        if row is not None and "status" in line.note:
            row.record["status"] = line.note["status"]
        if "was" in line.note and line.data is not None and row is not None:
            known = self._judged[line.id]
            self._place(line, known.incident, row.record["status"] == "resolved", known.born, "")

    def _incident(self, line: Line) -> None:
        """What a person wrote on an incident, or merged it into."""
        key = self._now(line.id)
        row = self._rows.get((INCIDENTS, key))
        if row is None:
            return
        row.touched.update(dict.fromkeys(line.note.get("touched", ()), line.stamp))
        into = line.note.get("redirectIncidentId")
        target = None if into is None else self._at(into)
        if target is not None and target != key:
            for alert in [*self._held[key]]:
                self._move(alert, target)
            cases = Cases(self._facts(line.stamp))
            cases.absorb(key, target)
            self._keep(cases)
            row.record.update(status="redirected", redirectIncidentId=target)
        elif into is None and "status" in line.note:
            row.record["status"] = line.note["status"]

    def _follow(self, line: Line) -> None:
        """The status of an incident followed its alerts, once all of their delivery were where they are."""
        row = self._rows.get((INCIDENTS, self._now(line.id)))
        if row is not None:
            row.record["status"] = line.note["status"]

    def _moved(self, call: Sequence[Line]) -> None:
        """Alerts that a person moved: what they left, and is not empty by that, is kept apart from where they are."""
        moved = [line for line in call if line.entity == "alerts_v2"]
        told = {line.id: line for line in call if line.entity == "incidents"}
        into = moved[0].note["incidentId"]
        line = told.get(into)
        if line is not None and line.kind == "created":
            self._there(into, line.note["status"])
        if line is not None and "redirectIncidentId" in line.note and (row := self._rows.get((INCIDENTS, self._named(into)))):
            row.record.update(status=line.note["status"], redirectIncidentId=None)
        target = self._at(into)
        if target is None:
            return
        homes = dict[str, None]()
        for alert in (line.id for line in moved if line.id in self._judged):
            if (home := self._judged[alert].incident) != target:
                homes[home] = None
                self._move(alert, target)
        for key, line in told.items():
            if (row := self._rows.get((INCIDENTS, self._now(key)))) is not None:
                row.touched.update(dict.fromkeys(line.note.get("touched", ()), line.stamp))
        cases = Cases(self._facts(call[0].stamp))
        for key in (target, *homes):
            cases.recount(key, [self._judged[alert] for alert in self._held[key]])
        for home in homes:
            if self._held[home]:
                cases.keep_apart(home, target)
            else:
                self._rows[INCIDENTS, home].record.update(status="redirected", redirectIncidentId=target)
        self._keep(cases)

    # -- where an alert goes

    def _place(self, line: Line, home: str | None, closed: bool, born: int, opened: str) -> str:
        assert line.data is not None  # noqa: S101 -- asked before
        terms, facts = self._holds(line.stamp), self._facts(line.stamp)
        seen = unpack(line.id, 0, line.data)
        keys = keys_of(seen)
        one = looked(seen, line.data, keys, _NOTHING, terms, line.stamp)
        if line.action == MAKE:
            one = one.alone
        desk = Desk(facts, "")
        placing = Placing(facts, terms, desk)
        placement = self._answered(placing.place(one, home, closed=closed), facts)
        incident = placement.incident
        if incident is None:
            incident = self._open(opened, "resolved" if closed else "active")
            del self._cases[incident]  # the placing opens it
        new = line.id not in self._judged
        placing.joined(one, incident, placement, new=new)
        self._keep(placing.cases)
        for change in desk.changes():
            if isinstance(change, Put) and change.set.path == ALERTS and "incidentId" in change.changed:
                self._move(str(change.record["id"]), change.record["incidentId"])
        self._forget(line.id)
        self._put(line.id, line.data, incident, born, v=terms.snapshot.v)
        return incident

    def _open(self, opened: str, status: str) -> str:
        key = opened
        if not key:
            self._fresh += 1
            key = str(self._fresh)
        self._there(key, status)
        return key

    def _there(self, incident: str, status: str = "active") -> None:
        """An incident, unless it is there."""
        if (INCIDENTS, incident) not in self._rows:
            self._rows[INCIDENTS, incident] = Row(_incident(incident, status), 1)
            self._cases[incident] = Case(incident)

    def _holds(self, stamp: int) -> Terms:
        other = self._otherwise
        if other is not None and stamp >= other.since:
            if self._terms is None or self._terms.number == 0:
                said = {name: word for name, word in {**self._said, **other.settings}.items() if word is not None}
                self._terms = Terms(1, settings(said), other.snapshot or self._snapshot, self._assets)
        elif self._terms is None:
            self._terms = Terms(0, settings(self._said), self._snapshot, self._assets)
        return self._terms

    # -- what is there

    def _facts(self, stamp: int) -> Facts:
        return Facts(stamp, "", self._rows, {}, {}, str, cases=self._cases)

    def _answered(self, asking: Asking[Result], facts: Facts) -> Result:
        """What an asking comes to, as the turn would answer it."""
        try:
            while True:
                self._answer(facts, next(asking))
        except StopIteration as end:
            result: Result = end.value
            return result

    def _answer(self, facts: Facts, needs: Needs) -> None:
        for near in needs.near:
            named = self._near(near)
            facts.near[near] = named if len(named) < NEAR else []
            if len(named) >= NEAR:
                facts.crowds.add(near)
        facts.held.update((incident, [*self._held[incident]][:most]) for incident, most in needs.held)
        for incident in needs.cases:
            self._cases.setdefault(incident, Case(incident))

    def _near(self, near: Near) -> list[Judged]:
        posted = self._postings.get(near.key, [])
        start, end = bisect_left(posted, (near.since,)), bisect_left(posted, (near.until + 1,))
        return [self._judged[key] for _, _, key in posted[max(start, end - NEAR) : end]][::-1]

    def _at(self, incident: str) -> str | None:
        found = self._now(incident)
        return found if (INCIDENTS, found) in self._rows else None

    def _named(self, incident: str) -> str:
        return self._called.get(incident, incident)

    def _now(self, incident: str) -> str:
        """The incident here that one of the log is, or where it went."""
        seen, incident = set[str](), self._named(incident)
        while incident not in seen:
            seen.add(incident)
            row = self._rows.get((INCIDENTS, incident))
            if row is None or not row.record["redirectIncidentId"]:
                break
            incident = row.record["redirectIncidentId"]
        return incident

    def _put(self, key: str, data: bytes, incident: str, born: int, v: int = 0) -> None:
        subject = unpack(key, v, data)
        one = Judged(key, incident, v, subject.first, subject.last, keys_of(subject), data, born)
        self._judged[key] = one
        self._held[incident][key] = None
        row = self._rows.setdefault((ALERTS, key), Row(_alert(key, incident, "new"), 1))
        row.record["incidentId"] = incident
        for posting in numbers(one.keys):
            insort(self._postings[posting], (one.last, born, key))

    def _move(self, key: str, incident: str) -> None:
        one = self._judged[key]
        self._held[one.incident].pop(key, None)
        self._held[incident][key] = None
        self._judged[key] = replace(one, incident=incident)
        self._rows[ALERTS, key].record["incidentId"] = incident

    def _forget(self, key: str) -> None:
        one = self._judged.pop(key, None)
        if one is not None:
            self._held[one.incident].pop(key, None)
            for posting in numbers(one.keys):
                self._postings[posting].remove((one.last, one.born, key))

    def _gone(self, key: str) -> None:
        one = self._judged.get(key)
        self._rows.pop((ALERTS, key), None)
        if one is not None:
            self._forget(key)
            case = self._cases[one.incident]
            self._cases[one.incident] = replace(case, alerts=max(case.alerts - 1, 0))

    def _keep(self, cases: Cases) -> None:
        self._cases.update((change.case.incident, change.case) for change in cases.changes() if isinstance(change, PutCase))


def _alert(key: str, incident: str, status: str) -> Record:
    return {"id": key, "incidentId": incident, "status": status}


def _incident(key: str, status: str) -> Record:
    return {
        "id": key, "status": status, "redirectIncidentId": None, "severity": "low", "comments": [], "customTags": [],
        "systemTags": [],
    }  # fmt: skip


def calls(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines one by one, those of one move of alerts together. It begins with alerts, or with the incident that it opens,
    and ends with incidents: one that it left at least.
    """
    call: list[Line] = []
    for line in lines:
        goes_on = (
            call and line.action == MOVE and line.cause == call[-1].cause and line.kind != "created"
            and (line.entity, call[-1].entity, call[-1].kind) != ("alerts_v2", "incidents", "updated")
        )  # fmt: skip
        if call and not goes_on:
            yield call
            call = []
        call.append(line)
    if call:
        yield call
