"""The OpenAPI document: valid for a public validator, closed, and of what is served all and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from secgraph.errors import Refusal
from secgraph.model import openapi, publish, schemas, served
from secgraph.model.choices import ALERTS, INCIDENTS, OLDER_ALERTS
from secgraph.model.edm import SENTINEL, EnumType, Model, StructType, load

ORIGIN = "https://graph.example.org:8443"
SPACE = "microsoft.graph.security"
EVIDENCE = f"{SPACE}.alertEvidence"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(publish.openapi(ORIGIN, ("cef", "graph")))
    return found


def component(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def fits(document: dict[str, Any], name: str, value: Any) -> bool:
    """Whether a value is what the component of that name says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return bool(OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER).is_valid(value))


def inside(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a document, with its place."""
    if isinstance(value, dict):
        yield path, value
        for name, item in value.items():
            yield from inside(item, f"{path}/{name}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from inside(item, f"{path}/{place}")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


# --- the document ---------------------------------------------------------------------------------------------------------


def test_a_public_validator_has_nothing_to_say(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_reference_leads_somewhere_and_every_component_is_referred_to(document: dict[str, Any]) -> None:
    referred = {item["$ref"] for _, item in inside(document) if "$ref" in item}
    referred |= {place for _, item in inside(document) if "propertyName" in item for place in item["mapping"].values()}
    there = {f"#/components/{kind}/{name}" for kind, items in document["components"].items() for name in items}
    assert referred - there == set()
    assert {place for place in there - referred if "/securitySchemes/" not in place} == set()


def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        OAS31Validator.check_schema(schema)
        assert schema, name


def test_it_names_the_origin_that_the_client_used(document: dict[str, Any]) -> None:
    assert document["servers"] == [{"url": ORIGIN}]
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"].startswith(f"{ORIGIN}/")
    other = json.loads(publish.openapi("http://127.0.0.1:1/graph", ("cef", "graph")))
    assert other["servers"] == [{"url": "http://127.0.0.1:1/graph"}]
    assert "origin.invalid" not in json.dumps(other)
    assert {**other, "servers": 0, "components": 0} == {**document, "servers": 0, "components": 0}


# --- what is served -------------------------------------------------------------------------------------------------------


def expected(model: Model) -> Iterator[tuple[str, str]]:
    """Every method and path that is answered, from the published operations and the list of what is ours."""
    for name in served.operations(model):
        one = model.operations[name]
        yield from ((one.method, f"/{version}{path}") for version in one.versions for path in (one.path, *one.aliases))
    for call in served.calls(model):
        if call.published is None:
            yield from ((call.method, f"{root}{call.path}".rstrip("/")) for root in ([f"/{name}" for name in call.versions] or [""]))


def test_all_that_is_served_is_there_and_nothing_else(model: Model, document: dict[str, Any]) -> None:
    told = [(method, path) for method, path, _ in operations(document)]
    assert sorted(told) == sorted(expected(model))
    assert ("POST", "/beta/security/alerts/updateAlerts") in told
    assert ("POST", "/v1.0/security/alerts/updateAlerts") not in told


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert {"alerts_v2_list", "beta_alerts_v2_list", "alerts_v2_move_qualified"} <= set(names)


def test_a_call_needs_what_it_needs(model: Model, document: dict[str, Any]) -> None:
    scopes = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]
    assert list(scopes) == model.served_permissions()
    found = {(method, path): operation["security"] for method, path, operation in operations(document)}
    assert found["GET", "/healthz"] == found["GET", "/v1.0/$metadata"] == found["POST", "/{tenant}/oauth2/v2.0/token"] == []
    assert found["POST", "/v1.0/$batch"] == [{"oauth2": []}, {"bearer": []}]
    assert found["GET", "/beta/security/incidents/{incident-id}"] == [
        {scheme: [name]} for name in ("SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All") for scheme in ("oauth2", "bearer")
    ]


@pytest.mark.parametrize("call", [call for call in served.calls(load()) if call.versions == ("v1.0", "beta")], ids=lambda call: call.id)
def test_the_parameters_of_a_call(document: dict[str, Any], call: served.Call) -> None:
    operation = document["paths"][f"/v1.0{call.path}".rstrip("/")][call.method.lower()]
    told = [document["components"]["parameters"][item["$ref"].rpartition("/")[2]] if "$ref" in item else item for item in operation.get("parameters", ())]
    assert [item["name"] for item in told if item["in"] == "path"] == re.findall(r"\{([^}]*)\}", call.path)
    assert tuple(item["name"] for item in told if item["in"] == "query") == call.options
    headers = {item["name"] for item in told if item["in"] == "header"}
    assert "client-request-id" in headers
    versioned = call.method in {"PATCH", "DELETE"} and call.set is not None
    assert ("If-Match" in headers) == (versioned or call.id.endswith("_comment_add"))
    assert len({(item["name"], item["in"]) for item in told}) == len(told)


def test_every_refusal_can_be_told(document: dict[str, Any]) -> None:
    """Every status that a refusal can have stands at some operation: 405 and 501 are of calls that are not there."""
    def kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
        yield kind
        for child in kind.__subclasses__():
            yield from kinds(child)

    told = {status for _, _, operation in operations(document) for status in operation["responses"]}
    ours = {str(kind.status) for kind in kinds(Refusal) if kind.__module__ == "secgraph.errors"}
    assert ours - told == {"405", "501"}
    assert "500" in told


def test_every_answer_names_its_request(document: dict[str, Any]) -> None:
    answers = [*document["components"]["responses"].values(), *(
        answer for _, _, operation in operations(document) for answer in operation["responses"].values() if "$ref" not in answer
    )]  # fmt: skip
    assert all({"request-id", "client-request-id"} <= answer["headers"].keys() for answer in answers)


# --- the types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ALERTS, INCIDENTS, OLDER_ALERTS])
def test_a_record_with_every_member_set_fits(
    model: Model, document: dict[str, Any], filled: Callable[[StructType], dict[str, Any]], path: str
) -> None:
    kind = model.sets[path].type
    record = filled(kind)
    assert fits(document, kind.name, record)
    for name, value in record.items():
        assert not fits(document, kind.name, {**record, name: {"a": 1} if not isinstance(value, dict) else 1}), name


@pytest.mark.parametrize("kind", list(load().struct(EVIDENCE).family()), ids=lambda kind: kind.name.rpartition(".")[2])
def test_evidence_is_told_apart_by_its_type(
    document: dict[str, Any], filled: Callable[[StructType], dict[str, Any]], kind: StructType
) -> None:
    record = {**filled(kind), "@odata.type": f"#{kind.name}"}
    assert fits(document, EVIDENCE, record)
    assert not fits(document, EVIDENCE, {**record, "@odata.type": "#microsoft.graph.security.noEvidence"})
    assert not fits(document, EVIDENCE, {name: value for name, value in record.items() if name != "@odata.type"})
    choice = component(document, EVIDENCE)
    assert choice["discriminator"]["mapping"][f"#{kind.name}"] in {item["$ref"] for item in choice["oneOf"]}


def test_every_member_of_every_type_is_there(model: Model, document: dict[str, Any]) -> None:
    inputs = 0
    for name, schema in document["components"]["schemas"].items():
        kind = model.types.get(name.removesuffix(".plain"))
        if isinstance(kind, EnumType):
            assert schema["enum"] == list(kind.members), name
        elif isinstance(kind, StructType) and "oneOf" not in schema:
            told = [member for member in schema["properties"] if "@" not in member]
            assert told == list(kind.properties), name
            inputs += 1
    assert inputs > 80


@pytest.mark.parametrize(("of", "name", "schema"), [
    (f"{SPACE}.alert", "title", {"type": ["string", "null"]}),
    (f"{SPACE}.incident", "createdDateTime", {"type": "string", "format": "date-time"}),
    (f"{SPACE}.alert", "resolvedDateTime", {"type": ["string", "null"], "format": "date-time"}),
    (f"{SPACE}.alert", "severity", {"$ref": f"#/components/schemas/{SPACE}.alertSeverity"}),
    (f"{SPACE}.alert", "classification", {"anyOf": [{"$ref": f"#/components/schemas/{SPACE}.alertClassification"}, {"type": "null"}]}),
    (f"{SPACE}.alert", "evidence", {"type": "array", "items": {"$ref": f"#/components/schemas/{EVIDENCE}"}}),
    (f"{SPACE}.alert", "mitreTechniques", {"type": "array", "items": {"type": "string"}}),
    (f"{SPACE}.incident", "alerts", {"type": "array", "items": {"$ref": f"#/components/schemas/{SPACE}.alert"}}),
    (f"{SPACE}.alert.change", "status", {"type": "string", "enum": ["new", "inProgress", "resolved"]}),
    ("microsoft.graph.alert.change", "status", {"type": "string", "enum": ["unknown", "newAlert", "inProgress", "resolved"]}),
    (f"{SPACE}.createAlertInput", "title", {"type": "string", "pattern": r"\S"}),
    (f"{SPACE}.entityDefinition", "role", {"type": ["string", "null"], "enum": ["impacted", "related", None]}),
])  # fmt: skip
def test_how_a_member_is_told(document: dict[str, Any], of: str, name: str, schema: dict[str, Any]) -> None:
    assert component(document, of)["properties"][name] == schema


@pytest.mark.parametrize("path", [ALERTS, INCIDENTS, OLDER_ALERTS])
def test_a_change_tells_what_can_be_written(model: Model, document: dict[str, Any], path: str) -> None:
    one = model.sets[path]
    told = component(document, f"{one.type.name}.change")["properties"]
    assert told.keys() - {"vendorInformation"} == set(one.choices.write)
    assert ("vendorInformation" in told) == (path == OLDER_ALERTS)
    for name, schema in told.items():
        for word in schema.get("enum", ()):
            assert word != SENTINEL
            assert word not in one.choices.unwritable.get(name, ())


@pytest.mark.parametrize(("name", "value", "good"), [
    ("newComment", {"comment": "x"}, True), ("newComment", [{"comment": "x"}, {"comment": "y"}], True), ("newComment", {"value": [{"comment": "x"}]}, True),
    ("newComment", {"comment": " "}, False), ("newComment", [], False), ("newComment", {}, False),
    ("batchRequest", {"requests": [{"id": "1", "method": "GET", "url": "/x", "dependsOn": None}]}, True), ("batchRequest", {"requests": []}, False),
    ("batchRequest", {"requests": [{"id": "1", "method": "HEAD", "url": "/x"}]}, False),
    (f"{SPACE}.alert.change", {"status": "resolved", "title": "as it was"}, True), (f"{SPACE}.alert.change", {"status": "unknown"}, False),
    (f"{SPACE}.alert.change", {"status": None}, False), (f"{SPACE}.alert.change", {"classification": None}, True),
    ("microsoft.graph.alert.changeOf", {"id": "a1", "feedback": "truePositive"}, True), ("microsoft.graph.alert.changeOf", {"feedback": "truePositive"}, False),
    (f"{SPACE}.alertDeltaResponse", {"value": [{"id": "a", "@removed": {"reason": "changed"}}], "@odata.deltaLink": f"{ORIGIN}/x"}, True),
    (f"{SPACE}.alertDeltaResponse", {"value": [], "@odata.deltaLink": f"{ORIGIN}/x", "@odata.nextLink": f"{ORIGIN}/x"}, False),
    (f"{SPACE}.alertDeltaResponse", {"value": []}, False),
    ("tokenRequest", {"grant_type": "client_credentials", "client_id": "x"}, True), ("tokenRequest", {"grant_type": "password"}, False),
])  # fmt: skip
def test_what_a_body_may_be(document: dict[str, Any], name: str, value: Any, good: bool) -> None:
    assert fits(document, name, value) == good


def test_several_flags_are_one_text(model: Model) -> None:
    action = model.actions["incidents_merge"]
    found = schemas.arguments(action.parameters, action.required)
    assert found["required"] == ["incidentIds"]
    pattern = found["properties"]["mergeReasons"]["pattern"]
    words = list(getattr(action.parameters["mergeReasons"].type, "members", ()))
    assert re.search(pattern, words[0])
    assert re.search(pattern, f"{words[0]}, {words[1]}")
    assert not re.search(pattern, f"{words[0]} {words[1]}")
    assert not re.search(pattern, SENTINEL)


def test_the_sources_that_ingest_knows_are_those_that_are_installed(model: Model) -> None:
    made = openapi.document(model, ORIGIN, ["one", "two"])
    [place] = made["paths"]["/ingest/{source}"]["post"]["parameters"][:1]
    assert place == {"name": "source", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "examples": ["one", "two"]}}
