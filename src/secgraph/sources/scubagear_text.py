"""What ScubaGear writes as HTML, as plain text."""

from __future__ import annotations

from contextlib import suppress
from html.parser import HTMLParser

LONGEST = 4000
"""Characters of HTML that are read."""
BREAKS = frozenset({"br", "p", "div", "li", "ul", "ol", "tr", "td"})
INDICATORS = "policy-indicators"
"""The class of the row of badges that stands behind a requirement."""


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.badges = 0  # how many div are open since the badges began

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "div" and (self.badges or ("class", INDICATORS) in attrs):
            self.badges += 1
        if tag in BREAKS:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self.badges:
            self.badges -= 1

    def handle_data(self, data: str) -> None:
        if not self.badges:
            self.words.append(data)


def plain(html: str) -> str:
    """The text of a piece of HTML in one line, without the badges behind it. What is not HTML stays as it is."""
    html = html[:LONGEST].replace("\x00", "\ufffd")
    if "<" in html or "&" in html:
        parser = _Plain()
        with suppress(AssertionError):  # a declaration that it does not know: what was read before it stands
            parser.feed(html)
            parser.close()
        html = "".join(parser.words)
    return " ".join(html.split())
