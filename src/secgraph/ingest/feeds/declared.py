"""A file that says which sources a tenant has: what it adds, changes and removes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from secgraph.errors import UsageError
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Feeds, Said
from secgraph.store.registry import Tenant

_MEMBERS = ("kind", "road", "every", "silence", "paused", "options")


@dataclass(frozen=True, slots=True)
class Declared:
    """One source of the file."""

    name: str
    kind: str
    said: Said


@dataclass(slots=True)
class Applied:
    """What became of the sources of a tenant, by name."""

    added: list[str]
    changed: list[str]
    unchanged: list[str]
    removed: list[str]


def declared(text: str, opened: Callable[[str], str]) -> list[Declared]:
    """The sources that a TOML text declares, one table `[source.NAME]` each. `opened` gives what a value says, which may name a
    file. UsageError names what is wrong.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(f"It is no TOML: {fault}.") from None
    strange = [name for name in found if name != "source"]
    tables = found.get("source", {})
    if strange or not isinstance(tables, dict):
        raise UsageError(f"Sources are declared as tables [source.NAME]; '{(strange or ['source'])[0]}' is none.")
    return [_one(name, table, opened) for name, table in tables.items()]


def _one(name: str, table: Any, opened: Callable[[str], str]) -> Declared:
    if not isinstance(table, dict):
        raise UsageError(f"source.{name} is no table.")
    for word in table:
        if word not in _MEMBERS:
            raise UsageError(f"source.{name} has no member '{word}'. There are: {', '.join(_MEMBERS)}.")

    def member(word: str, kind: type, otherwise: Any) -> Any:
        value = table.get(word, otherwise)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise UsageError(f"source.{name}.{word} is no {_WORDS[kind]}.")
        return value

    options: Mapping[str, Any] = member("options", dict, {})
    for option, value in options.items():
        if not isinstance(value, str | int | float):
            raise UsageError(f"source.{name}.options.{option} is neither text nor a number.")
    said = {option: opened(_text(value)) for option, value in options.items()}
    return Declared(name, member("kind", str, name), Said(
        said, member("road", str, None), member("every", int, None), member("silence", int, None),
        member("paused", bool, False),
    ))  # fmt: skip


_WORDS = {dict: "table", str: "text", int: "whole number", bool: "true or false"}


def _text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def apply(feeds: Feeds, tenant: Tenant, wanted: list[Declared], *, prune: bool) -> Applied:
    """Makes the sources of a tenant those that are declared, and removes others where that is wanted. What a source is not told
    in the file is taken back. UsageError names the source that cannot be so; those before it are done.
    """
    there = {one.name: one for one in await feeds.of(tenant.number)}
    applied = Applied([], [], [], [])
    for one in wanted:
        try:
            (await _put(feeds, tenant, there.get(one.name), one, applied)).append(one.name)
        except UsageError as refused:
            raise UsageError(f"source.{one.name}: {refused}") from None
    if prune:
        for name in sorted(there.keys() - {one.name for one in wanted}):
            await feeds.remove(tenant, name)
            applied.removed.append(name)
    return applied


async def _put(feeds: Feeds, tenant: Tenant, former: Feed | None, one: Declared, applied: Applied) -> list[str]:
    """Makes a source what is declared; the list that it belongs into then."""
    if former is None:
        await feeds.add(tenant, one.kind, one.name, one.said)
        return applied.added
    if former.kind != one.kind:
        raise UsageError(
            f"it is of the kind {former.kind}, not {one.kind}. Remove it first: secgraph source remove {one.name}."
        )
    # The secret of a webhook that nobody declares was made here, and stays.
    left = {name: "" for name in former.options if name != "hook_secret"}
    said = Said({**left, **one.said.options}, one.said.road, one.said.every, one.said.silence, one.said.paused)
    changed = await feeds.change(tenant, one.name, said)
    return applied.unchanged if changed.number == former.number else applied.changed
