"""What is served: every call that gets an answer, in one list read off the choices.

Routes, the permissions that open a call, CONTRACT.md and the OpenAPI document all read it here, so that what is said to be
served is what is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from secgraph.errors import Fault
from secgraph.model.choices import ALERTS, NOT_OURS, OWN_OPERATIONS
from secgraph.model.edm import VERSIONS, Action, EntitySet, Model, Operation, Version

What = Literal[
    "service", "batch", "metadata", "singleton", "collection", "count", "delta", "item", "comments", "members",
    "members_count", "records", "alert_sources", "assessment", "correlation", "correlations", "keep_apart", "entities",
    "entity", "entity_alerts", "entity_alerts_count", "evidence", "sources", "source", "action",
]  # fmt: skip
"""What a path below a version root means."""

Beside = Literal["health", "openapi", "ingest", "token", "discovery", "keys"]
"""The same of one below the origin itself."""

State = Literal["served", "later", "not ours"]

SINGLETONS = {"security": "security", "security/identities": "identities", "identityProtection": "identity_protection"}
"""Places that are nothing but where sets are, with the names of the calls that say so."""

BATCH = "batch"
"""The published operation that every version root has."""

_BELOW: tuple[tuple[str, What], ...] = (
    ("records", "records"), ("alert_sources", "alert_sources"), ("assessment", "assessment"),
    ("correlations", "correlations"), ("keep_apart", "keep_apart"), ("evidence", "evidence"), ("evidence_add", "evidence"),
)  # fmt: skip
"""What is ours below an object of a published set: the calls, and what their paths mean."""

_THINGS: tuple[What, ...] = ("entities", "entity", "entity_alerts", "entity_alerts_count")
"""What is ours of the things that alerts name."""

_SOURCES: tuple[What, ...] = ("sources", "source")
"""What is ours of where records come from."""

_ASKED = ("$filter", "$search", "$orderby", "$select", "$expand", "$top", "$skip", "$count", "$skiptoken", "$format")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "collection": _ASKED,
    "members": _ASKED,
    "count": ("$filter", "$search"),
    "members_count": ("$filter", "$search"),
    "delta": ("$filter", "$select", "$top", "$skiptoken", "$deltatoken", "$format"),
    "item": ("$select", "$expand", "$format"),
    "comments": ("$format",),
    "records": ("$format",),
    "alert_sources": ("$format",),
    "assessment": ("$format",),
    "correlations": ("$top", "$skiptoken", "$format"),
    "evidence": ("$top", "$skiptoken", "$format"),
    "entities": ("$filter", "$top", "$skiptoken", "$format"),
    "entity": ("$format",),
    "sources": ("$filter", "$top", "$skiptoken", "$format"),
    "source": ("$format",),
    "entity_alerts": _ASKED,
    "entity_alerts_count": ("$filter", "$search"),
}
"""The query options of each kind of call; where it is answered, others are refused."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call:
    """Something that a client can ask for."""

    id: str
    """The published operation's, or a name of ours."""
    what: What | Beside
    method: str
    path: str
    """Below the version root; below the origin where there are no versions."""
    versions: tuple[Version, ...]
    permissions: tuple[str, ...] | None
    """Any one of these opens it. Without any, a good token does; None for what anybody may ask."""
    published: Operation | None = None
    set: EntitySet | None = None
    """The set in its path."""
    of: EntitySet | None = None
    """The set whose objects it is about: of what an incident holds, the alerts."""
    action: Action | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The query options it takes."""
        if self.method != "GET":
            return ()
        chosen = {} if self.of is None else {"$search": self.of.choices.search, "$expand": self.of.choices.expand}
        return tuple(name for name in _OPTIONS.get(self.what, ()) if chosen.get(name, name))


@cache
def calls(model: Model) -> tuple[Call, ...]:
    """Every call that is answered. A Fault when two of them are one."""
    found = [
        *_roots(model),
        *(call for one in model.sets.values() for call in _on(one, model)),
        *_things(model),
        *(_action(action) for action in model.actions.values()),
        *_beside(),
    ]
    seen: set[tuple[str, str]] = set()
    for call in found:
        if (call.method, call.path) in seen:
            raise Fault(f"{call.method} {call.path} is served twice.")
        seen.add((call.method, call.path))
    return tuple(found)


@cache
def call(model: Model, method: str, what: What, one: EntitySet | None) -> Call:
    """The call on a set, or on a version root where there is none; KeyError when it is not served."""
    for found in calls(model):
        if (found.method, found.what) == (method, what) and found.set is one:
            return found
    raise KeyError(f"{method} {what}")


@cache
def methods(model: Model, what: What, one: EntitySet | None) -> tuple[str, ...]:
    """The methods that are answered where a path means that."""
    return tuple(dict.fromkeys(found.method for found in calls(model) if found.what == what and found.set is one))


@cache
def operations(model: Model) -> dict[str, Call]:
    """The published operations that are served, by id."""
    return {found.id: found for found in calls(model) if found.published is not None}


def state(operation: Operation, model: Model) -> tuple[State, str]:
    """What a published operation is here, and why it is not served where it never will be."""
    if operation.id in operations(model):
        return "served", ""
    return next((("not ours", why) for root, why in NOT_OURS.items() if _below(root, operation.path)), ("later", ""))


def _below(root: str, path: str) -> bool:
    return f"{path}/".lower().startswith(f"{root}/".lower())


def _roots(model: Model) -> Iterator[Call]:
    """What a version root has beside its sets."""
    yield Call("service_document", "service", "GET", "/", VERSIONS, None)
    yield Call("metadata", "metadata", "GET", "/$metadata", VERSIONS, None)
    for path, name in SINGLETONS.items():
        yield Call(name, "singleton", "GET", f"/{path}", VERSIONS, ())
    batch = model.operations[BATCH]
    yield Call(BATCH, "batch", batch.method, batch.path, VERSIONS, (), batch)
    for name in ("correlation", "correlation_update"):
        method, path, needed = OWN_OPERATIONS[name]
        yield Call(name, "correlation", method, path, VERSIONS, needed)


def _on(one: EntitySet, model: Model) -> Iterator[Call]:
    """The calls on a set: those that are published, and what goes with them."""
    chosen = one.choices.operations

    def published(name: str, what: What, of: EntitySet = one) -> Call:
        if name in OWN_OPERATIONS:  # of a set that is ours
            method, path, needed = OWN_OPERATIONS[name]
            return Call(name, what, method, path, VERSIONS, needed, None, one, of)
        found = model.operations[name]
        return Call(name, what, found.method, found.path, _versions(found), found.application, found, one, of)

    def ours(what: What, path: str, like: Call) -> Call:
        """A call that is ours, opened by what opens a published one."""
        name = f"{one.table}_{what}"
        return Call(name, what, "GET", path, VERSIONS, like.permissions, None, one, like.of)

    listed, item = published(chosen.list, "collection"), published(chosen.get, "item")
    yield listed
    yield ours("count", f"{listed.path}/$count", listed)
    if one.choices.stamp:
        yield ours("delta", f"{listed.path}/delta()", listed)
    yield item
    if chosen.create is not None:
        yield published(chosen.create, "collection")
    if chosen.update is not None:
        yield published(chosen.update, "item")
    if chosen.delete is not None:
        yield published(chosen.delete, "item")
    if chosen.comment is not None:
        added = published(chosen.comment, "comments")
        yield ours("comments", added.path, item)
        yield added
    if chosen.members is not None:
        [link] = one.choices.expand
        held = next(other for other in model.sets.values() if other.type is one.type.properties[link].type)
        members = published(chosen.members, "members", held)
        yield members
        yield ours("members_count", f"{members.path}/$count", members)
    for name, what in _BELOW:
        method, path, needed = OWN_OPERATIONS[name]
        if path.startswith(f"{item.path}/"):
            yield Call(name, what, method, path, VERSIONS, needed, None, one, one)


def _things(model: Model) -> Iterator[Call]:
    """What is no set: what alerts name, the alerts that name one of them, and where records come from."""
    for what in (*_THINGS, *_SOURCES):
        method, path, needed = OWN_OPERATIONS[what]
        of = model.sets[ALERTS] if what in {"entity_alerts", "entity_alerts_count"} else None
        yield Call(what, what, method, path, VERSIONS, needed, of=of)


def _action(action: Action) -> Call:
    found = action.operation
    return Call(
        found.id, "action", found.method, found.path, _versions(found), found.application, found, action.set, action.set, action
    )


def _beside() -> Iterator[Call]:
    """What is below the origin itself. Identity has a newer and an older form of each address, as published."""
    method, path, needed = OWN_OPERATIONS["ingest"]
    yield Call("ingest", "ingest", method, path, (), needed)
    yield Call("healthz", "health", "GET", "/healthz", (), None)
    yield Call("readyz", "health", "GET", "/readyz", (), None)
    yield Call("openapi", "openapi", "GET", "/openapi.json", (), None)
    for name, newer in (("", "/v2.0"), ("_older", "")):
        yield Call(f"token{name}", "token", "POST", f"/{{tenant}}/oauth2{newer}/token", (), None)
        yield Call(f"discovery{name}", "discovery", "GET", f"/{{tenant}}{newer}/.well-known/openid-configuration", (), None)
        yield Call(f"keys{name}", "keys", "GET", f"/{{tenant}}/discovery{newer}/keys", (), None)


def _versions(operation: Operation) -> tuple[Version, ...]:
    return tuple(version for version in VERSIONS if version in operation.versions)
