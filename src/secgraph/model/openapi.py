"""The model as an OpenAPI 3.1 document: every call that is answered in both versions, and nothing else.

What is served stands in `served.py`, what the types look like in `schemas.py`, what is answered in `answers.py`; here they
are put together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from secgraph import __version__
from secgraph.model import answers, schemas, served
from secgraph.model.edm import EntitySet, EnumType, Model
from secgraph.model.schemas import Schema
from secgraph.model.served import Call

INTRODUCTION = """\
Every call that this server answers. Keys may be written `/{id}` or `('{id}')`, segments of a path in any letter case,
options with or without their `$`. `GET` is answered to `HEAD` too, and `OPTIONS` tells what is possible at a path.
`Accept: application/json;odata.metadata=none`, `minimal` (as described here) and `full` say how much control information
comes with an object. What cannot be obeyed is refused with its place and a way out."""

TOKEN_PLACE = "TENANT"  # noqa: S105 -- a word in a URL
"""Stands for the tenant's id or name, which a document for everybody does not know."""

_BRACED = re.compile(r"\{([^}]*)\}")

OPTIONS: dict[str, Schema] = {
    "$filter": {"schema": schemas.TEXT, "description": "Which objects: a condition over any properties."},
    "$search": {"schema": schemas.TEXT, "description": 'Words and "phrases", joined by AND, OR, NOT and brackets.'},
    "$orderby": {"schema": schemas.TEXT, "description": "Sort keys, each with asc or desc. Newest first where there are none."},
    "$select": {"schema": schemas.TEXT, "description": "The members to send, parted by commas."},
    "$expand": {"schema": schemas.TEXT, "description": "The relationships to send along, with options in brackets."},
    "$top": {
        "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
        "description": "The size of a page. A larger one than is sent is cut, and Preference-Applied says so.",
    },
    "$skip": {
        "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
        "description": "How many objects to pass over. A nextLink costs less.",
    },
    "$count": {"schema": {"type": "boolean"}, "description": "Whether to say how many there are in all."},
    "$skiptoken": {"schema": schemas.TEXT, "description": "Where a list goes on: part of a link, never written by hand."},
    "$deltatoken": {
        "schema": schemas.TEXT,
        "description": "From when on: part of a link. `latest` begins with what is yet to come.",
    },
    "$format": {"schema": {"enum": ["json", "application/json"]}, "description": "JSON is all that is served."},
}
"""Query options by name."""

_THINGS, _SOURCES = "security/entities", "security/sources"

OF_A_SET = {"$filter", "$orderby", "$select", "$expand"}
"""Those that are told at each call, with an example from the set's own properties."""

HEADERS: dict[str, Schema] = {
    "client-request-id": {
        "schema": schemas.TEXT,
        "description": "The caller's own name for the request, a GUID as a rule; it comes back in the answer.",
    },
    "Prefer": {
        "schema": schemas.TEXT,
        "description": "`include-unknown-enum-members` shows members past the sentinel, `odata.maxpagesize=50` bounds a page,"
        " `return=minimal` and `return=representation` say what a write answers.",
    },
    "If-Match": {
        "schema": schemas.TEXT,
        "description": "The entity tag that the object was read with, or `*`. A change of any other version is refused.",
    },
}
"""Headers of requests by name."""


def document(model: Model, origin: str, sources: Iterable[str]) -> dict[str, Any]:
    """The document, for clients that reach the server at `origin`; `sources` are the names that /ingest knows."""
    named = list(sources)
    paths: dict[str, dict[str, Any]] = {}
    for call in served.calls(model):
        for path, name in _places(call):
            paths.setdefault(path, {})[call.method.lower()] = _operation(call, path, name, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "secgraph",
            "version": __version__,
            "summary": "A self-hosted security graph that speaks the Microsoft Graph Security API.",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": origin}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_tag, served.calls(model)))],
        "paths": paths,
        "components": {
            "schemas": answers.components(model),
            "responses": answers.refusals(model),
            "headers": answers.HEADERS,
            "parameters": {
                **{name[1:]: {"name": name, "in": "query", **OPTIONS[name]} for name in OPTIONS if name not in OF_A_SET},
                **{name: {"name": name, "in": "header", **said} for name, said in HEADERS.items()},
            },
            "securitySchemes": _schemes(model, origin),
        },
    }


