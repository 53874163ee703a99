"""GET .../delta(): every row of a set once, then what changed since a link was given out.

A tenant's stamps rise with its commits. So a round is a walk along `lastUpdateDateTime`, and a link says up to which stamp
everything was told. A row that changed and answers the filter no more is told as removed, but only where the client may hold
it: a row that was there before the link was. A row that was taken away is told so at its place between the others, from the
note of it that the store keeps; where the same page shows an object of that id again, only that. Whether a row was ever sent
is not remembered, so a client is also told of rows that it does not have and passes over them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, NamedTuple

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.edge import prefer, render
from secgraph.edge.control import Control
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.links import Links, Sync, encoded
from secgraph.edge.read import FRAME, UNKNOWN_MEMBERS, applied, keep, opening
from secgraph.edge.removals import removals
from secgraph.edge.route import Target
from secgraph.errors import BadFilter, BadOption, Fault, SyncStateLost
from secgraph.model import wire
from secgraph.model.edm import EntitySet, Model
from secgraph.odata import bind, match
from secgraph.odata.options import options, whole
from secgraph.odata.query import All, Chosen, Compare, Const, Either, Field, Order, Present, Query, Test
from secgraph.odata.view import view
from secgraph.store.protocol import Store

REFUSED = ("$orderby", "$search", "$skip", "$count", "$expand")
"""What the order of commits leaves no room for."""

LATEST = "latest"
"""The token of a client that wants to hear only of what comes."""

STAMP = "lastUpdateDateTime"
UPDATED = Field("", (STAMP,), "moment", nullable=False, column=STAMP)
BORN = Field("", ("born",), "moment", nullable=False, column="born")

_ID = Chosen("id")
"""Sent whatever is selected: a change has to say whose it is."""

Judge = Callable[[dict[str, Any]], bool]
_Line = tuple[str, bytes | None, int]
"""A row or, without a document, a removal: its id, its document, and its stamp, which rows have only where both are merged."""

decode = msgspec.json.decode


@dataclass(slots=True)
class _Question:
    """What is followed, and what its links repeat."""

    query: Query
    """The rows that answer the filter, in the order of their commits."""
    judge: Judge | None
    """Whether a row answers the filter; None where every row does."""
    hide: wire.Hide | None
    """Gives a full record the form that clients get who asked for no other; None where that is the full one."""
    link: str
    """The query string of its links up to the token."""
    identity: str
    """What a link is signed for: the set, the condition and the members."""
    preferred: int
    """The page size that was asked for by a preference; 0 for none."""
    table: str
    """Where its rows are stored."""
    updated: str
    """The member that tells when a row last changed."""


class _Told(NamedTuple):
    """The items of a page, the stamp up to which everything is told by then, and whether more is there to tell."""

    documents: list[bytes]
    upto: int
    more: bool


class Delta:
    """Answers what changed."""

    def __init__(self, store: Store, model: Model, links: Links, now: clock.Now, days: int, page_bytes: int) -> None:
        self._store = store
        self._model = model
        self._control = Control(model)
        self._links = links
        self._now = now
        self._days = days
        self._page_bytes = page_bytes
        self._kept: dict[tuple[str, bool, int, tuple[tuple[str, str], ...]], _Question] = {}

    async def changes(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """A page of a round. BadLink for a link that is not this question's, SyncStateLost for one that is over."""
        question, token = self._question(asked, one)
        root = f"{asked.base}/{target.version}"
        url = f"{root}/{one.path}/delta()?{question.link}"
        # Read before the page: whatever is committed in between has a later stamp and comes with the next link.
        (stamp, pruned), now = await self._clock(caller), self._now()
        sync = None
        if token and token.lower() != LATEST:
            sync = await self._links.sync(token, caller.tenant, question.identity)
            self._expect_good(sync, stamp, pruned, now, url.rstrip("?"))
            await self._expect_of_here(sync, url.rstrip("?"))
        head = opening(asked, root, f"{render.shape(one.path, question.query)}/$delta")
        told = _Told([], stamp, more=False)
        if sync is not None or not token:
            room = self._page_bytes - len(head) - len(url) - FRAME
            told = await self._told(asked, root, caller, question, sync, stamp, room)
        if sync is not None:  # while the page was read, some of what it tells may have been pruned
            self._expect_good(sync, stamp, (await self._clock(caller))[1], now, url.rstrip("?"))
        if told.more:
            option, reached = "$skiptoken", Sync(told.upto, stamp if sync is None else sync.start, now)
        else:
            option, reached = "$deltatoken", Sync(told.upto, told.upto, now)
        sealed = self._links.sync_token(reached, caller.tenant, question.identity)
        link = f"{url}{'&' if question.link else ''}{option}={sealed}"
        onward, later = (link, None) if told.more else (None, link)
        body = render.page(head, told.documents, total=None, next_link=onward, delta_link=later)
        said = prefer.applied(asked.header(b"prefer"), "maxpagesize", question.preferred) if question.preferred else ""
        return Answer(body=body, headers=applied(question.query, said), metadata=asked.metadata)

    async def _told(
        self, asked: Asked, root: str, caller: Caller, question: _Question, sync: Sync | None, stamp: int, room: int
    ) -> _Told:
        """A page: at most `room` bytes of items, but never less than one of some."""
        # From the first stamp of all, not without one: a bound on another column must not choose the index.
        query, after, judged = question.query, (0 if sync is None else sync.cursor,), False
        if sync is not None and query.where is not None:
            query = replace(query, where=_to_tell(query.where, sync), unknown_members=True, passing=True)
            judged = True
        page = await self._store.find(narrow(query, caller), after)
        reached = 0 if page.last is None else page.last[0]
        upto = max(reached, stamp) if page.next is None else reached
        rows: list[_Line] = [(key, document, 0) for key, document in zip(page.ids, page.documents, strict=True)]
        # Read behind the rows: what was taken away up to where they end is all there by now.
        gone = [] if sync is None else await removals(self._store, caller.tenant, question.table, sync, upto, query.top + 1)
        lines = _merged(rows, gone, question)[: query.top] if gone else rows
        items, left = list[bytes](), room
        for key, document, _ in lines:
            items.append(
                _removed(key, "deleted") if document is None
                else self._item(asked, root, question, key, document, judged=judged)
            )  # fmt: skip
            left -= len(items[-1]) + 1
            if left < 0:
                break  # the rest of the page goes with the next one
        fits = render.fitting(items, room)
        more = page.next is not None or fits < len(rows) + len(gone)
        if fits < len(rows) + len(gone):
            _, document, at = lines[fits - 1]
            upto = at if document is None else _updated(document, question)
        there = {key for key, document, _ in lines[:fits] if document is not None}
        kept = [item for item, line in zip(items[:fits], lines, strict=False) if line[1] is not None or line[0] not in there]
        return _Told(kept, upto, more=more)

    def _item(self, asked: Asked, root: str, question: _Question, key: str, document: bytes, *, judged: bool) -> bytes:
        """A row in the form that was asked for, or the mark of one that answers the filter no more."""
        query = question.query
        if judged and question.judge is not None:
            record = decode(document)
            if not question.judge(record):
                return _removed(key, "changed")
            if question.hide is not None and (shown := question.hide(record)) is not record:
                document = msgspec.json.encode(shown)
        if query.select is not None:
            document = render.selected(document, (_ID, *query.select))
        if asked.metadata != "minimal":
            document = self._control.object(document, query.of, key, asked.metadata, root)
        return document

    async def _clock(self, caller: Caller) -> tuple[int, int]:
        """The stamp of the tenant's last commit, and the one up to which removals may be forgotten."""
        for row in await self._store.fetch("tenant_stamp", tenant=caller.tenant):
            return int(row["stamp"]), int(row["pruned"])
        raise Fault(f"Tenant number {caller.tenant} does not exist.")

    def _expect_good(self, sync: Sync, stamp: int, pruned: int, now: int, again: str) -> None:
        """SyncStateLost for a link that is too old, for one of whose time the removals are forgotten, and for one that knows of
        commits which a restored file does not have.
        """
        days = "a day" if self._days == 1 else f"{self._days} days"
        if sync.cursor > stamp:
            raise _lost(_ELSEWHERE, again)
        if now - sync.issued > self._days * clock.DAY:
            raise _lost(f"is older than {days}", again)
        if max(sync.cursor, sync.start) < pruned:
            raise _lost("is older than what is still known of removed rows", again)

    async def _expect_of_here(self, sync: Sync, again: str) -> None:
        """SyncStateLost for a link from between a copy of the file and its restoring, when by now commits go on beyond it."""
        for row in await self._store.fetch("fact", name="restored"):
            since, until = map(int, row["value"].split())
            if since <= sync.issued < until:
                raise _lost(_ELSEWHERE, again)

    # -- questions

    def _question(self, asked: Asked, one: EntitySet) -> tuple[_Question, str]:
        """What is followed, from memory when it was before, and the token of the link; empty in a request that begins."""
        found = options(asked.query)
        for name in REFUSED:
            if found.pop(name, "").strip():
                raise BadOption(name, "is not possible with delta().", hint="Possible: $filter, $select, $top.")
        tokens = [text for name in ("$skiptoken", "$deltatoken") if (text := found.pop(name, "").strip())]
        if len(tokens) > 1:
            raise BadOption("$deltatoken", "cannot stand beside $skiptoken.", hint="Follow a link exactly as given.")
        key = (one.path, asked.prefers(UNKNOWN_MEMBERS), prefer.page_size(asked.preferences), tuple(found.items()))
        question = self._kept.get(key)
        if question is None:
            question = self._bound(one, found, unknown=key[1], preferred=key[2])
            keep(self._kept, key, question, asked.query)
        return question, "".join(tokens)

    def _bound(self, one: EntitySet, found: dict[str, str], *, unknown: bool, preferred: int) -> _Question:
        if preferred:
            # In the link it goes on for a client that sends its headers only once.
            top = whole(found, "$top")
            found["$top"] = str(preferred if top is None else min(top, preferred))
        query = bind.query(one, found, self._model, unknown_members=unknown)
        if query.top == 0:
            raise BadOption("$top", "must be 1 or more here: a page without rows leads nowhere.")
        if _asks_the_time(query.where):
            raise BadFilter("now() has no meaning with delta(): rows would come and go without a change",
                            hint="Write the instant itself, such as createdDateTime ge 2026-11-01T00:00:00Z.")  # fmt: skip
        stored, updated = one, STAMP
        if one.choices.view_of:
            shown = view(one.path)
            stored, updated = shown.stored, next(name for name, (of, _) in shown.writes.items() if of == STAMP)
        signed = sorted((name, text.strip()) for name, text in found.items() if name not in {"$top", "$format"})
        return _Question(
            query=replace(query, order=(Order(UPDATED, descending=False),)),
            judge=None if query.where is None else match.predicate(query.where),
            hide=None if unknown else wire.hider(one.type),
            link=encoded(found),
            identity="\0".join((f"{one.path}/delta()", *(f"{name}={text}" for name, text in signed if text))),
            preferred=min(preferred, one.choices.page_most),
            table=stored.table,
            updated=updated,
        )


