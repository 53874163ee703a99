"""A query cut down to what its caller may see. The store takes nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from secgraph.access.caller import Caller
from secgraph.odata.query import Query


@dataclass(frozen=True, slots=True)
class Scoped:
    """A query inside one tenant. Only this module makes one."""

    tenant: int
    query: Query


@dataclass(frozen=True, slots=True)
class ScopedKey:
    """One object of a set inside one tenant."""

    tenant: int
    set: str
    id: str


def narrow(query: Query, caller: Caller) -> Scoped:
    """The query over the caller's tenant alone."""
    return Scoped(caller.tenant, query)


def narrow_key(path: str, key: str, caller: Caller) -> ScopedKey:
    """The object with that id in the caller's tenant."""
    return ScopedKey(caller.tenant, path, key)


def instead(scoped: Scoped, query: Query) -> Scoped:
    """Another query over the same tenant: the rows behind a view are the caller's as far as the view is."""
    return Scoped(scoped.tenant, query)


def instead_key(key: ScopedKey, path: str) -> ScopedKey:
    """The object with that id in another set of the same tenant."""
    return ScopedKey(key.tenant, path, key.id)
