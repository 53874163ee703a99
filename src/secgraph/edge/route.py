"""Path → what is meant, read off the model: no route is written by hand.

Path segments match in any letter case, keys come as `/{id}` or `('{id}')`, a trailing slash is nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import cast

from secgraph.errors import NotAllowed, NotFound, Unserved
from secgraph.model import served
from secgraph.model.choices import CONTROL_PROFILES, INCIDENTS
from secgraph.model.edm import VERSIONS, Action, EntitySet, Model, Operation, Version
from secgraph.model.served import What

_KEYED = re.compile(r"(?P<name>[^()]+)\('(?P<key>(?:[^']|'')*)'\)")
_DELTA = re.compile(r"(?:microsoft\.graph\.(?:security\.)?)?delta(?:\(\))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """What a path means."""

    what: What
    version: Version
    set: EntitySet | None = None
    key: str = ""
    member: str = ""
    """The relationship below the key, in its published spelling."""
    action: Action | None = None
    """The action; its set is `set`, and `key` the object it is bound to, or empty where it is bound to the collection."""


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
        _expect_served_here(method, version, parts, model)
        raise NotFound(f"There is no resource at /{'/'.join(segments)[:120]}.", hint="GET /v1.0 lists what is served.")
    possible = served.methods(model, found.what, found.set)
    if (method if method != "HEAD" else "GET") not in possible:
        if found.what not in {"action", "count", "delta"}:  # whose path looks like that of an object, which is another call
            published = _published(method, version, parts, model)
            if published is not None:
                raise Unserved(f"{published.method} {published.path} is published but not served by this version.")
            _expect_served_here(method, version, parts, model)
        allowed = ", ".join(possible)
        raise NotAllowed(f"{method} is not possible here.", hint=f"Possible: {allowed}.", headers={"Allow": allowed})
    return found


def _split_keys(segments: list[str]) -> list[str]:
    """Segments with `name('key')` written as two."""
    parts: list[str] = []
    for segment in segments:
        match = _KEYED.fullmatch(segment) if segment.endswith("')") else None
        if match is None:
            parts.append(segment)
        else:
            parts += [match["name"], match["key"].replace("''", "'")]
    return [part for part in parts if part]


def _match(version: Version, parts: list[str], model: Model) -> Target | None:
    if not parts:
        return Target("service", version)
    for action in _actions(model).get(parts[-1].lower(), ()):
        key = _fits(action.operation, parts)
        if key is not None and version in action.operation.versions:
            return Target("action", version, action.set, key, action.name, action)
    head = parts[0].lower()
    if head == "$batch" and len(parts) == 1:
        return Target("batch", version)
    if head == "$metadata" and len(parts) == 1:
        return Target("metadata", version)
    place = "/".join(parts).lower()
    single = next((path for path in served.SINGLETONS if path.lower() == place), None)
    if single is not None:
        return Target("singleton", version, member=single)
    if place == "security/correlationsettings":
        return Target("correlation", version)
    one, depth = _set_of(version, parts, model)
    if one is None:
        return _no_set(version, parts[1].lower(), parts[2:]) if head == "security" and len(parts) > 1 else None
    match parts[depth:]:
        case []:
            return Target("collection", version, one)
        case [word] if word.lower() == "$count":
            return Target("count", version, one)
        case [word] if _DELTA.fullmatch(word):
            if not one.choices.stamp:
                raise NotFound(
                    f"There is no resource delta() at {one.path}.", hint="Its objects do not say when they last changed here."
                )
            return Target("delta", version, one)
        case [key]:
            return Target("item", version, one, key)
        case [key, word] if word.lower() == "comments" and one.choices.operations.comment:
            return Target("comments", version, one, key, "comments")
        case [key, word] if word.lower() == "records" and one.path == "security/alerts_v2":
            return Target("records", version, one, key, "records")
        case [key, word] if word.lower() == "sources" and one.path == "security/alerts_v2":
            return Target("alert_sources", version, one, key, "sources")
        case [key, word] if word.lower() == "assessment" and one.path == INCIDENTS:
            return Target("assessment", version, one, key, "assessment")
        case [key, word] if word.lower() == "correlations" and one.path == INCIDENTS:
            return Target("correlations", version, one, key, "correlations")
        case [key, word] if word.lower() == "evidence" and one.path == CONTROL_PROFILES:
            return Target("evidence", version, one, key, "evidence")
        case [key, word] if word.lower() == "keepapart" and one.path == INCIDENTS:
            return Target("keep_apart", version, one, key, "keepApart")
        case [key, word] if word.lower() in {name.lower() for name in one.choices.expand}:
            return Target("members", version, one, key, _spelled(one, word))
        case [key, word, count] if word.lower() in {name.lower() for name in one.choices.expand} and count.lower() == "$count":
            return Target("members_count", version, one, key, _spelled(one, word))
    return None


def _no_set(version: Version, name: str, parts: list[str]) -> Target | None:
    """What is meant below a list of ours that is no set."""
    if name == "entities":
        return _thing(version, parts)
    if name == "sources" and len(parts) < 2:
        return Target("source", version, None, parts[0]) if parts else Target("sources", version)
    return None


def _thing(version: Version, parts: list[str]) -> Target | None:
    """What is meant below the things that alerts name."""
    match parts:
        case []:
            return Target("entities", version)
        case [key]:
            return Target("entity", version, None, key)
        case [key, word] if word.lower() == "alerts":
            return Target("entity_alerts", version, None, key, "alerts")
        case [key, word, count] if (word.lower(), count.lower()) == ("alerts", "$count"):
            return Target("entity_alerts_count", version, None, key, "alerts")
    return None


def _spelled(one: EntitySet, word: str) -> str:
    return next(name for name in one.choices.expand if name.lower() == word.lower())


def _set_of(version: Version, parts: list[str], model: Model) -> tuple[EntitySet | None, int]:
    """The set that a path leads to or into, and how many of its parts are the place of the set."""
    known = _sets(model, version)
    for depth in range(min(len(parts), 3), 0, -1):
        one = known.get("/".join(parts[:depth]).lower())
        if one is not None:
            return one, depth
    return None, 0


@cache
def _sets(model: Model, version: Version) -> dict[str, EntitySet]:
    """The sets by their places in lower case; some have further ones below /beta."""
    found = {one.path.lower(): one for one in model.sets.values()}
    if version == "beta":
        found |= {path.lower(): one for one in model.sets.values() for path in one.choices.also}
    return found


@cache
def _actions(model: Model) -> dict[str, list[Action]]:
    """Served actions by the last segment of their paths, short and qualified."""
    found: dict[str, list[Action]] = {}
    for action in model.actions.values():
        for template in _templates(action.operation):
            found.setdefault(template[-1], []).append(action)
    return found


@cache
def _templates(operation: Operation) -> list[list[str]]:
    """The folded segments of every path of an operation; a key's place keeps its braces."""
    return [path.strip("/").lower().split("/") for path in (operation.path, *operation.aliases)]


