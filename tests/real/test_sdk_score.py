"""The SDK reads the score of a first start and the controls behind it, states something about one, and sees what it brings."""

from __future__ import annotations

from typing import Any

import pytest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.secure_score import SecureScore
from msgraph.generated.models.secure_score_control_profile import SecureScoreControlProfile
from msgraph.generated.models.security_vendor_information import SecurityVendorInformation
from msgraph.generated.security.secure_score_control_profiles.secure_score_control_profiles_request_builder import (
    SecureScoreControlProfilesRequestBuilder,
)
from msgraph.generated.security.secure_scores.secure_scores_request_builder import SecureScoresRequestBuilder
from msgraph.graph_service_client import GraphServiceClient
from tests.real.conftest import Server

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_abstractions"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_http"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:msgraph"),
]

Scores = SecureScoresRequestBuilder.SecureScoresRequestBuilderGetQueryParameters
Profiles = SecureScoreControlProfilesRequestBuilder.SecureScoreControlProfilesRequestBuilderGetQueryParameters
CONTROLS = 120
"""Controls of the catalogue, at least."""


def asked(parameters: Any) -> RequestConfiguration[Any]:
    return RequestConfiguration(query_parameters=parameters)


async def today(sdk: GraphServiceClient) -> SecureScore:
    found = await sdk.security.secure_scores.get(asked(Scores(top=1)))
    assert found is not None
    [score] = found.value or []
    return score


async def profiles(sdk: GraphServiceClient, **options: Any) -> list[SecureScoreControlProfile]:
    found = await sdk.security.secure_score_control_profiles.get(asked(Profiles(**options)))
    assert found is not None
    assert found.odata_next_link is None, "one page"
    return found.value or []


async def test_the_score_is_todays(sdk: GraphServiceClient, served: Server) -> None:
    score = await today(sdk)
    assert score.id is not None
    assert score.id.startswith(f"{served.quickstart['TENANT']}_")
    assert score.current_score is not None
    assert score.max_score is not None
    assert 0 < score.current_score < score.max_score
    entries = score.control_scores or []
    assert sum(one.score or 0 for one in entries) == pytest.approx(score.current_score, abs=0.01 * len(entries))
    failed = [one for one in entries if one.additional_data["scoreInPercentage"] == 0]
    assert failed
    assert all(one.additional_data[name] for one in entries for name in ("source", "lastSynced", "implementationStatus"))


async def test_controls_are_asked_as_any_set(sdk: GraphServiceClient) -> None:
    everything = await profiles(sdk, top=999)
    assert len(everything) >= CONTROLS
    some = await profiles(sdk, filter="controlCategory eq 'Identity'", orderby=["rank desc"], top=999, count=True)
    assert {one.control_category for one in some} == {"Identity"}
    ranks = [one.rank for one in some if one.rank is not None]
    assert ranks == sorted(ranks, reverse=True)
    scores = await sdk.security.secure_scores.get(asked(Scores(filter="currentScore gt 0", select=["id", "currentScore"], count=True)))
    assert scores is not None
    assert scores.odata_count == 1
    assert (scores.value or [])[0].control_scores is None
    none = await sdk.security.secure_scores.get(asked(Scores(filter="currentScore gt 100000")))
    assert none is not None
    assert none.value == []


async def test_a_state_is_stated_and_seen_in_the_score(sdk: GraphServiceClient) -> None:
    before = await today(sdk)
    worst = next(one for one in before.control_scores or [] if one.additional_data["scoreInPercentage"] == 0)
    at = sdk.security.secure_score_control_profiles.by_secure_score_control_profile_id(worst.control_name or "")
    profile = await at.get()
    assert profile is not None
    assert profile.max_score is not None
    known = profile.vendor_information
    assert known is not None
    vendor = SecurityVendorInformation(vendor=known.vendor, provider=known.provider)
    body = SecureScoreControlProfile(
        vendor_information=vendor, additional_data={"state": "ThirdParty", "comment": "the gateway does it", "assignedTo": "ana"}
    )
    assert await at.patch(body) is None
    seen = await at.get()
    assert seen is not None
    [entry] = seen.control_state_updates or []
    assert (entry.state, entry.comment, entry.assigned_to) == ("ThirdParty", "the gateway does it", "ana")
    after = await today(sdk)
    assert after.current_score is not None
    assert before.current_score is not None
    assert after.current_score == pytest.approx(before.current_score + profile.max_score, abs=0.02)
    assert after.max_score == before.max_score
