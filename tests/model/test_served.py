"""What is served: one list, in which every choice is, and from which permissions and methods are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from secgraph.errors import Fault
from secgraph.model import served
from secgraph.model.choices import NOT_OURS, OWN_OPERATIONS
from secgraph.model.edm import VERSIONS, Model, load
from secgraph.model.served import Call


def chosen(model: Model) -> Iterator[str]:
    """The published operations that a choice makes ours."""
    for one in model.sets.values():
        yield from (name for name in one.choices.operations.names() if name in model.operations)
    yield from model.actions
    yield "batch"


def test_every_choice_is_served_and_nothing_else(model: Model) -> None:
    assert sorted(served.operations(model)) == sorted(chosen(model))


@pytest.mark.parametrize("call", served.calls(load()), ids=lambda call: call.id)
def test_a_published_call_is_as_published(call: Call) -> None:
    if call.published is None:
        assert call.versions in {(), VERSIONS}
        return
    assert (call.id, call.method, call.path) == (call.published.id, call.published.method, call.published.path)
    assert call.versions == tuple(version for version in VERSIONS if version in call.published.versions)
    assert call.permissions == call.published.application


@pytest.mark.parametrize(("name", "like"), [
    ("alerts_v2_count", "alerts_v2_list"), ("alerts_v2_delta", "alerts_v2_list"), ("alerts_v2_comments", "alerts_v2_get"),
    ("incidents_count", "incidents_list"), ("incidents_delta", "incidents_list"), ("incidents_comments", "incident_get"),
    ("incidents_members_count", "incident_alerts_list"), ("alerts_count", "legacy_alerts_list"), ("alerts_delta", "legacy_alerts_list"),
])  # fmt: skip
def test_what_goes_with_a_published_call_is_opened_by_the_same(model: Model, name: str, like: str) -> None:
    [call] = [call for call in served.calls(model) if call.id == name]
    assert call.published is None
    assert call.permissions == model.operations[like].application


def test_what_anybody_may_ask(model: Model) -> None:
    """Health, the documents, and identity: a call that is not in this list needs a token."""
    assert {call.id for call in served.calls(model) if call.permissions is None} == {
        "service_document", "metadata", "healthz", "readyz", "openapi", "token", "token_older", "discovery", "discovery_older", "keys",
        "keys_older",
    }  # fmt: skip
    assert {call.id for call in served.calls(model) if call.permissions == ()} == {"security", "identities", "identity_protection", "batch"}


def test_the_permissions_that_open_something_are_those_that_can_be_granted(model: Model) -> None:
    assert {entry for call in served.calls(model) for entry in call.permissions or ()} == set(model.served_permissions())


def test_what_is_ours_by_choice_is_served(model: Model) -> None:
    told = {call.id: (call.method, call.path, call.permissions) for call in served.calls(model)}
    assert {name: told[name] for name in OWN_OPERATIONS} == dict(OWN_OPERATIONS)


def test_no_two_calls_have_one_name(model: Model) -> None:
    names = [call.id for call in served.calls(model)]
    assert len(names) == len(set(names))


def test_two_calls_at_one_place_stop_the_start(model: Model) -> None:
    move = model.actions["alerts_v2_move"]
    twice = replace(model, actions={**model.actions, "again": move})
    with pytest.raises(Fault, match="moveAlerts is served twice"):
        served.calls(twice)


@pytest.mark.parametrize(("what", "path", "methods"), [
    ("collection", "security/alerts_v2", ("GET",)), ("item", "security/alerts_v2", ("GET", "PATCH")), ("comments", "security/incidents", ("GET", "POST")),
    ("collection", "security/assets", ("GET", "POST")), ("item", "security/assets", ("GET", "PATCH", "DELETE")), ("comments", "security/assets", ()),
    ("comments", "security/alerts", ()), ("members", "security/alerts_v2", ()), ("members", "security/incidents", ("GET",)),
    ("correlations", "security/incidents", ("GET",)), ("correlations", "security/alerts_v2", ()), ("keep_apart", "security/incidents", ("POST",)),
    ("entities", None, ("GET",)), ("entity_alerts", None, ("GET",)), ("action", "security/alerts_v2", ("POST",)), ("records", "security/incidents", ()), ("batch", None, ("POST",)), ("service", None, ("GET",)), ("correlation", None, ("GET", "PATCH")),
    ("assessment", "security/incidents", ("GET",)), ("assessment", "security/alerts_v2", ()),
])  # fmt: skip
def test_methods(model: Model, what: served.What, path: str | None, methods: tuple[str, ...]) -> None:
    assert served.methods(model, what, model.sets[path] if path else None) == methods


def test_a_call_that_is_not_served_is_not_found(model: Model) -> None:
    with pytest.raises(KeyError):
        served.call(model, "DELETE", "item", model.sets["security/alerts_v2"])
    assert served.call(model, "PATCH", "item", model.sets["security/alerts"]).id == "legacy_alert_update"


# --- what is not ------------------------------------------------------------------------------------------------------------


def test_the_state_of_every_published_operation(model: Model) -> None:
    states = {name: served.state(one, model) for name, one in model.operations.items()}
    assert len(states) == 60
    assert {name for name, (state, _) in states.items() if state == "served"} == set(chosen(model))
    assert all(bool(why) == (state == "not ours") for state, why in states.values())


@pytest.mark.parametrize(("path", "state"), [
    ("/security/cases/ediscoveryCases", "not ours"), ("/security/attackSimulation", "not ours"), ("/security/casesOfMine", "later"),
    ("/privacy/subjectRightsRequests/{id}", "not ours"), ("/users/{id-or-upn}/messages", "not ours"), ("/users/{id-or-upn}", "later"),
])  # fmt: skip
def test_what_is_not_ours_says_why(model: Model, path: str, state: str) -> None:
    operation = replace(model.operations["run_hunting_query"], path=path)
    found, why = served.state(operation, model)
    assert found == state
    assert bool(why) == (state == "not ours")


def test_nothing_is_served_that_is_not_ours(model: Model) -> None:
    assert [call.path for call in served.calls(model) for root in NOT_OURS if call.path.startswith(root)] == []


@pytest.mark.parametrize(("name", "options"), [
    ("alerts_v2_list", "$filter $search $orderby $select $top $skip $count $skiptoken $format"),
    ("incidents_list", "$filter $search $orderby $select $expand $top $skip $count $skiptoken $format"),
    ("incident_alerts_list", "$filter $search $orderby $select $top $skip $count $skiptoken $format"),
    ("incident_get", "$select $expand $format"), ("legacy_alert_get", "$select $format"), ("alerts_v2_update", ""),
    ("incidents_delta", "$filter $select $top $skiptoken $deltatoken $format"), ("alerts_count", "$filter $search"),
    ("alerts_v2_comments", "$format"), ("alerts_v2_comment_add", ""), ("records", "$format"), ("assessment", "$format"),
    ("assets_list", "$filter $search $orderby $select $top $skip $count $skiptoken $format"),
    ("assets_delta", "$filter $select $top $skiptoken $deltatoken $format"), ("asset_create", ""), ("asset_delete", ""),
    ("correlations", "$top $skiptoken $format"), ("keep_apart", ""),
    ("entities", "$filter $top $skiptoken $format"), ("entity", "$format"), ("entity_alerts_count", "$filter $search"),
    ("entity_alerts", "$filter $search $orderby $select $top $skip $count $skiptoken $format"), ("incidents_merge", ""), ("batch", ""), ("ingest", ""),
])  # fmt: skip
def test_the_options_of_a_call(model: Model, name: str, options: str) -> None:
    [call] = [call for call in served.calls(model) if call.id == name]
    assert call.options == tuple(options.split())
