"""XML sent to make a source fall that reads it: declarations that swell or fetch, and elements without end, in good reports."""

from __future__ import annotations

import re
from collections.abc import Iterator

DECLARED = "declared in the report"
"""What the entities of these reports stand for. No draft has it where entities are refused."""

SIZE, MOST_ELEMENTS = 10_000_000, 500_000

_LAUGHS = b"".join(
    b'<!ENTITY l%d "%b">' % (level, b"&l%d;" % (level - 1) * 10 if level else DECLARED.encode()) for level in range(12)
)
_TYPES = {
    "a document type": b"<!DOCTYPE r>",
    "a document type that is fetched": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd">',
    "an entity": b'<!DOCTYPE r [<!ENTITY x "%b">]>' % DECLARED.encode(),
    "a long entity": b'<!DOCTYPE r [<!ENTITY x "%b">]>' % (DECLARED.encode() * 5_000),
    "entities of entities": b'<!DOCTYPE r [%b<!ENTITY x "&l11;">]>' % _LAUGHS,
    "an entity that is a file": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    "an entity that is fetched": b'<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>',
}
_ROOT = re.compile(rb"<[A-Za-z_][^<>]*>")
_TEXT = re.compile(rb">[^<>]*[^<>\s][^<>]*<")
_VALUE = re.compile(rb'"[^"<>]+"')


def swollen(report: bytes) -> Iterator[tuple[str, bytes]]:
    """Reports made of a good one in XML, each with words that say what is odd about it; none of one that is no XML."""
    root = _ROOT.search(report)
    if root is None:
        return
    head, rest = report[: root.start()], report[root.start() :]
    for words, declared in _TYPES.items():
        yield words, head + declared + rest
        yield f"{words}, in every text", head + declared + _TEXT.sub(b">&x;<", rest)
        yield f"{words}, in every attribute", head + declared + _VALUE.sub(b'"&x;"', rest)
    for words, many in _many():
        yield f"{words} in its root", report[: root.end()] + many + report[root.end() :]


def _many() -> Iterator[tuple[str, bytes]]:
    """Made as they are needed: together they are large."""
    yield "elements that nest deep", b"<a>" * 100_000 + b"</a>" * 100_000
    yield "elements that never end", b"<a>" * (SIZE // 3)
    yield "elements of one kind", b"<a/>" * MOST_ELEMENTS
    yield "an element of many attributes", b"<a " + b" ".join(b'a%d=""' % number for number in range(100_000)) + b"/>"
    yield "a long attribute", b'<a b="' + b"x" * SIZE + b'"/>'
    yield "an element with a long name", b"<" + b"a" * SIZE + b"/>"
    yield "a long text", b"x" * SIZE
    yield "references without end", b"&amp;" * (SIZE // 5)
    yield "a comment without end", b"<!--" + b"x" * SIZE
