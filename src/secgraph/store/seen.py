"""What a turn has read of a tenant: as it stands after the decisions so far, whether they are in the database yet or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import msgspec

from secgraph.model.check import completed
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import EntitySet, StructType
from secgraph.store import woven
from secgraph.store.dialect import Dialect
from secgraph.store.facts import Entry, Needs, Record, Row, Told
from secgraph.store.kept import Kept
from secgraph.store.shape import shape
from secgraph.store.steps import Ask, Rows, Steps, ask

decode = msgspec.json.decode
decode_told = msgspec.json.Decoder(Told).decode
Place = tuple[str, str]

# Written so that the alerts come first: without statistics a planner may walk over all that was ever said instead.
_ALERTS = 'WITH a AS MATERIALIZED (SELECT tenant, id, born FROM "alerts_v2" WHERE tenant = ? AND '
_ENTRIES = (
    ") SELECT a.id, e.updated, e.native, e.digest, e.normalised, e.original FROM a JOIN entries e"
    " ON e.tenant = a.tenant AND e.born = a.born AND e.source = ?"
)
_KEYS = "SELECT native, incident FROM incident_keys WHERE tenant = ? AND space = ? AND "


class Seen:
    """Rows, entries and incident keys by their key; None for what was looked for and is not there."""

    def __init__(self, dialect: Dialect, tenant: int) -> None:
        self._dialect = dialect
        self._tenant = tenant
        self.rows: dict[Place, Row | None] = {}
        self.entries: dict[Place, Entry | None] = {}
        self.incidents: dict[Place, str | None] = {}
        self._gone: set[Place] = set()
        """What was taken away in this turn: the database may hold it still, and what hangs on it."""

    def forget(self, place: Place) -> None:
        """Takes note that a row is no more, nor what sources said of it, nor what they called it."""
        path, gone = place
        self.rows[place] = None
        self._gone.add(place)
        if path == ALERTS:
            self.entries.update((key, None) for key in self.entries if key[0] == gone)
        if path == INCIDENTS:
            self.incidents.update((key, None) for key, incident in self.incidents.items() if incident == gone)

    def load(self, needs: Iterable[Needs]) -> Steps[None]:
        """Reads what is needed and was not read yet, all of one kind at once."""
        wanted = list(needs)
        yield from self._entries({key for one in wanted for key in one.entries})
        yield from self._incidents({key for one in wanted for key in one.incidents})
        yield from self.load_rows({key for one in wanted for key in one.rows})
        further = set(filter(None, (self._incident_of(key) for one in wanted if one.around for key in one.rows)))
        for one in wanted:
            named = (self.incidents[key] for key in one.incidents)
            further.update((INCIDENTS, incident) for incident in named if incident is not None)
        yield from self.load_rows(further)
        # A row may lead on: behind an incident that redirects, all that it leads to is needed too.
        following = {key for one in wanted for key in one.rows} | further
        followed: set[Place] = set()  # a damaged file could hold a circle
        while following := set(filter(None, map(self.leads_to, following))) - followed:
            yield from self.load_rows(following)
            followed |= following

    def leads_to(self, key: Place) -> Place | None:
        """The incident that a row redirects to."""
        row = self.rows.get(key) if key[0] == INCIDENTS else None
        target = row.record["redirectIncidentId"] if row is not None else None
        return (INCIDENTS, target) if target else None

    def _incident_of(self, key: Place) -> Place | None:
        row = self.rows.get(key) if key[0] == ALERTS else None
        incident = row.record["incidentId"] if row is not None else None
        return (INCIDENTS, incident) if incident else None

    def load_rows(self, keys: Iterable[Place]) -> Steps[None]:
        """Reads rows that were not read yet."""
        by_path: dict[str, list[str]] = defaultdict(list)
        for path, key in keys:
            if (path, key) not in self.rows:
                by_path[path].append(key)
        for path, ids in by_path.items():
            how = shape(path)
            found = yield self._among(how.read, "id", (self._tenant,), ids)
            self.rows.update(((path, key), None) for key in ids)
            if how.woven is not None and found:
                found = yield from self._woven(how.set, found)
            for key, document, seq, touched, born, told in found:
                read = partial(_record, how.set.type, document)
                self.rows[path, key] = Row(
                    read, seq, decode(touched) if touched else {}, born, decode_told(told) if told else None
                )

    def _woven(self, one: EntitySet, found: Rows) -> Steps[Rows]:
        """The rows with the lists that are kept entry by entry."""
        documents = [row[1].encode() if isinstance(row[1], str) else bytes(row[1]) for row in found]
        there = [whose[1] for whose in woven.days(one, documents) if whose is not None]
        if not there:
            return found
        held = yield ask(
            "score_entries_between", tenant=self._tenant, kind=woven.kind_of(one), first=min(there), last=max(there)
        )  # fmt: skip
        whole = woven.weave(one, documents, [woven.Entry(*row) for row in held])
        return [(row[0], document, *row[2:]) for row, document in zip(found, whole, strict=True)]

    def _entries(self, keys: Iterable[Place]) -> Steps[None]:
        fresh = [key for key in keys if key not in self.entries]
        self.entries.update((key, None) for key in fresh if (ALERTS, key[0]) in self._gone)
        for source, alerts in _grouped((source, alert) for alert, source in fresh if (alert, source) not in self.entries):
            of_alerts = self._among(_ALERTS, "id", (self._tenant,), alerts)
            found = yield Ask(of_alerts.text + _ENTRIES, (*of_alerts.values, source))
            self.entries.update(((alert, source), None) for alert in alerts)
            for alert, updated, native, digest, normalised, original in found:
                self.entries[alert, source] = Entry(updated, Kept(digest, normalised, original or b""), native)

    def _incidents(self, keys: Iterable[Place]) -> Steps[None]:
        for space, natives in _grouped(key for key in keys if key not in self.incidents):
            found = yield self._among(_KEYS, "native", (self._tenant, space), natives)
            self.incidents.update(((space, native), None) for native in natives)
            known = ((native, incident) for native, incident in found if (INCIDENTS, incident) not in self._gone)
            self.incidents.update(((space, native), incident) for native, incident in known)

    def _among(self, text: str, column: str, values: tuple[Any, ...], keys: list[str]) -> Ask:
        """One key is looked up by itself, which every database does quickest."""
        if len(keys) == 1:
            return Ask(f"{text}{column} = ?", (*values, keys[0]))
        return Ask(text + self._dialect.among(column), (*values, self._dialect.listed(keys)))


def _record(kind: StructType, document: str) -> Record:
    return completed(kind, decode(document))


def _grouped(pairs: Iterable[Place]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for first, second in pairs:
        found[first].append(second)
    yield from found.items()
