"""GET: lists, counts, single objects, what an incident holds, and an alert's original records."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TypeVar

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow, narrow_key
from secgraph.edge import prefer, render
from secgraph.edge.control import Control
from secgraph.edge.exchange import Answer, Asked, Header
from secgraph.edge.links import Links, Place, encoded
from secgraph.edge.route import Target
from secgraph.errors import BadOption, NotFound
from secgraph.model.choices import ALERTS, ASSETS, INCIDENTS
from secgraph.model.edm import EntitySet, Model
from secgraph.odata import bind
from secgraph.odata.options import options, whole
from secgraph.odata.query import Expanded, Naming, Query, narrowed
from secgraph.store.protocol import Key, Page, Store

KEPT = 8192
"""Bound questions kept by their text."""

SHORT = 2048
"""Longest query string whose question is kept: thousands of long ones would fill the memory."""

EXPANDED = 100
"""Most items of an expanded relationship sent with each object; the rest is behind a nested link."""

UNKNOWN_MEMBERS = "include-unknown-enum-members"
Name = TypeVar("Name")
Value = TypeVar("Value")

FRAME = 1024
"""Bytes kept free for what stands around the rows of a page: its context, its count, and the token of its link."""

_TOKEN = b"&$skiptoken="

THINGS = "security/entities"
"""Where the things that alerts name are."""


@dataclass(slots=True)
class _Question:
    """A bound question and what its links repeat."""

    query: Query
    link: str
    """The query string of its links up to the token."""
    identity: str
    """What a link is signed for: the set, the condition and the order."""
    token: str | None
    preferred: int = 0
    """The page size that was asked for by a preference; 0 for none."""


class Reader:
    """Answers reads. What a caller may see is decided before anything here runs, and by `narrow`."""

    def __init__(self, store: Store, model: Model, links: Links, page_bytes: int) -> None:
        self._store = store
        self._control = Control(model)
        self._page_bytes = page_bytes
        self._model = model
        self._links = links
        self._alerts = model.sets[ALERTS]
        self._kept: dict[tuple[str, str, bytes, bool, int, Naming | None], _Question] = {}
        self._items: dict[tuple[str, bytes, bool], Query] = {}

    async def collection(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """A page of a set."""
        question, token = self._question(asked, one, one.path, "")
        return await self._page(asked, caller, target, question, token, one.path)

    async def members(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """A page of the alerts that an incident holds."""
        key = await self._known(caller, one, target.key)
        path = f"{one.path}('{key}')/{target.member}"
        question, token = self._question(asked, self._alerts, path, key)
        return await self._page(asked, caller, target, question, token, path)

    async def named(self, asked: Asked, caller: Caller, target: Target, path: str, naming: Naming) -> Answer:
        """A page of the alerts that name a thing; `path` is where they are."""
        question, token = self._question(asked, self._alerts, path, "", naming)
        return await self._page(asked, caller, target, question, token, path)

    async def count_named(self, asked: Asked, caller: Caller, path: str, naming: Naming) -> Answer:
        """How many alerts name a thing."""
        question, _ = self._question(asked, self._alerts, path, "", naming)
        return await self._counted(caller, question)

    async def count(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """How many rows a set, or an incident, has; `$filter` counts only those that match."""
        held, key = one, ""
        if target.what == "members_count":
            key = await self._known(caller, one, target.key)
            held = self._alerts
        question, _ = self._question(asked, held, f"{one.path}('{key}')" if key else held.path, key)
        return await self._counted(caller, question)

    async def _counted(self, caller: Caller, question: _Question) -> Answer:
        total = await self._store.count(narrow(question.query, caller))
        return Answer(body=str(total).encode(), content_type=b"text/plain; charset=utf-8")

    async def item(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """One object."""
        query = self._item(asked, one)
        document = await self._store.get(narrow_key(one.path, target.key, caller), query)
        if document is None:
            raise missing(one, target.key)
        tag = render.etag(document)
        root = f"{asked.base}/{target.version}"
        if query.expand or query.select is not None or asked.metadata != "minimal":
            document = await self._shown(asked, root, caller, query, document, _id(document), self._page_bytes - FRAME)
        head = opening(asked, root, f"{render.shape(one.path, query)}/$entity")
        return Answer(body=render.item(head, document), headers=[(b"etag", tag), *applied(query)], metadata=asked.metadata)

    async def comments(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """The comments of an object."""
        expect_plain(asked, one)
        document = await self._store.get(narrow_key(one.path, target.key, caller), bind.item(one, {}))
        if document is None:
            raise missing(one, target.key)
        record = json.loads(document)
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{record['id']}')/comments")
        return Answer(body=render.page(head, [json.dumps(comment).encode() for comment in record["comments"]],
                                       total=None, next_link=None))  # fmt: skip

    async def records(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """What every source said about an alert, exactly as it came (an extension, under its own permission)."""
        expect_plain(asked, one)
        key = await self._known(caller, one, target.key)
        found = await self._store.originals(narrow_key(one.path, key, caller))
        documents = []
        for original in found:
            try:
                content, coding = original.data.decode(), "utf-8"
            except UnicodeDecodeError:
                content, coding = base64.b64encode(original.data).decode(), "base64"
            documents.append(json.dumps({
                "source": original.source, "product": original.product, "nativeId": original.native_id,
                "updatedDateTime": None if original.updated is None else clock.text(original.updated),
                "receivedDateTime": clock.text(original.received), "repaired": original.repaired,
                "contentEncoding": coding, "content": content,
            }).encode())  # fmt: skip
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{key}')/records")
        return Answer(body=render.page(head, documents, total=None, next_link=None))

    # -- questions

    def _question(
        self, asked: Asked, one: EntitySet, path: str, incident: str, naming: Naming | None = None
    ) -> tuple[_Question, str | None]:
        """The bound question of a query string, from memory when it was asked before; the token apart."""
        text, _, token = asked.query.partition(_TOKEN)
        if not token.replace(b"-", b"").replace(b"_", b"").isalnum():
            text, token = asked.query, b""  # not a link as we write them: read whole
        unknown, preferred = False, 0
        if b"prefer" in asked.headers:
            unknown, preferred = asked.prefers(UNKNOWN_MEMBERS), prefer.page_size(asked.preferences)
        key = (path, incident, text, unknown, preferred, naming)
        question = self._kept.get(key)
        if question is None:
            question = self._bound(text, one, path, incident, unknown=unknown, preferred=preferred)
            question.query = question.query if naming is None else replace(question.query, naming=naming)
            if question.token is None:
                keep(self._kept, key, question, text)
        return question, token.decode() or question.token

    def _item(self, asked: Asked, one: EntitySet) -> Query:
        """What is asked of one object, from memory when it was asked before."""
        key = (one.path, asked.query, asked.prefers(UNKNOWN_MEMBERS))
        query = self._items.get(key)
        if query is None:
            query = bind.item(one, options(asked.query), unknown_members=key[2])
            keep(self._items, key, query, asked.query)
        return query

    def _bound(self, text: bytes, one: EntitySet, path: str, incident: str, *, unknown: bool, preferred: int) -> _Question:
        found = options(text)
        token = found.pop("$skiptoken", None)
        if preferred:
            # In the link it goes on for a client that sends its headers only once.
            top = whole(found, "$top")
            found["$top"] = str(preferred if top is None else min(top, preferred))
        query = bind.query(one, found, self._model, unknown_members=unknown)
        if incident:
            inside = bind.equals(one, "incidentId", incident)
            query = replace(query, where=narrowed(query.where, inside))
        identity = _identity(path, found)
        found.pop("$skip", None)
        return _Question(query, encoded(found), identity, token, min(preferred, one.choices.page_most))

    # -- pages

    async def _page(
        self, asked: Asked, caller: Caller, target: Target, question: _Question, token: str | None, path: str
    ) -> Answer:
        query = question.query
        place = None if token is None else await self._links.place(token, caller.tenant, question.identity)
        after = None if place is None else place.after
        root = f"{asked.base}/{target.version}"
        head = opening(asked, root, render.shape(path, query))
        most = max(self._page_bytes, query.of.choices.page_bytes)
        room = most - len(head) - len(question.link) - FRAME
        measured = asked.metadata != "minimal" or query.select is not None or bool(query.expand)
        if measured:
            page, documents = await self._fitted(asked, root, caller, query, after, room)
        else:
            page = await self._store.find(narrow(query, caller), after)
            documents = page.documents  # as they are stored; the whole tells whether they fit
        total = None
        if query.count:
            told = None if place is None else place.total
            total = told if told is not None else await self._store.count(narrow(query, caller))
        while True:
            link = self._next(root, caller, target, question, page, total)
            body = render.page(head, documents, total=total, next_link=link)
            if len(body) < most or len(documents) < 2:
                said = prefer.applied(asked.header(b"prefer"), "maxpagesize", question.preferred) if question.preferred else ""
                return Answer(body=body, headers=applied(query, said), metadata=asked.metadata)
            if measured:  # what stands around the rows took more than was kept free for it: a key of the order may be long
                room -= len(body) - most + 1
            page, documents = await self._fitted(asked, root, caller, query, after, room)
            measured = True

    async def _fitted(
        self, asked: Asked, root: str, caller: Caller, query: Query, after: Key | None, room: int
    ) -> tuple[Page, list[bytes]]:
        """A page and its rows as they are sent: at most `room` bytes of them, but never less than one row.

        Where they take more, the page is asked for again with as many rows as fit, so that its next place lies exactly behind
        the last row that is sent.
        """
        plain = query.select is None and not query.expand and asked.metadata == "minimal"
        shown: dict[bytes, bytes] = {}
        while True:
            page = await self._store.find(narrow(query, caller), after)
            documents = page.documents
            if not plain:
                documents, left = [], room
                for document, key in zip(page.documents, page.ids, strict=True):
                    if document not in shown:
                        shown[document] = await self._shown(asked, root, caller, query, document, key, room)
                    documents.append(shown[document])
                    left -= len(shown[document]) + 1
                    if left < 0:
                        break  # the rest of the page goes with the next one
            fits = render.fitting(documents, room)
            if fits >= len(page.documents):
                return page, documents
            query = replace(query, top=fits, passing=True)

    async def _shown(
        self, asked: Asked, root: str, caller: Caller, query: Query, document: bytes, key: str, room: int
    ) -> bytes:
        """A row as it is sent: its members, what its level says of them, and what it is expanded with, which takes no more
        than `room` leaves.
        """
        if query.select is not None:
            document = render.selected(document, query.select)
        if asked.metadata != "minimal":
            document = self._control.object(document, query.of, key, asked.metadata, root)
        if query.expand:
            document = await self._expand(asked, root, caller, query, document, key, room)
        return document

    def _next(
        self, root: str, caller: Caller, target: Target, question: _Question, page: Page, total: int | None
    ) -> str | None:
        if page.next is None:
            return None
        where = THINGS if target.set is None else target.set.path
        where = f"{where}/{target.key}/{target.member}" if target.key else where
        token = self._links.token(Place(page.next, total), caller.tenant, question.identity)
        return f"{root}/{where}?{question.link}{'&' if question.link else ''}$skiptoken={token}"

    async def _expand(
        self, asked: Asked, root: str, caller: Caller, query: Query, document: bytes, key: str, room: int
    ) -> bytes:
        """An object with what its relationships hold, newest first unless asked otherwise; past the bound a link goes on."""
        for one in query.expand:
            parts = await self._expanded(asked, root, caller, query, one, key, room - len(document) - FRAME)
            document = render.with_members(document, parts)
        return document

    async def _expanded(
        self, asked: Asked, root: str, caller: Caller, query: Query, one: Expanded, key: str, room: int
    ) -> list[bytes]:
        path = f"{query.of.path}('{key}')/{one.name}"
        inside = bind.equals(one.query.of, "incidentId", key)
        held = replace(one.query, where=narrowed(one.query.where, inside), top=min(one.query.top, EXPANDED),
                       unknown_members=query.unknown_members, passing=True)  # fmt: skip
        scoped = narrow(held, caller)
        total = await self._store.count(scoped) if held.count or one.form == "count" else None
        if one.form == "count":
            return render.tallied(one.name, total or 0)
        if one.form == "references":
            page = await self._store.find(scoped)
            documents = [render.reference(root, held.of.path, name) for name in page.ids]
        else:
            page, documents = await self._fitted(asked, root, caller, held, None, room)
        link = None
        if page.next is not None:
            options = dict(one.options)
            token = self._links.token(Place(page.next, total), caller.tenant, _identity(path, options))
            options.pop("$skip", None)
            text = encoded(options)
            link = f"{root}/{query.of.path}/{key}/{one.name}?{text}{'&' if text else ''}$skiptoken={token}"
        return render.expanded(one.name, documents, opening(asked, root, render.shape(path, held)), total=total,
                               next_link=link)  # fmt: skip

    async def _known(self, caller: Caller, one: EntitySet, key: str) -> str:
        """The id as stored of an object that exists in the caller's tenant."""
        document = await self._store.get(narrow_key(one.path, key, caller), bind.item(one, {}))
        if document is None:
            raise missing(one, key)
        return _id(document)


