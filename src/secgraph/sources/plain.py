"""What the results of scanners have in common: lists of any length, and texts in HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from secgraph.extend import Record

LONGEST = 20_000
"""Characters of HTML that are read."""

SKIPPED = frozenset(("script", "style", "div"))
"""What holds no words of the result: scripts, and the marks behind a requirement."""

BREAKS = frozenset(("br", "p", "li", "tr"))


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Counts what is skipped."""
        del attrs
        self._inside += tag in SKIPPED
        if tag in BREAKS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """The same."""
        self._inside -= tag in SKIPPED and self._inside > 0

    def handle_data(self, data: str) -> None:
        """Keeps words."""
        if not self._inside:
            self.parts.append(data)


def every(value: Any) -> list[Record]:
    """All the objects in a list: a report of a scanner has as many as it has."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def plain(value: Any) -> str:
    """The words of a text that may be HTML, in one line; nothing for what is no text."""
    if not isinstance(value, str):
        return ""
    if "<" not in value and "&" not in value:
        return " ".join(value[:LONGEST].split())
    words = _Words()
    words.feed(value[:LONGEST])
    words.close()
    return " ".join("".join(words.parts).split())