_ELSEWHERE = "tells of changes that are not here any more"


def _lost(reason: str, again: str) -> SyncStateLost:
    return SyncStateLost(f"The link {reason}.", hint=f"Start over: GET {again}", headers={"Location": again})


def _updated(document: bytes, question: _Question) -> int:
    """The stamp of a row as it stands in its document."""
    return clock.ticks(decode(document)[question.updated]) or 0


def _merged(rows: list[_Line], gone: list[tuple[int, str]], question: _Question) -> list[_Line]:
    """Rows and removals in the order of their stamps."""
    stamped = [(key, document, _updated(document, question)) for key, document, _ in rows if document is not None]
    return sorted([*stamped, *((key, None, at) for at, key in gone)], key=lambda line: line[2])


def _removed(key: str, reason: str) -> bytes:
    """The mark of a row that a client is to drop."""
    return json.dumps({"id": key, "@removed": {"reason": reason}}).encode()


def _asks_the_time(node: object) -> bool:
    """Whether the present instant stands somewhere in a condition."""
    if isinstance(node, tuple):
        return any(map(_asks_the_time, node))
    if not is_dataclass(node):
        return False
    return isinstance(node, Present) or any(_asks_the_time(getattr(node, item.name)) for item in fields(node))


def _to_tell(where: Test, sync: Sync) -> Test:
    """The rows to tell of beyond a link: those that answer the filter, and of the others those that changed since the round
    began and were there before the link was.
    """
    changed = Compare("gt", UPDATED, Const(sync.start, "moment"), "moment")
    there = Compare("le", BORN, Const(sync.cursor, "moment"), "moment")
    return Either((where, All((changed, there))))
