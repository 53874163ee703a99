"""What the tests of the query language share."""

from __future__ import annotations

import pytest

from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import EntitySet, Model, load


@pytest.fixture(scope="session")
def model() -> Model:
    return load()


@pytest.fixture(scope="session")
def alerts(model: Model) -> EntitySet:
    return model.sets[ALERTS]


@pytest.fixture(scope="session")
def incidents(model: Model) -> EntitySet:
    return model.sets[INCIDENTS]
