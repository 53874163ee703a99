"""One page out of many items, the way each family of APIs turns pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from secgraph.simulate.ask import Ask, Refused

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Items, and where the next ones are."""

    items: Sequence[Item]
    more: str | None = None
    """The whole address of the next page."""
    total: int = 0


def repeated(ask: Ask, start: int) -> int:
    """Where a page begins: one item earlier where the faults want one that was sent already."""
    faults = ask.world.faults
    if start and faults.duplicates and ask.world.throw.random() < faults.duplicates:
        return start - 1
    return start


def by_token(ask: Ask, items: list[Item], key: str, *, usual: int, most: int) -> Page:
    """A page of Microsoft Graph: `$top` is the size of a page, and `@odata.nextLink` goes on behind the last item by a
    `$skiptoken` that nobody else can make anything of.
    """
    size = min(ask.whole("top", 1) or ask.page or usual, most)
    total = len(items)
    token = ask.option("skiptoken")
    start = (ask.whole("skip") or 0) if token is None else repeated(ask, _behind(token, items, key))
    page = items[start : start + size]
    more = None
    if start + size < total:
        # The list moves while it is read. A token that counted would lose or repeat items; it names the last one and its place.
        said = f"{start + len(page)}:{page[-1][key]}".encode()
        more = ask.link(skiptoken=base64.urlsafe_b64encode(said).decode().rstrip("="))
        more = _without_skip(more)
    return Page(page, more, total)


def _without_skip(link: str) -> str:
    head, _, options = link.partition("?")
    return f"{head}?{'&'.join(part for part in options.split('&') if not part.lower().startswith('$skip='))}"


def _behind(token: str, items: list[Item], key: str) -> int:
    """The place behind the item that a token names; where that item is no longer in the list, the place it had."""
    try:
        place, _, last = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().partition(":")
        start = int(place)
    except ValueError:
        raise Refused(400, "BadRequest", "The $skiptoken cannot be read: it is none of ours, or it was changed.") from None
    for at, item in enumerate(items):
        if str(item[key]) == last:
            return at + 1
    return min(start, len(items))


def by_number(ask: Ask, items: list[Item], *, most: int, linked: bool) -> Page:
    """A page of the Defender APIs: `$top` is the number of items in all, `$skip` counts. Over the ceiling is a refusal. A link
    is only there where the caller named no number and there are more than a page holds.
    """
    top = ask.whole("top", 1)
    if top is not None and top > most:
        raise Refused(
            400,
            "BadRequest",
            f"The query specified in the URI is not valid. The limit of '{most}' for Top query has "
            f"been exceeded. The value from the incoming request is '{top}'.",
        )
    asked = ask.whole("skip") or 0
    start = repeated(ask, asked)
    size = min(top or ask.page or most, most)
    page = items[start : start + size]
    rest = start + size < len(items)
    return Page(page, ask.link(skip=str(start + size)) if linked and rest and top is None else None, len(items))
