"""Text that no store can hold, made storable: NUL and lone surrogates become U+FFFD.

Not recursive, because a record may nest as deep as the reader of JSON lets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from secgraph.model.value import clean


@dataclass(slots=True)
class Repaired:
    """A value and whether anything in it was replaced."""

    value: Any
    changed: bool = False

    def text(self, text: str) -> str:
        """The text as it can be stored."""
        fixed = clean(text)
        self.changed |= fixed is not text and fixed != text
        return fixed


def repaired(value: Any) -> Repaired:
    """The value with every text in it repaired, names of members too. Lists and objects are changed in place."""
    result = Repaired(value)
    if isinstance(value, str):
        result.value = result.text(value)
        return result
    waiting = [value]
    while waiting:
        at = waiting.pop()
        if isinstance(at, list):
            for place, item in enumerate(at):
                if isinstance(item, str):
                    at[place] = result.text(item)
                elif isinstance(item, list | dict):
                    waiting.append(item)
        elif isinstance(at, dict):
            items = list(at.items())
            at.clear()
            for name, item in items:
                at[result.text(name)] = result.text(item) if isinstance(item, str) else item
                if isinstance(item, list | dict):
                    waiting.append(item)
    return result
