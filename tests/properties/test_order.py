"""Whatever order alerts come in, in whatever deliveries: the same of them are together, those that hang together by links."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.conftest import Product
from tests.properties.conftest import Ground

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.correlate.link import judge
from secgraph.ingest.correlate.pack import number
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.subject import subject
from secgraph.ingest.correlate.terms import Keeper
from secgraph.ingest.counting import LEAST
from secgraph.ingest.door import Door
from secgraph.ingest.entities import entities
from secgraph.model.check import completed
from secgraph.odata import bind
from secgraph.store.facts import Needs
from secgraph.store.protocol import Decision, PutSnapshot
from secgraph.store.registry import Tenant

START, HOUR = 1_790_000_000 * clock.SECOND, 3600 * clock.SECOND
Delivery = list[dict[str, Any]]

EVIDENCE: list[dict[str, Any]] = [
    {"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": {"userPrincipalName": "a@contoso.com"}},
    {"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": {"userPrincipalName": "b@contoso.com"}},
    {"@odata.type": "#microsoft.graph.security.deviceEvidence", "deviceDnsName": "host.contoso.com"},
    {"@odata.type": "#microsoft.graph.security.deviceEvidence", "deviceDnsName": "other.contoso.com"},
    {"@odata.type": "#microsoft.graph.security.ipEvidence", "ipAddress": "198.51.100.77"},
    {"@odata.type": "#microsoft.graph.security.analyzedMessageEvidence", "networkMessageId": "m1"},
]
COUNTED = ["user.upn:a@contoso.com", "user.upn:b@contoso.com", "device.fqdn:host.contoso.com", "ip.public:198.51.100.77"]


@st.composite
def drafts(draw: st.DrawFn) -> Delivery:
    made = []
    for place in range(draw(st.integers(2, 8))):
        first = START + draw(st.integers(0, 150)) * HOUR
        evidence = draw(st.lists(st.sampled_from(EVIDENCE), max_size=3, unique_by=str))
        made.append({
            "id": f"a{place}", "product": draw(st.sampled_from("pq")), "incident": draw(st.sampled_from([None, None, None, "n1", "n2"])),
            "alert": {
                "title": draw(st.sampled_from(["s", "t"])), "detectorId": draw(st.sampled_from("xyz")), "severity": draw(st.sampled_from(["low", "high"])),
                "category": draw(st.sampled_from(["InitialAccess", "Impact", "Discovery"])), "firstActivityDateTime": clock.text(first),
                "lastActivityDateTime": clock.text(first + draw(st.integers(0, 3)) * HOUR), "createdDateTime": clock.text(first),
                "evidence": [{**one, "roles": [draw(st.sampled_from(["attacker", "unknown", "contextual"]))]} for one in evidence],
            },
        })  # fmt: skip
    return made


@st.composite
def orders(draw: st.DrawFn) -> tuple[Delivery, list[list[Delivery]]]:
    """Alerts, and in which deliveries they come, more than once."""
    made = draw(drafts())
    found = []
    for _ in range(2):
        order = draw(st.permutations(made))
        cuts = draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
        parts = itertools.accumulate(cuts)
        found.append([[one for _, one in group] for _, group in itertools.groupby(zip(parts, order, strict=True), lambda pair: (pair[0], pair[1]["product"]))])
    return made, found


def rows(ground: Ground, tenant: Tenant) -> list[dict[str, Any]]:
    query = bind.query(ground.alerts, {"$top": "1000"}, ground.model, unknown_members=True)
    page = ground.run(ground.store.find(narrow(query, Caller(tenant.number, tenant.id, "", "", frozenset()))))
    return [completed(ground.alerts.type, json.loads(document)) for document in page.documents]


def taken(ground: Ground, door: Door, deliveries: list[Delivery], counts: dict[str, int]) -> tuple[Tenant, set[frozenset[str]]]:
    """The alerts that are together once all of it came."""
    tenant = ground.tenant()
    if counts:
        change = PutSnapshot(1, 1_000, msgspec.msgpack.encode({number(key): many for key, many in counts.items()}))
        ground.run(ground.store.write(tenant.number, Needs(), lambda _: Decision([change], None)))
    for delivery in deliveries:
        lines = "\n".join(map(json.dumps, delivery)).encode()
        report = ground.run(door.take(tenant.number, Product(delivery[0]["product"]), io.BytesIO(lines)))
        assert report.taken == len(delivery)
    together: dict[str, set[str]] = {}
    for row in rows(ground, tenant):
        together.setdefault(row["incidentId"], set()).add(row["providerAlertId"])
    return tenant, set(map(frozenset, together.values()))


def hang_together(ground: Ground, tenant: Tenant, made: Delivery) -> set[frozenset[str]]:
    """The alerts that hang together by links and by what their sources say."""
    terms = ground.run(Keeper(ground.store, Assets(ground.store, clock.now)).terms(tenant.number))
    named = {one["id"]: one["incident"] for one in made}
    subjects = [(row["providerAlertId"], subject(row["id"], row, entities(row), terms.snapshot.v)) for row in rows(ground, tenant)]
    groups = {key: {key} for key, _ in subjects}
    for (one, first), (other, second) in itertools.combinations(subjects, 2):
        same = named[one] is not None and named[one] == named[other]
        if same or judge(first, second, terms.snapshot, Settings()) is not None:
            both = groups[one] | groups[other]
            groups.update(dict.fromkeys(both, both))
    return {frozenset(one) for one in groups.values()}


@given(case=orders(), counts=st.dictionaries(st.sampled_from(COUNTED), st.sampled_from([LEAST, 60, 399, 400])))
def test_every_order_of_arrival_gives_the_same_incidents(ground: Ground, case: tuple[Delivery, list[list[Delivery]]], counts: dict[str, int]) -> None:
    made, deliveries = case
    door = Door(ground.store, ground.model, clock.now)
    (tenant, one), (_, other) = (taken(ground, door, order, counts) for order in deliveries)
    assert one == other == hang_together(ground, tenant, made)
