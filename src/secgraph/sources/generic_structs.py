"""Objects of the contract made from a record: what a user account, a file or an item of evidence takes its members from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from secgraph.extend import Record, account, digest, file_at, shown
from secgraph.model.edm import Property, StructType, load
from secgraph.sources.generic_faults import Faults, Path
from secgraph.sources.generic_paths import Find, holds
from secgraph.sources.generic_values import ANYTHING, MOST, Look, Member, Take, member_of, open_members

EVIDENCE = "microsoft.graph.security.alertEvidence"
NAMESPACE = "microsoft.graph.security."
DEEPEST = 4
"""How many objects stand inside each other."""

SPREAD: Mapping[str, tuple[str, Callable[[str], Record]]] = {
    "account": ("accountName", account),
    "path": ("filePath", file_at),
    "hash": ("sha256", digest),
}
"""Keys that fill several members of an object that has the one named here: `DOMAIN\\name`, a path with its file, a digest."""


@dataclass(frozen=True, slots=True)
class Item:
    """One template of evidence."""

    build: Callable[[Any, Look], Record | None]
    when: Find | None
    each: Find | None

    def add(self, look: Look, found: list[Record]) -> None:
        """Adds what the record has of it."""
        if self.when is not None and not holds(self.when(look.record, look)):
            return
        if self.each is None:
            here: list[Any] = [look.record]
        else:
            value = self.each(look.record, look)
            here = value[:MOST] if value.__class__ is list else [] if value is None else [value]
        for one in here:
            if (made := self.build(one, look)) is not None and made not in found:
                found.append(made)


def evidence_item(given: Any, path: Path, faults: Faults) -> Item | None:
    """The template of evidence in that table; what is wrong with it is told."""
    if not isinstance(given, dict):
        faults.tell(path, "must be a table: [[evidence]]")
        return None
    faults.unknown(path, given, ("kind", "when", "each", "members"))
    kind = _kind(given.get("kind"), (*path, "kind"), faults)
    when = faults.expression((*path, "when"), given["when"]) if "when" in given else None
    each = faults.expression((*path, "each"), given["each"]) if "each" in given else None
    members = given.get("members")
    if not isinstance(members, dict) or not members:
        faults.tell((*path, "members"), "must be a table: where each member takes its value from")
        return None
    build = None if kind is None else struct(kind, members, (*path, "members"), faults)
    return None if build is None else Item(build, when, each)


def kinds() -> dict[str, StructType]:
    """The kinds of evidence by their short names, such as `device`."""
    return {one.name.removeprefix(NAMESPACE).removesuffix("Evidence"): one
            for one in load().struct(EVIDENCE).family() if not one.abstract and one.name != EVIDENCE}  # fmt: skip


def _kind(given: Any, path: Path, faults: Faults) -> StructType | None:
    known = kinds()
    if not isinstance(given, str) or given not in known:
        faults.tell(path, f"must be a kind of evidence: {', '.join(sorted(known))}")
        return None
    return known[given]


def struct(
    kind: StructType, given: Mapping[str, Any], path: Path, faults: Faults, depth: int = 1
) -> Callable[[Any, Look], Record | None] | None:
    """What builds an object of that type; None comes of a record that has nothing of it but constants."""
    if depth > DEEPEST:
        faults.tell(path, f"nests deeper than {DEEPEST} objects")
        return None
    tagged = load().struct(EVIDENCE) in _line(kind)
    made: list[Member] = []
    spread: list[tuple[Take, Callable[[str], Record]]] = []
    for name, one in given.items():
        if name == "kind" and "kind" not in kind.properties:
            continue
        item = kind.properties.get(name)
        if item is None or item.navigation:
            if name in SPREAD and SPREAD[name][0] in kind.properties:
                if (spreads := member_of(ANYTHING, one, (*path, name), faults)) is not None:
                    spread.append((spreads.take, SPREAD[name][1]))
                continue
            more = [word for word, (needs, _) in SPREAD.items() if needs in kind.properties]
            known = sorted([*more, *(item.name for item in kind.properties.values() if not item.navigation)])
            short = kind.name.rpartition(".")[2]
            faults.tell((*path, name), f"{short} has no member of this name; it has: {', '.join(known)}")
        elif (made_of := member(item, one, (*path, name), faults, depth)) is not None:
            made.append(made_of)
    return _builder(f"#{kind.name}" if tagged else "", made, spread)


def _line(kind: StructType) -> list[StructType]:
    """A type and those it stands on."""
    return [kind] if kind.base is None else [kind, *_line(load().struct(kind.base))]


def _builder(
    tag: str, made: list[Member], spread: list[tuple[Take, Callable[[str], Record]]]
) -> Callable[[Any, Look], Record | None]:
    constants = {one.name: one.take(None, None) for one in made if one.constant}  # type: ignore[arg-type]
    taken = [(one.name, one.take) for one in made if not one.constant]

    def build(here: Any, look: Look) -> Record | None:
        record: Record = {"@odata.type": tag, "createdDateTime": look.created} if tag else {}
        bare = len(record)
        for take, parted in spread:
            value = take(here, look)
            if value is not None:
                record.update(parted(value))
        for name, take in taken:
            value = take(here, look)
            if value is not None:
                record[name] = value
        if len(record) == bare:
            return None
        return {**record, **constants} if constants else record

    return build


def member(item: Property, given: Any, path: Path, faults: Faults, depth: int = 1) -> Member | None:
    """A member of any type; None where it cannot be, which is told."""
    kind = item.type
    if not isinstance(kind, StructType):
        return member_of(item, given, path, faults)
    if kind.open:
        found = open_members(given, path, faults)
        return None if found is None else Member(item.name, lambda here, look: shown(found(here, look)) or None)
    if not isinstance(given, dict) or not given:
        faults.tell(path, f"{item.name} is an object: write a table of its members")
        return None
    each = faults.expression((*path, "each"), given["each"]) if item.collection and "each" in given else None
    members = {name: one for name, one in given.items() if name != "each" or not item.collection}
    if kind.derived:
        chosen = _kind(given.get("kind"), (*path, "kind"), faults)
        if chosen is None:
            return None
        kind = chosen
    build = struct(kind, members, path, faults, depth + 1)
    if build is None:
        return None
    return Member(item.name, _listed(build, each) if item.collection else build)


def _listed(build: Callable[[Any, Look], Record | None], each: Find | None) -> Take:
    def take(here: Any, look: Look) -> Any:
        value = here if each is None else each(here, look)
        several = value[:MOST] if value.__class__ is list else [] if value is None else [value]
        return [made for one in several if (made := build(one, look)) is not None] or None

    return take


def shown_members(given: Any, path: Path, faults: Faults) -> Callable[[Any, Look], Record]:
    """`additionalData`: native members worth showing."""
    found = open_members(given, path, faults)
    return (lambda _here, _look: {}) if found is None else lambda here, look: shown(found(here, look))
