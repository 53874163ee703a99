"""A question in all its variants, and what every good answer to it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from bench.processes import Failed
from bench.tables import PAGE

Check = Callable[[bytes], object]
"""What all sides' answers to one variant must have in common. Failed when an answer is no good one."""

SERVED = {"first": "ours"}
"""Which side answers lines that have not a side's own name: `first` are first pages, beside deep ones of the same server."""


class Named(msgspec.Struct):
    """What is told apart of an alert."""

    id: str
    createdDateTime: str  # noqa: N815 -- the contract's word


class Page(msgspec.Struct):
    """A list's page."""

    value: list[Named]
    link: str | None = msgspec.field(name="@odata.nextLink", default=None)


read_page = msgspec.json.Decoder(Page).decode


def ids(answer: bytes) -> object:
    """The ids of a page, which must be full."""
    found = [one.id for one in read_page(answer).value]
    if len(found) != PAGE:
        raise Failed(f"A page has {len(found)} rows.")
    return found


def own(answer: bytes) -> object:
    """The id of an alert."""
    return msgspec.json.decode(answer, type=Named).id


def anything(_: bytes) -> object:
    """For writes, of which is seen afterwards what came of them."""
    return None


@dataclass(slots=True)
class Workload:
    """One question in all its variants, for all sides in the same order."""

    name: str
    says: str
    lines: dict[str, list[str]]
    """What each side is asked: paths, or what the script makes requests of. Sides that are not here are not asked."""
    check: Check
    script: str = "get"
    method: str = "GET"
    body: str = ""
    """A body to compare answers with."""
    kind: str = "application/json"
    beside: bool = True
    """Whether ten writes a second go on meanwhile."""

    @property
    def writes(self) -> bool:
        """Whether alerts change by it."""
        return self.check is anything
