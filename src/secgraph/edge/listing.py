"""Lists that are no sets: what is asked of one, and a page with the link that goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from secgraph.access.caller import Caller
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.links import Links, Place, encoded
from secgraph.edge.read import FRAME
from secgraph.edge.route import Target
from secgraph.errors import BadOption
from secgraph.odata.options import options, whole
from secgraph.store.protocol import Key

PAGE, MOST = 100, 1000
"""Items of a page where nothing is said, and at most."""


class Item(NamedTuple):
    """Something to send, and where the list goes on behind it."""

    document: bytes
    place: Key


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a list."""

    top: int
    clamped: bool
    filter: str
    after: Key | None
    """Behind what it goes on."""
    link: str
    """The query string of its links up to the token."""
    identity: str
    """What a link is signed for: the list and the condition."""


class Lists:
    """Reads what is asked of lists, and writes their pages."""

    def __init__(self, links: Links, page_bytes: int) -> None:
        self._links = links
        self._page_bytes = page_bytes

    async def wanted(self, asked: Asked, caller: Caller, path: str, takes: tuple[str, ...]) -> Wanted:
        """What is asked. BadOption for an option that the list does not take, BadLink for a link that is not this one's."""
        found = {name: text for name, text in options(asked.query).items() if text.strip()}
        for name in found:
            if name not in takes and not name.startswith("@"):
                raise BadOption(name, "cannot be asked of this list.", hint=f"Possible: {', '.join(takes)}.")
        if "json" not in found.pop("$format", "json").lower():
            raise BadOption("$format", "only JSON is served.", hint="Leave $format out.")
        token = found.pop("$skiptoken", None)
        top = whole(found, "$top")
        identity = "\n".join((path, found.get("$filter", "").strip()))
        place = None if token is None else await self._links.place(token, caller.tenant, identity)
        after = None if place is None else place.after
        most = min(PAGE if top is None else top, MOST)
        clamped = top is not None and top > MOST
        return Wanted(most, clamped, found.get("$filter", ""), after, encoded(found), identity)

    def page(
        self, asked: Asked, caller: Caller, target: Target, path: str, wanted: Wanted, items: Sequence[Item], onward: Key | None
    ) -> Answer:
        """A page of as many of the items as fit; `onward` is where the list goes on behind the last of them, if it does."""
        root = f"{asked.base}/{target.version}"
        head = render.context(root, path)
        documents = [one.document for one in items]
        fits = render.fitting(documents, self._page_bytes - len(head) - len(wanted.link) - FRAME)
        if fits < len(items):
            onward = items[fits - 1].place
        link = None
        if onward is not None:
            where = path.replace("('", "/").replace("')", "")
            token = self._links.token(Place(onward, None), caller.tenant, wanted.identity)
            link = f"{root}/{where}?{wanted.link}{'&' if wanted.link else ''}$skiptoken={token}"
        headers = [(b"preference-applied", b"odata.maxpagesize=%d" % MOST)] if wanted.clamped else []
        return Answer(body=render.page(head, documents[:fits], total=None, next_link=link), headers=headers)
