"""GET .../delta(): every row of a set once, then what changed since a link was given out.

A tenant's stamps rise with its commits. So a round is a walk along `lastUpdateDateTime`, and a link says up to which stamp
everything was told. A row that changed and answers the filter no more is told as removed, but only where the client may hold
it: a row that was there before the link was. Whether it was ever sent is not remembered, so a client is also told of rows
that it does not have and passes over them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.edge import prefer, render
from secgraph.edge.control import Control
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.links import Links, Sync, encoded
from secgraph.edge.read import FRAME, UNKNOWN_MEMBERS, applied, keep, opening
from secgraph.edge.route import Target
from secgraph.errors import BadFilter, BadOption, Fault, SyncStateLost
from secgraph.model import wire
from secgraph.model.edm import EntitySet, Model
from secgraph.odata import bind, match
from secgraph.odata.options import options, whole
from secgraph.odata.query import All, Chosen, Compare, Const, Either, Field, Order, Present, Query, Test
from secgraph.store.protocol import Page, Store

REFUSED = ("$orderby", "$search", "$skip", "$count", "$expand")
"""What the order of commits leaves no room for."""

LATEST = "latest"
"""The token of a client that wants to hear only of what comes."""

UPDATED = Field("", ("lastUpdateDateTime",), "moment", nullable=False, column="lastUpdateDateTime")
BORN = Field("", ("born",), "moment", nullable=False, column="born")

_ID = Chosen("id")
"""Sent whatever is selected: a change has to say whose it is."""

Judge = Callable[[dict[str, Any]], bool]
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
        stamp, now = await self._stamp(caller), self._now()
        sync = None
        if token and token.lower() != LATEST:
            sync = await self._links.sync(token, caller.tenant, question.identity)
            self._expect_good(sync, stamp, now, url.rstrip("?"))
            await self._expect_of_here(sync, url.rstrip("?"))
        head = opening(asked, root, f"{render.shape(one.path, question.query)}/$delta")
        page, documents = Page([], [], None), list[bytes]()
        if sync is not None or not token:
            room = self._page_bytes - len(head) - len(url) - FRAME
            page, documents = await self._fitted(asked, root, caller, question, sync, room)
        told = stamp if page.last is None else page.last[0]
        if page.next is None:
            told = max(told, stamp)
            option, reached = "$deltatoken", Sync(told, told, now)
        else:
            option, reached = "$skiptoken", Sync(told, stamp if sync is None else sync.start, now)
        sealed = self._links.sync_token(reached, caller.tenant, question.identity)
        link = f"{url}{'&' if question.link else ''}{option}={sealed}"
        onward, later = (None, link) if page.next is None else (link, None)
        body = render.page(head, documents, total=None, next_link=onward, delta_link=later)
        said = prefer.applied(asked.header(b"prefer"), "maxpagesize", question.preferred) if question.preferred else ""
        return Answer(body=body, headers=applied(question.query, said), metadata=asked.metadata)

    async def _fitted(
        self, asked: Asked, root: str, caller: Caller, question: _Question, sync: Sync | None, room: int
    ) -> tuple[Page, list[bytes]]:
        """A page and its items: at most `room` bytes of them, but never less than one. Where they take more, the page is asked
        for again with as many rows as fit, so that it ends with the last one that is sent.
        """
        # From the first stamp of all, not without one: a bound on another column must not choose the index.
        query, after, judged = question.query, (0 if sync is None else sync.cursor,), False
        if sync is not None and query.where is not None:
            query = replace(query, where=_to_tell(query.where, sync), unknown_members=True, passing=True)
            judged = True
        while True:
            page = await self._store.find(narrow(query, caller), after)
            documents, left = list[bytes](), room
            for key, document in zip(page.ids, page.documents, strict=True):
                documents.append(self._item(asked, root, question, key, document, judged=judged))
                left -= len(documents[-1]) + 1
                if left < 0:
                    break  # the rest of the page goes with the next one
            fits = render.fitting(documents, room)
            if fits == len(page.documents):
                return page, documents
            query = replace(query, top=fits, passing=True)

    def _item(self, asked: Asked, root: str, question: _Question, key: str, document: bytes, *, judged: bool) -> bytes:
        """A row in the form that was asked for, or the mark of one that answers the filter no more."""
        query = question.query
        if judged and question.judge is not None:
            record = decode(document)
            if not question.judge(record):
                return json.dumps({"id": key, "@removed": {"reason": "changed"}}).encode()
            if question.hide is not None and (shown := question.hide(record)) is not record:
                document = msgspec.json.encode(shown)
        if query.select is not None:
            document = render.selected(document, (_ID, *query.select))
        if asked.metadata != "minimal":
            document = self._control.object(document, query.of, key, asked.metadata, root)
        return document

    async def _stamp(self, caller: Caller) -> int:
        """The stamp of the tenant's last commit."""
        for row in await self._store.fetch("tenant_stamp", tenant=caller.tenant):
            return int(row["stamp"])
        raise Fault(f"Tenant number {caller.tenant} does not exist.")

    def _expect_good(self, sync: Sync, stamp: int, now: int, again: str) -> None:
        """SyncStateLost for a link that is too old, and for one that knows of commits which a restored file does not have."""
        if sync.cursor <= stamp and now - sync.issued <= self._days * clock.DAY:
            return
        days = "a day" if self._days == 1 else f"{self._days} days"
        raise _lost(f"is older than {days}" if sync.cursor <= stamp else _ELSEWHERE, again)

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
        signed = sorted((name, text.strip()) for name, text in found.items() if name not in {"$top", "$format"})
        return _Question(
            query=replace(query, order=(Order(UPDATED, descending=False),)),
            judge=None if query.where is None else match.predicate(query.where),
            hide=None if unknown else wire.hider(one.type),
            link=encoded(found),
            identity="\0".join((f"{one.path}/delta()", *(f"{name}={text}" for name, text in signed if text))),
            preferred=min(preferred, one.choices.page_most),
        )


_ELSEWHERE = "tells of changes that are not here any more"


def _lost(reason: str, again: str) -> SyncStateLost:
    return SyncStateLost(f"The link {reason}.", hint=f"Start over: GET {again}", headers={"Location": again})


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
