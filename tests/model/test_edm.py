"""The vocabulary: what is inherited, how names fold, what a cast finds, and that facts and choices agree."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest

from secgraph.errors import Fault
from secgraph.model import documented, extensions
from secgraph.model.choices import OWN_OPERATIONS, SETS
from secgraph.model.edm import SENTINEL, EnumType, Model, StructType, load, with_extensions

SPACE = "microsoft.graph.security"


def structs(model: Model) -> list[StructType]:
    return [item for item in model.types.values() if isinstance(item, StructType)]


def enums(model: Model) -> list[EnumType]:
    return [item for item in model.types.values() if isinstance(item, EnumType)]


def test_the_model_is_made_once(model: Model) -> None:
    assert load() is model


def test_inherited_properties_come_first_and_are_the_very_same(model: Model) -> None:
    checked = 0
    for kind in structs(model):
        if kind.base is not None:
            base = model.struct(kind.base)
            assert list(kind.properties)[: len(base.properties)] == list(base.properties)
            assert all(kind.properties[name] is item for name, item in base.properties.items())
            assert kind in base.derived
            checked += 1
    assert checked > 50


def test_a_family_is_a_type_and_all_below_it(model: Model) -> None:
    for kind in structs(model):
        family = list(kind.family())
        assert family[0] is kind
        assert len(family) == len(set(family))
        below = [other for other in structs(model) if other.base == kind.name]
        assert set(kind.derived) == set(below)
    evidence = list(model.struct(f"{SPACE}.alertEvidence").family())
    assert len(evidence) > 40


def test_no_two_members_of_a_type_fold_to_one_name(model: Model) -> None:
    for kind in structs(model):
        assert len(kind.folded) == len(kind.properties), kind.name
        for name, item in kind.properties.items():
            assert item.name == name
            assert kind.member(name) is kind.member(name.upper()) is kind.member(name.lower()) is item
    assert model.struct(f"{SPACE}.alert").member("nope") is None
    assert model.struct(f"{SPACE}.alert").member("") is None


def test_names_are_plain_words(model: Model) -> None:
    """SQL identifiers and JSON paths are written from them without quoting anything inside."""
    for kind in structs(model):
        assert all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) for name in kind.properties)
    for enum in enums(model):
        assert all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) for name in enum.members)


@pytest.mark.parametrize(("name", "short"), [
    (f"{SPACE}.userEvidence", "userEvidence"), (f"#{SPACE}.userEvidence", "userEvidence"),
    (f"{SPACE}.USEREVIDENCE".upper(), "userEvidence"), (f"{SPACE}.alertSeverity", None), ("userEvidence", None),
    ("Edm.String", None), ("", None), ("#", None),
])  # fmt: skip
def test_a_cast(model: Model, name: str, short: str | None) -> None:
    found = model.cast(name)
    assert (found.name if found else None) == (f"{SPACE}.{short}" if short else None)


def test_struct_knows_only_structures(model: Model) -> None:
    for name in (f"{SPACE}.alertSeverity", "Edm.String", "nope"):
        with pytest.raises(KeyError):
            model.struct(name)


def test_members_of_enumerations(model: Model) -> None:
    for enum in enums(model):
        for member in enum.members:
            assert enum.folded[member.casefold()] == member
            assert enum.hidden(member) == (SENTINEL in enum.members and enum.members[member] > enum.members[SENTINEL])
        assert set(enum.folded.values()) <= set(enum.members)
        assert enum.undeclared in {"unknown", SENTINEL, None}
        assert enum.undeclared is None or enum.undeclared in enum.members


@pytest.mark.parametrize(("short", "hidden", "shown"), [
    ("serviceSource", "microsoftSentinel", "dataLossPrevention"), ("incidentStatus", "awaitingAction", "redirected"),
    ("evidenceRemediationStatus", "running", "notFound"),
])  # fmt: skip
def test_members_past_the_sentinel(model: Model, short: str, hidden: str, shown: str) -> None:
    enum = model.types[f"{SPACE}.{short}"]
    assert isinstance(enum, EnumType)
    assert enum.hidden(hidden)
    assert not enum.hidden(shown)
    assert not enum.hidden(SENTINEL)


def test_every_served_set_and_operation_is_published(model: Model) -> None:
    assert list(model.sets) == list(SETS)
    for path, one in model.sets.items():
        assert model.contract["entitySets"][path] == f"Collection({one.type.name})"
        assert [item.name for item in one.columns()] == list(one.choices.columns)
        calls = one.choices.operations
        for key in calls.names():
            place, needed = (found.path, found.application) if (found := model.operations.get(key)) else OWN_OPERATIONS[key][1:]
            assert place.startswith(f"/{path}")
            assert needed, "nobody could ever call it"


def test_what_is_ours_is_named_so_and_is_nothing_published(model: Model) -> None:
    contract = json.loads(files("secgraph.model").joinpath("contract.json").read_text("utf-8"))
    assert {name for name in model.contract["types"] if name.startswith("secgraph.")} == set(extensions.TYPES)
    # How sources fare is worked out when it is asked: no set of the store.
    ours = {*extensions.ENTITY_SETS, *documented.ENTITY_SETS} - {"security/sources"}
    assert {path for path in model.sets if path not in contract["entitySets"]} == ours
    for held in ({**contract, "entitySets": extensions.ENTITY_SETS}, {**contract, "types": extensions.TYPES}):
        with pytest.raises(Fault, match=r"extensions\.py holds what is published"):
            with_extensions(held)


def test_every_permission_that_opens_something_exists(model: Model) -> None:
    served = model.served_permissions()
    assert served == sorted(served)
    assert "SecurityAlert.Read.All" in served
    for name in served:
        assert all(part in model.permissions for part in name.split(" + "))