def expect_plain(asked: Asked, one: EntitySet) -> None:
    """BadOption for a request that asks something of what is always sent whole."""
    found = options(asked.query)
    for name, text in found.items():
        if text.strip() and name != "$format" and not name.startswith("@"):
            raise BadOption(name, "cannot be asked here.", hint="It is sent whole; leave the option out.")
    bind.item(one, {name: text for name, text in found.items() if name == "$format"})


def opening(asked: Asked, root: str, fragment: str) -> bytes:
    """The start of a body: its context, where the level has one."""
    return render.BARE if asked.metadata == "none" else render.context(root, fragment)


def _identity(path: str, options: dict[str, str]) -> str:
    """What a link is signed for: whatever decides which rows come, and in which order."""
    decides = [options.get(name, "").strip() for name in ("$filter", "$orderby", "$search")]
    aliases = [f"{name}={text}" for name, text in sorted(options.items()) if name.startswith("@")]
    return "\n".join((path, *decides, *aliases))


def keep(kept: dict[Name, Value], name: Name, value: Value, text: bytes) -> None:
    """Keeps a value under its name, in place of the oldest when there are too many."""
    if len(text) > SHORT:
        return
    if len(kept) >= KEPT:
        del kept[next(iter(kept))]
    kept[name] = value


def _id(document: bytes) -> str:
    return str(json.loads(document)["id"])


def missing(one: EntitySet, key: str) -> NotFound:
    """The refusal for an id that the caller's tenant does not have."""
    what = {ALERTS: "alert", INCIDENTS: "incident", ASSETS: "asset"}.get(
        one.choices.view_of or one.path, one.type.name.rpartition(".")[2]
    )
    return NotFound(f"There is no {what} '{key[:80]}' in this tenant.")


def applied(query: Query, page_size: str = "") -> list[Header]:
    """What was done because it was preferred, and what otherwise than it was asked, said aloud."""
    said = []
    if query.unknown_members:
        said.append(UNKNOWN_MEMBERS)
    if page_size:
        said.append(page_size)
    elif query.clamped:
        said.append(f"odata.maxpagesize={query.of.choices.page_most}")
    return [(b"preference-applied", ", ".join(said).encode())] if said else []
