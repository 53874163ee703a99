"""What the decisions of a turn see: gathers what they need, and shows it as those before them left it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.json import decode

from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import EnumType, load
from secgraph.odata.query import fold
from secgraph.store.dialect import Dialect
from secgraph.store.facts import HELD, Facts, Needs
from secgraph.store.found import Found
from secgraph.store.pending import Pending
from secgraph.store.protocol import Change, PutCase, PutJudged, PutNew, Remove
from secgraph.store.seen import Place, Seen
from secgraph.store.shape import shape
from secgraph.store.steps import Ask, Steps, ask
from secgraph.store.subjects import Subjects

_STATUS = load().sets[ALERTS].type.properties["status"].type
assert isinstance(_STATUS, EnumType)  # noqa: S101 -- the contract says so
_RESOLVED = _STATUS.members["resolved"]


FOUND = ", ".join("check_id" if name == "check" else name for name in Found.__struct_fields__)


class Sight:
    """What was read for a turn."""

    def __init__(self, dialect: Dialect, tenant: int, pending: Pending) -> None:
        self.seen = Seen(dialect, tenant)
        self.subjects = Subjects(dialect, tenant, pending.judgements)
        self._dialect = dialect
        self._tenant = tenant
        self._pending = pending

    def load(self, needs: Sequence[Needs]) -> Steps[None]:
        """Reads what is needed and was not read yet."""
        yield from self.seen.load(needs)
        yield from self.subjects.load(needs, self._born(key for one in needs for key in one.subjects))

    def load_judged(self, changes: Sequence[Change]) -> Steps[None]:
        """Reads how those alerts are judged that are to be judged otherwise or taken away, and the cases that this changes."""
        alerts, cases = [], []
        for change in changes:
            match change:
                case PutJudged(judged=judged):
                    alerts.append(judged.alert)
                case PutCase(case=case):
                    cases.append(case.incident)
                case PutNew(set=one, id=key) if one.path == INCIDENTS:
                    self.subjects.open_case(key)
                case Remove(set=one, id=key) if one.path == ALERTS:
                    alerts.append(key)
                case Remove(set=one, id=key) if one.path == INCIDENTS:
                    cases.append(key)
        born = self._born(alerts)
        yield from self.subjects.load((), born)
        cases += [known.incident for at in born if (known := self.subjects.found[at]) is not None]
        yield from self.subjects.load_cases(cases)

    def _born(self, alerts: Iterable[str]) -> list[int]:
        rows = (self.seen.rows.get((ALERTS, key)) for key in alerts)
        return [row.born for row in rows if row is not None]

    def add(self, facts: Facts, needs: Needs) -> Steps[None]:
        """Adds what is needed to the facts: copies, so that a decision that fails leaves no trace in what others see."""
        yield from self.load([needs])
        for key in needs.rows:
            self._show(facts, key)
            row = facts.rows.get(key)
            if row is not None and needs.around and "incidentId" in row.record:
                self._show(facts, (INCIDENTS, row.record["incidentId"]))
        for key in needs.entries:
            if (entry := self.seen.entries[key]) is not None:
                facts.entries[key] = entry
        for key in needs.incidents:
            if (incident := self.seen.incidents[key]) is not None:
                facts.incidents[key] = incident
                self._show(facts, (INCIDENTS, incident))
        for near in needs.near:
            named = self.subjects.near(near)
            facts.near[near] = named or []
            if named is None:
                facts.crowds.add(near)
        for alert in needs.subjects:
            row = self.seen.rows.get((ALERTS, alert))
            if row is not None and (judged := self.subjects.found[row.born]) is not None:
                facts.subjects[alert] = judged
        facts.cases.update((incident, self.subjects.cases[incident]) for incident in needs.cases)
        if needs.held or needs.open or needs.inside or needs.newest or needs.sent or needs.found or needs.standing is not None:
            yield from self._pending.steps()  # what those before decided is found with the rest
        if needs.found:
            text = f"SELECT {FOUND} FROM findings WHERE tenant = ? AND {self._dialect.among('key')}"
            rows = yield Ask(text, (self._tenant, self._dialect.listed(needs.found)))
            facts.found.update((row[0], Found(*row)) for row in rows)
        if needs.standing is not None:
            facts.standing = [*(yield ask("standing", tenant=self._tenant, since=needs.standing))]
            facts.profiles = [row[0] for row in (yield ask("profiles", tenant=self._tenant))]
        for path in needs.newest:
            newest = yield Ask(shape(path).newest, (self._tenant,))
            facts.newest[path] = newest[0][0]
        for alert in needs.sent:
            told = yield ask("write_backs_told", tenant=self._tenant, alert=alert)
            facts.sent[alert] = {member: (made, decode(value)) for member, value, made in told}
        facts.inside.update((yield from self.subjects.inside(needs.inside)))
        left = HELD + 1
        for incident, most in needs.held:
            ids = yield ask("alerts_held", tenant=self._tenant, incident=fold(incident), most=min(most, left))
            facts.held[incident] = [row[0] for row in ids]
            left -= len(ids)
        for incident, most in needs.open:
            ids = yield ask("alerts_open", tenant=self._tenant, incident=fold(incident), resolved=_RESOLVED, most=most)
            facts.open[incident] = [row[0] for row in ids]

    def _show(self, facts: Facts, key: Place) -> None:
        """Adds a row, and behind an incident that redirects all that it leads to."""
        at: Place | None = key
        while at is not None and at not in facts.rows and (row := self.seen.rows.get(at)) is not None:
            facts.rows[at] = row.copy()
            at = self.seen.leads_to(at)
