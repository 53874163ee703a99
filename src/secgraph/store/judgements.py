"""What the writes of a turn leave to be written of how alerts are judged: gathered, then carried out table by table."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from secgraph.store.protocol import Case, Judged
from secgraph.store.steps import Add, Steps, do

SUBJECT = ("tenant", "born", "alert", "incident", "v", "first", "last", "keys", "data")
POSTING = ("tenant", "key", "last", "born")
REASONS = ("tenant", "born", "stamp", "data")

_Posting = tuple[int, int, int, int]


class Judgements:
    """Subjects, postings, names, cases and reasons of a turn that are not in the database yet."""

    def __init__(self, tenant: int) -> None:
        self._tenant = tenant
        self._clear()

    def _clear(self) -> None:
        self._new: dict[int, tuple[Any, ...]] = {}
        self._changed: dict[int, tuple[Any, ...]] = {}
        self._moved: dict[int, str] = {}
        self._gone: list[int] = []
        self._posted: dict[_Posting, None] = {}
        self._unposted: dict[_Posting, None] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._cases: dict[str, Case] = {}
        self._closed: list[str] = []
        self._apart: dict[tuple[str, str], bool] = {}
        self._reasons: list[tuple[Any, ...]] = []

    def judge(self, before: Judged | None, after: Judged) -> None:
        """An alert is judged so from now on."""
        born = after.born
        values = (
            self._tenant, born, after.alert, int(after.incident), after.v, after.first, after.last, after.keys, after.data,
        )  # fmt: skip
        if before is None or born in self._new:
            self._new[born] = values
        else:
            self._changed[born] = values
        self._moved.pop(born, None)
        old = set() if before is None else set(self._of(before))
        new = self._of(after)
        self._unpost(old.difference(new))
        for posting in new:
            if posting not in old and self._unposted.pop(posting, self) is self:
                self._posted[posting] = None

    def unjudge(self, one: Judged) -> None:
        """An alert is no more, nor why it was where it was."""
        self._unpost(self._of(one))
        if self._new.pop(one.born, None) is None:
            self._gone.append(one.born)
        self._changed.pop(one.born, None)
        self._moved.pop(one.born, None)
        self._reasons = [row for row in self._reasons if row[1] != one.born]

    def move(self, born: int, incident: str) -> None:
        """An alert is in another incident."""
        for rows in (self._new, self._changed):
            if (values := rows.get(born)) is not None:
                rows[born] = (*values[:3], int(incident), *values[4:])
                return
        self._moved[born] = incident

    def name(self, names: Iterable[tuple[int, str, str]]) -> None:
        """Things that alerts name, whether they were named before or not."""
        for key, text, called in names:
            self._names.setdefault(key, (text, called))

    def explain(self, born: int, stamp: int, data: bytes) -> None:
        """Why an alert is where it is."""
        self._reasons.append((self._tenant, born, stamp, data))

    def put_case(self, case: Case) -> None:
        """What is kept of an incident."""
        self._cases[case.incident] = case

    def remove_case(self, incident: str) -> None:
        """An incident is no more."""
        self._cases.pop(incident, None)
        self._closed.append(incident)

    def keep_apart(self, one: str, other: str, *, apart: bool) -> None:
        """A person keeps two incidents apart, or no longer."""
        self._apart[one, other] = self._apart[other, one] = apart

    def _of(self, one: Judged) -> list[_Posting]:
        return [(self._tenant, key, one.last, one.born) for key in numbers(one.keys)]

    def _unpost(self, postings: Iterable[_Posting]) -> None:
        for posting in postings:
            if self._posted.pop(posting, self) is self:
                self._unposted[posting] = None

    def steps(self) -> Steps[None]:
        """Everything; afterwards nothing is pending."""
        tenant = self._tenant
        if self._gone:
            yield do("subject_remove", *({"tenant": tenant, "born": born} for born in self._gone))
            yield do("reasons_remove", *({"tenant": tenant, "born": born} for born in self._gone))
        if self._new:
            yield Add("subjects", SUBJECT, [*self._new.values()])
        if self._changed:
            yield do("subject_put", *(dict(zip(SUBJECT, values, strict=True)) for values in self._changed.values()))
        if self._moved:
            moved = ({"tenant": tenant, "born": born, "incident": int(key)} for born, key in self._moved.items())
            yield do("subject_move", *moved)
        if self._unposted:
            yield do("posting_remove", *(dict(zip(POSTING, one, strict=True)) for one in self._unposted))
        if self._posted:
            yield Add("postings", POSTING, sorted(self._posted))  # those of one key stand together
        if self._names:
            named = sorted(self._names.items())
            yield do("entity_put", *({"tenant": tenant, "key": key, "text": text, "name": name} for key, (text, name) in named))
        if self._reasons:
            yield Add("reasons", REASONS, self._reasons)
        yield from self._of_cases()
        self._clear()

    def _of_cases(self) -> Steps[None]:
        tenant = self._tenant
        if self._closed:
            yield do("case_remove", *({"tenant": tenant, "incident": int(key)} for key in self._closed))
        if self._cases:
            yield do("case_put", *(_row(tenant, case) for case in self._cases.values()))
        for apart, name in ((False, "apart_remove"), (True, "apart_put")):
            pairs = [
                {"tenant": tenant, "incident": int(one), "other": int(other)}
                for (one, other), kept in self._apart.items() if kept is apart
            ]  # fmt: skip
            if pairs:
                yield do(name, *pairs)


def numbers(keys: bytes) -> tuple[int, ...]:
    """Keys as the numbers that postings have."""
    return struct.unpack(f">{len(keys) // 8}q", keys)


def packed(keys: Iterable[int]) -> bytes:
    """Numbers as the keys of an alert."""
    found = (*keys,)
    return struct.pack(f">{len(found)}q", *found)


def _row(tenant: int, case: Case) -> dict[str, Any]:
    return {
        "tenant": tenant, "incident": int(case.incident), "alerts": case.alerts, "first": case.first, "last": case.last,
        "series": case.series, "continues": None if case.continues is None else int(case.continues), "joined": case.joined,
        "settled": int(case.settled), "outline": case.outline,
    }  # fmt: skip
