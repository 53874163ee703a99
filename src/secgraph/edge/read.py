"""GET: lists, counts, single objects, what an incident holds, and an alert's original records."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TypeVar

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow, narrow_key
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked, Header
from secgraph.edge.links import Links, Place, encoded
from secgraph.edge.route import Target
from secgraph.errors import NotFound
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import EntitySet, Model
from secgraph.odata import bind
from secgraph.odata.options import options
from secgraph.odata.query import Query, narrowed
from secgraph.store.protocol import Page, Store

KEPT = 8192
"""Bound questions kept by their text."""

SHORT = 2048
"""Longest query string whose question is kept: thousands of long ones would fill the memory."""

EXPANDED = 100
"""Most items of an expanded relationship sent with each object; the rest is behind a nested link."""

UNKNOWN_MEMBERS = "include-unknown-enum-members"
Name = TypeVar("Name")
Value = TypeVar("Value")

_TOKEN = b"&$skiptoken="


@dataclass(slots=True)
class _Question:
    """A bound question and what its links repeat."""

    query: Query
    link: str
    """The query string of its links up to the token."""
    identity: str
    """What a link is signed for: the set, the condition and the order."""
    token: str | None


class Reader:
    """Answers reads. What a caller may see is decided before anything here runs, and by `narrow`."""

    def __init__(self, store: Store, model: Model, links: Links) -> None:
        self._store = store
        self._model = model
        self._links = links
        self._alerts = model.sets[ALERTS]
        self._kept: dict[tuple[str, str, bytes, bool], _Question] = {}
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

    async def count(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """How many rows a set, or an incident, has; `$filter` counts only those that match."""
        held, key = one, ""
        if target.what == "members_count":
            key = await self._known(caller, one, target.key)
            held = self._alerts
        question, _ = self._question(asked, held, f"{one.path}('{key}')" if key else held.path, key)
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
        if query.expand or query.select is not None:
            key = _id(document)
            if query.select is not None:
                document = render.selected(document, query.select)
            if query.expand:
                document = await self._expand(root, caller, query, document, key)
        head = render.context(root, f"{render.shape(one.path, query)}/$entity")
        return Answer(body=render.item(head, document), headers=[(b"etag", tag), *_applied(query)])

    async def comments(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """The comments of an object."""
        document = await self._store.get(narrow_key(one.path, target.key, caller), bind.item(one, {}))
        if document is None:
            raise missing(one, target.key)
        record = json.loads(document)
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{record['id']}')/comments")
        return Answer(body=render.page(head, [json.dumps(comment).encode() for comment in record["comments"]],
                                       total=None, next_link=None))  # fmt: skip

    async def records(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """What every source said about an alert, exactly as it came (an extension, under its own permission)."""
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

    def _question(self, asked: Asked, one: EntitySet, path: str, incident: str) -> tuple[_Question, str | None]:
        """The bound question of a query string, from memory when it was asked before; the token apart."""
        text, _, token = asked.query.partition(_TOKEN)
        if not token.replace(b"-", b"").replace(b"_", b"").isalnum():
            text, token = asked.query, b""  # not a link as we write them: read whole
        unknown = asked.prefers(UNKNOWN_MEMBERS)
        key = (path, incident, text, unknown)
        question = self._kept.get(key)
        if question is None:
            question = self._bound(text, one, path, incident, unknown=unknown)
            _keep(self._kept, key, question, text)
        return question, token.decode() or question.token

    def _item(self, asked: Asked, one: EntitySet) -> Query:
        """What is asked of one object, from memory when it was asked before."""
        key = (one.path, asked.query, asked.prefers(UNKNOWN_MEMBERS))
        query = self._items.get(key)
        if query is None:
            query = bind.item(one, options(asked.query), unknown_members=key[2])
            _keep(self._items, key, query, asked.query)
        return query

    def _bound(self, text: bytes, one: EntitySet, path: str, incident: str, *, unknown: bool) -> _Question:
        found = options(text)
        token = found.pop("$skiptoken", None)
        query = bind.query(one, found, self._model, unknown_members=unknown)
        if incident:
            inside = bind.equals(one, "incidentId", incident)
            query = Query(query.of, narrowed(query.where, inside), query.order, query.select, query.expand, query.top,
                          query.clamped, query.skip, query.count, query.unknown_members)  # fmt: skip
        identity = "\n".join((path, found.get("$filter", "").strip(), found.get("$orderby", "").strip()))
        found.pop("$skip", None)
        return _Question(query, encoded(found), identity, token)

    # -- pages

    async def _page(
        self, asked: Asked, caller: Caller, target: Target, question: _Question, token: str | None, path: str
    ) -> Answer:
        query = question.query
        scoped = narrow(query, caller)
        place = None if token is None else self._links.place(token, caller.tenant, question.identity)
        page = await self._store.find(scoped, None if place is None else place.after)
        total = None
        if query.count:
            total = place.total if place is not None and place.total is not None else await self._store.count(scoped)
        root = f"{asked.base}/{target.version}"
        documents = page.documents
        if query.select is not None:
            documents = [render.selected(document, query.select) for document in documents]
        if query.expand:
            documents = [
                await self._expand(root, caller, query, document, key)
                for document, key in zip(documents, page.ids, strict=True)
            ]
        link = self._next(root, caller, target, question, page, total)
        head = render.context(root, render.shape(path, query))
        return Answer(body=render.page(head, documents, total=total, next_link=link), headers=_applied(query))

    def _next(
        self, root: str, caller: Caller, target: Target, question: _Question, page: Page, total: int | None
    ) -> str | None:
        if page.next is None or target.set is None:
            return None
        where = target.set.path if not target.key else f"{target.set.path}/{target.key}/{target.member}"
        token = self._links.token(Place(page.next, total), caller.tenant, question.identity)
        return f"{root}/{where}?{question.link}{'&' if question.link else ''}$skiptoken={token}"

    async def _expand(self, root: str, caller: Caller, query: Query, document: bytes, key: str) -> bytes:
        """An incident with its alerts, newest first; past the bound a nested link goes on."""
        path = f"{query.of.path}('{key}')/alerts"
        held = Query(
            of=self._alerts,
            where=bind.equals(self._alerts, "incidentId", key),
            order=bind.query(self._alerts, {}, self._model).order,
            top=EXPANDED,
            unknown_members=query.unknown_members,
        )
        page = await self._store.find(narrow(held, caller))
        link = None
        if page.next is not None:
            token = self._links.token(Place(page.next, None), caller.tenant, f"{path}\n\n")
            link = f"{root}/{query.of.path}/{key}/alerts?$skiptoken={token}"
        return render.with_members(document, render.expanded("alerts", page.documents, render.context(root, path), link))

    async def _known(self, caller: Caller, one: EntitySet, key: str) -> str:
        """The id as stored of an object that exists in the caller's tenant."""
        document = await self._store.get(narrow_key(one.path, key, caller), bind.item(one, {}))
        if document is None:
            raise missing(one, key)
        return _id(document)


def _keep(kept: dict[Name, Value], name: Name, value: Value, text: bytes) -> None:
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
    what = "alert" if one.path == ALERTS else "incident" if one.path == INCIDENTS else "object"
    return NotFound(f"There is no {what} '{key[:80]}' in this tenant.")


def _applied(query: Query) -> list[Header]:
    """What was done differently from what was asked, said aloud."""
    said = []
    if query.unknown_members:
        said.append(UNKNOWN_MEMBERS)
    if query.clamped:
        said.append(f"odata.maxpagesize={query.of.choices.page_most}")
    return [(b"preference-applied", ", ".join(said).encode())] if said else []
