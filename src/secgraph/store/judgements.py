"""What the writes of a turn leave to be written of how alerts are judged: gathered, then carried out table by table."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from secgraph import clock
from secgraph.store.facts import Case, Judged
from secgraph.store.statements import statement
from secgraph.store.steps import Add, Do, Steps, do

SUBJECT = ("tenant", "born", "alert", "incident", "v", "first", "last", "keys", "data")
POSTING = ("tenant", "slot", "key", "last", "born")
REASONS = ("tenant", "born", "stamp", "data")

SLOT = 16 * clock.DAY
"""Keys are numbers in no order: without slots each of an alert's postings would be on a page of its own, of all that there are.
Who looks some days back looks into one or two.
"""

_Posting = tuple[int, int, int, int, int]


class Judgements:
    """Subjects, postings, names, cases and reasons of a turn that are not in the database yet."""

    def __init__(self, tenant: int) -> None:
        self._tenant = tenant
        self._clear()

    def _clear(self) -> None:
        self._new: dict[int, Judged] = {}
        self._changed: dict[int, tuple[Judged, Judged]] = {}
        """Of alerts whose judgement is in the database: as it is there, and as it is to be."""
        self._gone: dict[int, Judged] = {}
        self._moved: dict[int, str] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._cases: dict[str, Case] = {}
        self._closed: list[str] = []
        self._apart: dict[tuple[str, str], bool] = {}
        self._reasons: list[tuple[Any, ...]] = []
        self._explained: set[tuple[int, int]] = set()

    def judge(self, before: Judged | None, after: Judged) -> None:
        """An alert is judged so from now on."""
        born = after.born
        if before is None or born in self._new:
            self._new[born] = after
        else:
            self._changed[born] = self._changed.get(born, (before,))[0], after
        self._moved.pop(born, None)

    def unjudge(self, one: Judged) -> None:
        """An alert is no more, nor why it was where it was."""
        born = one.born
        if self._new.pop(born, None) is None:
            self._gone[born] = self._changed.pop(born, (one,))[0]
        self._moved.pop(born, None)
        self._reasons = [row for row in self._reasons if row[1] != born]

    def move(self, born: int, incident: str) -> None:
        """An alert, whose judgement knows it already where that was read, is in another incident."""
        if born not in self._new and born not in self._changed:
            self._moved[born] = incident

    def name(self, names: Iterable[tuple[int, str, str]]) -> None:
        """Things that alerts name, whether they were named before or not."""
        for key, text, called in names:
            self._names.setdefault(key, (text, called))

    def explain(self, born: int, stamp: int, data: bytes) -> None:
        """Why an alert is where it is. What is said of one twice at an instant stands a tick apart, which is less than there is
        between two decisions.
        """
        while (born, stamp) in self._explained:
            stamp += 1
        self._explained.add((born, stamp))
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

    def _postings(self) -> tuple[list[_Posting], list[_Posting]]:
        """Those that are to come, those of one key together, and those that are to go."""
        coming = [posting for one in self._new.values() for posting in self._of(one)]
        going = [posting for one in self._gone.values() for posting in self._of(one)]
        for before, after in self._changed.values():
            old, new = set(self._of(before)), set(self._of(after))
            coming += new - old
            going += old - new
        return sorted(coming), going

    def _of(self, one: Judged) -> list[_Posting]:
        tenant, slot, last, born = self._tenant, one.last // SLOT, one.last, one.born
        # Two names may have one number: whoever chooses names can look for such.
        return [(tenant, slot, key, last, born) for key in dict.fromkeys(numbers(one.keys))]

    def _row(self, one: Judged) -> tuple[Any, ...]:
        return (self._tenant, one.born, one.alert, int(one.incident), one.v, one.first, one.last, one.keys, one.data)

    def steps(self) -> Steps[None]:
        """Everything; afterwards nothing is pending."""
        tenant = self._tenant
        if self._gone:
            yield do("subject_remove", *({"tenant": tenant, "born": born} for born in self._gone))
            yield do("reasons_remove", *({"tenant": tenant, "born": born} for born in self._gone))
        if self._new:
            yield Add("subjects", SUBJECT, [self._row(one) for one in self._new.values()])
        if self._changed:
            yield Do(statement("subject_put")[0], [self._row(after) for _, after in self._changed.values()])
        if self._moved:
            moved = ({"tenant": tenant, "born": born, "incident": int(key)} for born, key in self._moved.items())
            yield do("subject_move", *moved)
        coming, going = self._postings()
        if going:
            yield Do(statement("posting_remove")[0], going)
        if coming:
            yield Add("postings", POSTING, coming)
        if self._gone:
            keys = dict.fromkeys(key for one in self._gone.values() for key in numbers(one.keys))
            yield do("entity_forget", *({"tenant": tenant, "key": key} for key in keys))
        if self._names:
            named = [(tenant, key, text, name) for key, (text, name) in sorted(self._names.items())]
            yield Do(statement("entity_put")[0], named)
        if self._reasons:
            yield Add("reasons", REASONS, self._reasons)
        yield from self._of_cases()
        self._clear()

    def _of_cases(self) -> Steps[None]:
        tenant = self._tenant
        if self._closed:
            yield do("case_remove", *({"tenant": tenant, "incident": int(key)} for key in self._closed))
        if self._cases:
            yield Do(statement("case_put")[0], [_case(tenant, case) for case in self._cases.values()])
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


def _case(tenant: int, case: Case) -> tuple[Any, ...]:
    return (
        tenant, int(case.incident), case.alerts, case.first, case.last, case.series,
        None if case.continues is None else int(case.continues), case.joined, int(case.settled), case.outline,
    )  # fmt: skip