def _fits(operation: Operation, parts: list[str]) -> str | None:
    """The key in a path of that operation, the last where there are several, or empty; None for any other path."""
    for template in _templates(operation):
        pairs = list(zip(template, parts, strict=False))
        if len(template) == len(parts) and all(_like(mark, part) for mark, part in pairs):
            return next((part for mark, part in reversed(pairs) if mark.startswith("{")), "")
    return None


def _like(mark: str, part: str) -> bool:
    """Whether a segment is what a template has there: any key, a word, a function with whatever arguments."""
    word = part.lower()
    name, bracket, _ = mark.partition("(")
    return mark.startswith("{") or mark == word or (bool(bracket) and word.startswith(f"{name}(") and word.endswith(")"))


def _published(method: str, version: Version, parts: list[str], model: Model) -> Operation | None:
    """The published operation at that path, served or not."""
    return next(
        (
            one
            for one in model.operations.values()
            if one.method == method and version in one.versions and _fits(one, parts) is not None
        ),
        None,
    )


def _expect_served_here(method: str, version: Version, parts: list[str], model: Model) -> None:
    """NotFound for a call that is published under the other version root only; it names that."""
    for other in VERSIONS:
        published = None if other == version else _published(method, other, parts, model)
        if published is not None:
            raise NotFound(f"{published.method} {published.path} is not part of {version}.", hint=f"Ask /{other}.")
