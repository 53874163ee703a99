"""Sources by name: the entry points of the group `secgraph.sources`, of whatever package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from secgraph.errors import UsageError
from secgraph.extend.draft import Connector


@cache
def sources() -> Mapping[str, type[Connector]]:
    """Every installed source by name, in alphabetical order. Nothing is imported until `source` asks for it; what is
    installed is looked up once, because that reads every package's files.
    """
    found = {point.name: point for point in entry_points(group="secgraph.sources")}
    return _Lazy(dict(sorted(found.items())))


@cache
def source(name: str) -> Connector:
    """The source of that name, made once; a UsageError that lists the names when there is none."""
    known = sources()
    if name not in known:
        raise UsageError(f"There is no source '{name}'. Known sources: {', '.join(known)}.")
    return known[name]()


class _Lazy(Mapping[str, Any]):
    def __init__(self, points: dict[str, Any]) -> None:
        self._points = points

    def __getitem__(self, name: str) -> Any:
        return self._points[name].load()

    def __contains__(self, name: object) -> bool:
        return name in self._points  # the inherited way would import the module to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)
