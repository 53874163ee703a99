"""Who asks, and whether they may."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from secgraph.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Caller:
    """An application that proved who it is, in one tenant."""

    tenant: int
    """The tenant's number in the store; the head of every key."""
    tenant_id: str
    app_id: str
    name: str
    permissions: frozenset[str]


def may(caller: Caller, needed: tuple[str, ...]) -> bool:
    """Whether any one entry of `needed` is held; an entry with ` + ` needs all its parts. No entries: nobody may."""
    held = caller.permissions
    return any(_parts(entry) <= held for entry in needed if entry)


@cache
def _parts(entry: str) -> frozenset[str]:
    return frozenset(entry.split(" + "))


def forbidden(caller: Caller, needed: tuple[str, ...], what: str) -> Forbidden:
    """The refusal for who may not: it names what is needed and what is held."""
    held = ", ".join(sorted(caller.permissions)) or "none"
    return Forbidden(
        f"{what} needs one of these application permissions: {', '.join(needed) or 'none that exists'}."
        f" The token of '{caller.name}' holds: {held}.",
        hint=f"An administrator grants one with: secgraph app grant {caller.app_id} {needed[0] if needed else ''}".rstrip()
        + ".",
    )
