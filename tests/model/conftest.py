"""What the tests of the model share: the model itself, and records with every member set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secgraph.model.edm import SENTINEL, EnumType, Model, Property, StructType, load

VALUES = {
    "Edm.String": "text", "Edm.DateTimeOffset": "2026-01-31T09:00:00.1234560Z", "Edm.Int32": 7, "Edm.Int64": 2**53 + 1,
    "Edm.Double": 1.5, "Edm.Boolean": True, "Edm.Guid": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
}  # fmt: skip


def _value(item: Property, depth: int) -> Any:
    kind = item.type
    if isinstance(kind, EnumType):
        # The last member: past the sentinel where the enumeration has grown.
        return [word for word in kind.members if word != SENTINEL][-1]
    if not isinstance(kind, StructType):
        return VALUES[kind.name]
    if depth == 0:
        return None
    made = _record(kind, depth - 1)
    return {"@odata.type": f"#{kind.name}", **made} if kind.derived or kind.base else made


def _record(kind: StructType, depth: int) -> dict[str, Any]:
    if kind.open and not kind.properties:
        return {"word": "text", "number": 5, "inner": {"flag": True, "none": None}, "list": [1, "two"]}
    found: dict[str, Any] = {}
    for name, item in kind.properties.items():
        if not item.navigation:
            value = _value(item, depth)
            found[name] = ([] if value is None else [value]) if item.collection else value
    return found


@pytest.fixture(scope="session")
def model() -> Model:
    return load()


@pytest.fixture(scope="session")
def filled() -> Callable[[StructType], dict[str, Any]]:
    """Makes a record of a type with every member set, three structures deep, in the order of the contract."""
    return lambda kind: _record(kind, 3)
