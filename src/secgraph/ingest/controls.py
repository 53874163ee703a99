"""The catalogue's controls as profiles of a tenant, so that whoever lists controls finds them and can say something of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

from secgraph.extend import ObjectDraft
from secgraph.ingest.objects import Known, decided, known_of
from secgraph.model.choices import CONTROL_PROFILES
from secgraph.score.catalogue import Control, catalogue
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Change, Decision, Store

STEP = 100
"""Profiles of one transaction: every other write of the tenant waits for it."""

CAUSE = "catalogue"
VENDOR: Mapping[str, Any] = {"vendor": "secgraph", "provider": "SecureScore", "providerVersion": None, "subProvider": None}
NIST = "NIST SP 800-53"


@cache
def known_controls() -> tuple[Known, ...]:
    """Every control of the catalogue as an object that is ready for the turn."""
    return tuple(known_of(ObjectDraft(CONTROL_PROFILES, one.id, profile(one)), 0) for one in catalogue().values())


def profile(one: Control) -> dict[str, Any]:
    """The profile of a control in the words of the contract."""
    certifications: dict[str, list[dict[str, str]]] = {}
    for said in one.cis:
        name, _, number = said.rpartition(" ")
        certifications.setdefault(name, []).append({"name": number, "url": ""})
    for number in one.nist:
        certifications.setdefault(NIST, []).append({"name": number, "url": ""})
    return {
        "title": one.title, "service": one.service, "controlCategory": one.category, "tier": one.tier, "rank": one.rank,
        "maxScore": one.max_score, "implementationCost": one.implementation_cost, "userImpact": one.user_impact,
        "threats": list(one.threats), "remediation": one.remediation, "remediationImpact": one.remediation_impact,
        "actionType": one.action_type, "actionUrl": one.action_url or None, "deprecated": False,
        "complianceInformation": [
            {"certificationName": name, "certificationControls": controls} for name, controls in certifications.items()
        ],
        "vendorInformation": dict(VENDOR),
    }  # fmt: skip


async def seed(store: Store, tenant: int, known: Sequence[Known] | None = None) -> int:
    """Writes down for a tenant what the catalogue says otherwise than its profiles do; how many. What a person said of a
    control stays.
    """
    all_of_them = known_controls() if known is None else known
    told = 0
    for begin in range(0, len(all_of_them), STEP):
        some = all_of_them[begin : begin + STEP]
        needs = Needs(rows=tuple((one.set, one.id) for one in some))
        told += await store.write(tenant, needs, partial(seeded, known=some))
    return told


async def seed_one(store: Store, tenant: int, key: str) -> bool:
    """Writes down one control of the catalogue for a tenant that has no profile of it yet; False where it is none."""
    known = next((one for one in known_controls() if one.id == key), None)
    return known is not None and bool(await seed(store, tenant, (known,)))


def seeded(facts: Facts, known: Sequence[Known]) -> Decision[int]:
    """The changes that bring some profiles to what the catalogue says."""
    changes: list[Change] = [change for one in known if (change := decided(facts, one, CAUSE)) is not None]
    return Decision(changes, len(changes))
