"""What the writes of a turn leave to be written: gathered row by row, carried out table by table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec import json

from secgraph import clock
from secgraph.odata.query import fold
from secgraph.store.dialect import Dialect
from secgraph.store.judgements import Judgements
from secgraph.store.layout import combination
from secgraph.store.protocol import Back, PutFound
from secgraph.store.shape import shape
from secgraph.store.statements import statement
from secgraph.store.steps import Add, Ask, Do, Step, Steps, ask, do
from secgraph.store.woven import Held, Parts, changes, kind_of

EVENT = ("tenant", "seq", "stamp", "kind", "entity", "id", "changed", "cause", "note")
REMOVED = ("tenant", "stamp", "entity", "id", "born")
WRITE_BACK = ("tenant", "alert", "number", "member", "part", "source", "native", "value", "made", "begun", "state", "reason",
              "attempts", "next", "done")  # fmt: skip
REJECTED = ("tenant", "number", "source", "line", "reason", "received", "data")


@dataclass(slots=True)
class _Rows:
    """The rows of one set, by id: only the last version of each is written."""

    new: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    changed: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)
    """Rows of the database that go; one of the same id may be among the new ones, and comes after."""
    words: dict[str, str] = field(default_factory=dict)
    tally: Counter[tuple[int | None, ...]] = field(default_factory=Counter)
    told: dict[str, str | None] = field(default_factory=dict)
    """What sources said last of rows that stay as they are in the database."""


class Pending:
    """The rows, entries and events of a turn that are not in the database yet."""

    def __init__(self, dialect: Dialect, tenant: int) -> None:
        self._dialect = dialect
        self._tenant = tenant
        self._sets: dict[str, _Rows] = {}
        self.events: list[tuple[Any, ...]] = []
        self.entries: dict[tuple[int, str], tuple[Any, ...]] = {}
        self.keys: dict[tuple[str, str], dict[str, Any]] = {}
        self.rejected: list[tuple[Any, ...]] = []
        self.snapshots: list[dict[str, Any]] = []
        self.said: dict[str, str | None] = {}
        self.removed: list[tuple[Any, ...]] = []
        self._found: list[Step] = []
        self._woven: dict[tuple[str, str, int], Parts] = {}
        self._back: list[Step] = []
        self._unsaid: dict[int, str] = {}
        self._unnamed: list[str] = []
        self.judgements = Judgements(tenant)

    def rows(self, path: str) -> _Rows:
        """The rows of the set at that path."""
        found = self._sets.get(path)
        if found is None:
            found = self._sets[path] = _Rows()
        return found

    def put(self, path: str, key: str, values: tuple[Any, ...], *, created: bool) -> None:
        """A row to be written; a new one that changes once more before it is written is still new."""
        rows = self.rows(path)
        rows.told.pop(key, None)
        if created or key in rows.new:
            rows.new[key] = values
        else:
            rows.changed[key] = values

    def tell(self, path: str, key: str, told: str | None) -> None:
        """What a source said last of a row, whether that is written in this turn or not."""
        rows = self.rows(path)
        at = shape(path).names.index("told")
        for there in (rows.new, rows.changed):
            if key in there:
                there[key] = (*there[key][:at], told, *there[key][at + 1 :])
                return
        rows.told[key] = told

    def remove(self, path: str, key: str) -> None:
        """A row to be taken away; of one that is not written yet nothing is left to do."""
        rows = self.rows(path)
        if rows.new.pop(key, None) is None:
            rows.removed[key] = None
        rows.changed.pop(key, None)
        rows.told.pop(key, None)
        rows.words.pop(key, None)

    def send_back(self, alert: str, number: int, stamp: int, back: Back) -> None:
        """What of a change of an alert goes to its product."""
        parts = (
            (member, part, value)
            for member, given in back.members.items()
            for part, value in enumerate(given if isinstance(given, list) else [given])
        )
        rows = [
            (self._tenant, alert, number, member, part, back.source, back.native_id, json.encode(value).decode(), stamp, stamp,
             0, "", 0, 0, 0)
            for member, part, value in parts
        ]  # fmt: skip
        self._back.append(Add("write_backs", WRITE_BACK, rows))

    def find(self, put: PutFound) -> None:
        """Evidence to be kept, and what is over with it."""
        of = {"tenant": self._tenant}
        stands = [one for one in put.found if one.stands]
        if stands:
            self._found.append(do("finding_put", *({
                **of, "key": one.key, "control": one.control, "scanner": one.scanner, "scope": one.scope,
                "check_id": one.check, "subject": one.subject, "at": one.at, "share": one.share, "points": one.points,
                "details": one.details,
            } for one in stands)))  # fmt: skip
        if len(stands) < len(put.found):
            over = (one for one in put.found if not one.stands)
            self._found.append(do("finding_over", *({**of, "key": one.key, "at": one.at} for one in over)))
        for scanner, scope, at in put.scopes:
            self._found.append(do("findings_gone", {**of, "scanner": scanner, "scope": scope, "at": at}))

    def weave(self, path: str, parts: Parts) -> None:
        """A document of whose list the entries are kept."""
        self._woven[path, parts.series, parts.day] = parts

    def overtake(self, alert: str, stamp: int, cause: str, members: Iterable[str]) -> None:
        """What was to go to the product of an alert, and does not any more: a source changed these members meanwhile."""
        reason = f"changed since by {cause}"
        self._back.append(do("write_backs_overtake", *(
            {"tenant": self._tenant, "alert": alert, "member": name, "reason": reason, "now": stamp} for name in members
        )))  # fmt: skip

    def remove_entries(self, born: int, alert: str) -> None:
        """Forgets what sources said of the alert of that first instant, and what was to go back to them."""
        self.entries = {place: entry for place, entry in self.entries.items() if place[0] != born}
        self._unsaid[born] = alert

    def remove_keys(self, incident: str) -> None:
        """Forgets which of the sources' incidents that one was."""
        self.keys = {place: key for place, key in self.keys.items() if key["incident"] != incident}
        self._unnamed.append(incident)

    def steps(self) -> Steps[None]:
        """Everything, in the order in which it can be written; afterwards nothing is pending."""
        for path, rows in self._sets.items():
            yield from self._of_set(path, rows)
        for (path, _, _), parts in sorted(self._woven.items()):
            yield from self._entries_of(path, parts)
        yield from (step for step in self._found)  # a list takes nothing that is sent
        yield from (step for step in self._back)
        if self._unsaid:
            yield do("entries_remove", *({"tenant": self._tenant, "born": born} for born in self._unsaid))
            yield do("write_backs_remove", *({"tenant": self._tenant, "alert": key} for key in self._unsaid.values()))
        if self.entries:
            yield Do(statement("entry_put")[0], [*self.entries.values()])
        if self._unnamed:
            yield do("incident_keys_remove", *({"tenant": self._tenant, "incident": key} for key in self._unnamed))
        if self.keys:
            yield do("incident_key_put", *self.keys.values())
        if self.rejected:
            yield Add("rejected", REJECTED, [*self.rejected])
        for name, value in self.said.items():
            key = {"tenant": self._tenant, "name": name}
            yield do("correlation_remove", key) if value is None else do("correlation_put", {**key, "value": value})
        if self.snapshots:
            yield do("snapshot_put", *self.snapshots)
        if self.events:
            yield Add("events", EVENT, [*self.events])
        if self.removed:
            yield Add("removed", REMOVED, [*self.removed])
        for gathered in (
            self._sets,
            self._woven,
            self._found,
            self._back,
            self._unsaid,
            self.entries,
            self._unnamed,
            self.keys,
            self.rejected,
            self.snapshots,
            self.said,
            self.events,
            self.removed,
        ):
            gathered.clear()
        yield from self.judgements.steps()

    def _entries_of(self, path: str, parts: Parts) -> Steps[None]:
        """The entries of a document that is written, and of the days around it."""
        how = shape(path)
        of = {"tenant": self._tenant, "kind": kind_of(how.set), "series": parts.series}
        there = yield ask("score_entries_at", **of, day=parts.day)
        later = yield Ask(how.later, (self._tenant, fold(parts.series), (parts.day + 1) * clock.DAY))
        made = changes(parts, (Held(*row) for row in there), None if later[0][0] is None else later[0][0] // clock.DAY)
        if made.gone:
            yield do("score_entry_remove", *({**of, "name": name, "since": since} for name, since in made.gone))
        if made.ended:
            yield do("score_entry_end", *(
                {**of, "name": name, "since": since, "until": until} for name, since, until in made.ended
            ))  # fmt: skip
        if made.new:
            yield do("score_entry_put", *({**of, **one._asdict()} for one in made.new))

    def _of_set(self, path: str, rows: _Rows) -> Steps[None]:
        how = shape(path)
        if rows.removed:
            keys = [(self._tenant, key) for key in rows.removed]
            if how.searched:
                yield Do(self._dialect.remove_words(how.set.table), keys)
            yield Do(how.remove, keys)
        if rows.new:
            yield Add(how.table, how.names, list(rows.new.values()))
        if rows.changed:
            yield Do(how.change, [tuple(values[place] for place in how.places) for values in rows.changed.values()])
        if rows.told:
            yield Do(how.tell, [(told, self._tenant, key) for key, told in rows.told.items()])
        if rows.words:
            kept = [(self._dialect.worded(self._tenant, words), self._tenant, key) for key, words in rows.words.items()]
            yield Do(self._dialect.put_words(how.set.table), kept)
        grown = [(numbers, many) for numbers, many in rows.tally.items() if many]
        if grown:
            yield Do(how.put_tally, [(self._tenant, combination(numbers), *numbers, many) for numbers, many in grown])
