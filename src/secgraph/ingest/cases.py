"""What is kept of incidents beside their rows, as a decision leaves it: how many alerts, from when to when, kept apart from
whom. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce

from secgraph.ingest.assessment.outline import Outline, again, outline, packed, together, unpacked
from secgraph.ingest.correlate.pack import unpack
from secgraph.ingest.correlate.place import series_of
from secgraph.store.facts import Case, Facts, Judged
from secgraph.store.protocol import Change, PutCase


class Cases:
    """The cases that a decision changes. Those that it does not open itself are in its facts."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._now: dict[str, Case] = {}
        self._said: dict[str, list[Outline]] = defaultdict(list)
        """What alerts say that joined, and is not in the outline of the case yet."""

    def __contains__(self, incident: str) -> bool:
        return incident in self._now or incident in self._facts.cases

    def __getitem__(self, incident: str) -> Case:
        found = self._now.get(incident)
        return found if found is not None else self._facts.cases[incident]

    def open(self, incident: str, continues: str | None = None) -> None:
        """An incident without alerts, which goes on from another one where that is said."""
        self._now[incident] = Case(incident, continues=continues)

    def join(self, incident: str, first: int, last: int, series: str, said: Outline, *, many: int = 1) -> None:
        """An alert joins, of that activity and series, which says so much; none more where it was in it already."""
        self._said[incident].append(said if many else again(said))
        case = self[incident]
        if case.alerts:
            first, last = min(case.first, first), max(case.last, last)
            series = series if series == case.series else ""
        self._now[incident] = Case(
            incident, case.alerts + many, first, last, series, case.continues, self._facts.now, settled=False,
            outline=case.outline, apart=case.apart,
        )  # fmt: skip

    def absorb(self, gone: str, into: str) -> None:
        """All that is in one joins another, which is kept apart from whom that was."""
        one = self[gone]
        if one.alerts:
            self.join(into, one.first, one.last, one.series, self.outline(gone), many=one.alerts)
        for other in one.apart:
            self.keep_apart(gone, other, apart=False)
            if other != into:
                self.keep_apart(into, other)
        self._now[gone] = replace(self[gone], alerts=0)

    def recount(self, incident: str, alerts: Sequence[Judged]) -> None:
        """An incident of just these alerts."""
        subjects = [unpack(one.alert, one.v, one.data) for one in alerts]
        series = {series_of(one) for one in subjects}
        self._said[incident] = [outline(one, {}) for one in subjects]
        self._now[incident] = replace(
            self[incident], outline=b"", alerts=len(alerts), first=min((one.first for one in alerts), default=0),
            last=max((one.last for one in alerts), default=0), series=series.pop() if len(series) == 1 else "",
            joined=self._facts.now, settled=False,
        )  # fmt: skip

    def keep_apart(self, one: str, other: str, *, apart: bool = True) -> None:
        """A person says that two incidents are not one, or that they may be."""
        for key, from_ in ((one, other), (other, one)):
            if key in self:
                case = self[key]
                self._now[key] = replace(case, apart=case.apart | {from_} if apart else case.apart - {from_})

    def outline(self, incident: str) -> Outline:
        """What the alerts of an incident say together."""
        said = [one for one in self._said.pop(incident, ()) if one != Outline()]
        case = self[incident]
        if not said:
            return unpacked(case.outline) if case.outline else Outline()
        found = reduce(together, said) if not case.outline else reduce(together, said, unpacked(case.outline))
        self._now[incident] = replace(case, outline=packed(found))
        return found

    def retold(self) -> Iterator[tuple[str, Outline, int]]:
        """The incidents that hold alerts and of which something else is said than before: what that is, of how many alerts."""
        for incident in [*self._said]:
            found = self.outline(incident)
            many = self[incident].alerts
            if many and found.first <= found.last:  # of an incident from before outlines were kept nothing is said yet
                yield incident, found, many

    def changes(self) -> list[Change]:
        """The cases that are another than they were; outlines are told first."""
        before = self._facts.cases
        return [PutCase(case) for key, case in self._now.items() if before.get(key) != case]
