"""Adjusting: what a tenant says about how alerts are put together, read and changed.

A change is decided in the tenant's turn on what was said until then, and is an event in the log that holds both: the former
word and the new one. So the log and what holds now tell what held at any instant between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from secgraph.errors import BadBody
from secgraph.ingest.assessment.deadlines import deadlines
from secgraph.ingest.correlate.terms import settings
from secgraph.ingest.entities.entity import KINDS, kind_of
from secgraph.model.correlation import WORDS, chosen, expect_in_order, shown
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Decision, PutTerm, Store

_KNOWN = frozenset(f"{kind}.{key}" for kind, keys in KINDS.items() for key in keys)


def values_of(said: Mapping[str, str]) -> dict[str, Any]:
    """What a tenant's words come to, which are JSON, by field."""
    groups = (settings(said), deadlines(said))
    return {name: next(getattr(one, name) for one in groups if hasattr(one, name)) for name in WORDS}


async def adjusted(store: Store, tenant: int) -> dict[str, Any]:
    """What holds in a tenant, as people write it."""
    return shown(values_of(await _said(store, tenant)))


async def adjust(store: Store, tenant: int, given: Mapping[str, Any], cause: str) -> dict[str, Any]:
    """Changes settings, each as people write it, or None for what is to be as if nobody had said it; what holds then. BadBody
    for one that there is not, or that cannot be so, and then none is changed.
    """
    wanted = known(given)
    while True:
        # The number is read first: where something changed behind it, the turn finds another one.
        number = (await store.fetch("terms", tenant=tenant))[0]["terms"]
        said = await _said(store, tenant)
        changes = []
        for name, value in wanted.items():
            word = None if value is None else msgspec.json.encode(value).decode()
            former = said.pop(name, None)
            if word is not None:
                said[name] = word
            if word != former:
                changes.append(PutTerm(name, word, f"{cause} {as_told(former, word)}"))
        found = values_of(said)
        expect_in_order(found)

        def decide(facts: Facts, number: int = number, changes: list[PutTerm] = changes) -> Decision[bool]:
            same = facts.terms == number
            return Decision(changes if same else (), same)

        if not changes or await store.write(tenant, Needs(), decide):
            return shown(found)


def known(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as people wrote them, by field. BadBody for what there is not or cannot be."""
    wanted = chosen(given)
    for key in wanted.get("ignored") or ():
        if kind_of(key) not in _KNOWN:
            raise BadBody("ignored", f"{key[:80]} is not the key of a thing: nothing is named by {kind_of(key)[:40]}.",
                          hint="Kinds are such as ip.public, user.upn, device.fqdn, file.sha256.")  # fmt: skip
    return wanted


def as_told(former: str | None, word: str | None) -> str:
    """A change as the log has it: JSON of the former word and the new one."""
    was, now = (msgspec.Raw(one.encode() if one is not None else b"null") for one in (former, word))
    return msgspec.json.encode({"was": was, "is": now}).decode()


async def _said(store: Store, tenant: int) -> dict[str, str]:
    return {row["name"]: row["value"] for row in await store.fetch("correlation", tenant=tenant)}
