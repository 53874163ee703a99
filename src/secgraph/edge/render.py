"""Stored JSON → bodies. Documents are joined as bytes; one is taken apart only when `$select` asks for it."""

from __future__ import annotations

from typing import Any

import msgspec

from secgraph.odata.query import Chosen, Query

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_json = msgspec.json.Encoder().encode
_TAG = b'{"@odata.etag":"W/\\"'

BARE = b"{"
"""The head of a body without a context."""


def context(root: str, fragment: str) -> bytes:
    """`"@odata.context": ...` as the first member of a body."""
    return b'{"@odata.context":' + _json(f"{root}/$metadata#{fragment}")


def shape(path: str, query: Query) -> str:
    """The context fragment of a set: the members in brackets when they were chosen."""
    if query.select is None:
        return path
    return f"{path}({','.join(name for one in query.select for name in one.spelled())})"


def page(
    head: bytes, documents: list[bytes], *, total: int | None, next_link: str | None, delta_link: str | None = None
) -> bytes:
    """A collection's body."""
    count = b"" if total is None else b',"@odata.count":%d' % total
    link = b"" if next_link is None else b',"@odata.nextLink":' + _json(next_link)
    link += b"" if delta_link is None else b',"@odata.deltaLink":' + _json(delta_link)
    if head == BARE:
        return BARE + b"".join((count, link, b',"value":[', b",".join(documents), b"]}"))[1:]
    return b"".join((head, count, link, b',"value":[', b",".join(documents), b"]}"))


def item(head: bytes, document: bytes) -> bytes:
    """One object's body."""
    return document if head == BARE else head + b"," + document[1:]


def fitting(documents: list[bytes], room: int) -> int:
    """How many of them, from the front, take at most `room` bytes with the commas between; never less than one of some."""
    if sum(map(len, documents)) + len(documents) <= room:
        return len(documents)
    for place, document in enumerate(documents):
        room -= len(document) + 1
        if room < 0:
            return max(place, 1)
    return len(documents)


def selected(document: bytes, members: tuple[Chosen, ...]) -> bytes:
    """The document cut down to these members and its entity tag."""
    found = _members.decode(document)
    kept: dict[str, Any] = {"@odata.etag": found["@odata.etag"]} if "@odata.etag" in found else {}
    for one in members:
        if one.name in found:
            kept[one.name] = _cut(msgspec.json.decode(found[one.name]), one.inner) if one.inner else found[one.name]
    return _json(kept)


def _cut(value: Any, members: tuple[Chosen, ...]) -> Any:
    """A value with only these members of it; the type of an item always stays, for it says how to read the rest."""
    if isinstance(value, list):
        return [_cut(item, members) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("@odata.type")
    kept = {"@odata.type": kind} if kind is not None else {}
    for one in members:
        if one.name in value and (not one.tags or kind in one.tags):
            kept[one.name] = _cut(value[one.name], one.inner) if one.inner else value[one.name]
    return kept


def with_members(document: bytes, parts: list[bytes]) -> bytes:
    """The document with an expanded relationship at its end; the parts come ready to be joined."""
    return b"".join((document[:-1], b"," if len(document) > 2 else b"", *parts, b"}"))


def expanded(
    name: str, documents: list[bytes], head: bytes, *, total: int | None = None, next_link: str | None = None
) -> list[bytes]:
    """The parts of an expanded relationship: its context, how many items there are in all where that was asked, the items,
    and where it goes on.
    """
    parts = [_json(f"{name}@odata.context"), b":", head.removeprefix(b'{"@odata.context":'), b","]
    if head == BARE:
        parts = []
    if total is not None:
        parts += [*tallied(name, total), b","]
    parts += [_json(name), b":[", b",".join(documents), b"]"]
    if next_link is not None:
        parts += [b",", _json(f"{name}@odata.nextLink"), b":", _json(next_link)]
    return parts


def reference(root: str, path: str, key: str) -> bytes:
    """An item as its address alone."""
    return _json({"@odata.id": f"{root}/{path}('{key}')"})


def tallied(name: str, total: int) -> list[bytes]:
    """The parts of an expanded relationship of which only the number of items is asked."""
    return [_json(f"{name}@odata.count"), b":", str(total).encode()]


def etag(document: bytes) -> bytes:
    """The entity tag a stored document leads with."""
    if not document.startswith(_TAG):
        return b""
    end = document.index(b'\\"', len(_TAG))
    return b'W/"' + document[len(_TAG) : end] + b'"'
