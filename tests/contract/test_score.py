"""Evidence handed in by hand, states of controls, and the score that follows at once."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph.clock import SECOND, text
from secgraph.errors import Busy
from secgraph.score.catalogue import catalogue
from secgraph.testing import Clock, Graph

PROFILES, SCORES = "security/secureScoreControlProfiles", "security/secureScores"
DAY = 24 * 3600


async def seeded(graph: Graph) -> list[dict[str, Any]]:
    """The controls of the catalogue, by rank."""
    await graph.core.scores.run(graph.core.store, graph.core.registry)
    found: list[dict[str, Any]] = (await graph.get(PROFILES, top="999"))["value"]
    return found


async def send(graph: Graph, method: str, path: str, body: Any, status: int) -> Any:
    answer = await graph.ask(method, path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def add(graph: Graph, control: str, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = await send(graph, "POST", f"{PROFILES}/{control}/evidence", body, 201)
    return found


async def today(graph: Graph) -> dict[str, Any]:
    found: list[dict[str, Any]] = (await graph.get(SCORES, top="1"))["value"]
    return found[0]


async def entry(graph: Graph, control: str) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = (await today(graph))["controlScores"]
    return next((one for one in found if one["controlName"] == control), None)


async def state(graph: Graph, control: dict[str, Any], word: str) -> None:
    body = {"vendorInformation": {"vendor": control["vendorInformation"]["vendor"],
                                  "provider": control["vendorInformation"]["provider"]}, "state": word}  # fmt: skip
    await send(graph, "PATCH", f"{PROFILES}/{control['id']}", body, 204)


async def test_every_control_of_the_catalogue_is_there_on_one_page(graph: Graph) -> None:
    answer = await graph.get(PROFILES, top="999", count="true")
    assert answer["@odata.count"] == 0, "a tenant that no chore has seen"
    found = await seeded(graph)
    assert len(found) >= 120
    assert [one["rank"] for one in found] == list(range(1, len(found) + 1))
    assert "@odata.nextLink" not in await graph.get(PROFILES, top="999")
    assert {one["azureTenantId"] for one in found} == {graph.tenant.id}
    assert {one["controlCategory"] for one in found} == {"Identity", "Data", "Device", "Apps", "Infrastructure"}
    assert (await graph.get(SCORES))["value"] == [], "nothing was found of any"
    before = await graph.get(PROFILES, top="999")
    await graph.core.scores.run(graph.core.store, graph.core.registry)
    assert await graph.get(PROFILES, top="999") == before, "nothing is written twice"


async def test_evidence_counts_at_once(graph: Graph) -> None:
    one, other = (await seeded(graph))[:2]
    piece = await add(graph, one["id"], result="pass", subject="web-1", details="Looked at it.")
    assert piece["result"] == "pass"
    assert piece["source"] == "manual"
    score = await today(graph)
    assert (score["currentScore"], score["maxScore"]) == (one["maxScore"], one["maxScore"])
    assert score["id"] == f"{graph.tenant.id}_{score['createdDateTime'][:10]}"
    assert score["azureTenantId"] == graph.tenant.id
    assert score["averageComparativeScores"] == []
    await add(graph, one["id"], result="fail", subject="web-2")
    await add(graph, other["id"], scoreInPercentage=25)
    score = await today(graph)
    assert score["maxScore"] == one["maxScore"] + other["maxScore"]
    assert score["currentScore"] == pytest.approx(one["maxScore"] / 2 + other["maxScore"] / 4)
    first = await entry(graph, one["id"])
    assert first is not None
    assert first["scoreInPercentage"] == 50
    assert first["source"] == "manual"
    assert len((await graph.get(SCORES))["value"]) == 1, "one a day"
    await add(graph, one["id"], result="notApplicable", subject="web-2")
    await add(graph, one["id"], result="notApplicable", subject="web-1")
    assert await entry(graph, one["id"]) is None


async def test_evidence_is_listed_by_page(graph: Graph) -> None:
    [one, *_] = await seeded(graph)
    for number in range(5):
        await add(graph, one["id"], result="fail", subject=f"web-{number}", source="audit")
    first = await graph.get(f"{PROFILES}/{one['id']}/evidence", top="3")
    assert len(first["value"]) == 3
    rest = await graph.get(first["@odata.nextLink"])
    assert sorted(piece["subject"] for piece in [*first["value"], *rest["value"]]) == [f"web-{number}" for number in range(5)]
    assert "@odata.nextLink" not in rest


async def test_an_older_word_does_not_replace_a_newer_one(graph: Graph, clock: Clock) -> None:
    [one, *_] = await seeded(graph)
    await add(graph, one["id"], result="pass", checkedDateTime=text(clock() - 3600 * SECOND))
    await add(graph, one["id"], result="fail", checkedDateTime=text(clock() - 7200 * SECOND))
    found = await entry(graph, one["id"])
    assert found is not None
    assert found["scoreInPercentage"] == 100


@pytest.mark.parametrize(("word", "counts", "percent"), [("Ignored", False, None), ("ThirdParty", True, 100), ("Default", True, 0)])
async def test_a_state_counts_at_once(graph: Graph, word: str, counts: bool, percent: int | None) -> None:
    [one, *_] = await seeded(graph)
    await add(graph, one["id"], result="fail")
    await state(graph, one, word)
    found = await entry(graph, one["id"])
    assert (found is not None) is counts
    if found is not None:
        assert found["scoreInPercentage"] == percent


async def test_evidence_grows_old(graph: Graph, clock: Clock) -> None:
    one, other = (await seeded(graph))[:2]
    await add(graph, one["id"], result="pass")
    clock.forward(31 * DAY)
    await graph.sign_in()
    await add(graph, other["id"], result="pass")
    found = await entry(graph, one["id"])
    assert found is not None
    assert found["stale"] is True
    clock.forward(60 * DAY)
    await graph.sign_in()
    await graph.core.scores.run(graph.core.store, graph.core.registry)
    assert await entry(graph, one["id"]) is None, "ninety days after it was found"
    assert await entry(graph, other["id"]) is not None
    assert len((await graph.get(SCORES))["value"]) == 3


async def test_five_tenants_have_an_average(graph: Graph) -> None:
    [one, *_] = await seeded(graph)
    await add(graph, one["id"], result="pass")
    own, permissions = graph.headers, graph.core.model.served_permissions()
    for number in range(4):
        tenant = await graph.core.registry.create_tenant(f"tenant {number}")
        application, secret = await graph.core.registry.create_application(tenant, "tests", permissions)
        await graph.sign_in(application, secret, tenant)
        await seeded(graph)
        await add(graph, one["id"], result="fail" if number else "pass")
        graph.headers = own
        for _ in range(2):
            await graph.core.scores.run(graph.core.store, graph.core.registry)
        averages = (await today(graph))["averageComparativeScores"]
        assert averages == ([] if number < 3 else [{"basis": "AllTenants", "averageScore": round(0.4 * one["maxScore"], 2)}])


async def test_an_upstream_score_is_evidence(graph: Graph, clock: Clock) -> None:
    listed = next(one for one in catalogue().values() if one.checks.get("graph"))
    mapped, today_ = listed.checks["graph"][0], text(clock())
    await graph.hand_in(
        "graph",
        {"@odata.type": "#microsoft.graph.secureScoreControlProfile", "id": "SecondFactor", "title": "A second factor", "maxScore": 20,
         "controlCategory": "Identity", "vendorInformation": {"vendor": "Microsoft", "provider": "SecureScore"}},
        {"@odata.type": "#microsoft.graph.secureScore", "id": f"t_{today_[:10]}", "azureTenantId": "t", "createdDateTime": today_, "currentScore": 9,
         "activeUserCount": 12, "licensedUserCount": 15, "maxScore": 40, "controlScores": [
             {"controlName": "SecondFactor", "controlCategory": "Identity", "score": 5},
             {"controlName": mapped, "controlCategory": "Identity", "score": 4, "scoreInPercentage": 25.0}]},
    )  # fmt: skip
    score = await today(graph)
    shares = {one["controlName"]: (one["scoreInPercentage"], one["source"]) for one in score["controlScores"]}
    assert shares == {"SecondFactor": (25.0, "graph"), listed.id: (25.0, "graph")}
    assert (score["activeUserCount"], score["licensedUserCount"]) == (12, 15)
    [upstream] = (await graph.get("security/upstreamSecureScores"))["value"]
    assert upstream["currentScore"] == 9
    assert [one["controlName"] for one in upstream["controlScores"]] == ["SecondFactor", mapped]


async def test_what_is_kept_no_longer_goes(graph: Graph, clock: Clock) -> None:
    [one, *_] = await seeded(graph)
    await add(graph, one["id"], result="pass", subject="web-1")
    for _ in range(3):
        clock.forward(DAY)
        await graph.sign_in()
        await add(graph, one["id"], result="fail", subject="web-2")
    assert len((await graph.get(SCORES))["value"]) == 4
    clock.forward(399 * DAY)
    await graph.sign_in()
    await graph.core.scores.run(graph.core.store, graph.core.registry)
    found = (await graph.get(SCORES))["value"]
    assert [len(score["controlScores"]) for score in found] == [1, 1], "the others are older than four hundred days"
    assert (await graph.get(f"{PROFILES}/{one['id']}/evidence"))["value"] == []
    entries = await graph.core.store.fetch("score_entries_between", tenant=graph.tenant.number, kind="secureScores", first=0, last=2**31 - 1)
    assert len({row["name"] for row in entries}) == 2
    assert min(row["until"] for row in entries) > (clock() // SECOND - 400 * DAY) // DAY


async def test_what_was_committed_is_answered_though_the_score_cannot_be_computed(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    [one, *_] = await seeded(graph)

    async def broken(_: int) -> bool:
        raise Busy("no store")

    with monkeypatch.context() as patched:
        patched.setattr(graph.core.door.scorer, "recompute", broken)
        await add(graph, one["id"], result="pass")
        await state(graph, one, "Default")
    assert (await graph.get(SCORES))["value"] == []
    await graph.core.scores.run(graph.core.store, graph.core.registry)
    assert (await today(graph))["currentScore"] == one["maxScore"], "the chore computes it"


REFUSED = {
    "no result": ({}, "one of them"),
    "two results": ({"result": "pass", "scoreInPercentage": 5}, "one of them"),
    "another word": ({"result": "good"}, "Possible: pass, fail, notApplicable"),
    "too much": ({"scoreInPercentage": 101}, "from 0 to 100"),
    "no number": ({"scoreInPercentage": True}, "from 0 to 100"),
    "a member it does not have": ({"result": "pass", "colour": "red"}, "no member of evidence"),
    "a subject that is no text": ({"result": "pass", "subject": 5}, "must be text"),
    "a long subject": ({"result": "pass", "subject": "x" * 501}, "more than 500"),
    "no time": ({"result": "pass", "checkedDateTime": "yesterday"}, "with its offset"),
    "the future": ({"result": "pass", "checkedDateTime": "2931-01-01T00:00:00Z"}, "in the future"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_evidence_that_is_none_is_refused(graph: Graph, case: str) -> None:
    [one, *_] = await seeded(graph)
    body, said = REFUSED[case]
    answer = await send(graph, "POST", f"{PROFILES}/{one['id']}/evidence", body, 400)
    assert said in str(answer)
    assert (await graph.get(SCORES))["value"] == []


async def test_evidence_for_what_is_no_control(graph: Graph) -> None:
    await send(graph, "POST", f"{PROFILES}/no-such-control/evidence", {"result": "pass"}, 404)
    await send(graph, "GET", f"{PROFILES}/no-such-control/evidence", None, 404)