def _places(call: Call) -> Iterator[tuple[str, str]]:
    """Where a call is, in each version and under each name, with the id of the operation there."""
    if not call.versions:
        yield call.path, call.id
    aliases = call.published.aliases if call.published is not None else ()
    for version in call.versions:
        name = call.id if version == "v1.0" else f"{version}_{call.id}"
        yield f"/{version}{call.path}".rstrip("/"), name
        for alias in aliases:
            yield f"/{version}{alias}", f"{name}_qualified"


def _operation(call: Call, path: str, name: str, sources: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": name, "summary": answers.summary(call), "tags": [_tag(call)]}
    if parameters := [*_keys(path, sources), *_options(call), *_headers(call)]:
        found["parameters"] = parameters
    if (body := answers.body(call)) is not None:
        found["requestBody"] = body
    return {**found, "responses": answers.responses(call), "security": _security(call)}


def _tag(call: Call) -> str:
    return call.set.path if call.set is not None else {
        "health": "health", "openapi": "service", "ingest": "ingest", "token": "identity", "discovery": "identity",
        "keys": "identity", "entities": _THINGS, "entity": _THINGS, "entity_alerts": _THINGS, "entity_alerts_count": _THINGS,
        "sources": _SOURCES, "source": _SOURCES,
    }.get(call.what, "service")  # fmt: skip


# --- what can be said with a request ------------------------------------------------------------------------------------


def _keys(path: str, sources: list[str]) -> Iterator[Schema]:
    for name in _BRACED.findall(path):
        schema: Schema = {"type": "string", "minLength": 1}
        if name == "source":
            # A configured source is as good as a kind, and whose they are is not said here.
            schema = {"type": "string", "minLength": 1, "examples": sources}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _options(call: Call) -> Iterator[Schema]:
    for name in call.options:
        if call.of is None and name in OF_A_SET:
            yield {"name": name, "in": "query", **OPTIONS[name], "example": "type eq 'user' and startswith(name,'ana')"}
        elif call.of is not None and name in OF_A_SET:
            yield {"name": name, "in": "query", **OPTIONS[name], "example": _example(call.of, name)}
        elif call.what == "delta" and name == "$top":
            schema = {**OPTIONS[name]["schema"], "minimum": 1}
            yield {"name": name, "in": "query", "description": OPTIONS[name]["description"], "schema": schema}
        else:
            yield {"$ref": f"#/components/parameters/{name[1:]}"}


def _example(one: EntitySet, option: str) -> str:
    """Something that can be asked of a set."""
    newest = one.choices.newest
    named = [(item.name, list(item.type.members)[1]) for item in one.type.properties.values()
             if isinstance(item.type, EnumType) and not item.collection]  # fmt: skip
    return {
        "$filter": f"{named[0][0]} eq '{named[0][1]}'" if named else f"{newest} ne null",
        "$orderby": newest if one.choices.rising else f"{newest} desc",
        "$select": ",".join(("id", newest, *(name for name, _ in named[:1]))),
        "$expand": ",".join(one.choices.expand),
    }[option]


def _headers(call: Call) -> Iterator[Schema]:
    names = ["client-request-id"]
    if answers.prefers(call):
        names.append("Prefer")
    if call.what in {"item", "comments"} and call.method != "GET":
        names.append("If-Match")
    yield from ({"$ref": f"#/components/parameters/{name}"} for name in names)


# --- who may ------------------------------------------------------------------------------------------------------------


def _schemes(model: Model, origin: str) -> dict[str, Any]:
    """How a client proves who it is: a token of the built-in authority, fetched or brought along."""
    opens: dict[str, list[str]] = {}
    for call in served.calls(model):
        for entry in call.permissions or ():
            for name in entry.split(" + "):
                opens.setdefault(name, []).append(f"{call.method} {call.path}")
    flow = {
        "tokenUrl": f"{origin}/{TOKEN_PLACE}/oauth2/v2.0/token",
        "scopes": {name: f"Opens {', '.join(opens[name])}." for name in sorted(opens)},
    }
    said = (
        f"Write the tenant's id or name in place of `{TOKEN_PLACE}`. The only scope to ask for is"
        " `https://graph.microsoft.com/.default`: a token carries every permission that its application was granted."
    )
    return {
        "oauth2": {"type": "oauth2", "description": said, "flows": {"clientCredentials": flow}},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token that is there already."},
    }


def _security(call: Call) -> list[dict[str, list[str]]]:
    """The ways to be let in, any one of which is enough; none where anybody is."""
    if call.permissions is None:
        return []
    needed = [entry.split(" + ") for entry in call.permissions] or [[]]
    return [{scheme: names} for names in needed for scheme in ("oauth2", "bearer")]
