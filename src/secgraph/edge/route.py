"""Path → what is meant, read off the model: no route is written by hand.

Path segments match in any letter case, keys come as `/{id}` or `('{id}')`, a trailing slash is nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from secgraph.errors import NotAllowed, NotFound, Unserved
from secgraph.model.edm import VERSIONS, EntitySet, Model, Operation, Version

What = Literal[
    "service", "batch", "metadata", "singleton", "collection", "count", "item", "comments", "members", "members_count",
    "records",
]  # fmt: skip

_KEYED = re.compile(r"(?P<name>[^()]+)\('(?P<key>(?:[^']|'')*)'\)")
METHODS: dict[What, tuple[str, ...]] = {
    "service": ("GET",), "batch": ("POST",), "metadata": ("GET",), "singleton": ("GET",), "collection": ("GET",),
    "count": ("GET",),
    "item": ("GET", "PATCH"), "comments": ("GET", "POST"), "members": ("GET",), "members_count": ("GET",), "records": ("GET",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What a path means."""

    what: What
    version: Version
    set: EntitySet | None = None
    key: str = ""
    member: str = ""
    """The relationship below the key, in its published spelling."""


def target(method: str, segments: list[str], model: Model) -> Target:
    """What a request below a version root means; NotFound, NotAllowed or Unserved when nothing can be done there."""
    version = cast("Version", segments[0].lower())
    if version not in VERSIONS:
        raise NotFound(f"Nothing is served at /{segments[0][:40]}.", hint="The API is under /v1.0 and /beta.")
    parts = _split_keys(segments[1:])
    found = _match(version, parts, model)
    if found is None:
        published = _published(method, version, parts, model)
        if published is not None:
            raise Unserved(f"{published.method} {published.path} is published but not served by this version.",
                           hint="GET /v1.0 lists what is served.")  # fmt: skip
        raise NotFound(f"There is no resource at /{'/'.join(segments)[:120]}.", hint="GET /v1.0 lists what is served.")
    if (method if method != "HEAD" else "GET") not in METHODS[found.what]:
        published = _published(method, version, parts, model)
        if published is not None:
            raise Unserved(f"{published.method} {published.path} is published but not served by this version.")
        allowed = ", ".join(METHODS[found.what])
        raise NotAllowed(f"{method} is not possible here.", hint=f"Possible: {allowed}.", headers={"Allow": allowed})
    return found


def _split_keys(segments: list[str]) -> list[str]:
    """Segments with `name('key')` written as two."""
    parts: list[str] = []
    for segment in segments:
        match = _KEYED.fullmatch(segment)
        if match is None:
            parts.append(segment)
        else:
            parts += [match["name"], match["key"].replace("''", "'")]
    return [part for part in parts if part]


def _match(version: Version, parts: list[str], model: Model) -> Target | None:
    if not parts:
        return Target("service", version)
    head = parts[0].lower()
    if head == "$batch" and len(parts) == 1:
        return Target("batch", version)
    if head == "$metadata" and len(parts) == 1:
        return Target("metadata", version)
    if head != "security":
        return None
    if len(parts) == 1:
        return Target("singleton", version)
    one = _sets(model).get(parts[1].lower())
    if one is None:
        return None
    match parts[2:]:
        case []:
            return Target("collection", version, one)
        case [word] if word.lower() == "$count":
            return Target("count", version, one)
        case [key]:
            return Target("item", version, one, key)
        case [key, word] if word.lower() == "comments" and one.choices.operations.comment:
            return Target("comments", version, one, key, "comments")
        case [key, word] if word.lower() == "records" and one.path == "security/alerts_v2":
            return Target("records", version, one, key, "records")
        case [key, word] if word.lower() in {name.lower() for name in one.choices.expand}:
            return Target("members", version, one, key, _spelled(one, word))
        case [key, word, count] if word.lower() in {name.lower() for name in one.choices.expand} and count.lower() == "$count":
            return Target("members_count", version, one, key, _spelled(one, word))
    return None


def _spelled(one: EntitySet, word: str) -> str:
    return next(name for name in one.choices.expand if name.lower() == word.lower())


@cache
def _sets(model: Model) -> dict[str, EntitySet]:
    return {one.table.lower(): one for one in model.sets.values()}


def _published(method: str, version: Version, parts: list[str], model: Model) -> Operation | None:
    """The published operation at that path, served or not."""
    for operation in model.operations.values():
        if operation.method != method or version not in operation.versions:
            continue
        wanted = operation.path.strip("/").split("/")
        given = [part.removeprefix("microsoft.graph.security.") for part in parts]
        if len(wanted) == len(given) and all(
            mark.startswith("{") or mark.lower() == part.lower() for mark, part in zip(wanted, given, strict=True)
        ):
            return operation
    return None
