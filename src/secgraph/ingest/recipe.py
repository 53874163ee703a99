"""How a source is made once more in another process: out of its kind and what it was told, where none of that is secret."""

from __future__ import annotations

import contextlib
import copy

import msgspec

from secgraph.extend import Connector, Told, source, sources

_MARK = "_made_by"


class Recipe(msgspec.Struct, array_like=True, frozen=True):
    """A kind, under which name, and everything that it was told; None for one that was told nothing."""

    kind: str
    name: str
    options: dict[str, str] | None = None

    def __hash__(self) -> int:
        return hash((self.kind, self.name))


def recipe_of(connector: Connector) -> Recipe | None:
    """That of a source; None where only this process can have it."""
    if connector.name in sources() and source(connector.name) is connector:
        return Recipe(connector.name, connector.name)
    found = getattr(connector, _MARK, None)
    return found if isinstance(found, Recipe) and found.name == connector.name else None


def made(recipe: Recipe) -> Connector:
    """The source that a recipe means; of a kind that is installed."""
    kind = source(recipe.kind)
    if recipe.options is not None and isinstance(kind, Told):
        kind = kind.told(recipe.options)
    return kind if recipe.name == recipe.kind and recipe.options is None else called(kind, recipe.name)


def called(connector: Connector, name: str, recipe: Recipe | None = None) -> Connector:
    """The same source under another name, with the recipe that it was made by, where others may know it."""
    one = copy.copy(connector)
    # Some are frozen; this one is nobody else's yet.
    object.__setattr__(one, "name", name)
    with contextlib.suppress(AttributeError):  # one with slots cannot be marked: nobody helps it
        object.__setattr__(one, _MARK, recipe)
    return one
