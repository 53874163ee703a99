"""What is wrong with a mapping, gathered while it is read: all of it is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from secgraph.sources.generic_paths import Find, compiled

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Faults:
    """What is wrong with a mapping, by the keys where it stands."""

    found: list[tuple[Path, str]] = field(default_factory=list)

    def tell(self, path: Path, says: str) -> None:
        """One more."""
        self.found.append((path, says))

    def unknown(self, path: Path, table: Mapping[str, Any], known: Iterable[str]) -> None:
        """Tells the keys of a table that are none."""
        possible = sorted(known)
        for name in table:
            if name not in possible:
                self.tell((*path, name), f"there is no such key here; there are: {', '.join(possible)}")

    def expression(self, path: Path, given: Any) -> Find | None:
        """The expression at that key."""
        if not isinstance(given, str):
            self.tell(path, f"must be an expression in quotes, not {kind_of(given)}")
            return None
        try:
            return compiled(given)
        except ValueError as fault:
            self.tell(path, str(fault))
            return None

    def text(self, path: Path, given: Any) -> str:
        """The text at that key."""
        if not isinstance(given, str) or not given.strip():
            self.tell(path, f"must be a text, not {kind_of(given)}")
            return ""
        return given


def kind_of(value: Any) -> str:
    """What a TOML value is, in words."""
    return {dict: "a table", list: "a list", bool: "true or false", str: "an empty text"}.get(type(value), "a number")
