"""Pages and counts from a database that cannot judge documents: candidates come in, those that answer go out.

A database finds candidates by its columns and words (`native.py`); their documents are judged here, by `match.py`. Where the
order goes by columns, candidates come in that order, in ever larger portions, until a page is full. Where it does not, all
are looked at, and no more of them held than a page needs.

It is done on the event loop, a slice at a time and one question after the other, so that whatever else waits there waits
for one slice; a thread would hold the interpreter longer.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from secgraph import clock
from secgraph.odata import match
from secgraph.odata.query import Field, Operand, Order, Query, enum_of, fields, fold, kind_of
from secgraph.store.protocol import Key, Page
from secgraph.store.seen import decode
from secgraph.store.slow import too_slow, unindexed

SLICE_SECONDS = 0.001
"""What judging may take before everything else has its turn."""

TURNS, QUIET_SECONDS = 6, 0.0003
"""How often everything else has it, one after the other, and how soon it is over where nobody has anything to do: an answer
takes several turns of the event loop, of which each would otherwise wait for a slice.
"""

SMALLEST, LARGEST = 100, 2000
"""Candidates asked for at a time: a page is often found among the first, and thousands of documents are held at most."""

SKIPPED = 100_000
"""Most rows that can be skipped in an order that no column gives: where each stands has to be remembered."""


BY_ID = (Order(Field("", ("id",), "text", nullable=False, column="id"), descending=False),)
"""The order in which candidates come where it does not matter."""

BORN = "born"
"""The one column that conditions ask for and that is a member of no document."""


class Candidate(NamedTuple):
    """A row that may answer a question."""

    document: bytes
    """As it is sent."""
    full: bytes | None
    """The document that is judged, where that is another."""
    id: str
    place: Key
    """Behind what the next candidates are asked for: the order keys, where the order goes by columns."""
    born: int = 0
    """The stamp of its first commit, which a condition may ask for though no document tells it."""


Candidates = Callable[[Key | None, int], Awaitable[Sequence[Candidate]]]
"""So many candidates behind a place, or from the start; fewer only where there are no more."""


Rank = tuple[tuple[int, Any], ...]
"""The keys of a row as they are compared (`_rank`)."""


class _Answer(NamedTuple):
    row: Candidate
    key: Key
    """Its keys of the order, where the database does not tell them."""
    rank: Rank
    """As they are compared."""


class Sifter:
    """Answers questions from candidates, each within the deadline. One for a store."""

    def __init__(self, now: clock.Now, *, deadline: float, slice_seconds: float = SLICE_SECONDS) -> None:
        self._now = now
        self._deadline = deadline
        self._slice = slice_seconds
        self._turn = asyncio.Lock()

    async def page(
        self, query: Query, candidates: Candidates, after: Key | None = None, *, ordered: bool = True
    ) -> Page:  # fmt: skip
        """The page behind a row, as `Store.find` gives it. Where not `in_order`, or not `ordered`, candidates may come in any
        order of their own. TooSlow past the deadline.
        """
        if query.top == 0:
            return Page([], [], None)
        async with self._in_time(query):
            if ordered and in_order(query):
                return await self._walked(query, candidates, after)
            return await self._sorted(query, candidates, after)

    async def count(self, query: Query, candidates: Candidates) -> int:
        """How many rows answer, whatever the page. TooSlow past the deadline."""
        found = 0
        async with self._in_time(query), aclosing(self._answers(query, candidates, None)) as slices:
            async for answers in slices:
                found += len(answers)
        return found

    @asynccontextmanager
    async def _in_time(self, query: Query) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._deadline) as limit:
                yield
        except TimeoutError:
            if not limit.expired():  # somebody else's
                raise
            raise too_slow(self._deadline, unindexed(query)) from None

    async def _answers(
        self, query: Query, candidates: Candidates, after: Key | None, keys: Sequence[match.Get] = ()
    ) -> AsyncGenerator[list[_Answer], None]:
        """The candidates that answer, as many at a time as are judged in a slice."""
        judge = match.judged(query.where) if query.where is not None else None
        of_birth = any(field.column == BORN for field in fields(query.where))
        now, limit = self._now(), SMALLEST
        while True:
            found = await candidates(after, limit)
            start = 0
            while start < len(found):
                async with self._turn:
                    answers, ends = [], time.monotonic() + self._slice
                    for row in found[start:]:
                        record = decode(row.document if row.full is None else row.full)
                        if of_birth:
                            record[BORN] = clock.text(row.born)
                        scope = {"": record, "now": now}
                        if judge is None or judge(scope) is True:
                            key = tuple(get(scope) for get in keys)
                            answers.append(_Answer(row, key, tuple(map(_rank, key))))
                        start += 1
                        if time.monotonic() > ends:
                            break
                    await _others()  # with the turn still taken, so that no other question goes on before the rest
                yield answers
            if len(found) < limit:
                return
            after, limit = found[-1].place, min(2 * limit, LARGEST)

    # -- candidates that come in the order

    async def _walked(self, query: Query, candidates: Candidates, after: Key | None) -> Page:
        skip = query.skip if after is None else 0
        rows: list[Candidate] = []
        async with aclosing(self._answers(query, candidates, after)) as slices:
            async for answers in slices:
                rows += [one.row for one in answers[skip:]]
                skip = max(skip - len(answers), 0)
                if len(rows) > query.top:
                    break
        return _page(rows, [row.place for row in rows], query.top)

    # -- and those that do not

    async def _sorted(self, query: Query, candidates: Candidates, after: Key | None) -> Page:
        if after is None and query.skip:
            if query.skip > SKIPPED:
                raise too_slow(self._deadline, unindexed(query))
            skipped = await self._least(query, candidates, None, query.skip, rows=False)
            if len(skipped) < query.skip:
                return Page([], [], None)
            after = skipped[-1].key
        least = await self._least(query, candidates, after, query.top + 1, rows=True)
        return _page([one.row for one in least], [one.key for one in least], query.top)

    async def _least(self, query: Query, candidates: Candidates, after: Key | None, most: int, *, rows: bool) -> list[_Answer]:
        """The first so many answers behind a place of the order, with or without their rows; few more are ever held."""
        order, keys = query.order, [sort_key(one.by) for one in query.order]
        beyond = None if after is None else tuple(map(_rank, after))
        last: Rank | None = None
        kept: list[_Answer] = []
        async with aclosing(self._answers(query, candidates, None, keys)) as slices:
            async for answers in slices:
                kept += [
                    one if rows else one._replace(row=_NO_ROW)
                    for one in answers
                    if (beyond is None or _before(beyond, one.rank, order)) and (last is None or _before(one.rank, last, order))
                ]
                if len(kept) >= 2 * most:
                    kept = _first(kept, most, order)
                    last = kept[-1].rank
        return _first(kept, most, order)


async def _others() -> None:
    """Lets everything else go on, until nobody is there who wants to."""
    for _ in range(TURNS):
        began = time.monotonic()
        await asyncio.sleep(0)
        if time.monotonic() - began < QUIET_SECONDS:
            return


_NO_ROW = Candidate(b"", None, "", ())


def _page(rows: list[Candidate], keys: list[Key], top: int) -> Page:
    shown = rows[:top]
    last = keys[len(shown) - 1] if shown else None
    return Page([row.document for row in shown], [row.id for row in shown], last if len(rows) > top else None, last)


# -- the order, as SQL has it


def in_order(query: Query) -> bool:
    """Whether columns give the order of a question."""
    return all(isinstance(order.by, Field) and order.by.column is not None for order in query.order)


def sort_key(by: Operand) -> match.Get:
    """Reads a key of the order: a number, a text, or None."""
    if isinstance(by, Field) and by.kind == "moment" and not by.open and by.column is None:
        return match.got(by, "text")  # the order of the text is the order of time
    get = match.ranked(by, kind_of(by), enum_of(by))
    return lambda scope: _plain(get(scope))


def _plain(value: Any) -> Any:
    """A value as it is sorted: truths as numbers, what is no number as null, lists and objects of an open type as they are
    written.
    """
    match value:
        case bool():
            return int(value)
        case float() if math.isnan(value):
            return None
        case list() | dict():
            return fold(msgspec.json.encode(value).decode())
    return value


def _rank(value: Any) -> tuple[int, Any]:
    """Null before numbers, numbers before texts."""
    return (0, 0) if value is None else (2 if isinstance(value, str) else 1, value)


def _before(one: Rank, other: Rank, order: Sequence[Order]) -> bool:
    for left, right, key in zip(one, other, order, strict=True):
        if left != right:
            return (left < right) is not key.descending
    return False


def _first(ranked: list[_Answer], most: int, order: Sequence[Order]) -> list[_Answer]:
    """The first so many of them, sorted."""
    for place in reversed(range(len(order))):
        ranked.sort(key=lambda one, place=place: one.rank[place], reverse=order[place].descending)  # type: ignore[misc]
    return ranked[:most]
