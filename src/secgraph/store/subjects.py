"""What a turn has read of how alerts are judged and of their incidents' cases: as it stands after the decisions so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from secgraph.store.dialect import Dialect, Slotted
from secgraph.store.facts import NEAR, Case, Judged, Near, Needs
from secgraph.store.judgements import SLOT, Judgements, numbers
from secgraph.store.protocol import PutJudged
from secgraph.store.steps import Ask, Steps

_READ = "SELECT born, alert, incident, v, first, last, keys, data FROM subjects WHERE tenant = ? AND "
_CASES = "SELECT incident, alerts, first, last, series, continues, joined, settled, outline FROM cases WHERE tenant = ? AND "
_BORN = "SELECT born FROM subjects WHERE tenant = ? AND incident = ? ORDER BY born"
_APART = "SELECT incident, other FROM apart WHERE tenant = ? AND "


class Subjects:
    """Alerts as they are judged, by their first instant, which of them name what, and cases by incident."""

    def __init__(self, dialect: Dialect, tenant: int, pending: Judgements) -> None:
        self._dialect = dialect
        self._tenant = tenant
        self._pending = pending
        self.found: dict[int, Judged | None] = {}
        self.cases: dict[str, Case] = {}
        self._near: dict[Near, list[int]] = {}
        self._put: dict[int, Judged | None] = {}
        """What was put or taken away in this turn: what the database tells of these does not count."""
        self._fresh: dict[int, list[Judged]] | None = None
        """What was put, by each key; None where somebody has to look it up first."""
        self._moved: dict[int, str] = {}

    # -- reading

    def load(self, needs: Iterable[Needs], born: Iterable[int]) -> Steps[None]:
        """Reads what is needed and was not read yet: what is near, the alerts of these first instants, and cases."""
        wanted = list(needs)
        near = [*dict.fromkeys(key for one in wanted for key in one.near if key not in self._near)]
        if near:
            slotted = [one for key in near for one in _slotted(key)]
            rows = yield Ask(*self._dialect.near(self._tenant, slotted, NEAR))
            lists = (self._dialect.numbers_of(row[0]) for row in rows)
            for key in near:
                self._near[key] = [born for _ in _slotted(key) for born in next(lists)][:NEAR]
        few = (self._near[key] for key in near if len(self._near[key]) < NEAR)
        asked = {one for listed in few for one in listed}.union(born).difference(self.found)
        if asked:
            yield from self._subjects(sorted(asked))
        yield from self.load_cases(key for one in wanted for key in one.cases)

    def _subjects(self, born: list[int]) -> Steps[None]:
        self.found.update(dict.fromkeys(born))
        for at, alert, incident, v, first, last, keys, data in (yield self._among(_READ, "born", born)):
            home = self._moved.get(at, str(incident))
            self.found[at] = Judged(alert, home, v, first, last, keys, data, at)

    def load_cases(self, incidents: Iterable[str]) -> Steps[None]:
        """Reads cases that were not read yet; an incident that has none gets one without alerts."""
        numbers = [*dict.fromkeys(int(key) for key in incidents if key not in self.cases)]
        if not numbers:
            return
        apart: dict[int, set[str]] = {}
        for incident, other in (yield self._among(_APART, "incident", numbers)):
            apart.setdefault(incident, set()).add(str(other))
        found = {row[0]: row[1:] for row in (yield self._among(_CASES, "incident", numbers))}
        for number in numbers:
            from_ = frozenset(apart.get(number, ()))
            row = found.get(number)
            self.cases[str(number)] = Case(str(number), apart=from_) if row is None else _case(number, row, from_)

    def _among(self, text: str, column: str, numbers: list[int]) -> Ask:
        if len(numbers) == 1:
            return Ask(f"{text}{column} = ?", (self._tenant, numbers[0]))
        return Ask(text + self._dialect.among(column), (self._tenant, self._dialect.numbers(numbers)))

    def near(self, key: Near) -> list[Judged] | None:
        """The alerts that name a thing, the latest first; None where they are a crowd."""
        listed = self._near[key]
        if len(listed) >= NEAR:
            return None
        if not self._put:
            return [one for born in listed if (one := self.found[born]) is not None]
        found = [one for born in listed if born not in self._put and (one := self.found[born]) is not None]
        fresh = [one for one in self._named().get(key.key, ()) if key.since <= one.last <= key.until]
        if len(found) + len(fresh) >= NEAR:
            return None
        return sorted([*found, *fresh], key=_latest) if fresh else found

    def _named(self) -> dict[int, list[Judged]]:
        if self._fresh is None:
            self._fresh = {}
            for one in filter(None, self._put.values()):
                for key in numbers(one.keys):
                    self._fresh.setdefault(key, []).append(one)
        return self._fresh

    def inside(self, incidents: Sequence[str]) -> Steps[dict[str, list[Judged]]]:
        """The alerts of incidents, the oldest first; what was decided before is in the database by now."""
        found: dict[str, list[Judged]] = {key: [] for key in incidents}
        for key in incidents:
            rows = yield Ask(_BORN, (self._tenant, int(key)))
            yield from self.load((), [row[0] for row in rows])
            found[key] = [one for row in rows if (one := self.found[row[0]]) is not None]
        return found

    # -- what changes

    def put(self, change: PutJudged, born: int, stamp: int) -> None:
        """Takes note of how an alert is judged from now on."""
        before, after = self.found.get(born), change.judged
        after.born = born
        self.found[born] = self._put[born] = after
        self._fresh = None
        self._pending.judge(before, after)
        self._pending.name(change.names)
        if change.reasons:
            self._pending.explain(born, stamp, change.reasons)

    def move(self, born: int, incident: str) -> None:
        """Takes note that an alert is in another incident."""
        self._moved[born] = incident
        if (one := self.found.get(born)) is not None:
            one.incident = incident
        self._pending.move(born, incident)

    def forget(self, born: int) -> None:
        """Takes note that an alert is no more, which was read where it was there before."""
        before = self.found.get(born)
        self.found[born] = self._put[born] = None
        self._fresh = None
        if before is not None:
            self._pending.unjudge(before)
            if (case := self.cases.get(before.incident)) is not None:
                self.put_case(replace(case, alerts=max(case.alerts - 1, 0)))

    def open_case(self, incident: str) -> None:
        """Takes note of an incident that was not there before."""
        self.cases[incident] = Case(incident)

    def put_case(self, case: Case) -> None:
        """Takes note of a case, which was read; whom it is kept apart from is the same for the others."""
        before = self.cases[case.incident]
        for other in case.apart ^ before.apart:
            self._pending.keep_apart(case.incident, other, apart=other in case.apart)
            if (further := self.cases.get(other)) is not None:
                self.cases[other] = replace(further, apart=further.apart ^ {case.incident})
        self.cases[case.incident] = case
        self._pending.put_case(case)

    def forget_case(self, incident: str) -> None:
        """Takes note that an incident is no more, whose case was read where it was there before."""
        if incident in self.cases:
            self.put_case(replace(self.cases[incident], apart=frozenset()))
        self.cases[incident] = Case(incident)
        self._pending.remove_case(incident)


def _slotted(key: Near) -> list[Slotted]:
    """The slots in which a thing is looked for, the latest first."""
    slots = range(key.until // SLOT, key.since // SLOT - 1, -1)
    return [(slot, key.key, key.since, key.until) for slot in slots]


def _latest(one: Judged) -> tuple[int, int]:
    return -one.last, -one.born


def _case(number: int, row: tuple[Any, ...], apart: frozenset[str]) -> Case:
    alerts, first, last, series, continues, joined, settled, outline = row
    from_ = None if continues is None else str(continues)
    return Case(str(number), alerts, first, last, series, from_, joined, bool(settled), outline, apart)
