"""Whether a product says already what it was to be told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from secgraph.odata.query import fold


@dataclass(slots=True)
class Said:
    """What a product says of an alert, in the words of the contract."""

    members: Mapping[str, Any]
    taken: Mapping[str, int] = field(default_factory=dict)
    """How often each comment was given to it before."""
    found: dict[str, int] = field(default_factory=dict)
    """How often each was looked for and found."""


def takes(said: Said, member: str, value: Any) -> bool:
    """Whether it says so. Of comments that are alike each is found once, and those that it had before count for themselves."""
    if member != "comments":
        return member in said.members and _plain(said.members[member]) == _plain(value)
    words = str(value).strip()
    there = sum(_holds(one, words) for one in said.members.get(member) or ())
    if there > said.taken.get(value, 0) + said.found.get(words, 0):
        said.found[words] = said.found.get(words, 0) + 1
        return True
    return False


def _holds(comment: Any, words: str) -> int:
    """How often a product's comment holds these words as lines of their own: some make one comment of several."""
    lines, wanted = str(comment).strip().split("\n"), words.split("\n")
    return sum(lines[first : first + len(wanted)] == wanted for first in range(len(lines) - len(wanted) + 1))


def _plain(value: Any) -> str:
    """Without what products differ in: nothing, the empty text and `unknown` all say that nothing is known."""
    folded = fold(str(value)) if value is not None else ""
    return "" if folded == "unknown" else folded
