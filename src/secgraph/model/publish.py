"""The model as documents others read: `$metadata` (CSDL 4.0 XML), the OpenAPI document, what stands at a version root."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from xml.sax.saxutils import quoteattr

from secgraph.model import documented, extensions, served
from secgraph.model import openapi as describing
from secgraph.model.edm import Model, Version, load

# An alias is one simple word (CSDL 4.0), so only the root namespace has one; every type is written by its full name.
ALIASES = {"microsoft.graph": ' Alias="graph"', "microsoft.graph.security": "", extensions.NAMESPACE: ""}


_ORIGIN = "https://origin.invalid"
"""Stands for an origin until it is known."""


@cache
def metadata(version: Version) -> bytes:
    """The $metadata document of a version: closed (every type it names is in it), with full names throughout."""
    model = load()
    by_namespace: dict[str, list[str]] = {namespace: [] for namespace in ALIASES}
    for name, fact in model.contract["types"].items():
        if version == "v1.0" and fact.get("beta"):
            continue
        namespace, _, short = name.rpartition(".")
        by_namespace[namespace].extend(_enum(short, fact) if fact["kind"] == "EnumType" else _struct(short, fact, model))
    for action in model.contract["actions"]:
        if version == "v1.0" and action.get("beta"):
            continue
        by_namespace[action["namespace"]].extend(_action(action))
    by_namespace["microsoft.graph"].extend(_container(model))
    lines = ['<?xml version="1.0" encoding="utf-8"?>',
             '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>']  # fmt: skip
    for namespace, body in by_namespace.items():
        lines.append(f'<Schema Namespace="{namespace}"{ALIASES[namespace]}'
                     ' xmlns="http://docs.oasis-open.org/odata/ns/edm">')  # fmt: skip
        lines.extend(body)
        lines.append("</Schema>")
    lines.append("</edmx:DataServices></edmx:Edmx>")
    return "\n".join(lines).encode()


def _enum(short: str, fact: dict[str, Any]) -> list[str]:
    flags = ' IsFlags="true"' if fact.get("flags") else ""
    underlying = f' UnderlyingType="{fact["underlying"]}"' if "underlying" in fact else ""
    members = [f'<Member Name={quoteattr(name)} Value="{value}"/>' for name, value in fact["members"].items()]
    return [f'<EnumType Name="{short}"{underlying}{flags}>', *members, "</EnumType>"]


def _type(text: str) -> str:
    return f'Type="{text.removesuffix("!")}"' + (' Nullable="false"' if text.endswith("!") else "")


def _struct(short: str, fact: dict[str, Any], model: Model) -> list[str]:
    head = f'<{fact["kind"]} Name="{short}"'
    for key, attribute in (("base", "BaseType"), ("abstract", "Abstract"), ("open", "OpenType")):
        if fact.get(key):
            head += f' {attribute}="{"true" if fact[key] is True else fact[key]}"'
    lines = [head + ">"]
    if "key" in fact:
        lines += ["<Key>", *(f'<PropertyRef Name="{name}"/>' for name in fact["key"]), "</Key>"]
    lines += [f'<Property Name="{name}" {_type(text)}/>' for name, text in fact.get("properties", {}).items()]
    for name, link in fact.get("navigation", {}).items():
        if link["type"].removeprefix("Collection(").removesuffix(")") in model.types:
            contains = ' ContainsTarget="true"' if link["contains"] else ""
            lines.append(f'<NavigationProperty Name="{name}" {_type(link["type"])}{contains}/>')
    return [*lines, f"</{fact['kind']}>"]


def _action(action: dict[str, Any]) -> list[str]:
    lines = [f'<{action["kind"]} Name="{action["name"]}" IsBound="true">',
             f'<Parameter Name="bindingParameter" {_type(action["bound"])}/>']  # fmt: skip
    lines += [f'<Parameter Name="{name}" {_type(item["type"])}/>' for name, item in action["parameters"].items()]
    lines += [f"<ReturnType {_type(text)}/>" for text in action["returns"] or ()]
    return [*lines, f"</{action['kind']}>"]


def _container(model: Model) -> list[str]:
    """The singletons, with the sets as contained navigation, as the service itself publishes it."""
    lines = ['<EntityType Name="security">']
    for path, text in model.contract["entitySets"].items():
        place, _, name = path.rpartition("/")
        if place == "security":  # what lies deeper is in the type that holds it
            lines.append(f'<NavigationProperty Name="{name}" {_type(text)} ContainsTarget="true"/>')
    singletons = [f'<Singleton Name="{name}" Type="{kind}"/>' for name, kind in documented.SINGLETONS.items()]
    return [*lines, "</EntityType>", '<EntityContainer Name="GraphService">', *singletons, "</EntityContainer>"]


def service_document(root: str) -> bytes:
    """The service document of a version root: where its resources are."""
    paths = [*((name, "Singleton") for name in documented.SINGLETONS), *((path, "EntitySet") for path in load().sets)]
    value = [{"name": path, "kind": kind, "url": path} for path, kind in paths]
    return json.dumps({"@odata.context": f"{root}/$metadata", "value": value}).encode()


def singleton(root: str, path: str) -> bytes:
    """A singleton, which is nothing but the place of what is below it."""
    places = [*load().sets, *served.SINGLETONS]
    below = [one for one in places if one.rpartition("/")[0] == path]
    links = {f"{one.rpartition('/')[2]}@odata.navigationLink": f"{root}/{one}" for one in below}
    return json.dumps({"@odata.context": f"{root}/$metadata#{path}", **links}).encode()


def openapi(origin: str, sources: tuple[str, ...]) -> bytes:
    """The OpenAPI 3.1 document, for clients that reach the server at `origin`; `sources` are the names /ingest knows."""
    return _described(sources).replace(_ORIGIN.encode(), json.dumps(origin)[1:-1].encode())


@cache
def _described(sources: tuple[str, ...]) -> bytes:
    """The document for any origin: it is large, and a client may call us by many names."""
    return json.dumps(describing.document(load(), _ORIGIN, sources)).encode()
