from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from bench.campaigns.baselines import moment
from bench.campaigns.bound import best
from bench.campaigns.generate import LEAST, MOST, STORIES, Labelled, made
from bench.campaigns.organisation import BEGIN, PRODUCTS, founded
from bench.campaigns.score import last_of_each, score

from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load

Record = dict[str, Any]
NOISE = 3
SEEDS = range(2, 12, 2)


@pytest.fixture(scope="module", params=SEEDS)
def some(request: pytest.FixtureRequest) -> Labelled:
    return made(request.param, NOISE)


def labels(data: Labelled) -> dict[str, str]:
    return {alert["id"]: label for alert, label in zip(data.alerts, data.labels, strict=True)}


def test_the_same_seed_is_the_same_and_another_is_not() -> None:
    one, again, other = (msgspec.json.encode([made(seed, 1).alerts, made(seed, 1).labels]) for seed in (4, 4, 6))
    assert one == again
    assert one != other


def test_more_noise_changes_no_campaign() -> None:
    few, many = made(4, 0), made(4, 2)
    assert "" not in few.labels
    assert few.alerts == [alert for alert, label in zip(many.alerts, many.labels, strict=True) if label]


def test_sizes_are_as_asked_for(some: Labelled) -> None:
    sizes = Counter(labels(some).values())
    noise = sizes.pop("")
    assert noise == NOISE * sum(sizes.values())
    assert 5 <= len(sizes) <= 9
    assert all(LEAST <= many <= MOST for many in sizes.values())


def test_alerts_are_as_the_store_holds_them(some: Labelled) -> None:
    kind = load().sets[ALERTS].type
    for alert in some.alerts:
        assert from_source(kind, alert, alert["createdDateTime"]) == (alert, Counter())
        assert alert["evidence"]
        assert alert["firstActivityDateTime"] <= alert["lastActivityDateTime"] <= alert["createdDateTime"]


def test_an_id_that_comes_again_is_a_correction_with_more_evidence(some: Labelled) -> None:
    seen: dict[str, Record] = {}
    corrected = 0
    for alert in some.alerts:
        before = seen.get(alert["id"])
        if before is not None:
            corrected += 1
            assert before["lastUpdateDateTime"] < alert["lastUpdateDateTime"]
            assert len(before["evidence"]) < len(alert["evidence"])
            assert {**before, "evidence": [], "lastUpdateDateTime": ""} == {**alert, "evidence": [], "lastUpdateDateTime": ""}
        seen[alert["id"]] = alert
    assert 0.05 < corrected / len(seen) < 0.25


def test_reports_arrive_out_of_order_and_within_the_month(some: Labelled) -> None:
    happened = [moment(alert) for alert in some.alerts]
    assert happened != sorted(happened)
    assert all(-1 <= (when - BEGIN).days <= 45 for when in happened)


def test_products_do_not_name_people_alike() -> None:
    data = made(2, NOISE)
    names: dict[str, Counter[str]] = {}
    for alert in data.alerts:
        for item in alert["evidence"]:
            account = item.get("userAccount") if "userEvidence" in item["@odata.type"] else None
            told = names.setdefault(alert["productName"], Counter())
            told.update(name for name in ("azureAdUserId", "userPrincipalName", "userSid", "accountName") if account and account[name])
    assert names["Microsoft Defender for Identity"]["userSid"]
    assert not names["Microsoft Defender for Identity"]["userPrincipalName"]
    assert not names["Microsoft Defender for Office 365"]["userSid"]
    assert not names["Microsoft Defender for Cloud Apps"]["userSid"]
    cloud = names["Microsoft Defender for Cloud Apps"]
    assert cloud["azureAdUserId"] > cloud["userPrincipalName"] > 0


def test_an_address_is_one_devices_at_a_time_and_anothers_later() -> None:
    place = founded(2)
    holders: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for lease in place.leases():
        holders.setdefault(lease.address, []).append((lease.since, lease.until, lease.device.name))
    for held in holders.values():
        held.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(held))
    assert any(len({name for _, _, name in held}) > 1 for held in holders.values())
    laptop = place.of("workstation")[0]
    assert any(laptop.name == name for _, _, name in holders[place.address(laptop, BEGIN)])


def test_every_campaign_can_be_recovered_for_the_most_part() -> None:
    kinds: set[str] = set()
    found = []
    for seed in SEEDS:
        data = made(seed, NOISE)
        scored = score(*last_of_each(data.alerts, data.labels, best(data.alerts, data.labels, data.place)))
        assert scored.worst > 0.3
        found.append(scored.recall)
        kinds |= {label.rpartition("-")[0] for label in scored.recalls}
    assert sum(found) / len(found) > 0.9
    assert kinds == set(STORIES)


def test_organisations_differ() -> None:
    places = [founded(seed) for seed in range(1, 30)]
    assert len({place.products for place in places}) > 3
    assert {place.tool for place in places} == {"suricata", "wazuh", "cef"}
    assert all(set(place.products) <= set(PRODUCTS) for place in places)
