"""Facts that only the reference pages publish: part of the model like all others, until the contract has them itself."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph.errors import Fault
from secgraph.model import documented, edm, publish
from secgraph.model.edm import Model


def test_they_are_part_of_the_model(model: Model) -> None:
    for name in documented.TYPES:
        assert name in model.types
        assert name in model.contract["types"]
    assert model.actions["alerts_v2_create_action"].parameters["createAlertInput"].type is model.types["microsoft.graph.security.createAlertInput"]


@pytest.mark.parametrize(("version", "there"), [("v1.0", False), ("beta", True)])
def test_beta_facts_are_published_under_beta_only(version: edm.Version, there: bool) -> None:
    assert (b'Action Name="createAlert"' in publish.metadata(version)) == there
    assert (b'Name="createAlertInput"' in publish.metadata(version)) == there


@pytest.mark.parametrize("contract", [
    {"types": {next(iter(documented.TYPES)): {}}, "actions": [], "entitySets": {}},
    {"types": {}, "actions": [dict(documented.ACTIONS[0])], "entitySets": {}},
    {"types": {}, "actions": [], "entitySets": {"identityProtection/riskyUsers": ""}},
])  # fmt: skip
def test_a_fact_that_the_contract_has_by_now_is_a_fault(contract: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="holds what the contract declares itself: "):
        edm.with_documented(contract)
