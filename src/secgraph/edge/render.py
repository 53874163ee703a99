"""Stored JSON → bodies. Documents are joined as bytes; one is taken apart only when `$select` asks for it."""

from __future__ import annotations

import json

import msgspec

from secgraph.odata.query import Query

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TAG = b'{"@odata.etag":"W/\\"'


def context(root: str, fragment: str) -> bytes:
    """`"@odata.context": ...` as the first member of a body."""
    return b'{"@odata.context":' + json.dumps(f"{root}/$metadata#{fragment}").encode()


def shape(path: str, query: Query) -> str:
    """The context fragment of a set: the members in brackets when they were chosen."""
    return f"{path}({','.join(query.select)})" if query.select is not None else path


def page(head: bytes, documents: list[bytes], *, total: int | None, next_link: str | None) -> bytes:
    """A collection's body."""
    count = b"" if total is None else b',"@odata.count":%d' % total
    link = b"" if next_link is None else b',"@odata.nextLink":' + json.dumps(next_link).encode()
    return b"".join((head, count, link, b',"value":[', b",".join(documents), b"]}"))


def item(head: bytes, document: bytes) -> bytes:
    """One object's body."""
    return head + b"," + document[1:]


def selected(document: bytes, members: tuple[str, ...]) -> bytes:
    """The document cut down to these members and its entity tag."""
    found = _members.decode(document)
    kept = {name: found[name] for name in ("@odata.etag", *members) if name in found}
    return msgspec.json.encode(kept)


def with_members(document: bytes, parts: list[bytes]) -> bytes:
    """The document with an expanded relationship at its end; the parts come ready to be joined."""
    return b"".join((document[:-1], b"," if len(document) > 2 else b"", *parts, b"}"))


def expanded(name: str, documents: list[bytes], head: bytes, next_link: str | None) -> list[bytes]:
    """The parts of an expanded relationship: its context, its items, and where it goes on."""
    quoted = json.dumps(f"{name}@odata.context").encode()
    parts = [quoted, b":", head.removeprefix(b'{"@odata.context":'), b",", json.dumps(name).encode(), b":[",
             b",".join(documents), b"]"]  # fmt: skip
    if next_link is not None:
        parts += [b",", json.dumps(f"{name}@odata.nextLink").encode(), b":", json.dumps(next_link).encode()]
    return parts


def etag(document: bytes) -> bytes:
    """The entity tag a stored document leads with."""
    if not document.startswith(_TAG):
        return b""
    end = document.index(b'\\"', len(_TAG))
    return b'W/"' + document[len(_TAG) : end] + b'"'
