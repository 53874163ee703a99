"""What others read: `$metadata` says what the model says, and names nothing that it does not declare."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from secgraph.model import documented, publish
from secgraph.model.edm import VERSIONS, EnumType, Model, StructType, Version

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
PRIMITIVE = {
    "Edm.String", "Edm.Boolean", "Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Double", "Edm.Decimal", "Edm.Guid", "Edm.Byte",
    "Edm.DateTimeOffset", "Edm.Date", "Edm.Duration", "Edm.Binary", "Edm.Stream", "Edm.Single",
}  # fmt: skip


def schemas(version: Version) -> dict[str, Element]:
    root = fromstring(publish.metadata(version))  # noqa: S314 -- our own document
    return {item.attrib["Namespace"]: item for item in root.iter(f"{EDM}Schema")}


def declared(version: Version) -> dict[str, Element]:
    """Full names of all types."""
    return {
        f"{namespace}.{item.attrib['Name']}": item
        for namespace, schema in schemas(version).items()
        for item in schema
        if item.tag in {f"{EDM}{kind}" for kind in ("EntityType", "ComplexType", "EnumType")}
    }


def named(version: Version) -> Iterator[tuple[str, str]]:
    """Every type a document names, and where."""
    for namespace, schema in schemas(version).items():
        for item in schema.iter():
            for attribute in ("Type", "BaseType", "UnderlyingType", "EntityType"):
                if attribute in item.attrib:
                    name = re.sub(r"^Collection\((.*)\)$", r"\1", item.attrib[attribute])
                    yield name, f"{namespace}: {item.tag.removeprefix(EDM)} {item.attrib}"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_type_that_is_named_is_there(version: Version) -> None:
    known = declared(version).keys() | PRIMITIVE
    assert [where for name, where in named(version) if name not in known] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_no_name_is_declared_twice(version: Version) -> None:
    for schema in schemas(version).values():
        names = [item.attrib["Name"] for item in schema if item.tag not in {f"{EDM}Action", f"{EDM}Function"}]
        assert len(names) == len(set(names))
        for item in schema:
            members = [inner.attrib["Name"] for inner in item if "Name" in inner.attrib]
            assert len(members) == len(set(members)), item.attrib["Name"]


@pytest.mark.parametrize("version", VERSIONS)
def test_it_says_what_the_model_says(model: Model, version: Version) -> None:
    found = declared(version)
    for name, kind in model.types.items():
        if not isinstance(kind, EnumType | StructType) or (kind.beta and version == "v1.0"):
            assert name not in found
            continue
        item = found[name]
        if isinstance(kind, EnumType):
            assert {one.attrib["Name"]: int(one.attrib["Value"]) for one in item} == kind.members
            assert (item.attrib.get("IsFlags") == "true") == kind.flags
            continue
        assert item.tag == f"{EDM}{kind.kind}"
        assert item.attrib.get("BaseType") == kind.base
        assert (item.attrib.get("OpenType") == "true") == kind.open
        assert (item.attrib.get("Abstract") == "true") == kind.abstract
        inherited = set() if kind.base is None else set(model.struct(kind.base).properties)
        own = {key: one for key, one in kind.properties.items() if key not in inherited}
        told = {one.attrib["Name"]: one for one in item if "Name" in one.attrib}
        assert list(told) == list(own)
        for key, one in own.items():
            written = f"Collection({one.type.name})" if one.collection else one.type.name
            assert told[key].attrib["Type"] == written
            assert (told[key].attrib.get("Nullable") != "false") == one.nullable
            assert told[key].tag == f"{EDM}{'NavigationProperty' if one.navigation else 'Property'}"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_entity_has_a_key(version: Version) -> None:
    found = declared(version)
    for name, item in found.items():
        if item.tag == f"{EDM}EntityType" and item.attrib.get("Abstract") != "true" and not name.endswith(".securityRoot"):
            at: Element | None = item
            while at is not None and at.find(f"{EDM}Key") is None:
                at = found.get(at.attrib.get("BaseType", ""))
            assert at is not None or name in documented.SINGLETONS.values(), name


@pytest.mark.parametrize("version", VERSIONS)
def test_every_served_set_is_reached_from_the_container(model: Model, version: Version) -> None:
    [container] = [item for schema in schemas(version).values() for item in schema.iter(f"{EDM}EntityContainer")]
    singletons = {item.attrib["Name"]: item.attrib["Type"] for item in container}
    for path, one in model.sets.items():
        first, *rest = path.split("/")
        kind = singletons[first]
        for name in rest:
            kind = {item.attrib["Name"]: item.attrib["Type"] for item in declared(version)[kind] if "Name" in item.attrib}[name]
        assert kind == f"Collection({one.type.name})"


def test_the_sentinel_keeps_its_number() -> None:
    item = declared("v1.0")["microsoft.graph.security.serviceSource"]
    assert {one.attrib["Name"]: one.attrib["Value"] for one in item}["unknownFutureValue"] == "255"


# --- the published facts ---------------------------------------------------------------------------------------------


def test_the_contract_is_the_published_one(shared: Path) -> None:
    """Type by type and member by member; only types that the v1.0 facts do not have may be added, marked as beta."""
    facts: dict[str, Any] = json.loads((shared / "contract" / "model.json").read_text("utf-8"))
    ours: dict[str, Any] = json.loads(files("secgraph.model").joinpath("contract.json").read_text("utf-8"))
    for name, fact in facts["types"].items():
        assert name in ours["types"], name
        assert _told(ours["types"][name]) == _published(fact), name
    for name in ours["types"].keys() - facts["types"].keys():
        assert ours["types"][name].get("beta") is True, name
    assert ours["entitySets"] == facts["entity_sets"]
    assert ours["actions"] == facts["actions"]


def _published(fact: dict[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in fact.items() if key not in {"core", "properties", "navigation"} and value}
    for group in ("properties", "navigation"):
        told[group] = {
            name: (item["type"], item.get("nullable", True), item.get("contains")) for name, item in fact.get(group, {}).items()
        }
    return told


def _told(ours: dict[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in ours.items() if key not in {"properties", "navigation"} and value}
    told["properties"] = {
        name: (text.removesuffix("!"), not text.endswith("!"), None) for name, text in ours.get("properties", {}).items()
    }
    told["navigation"] = {
        name: (item["type"].removesuffix("!"), not item["type"].endswith("!"), item.get("contains"))
        for name, item in ours.get("navigation", {}).items()
    }
    return told
