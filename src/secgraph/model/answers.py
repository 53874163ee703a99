"""What each call is sent and answers, for the OpenAPI document: bodies, statuses, headers, refusals."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from secgraph import errors
from secgraph.model import ours, schemas, served
from secgraph.model.edm import EntitySet, Model, StructType, Type
from secgraph.model.schemas import NAMED, TEXT, URL, Schema, array, nullable, record, ref
from secgraph.model.served import Call

COMMENT = "microsoft.graph.security.alertComment"

_SAYS = {
    "service": "What this version serves", "metadata": "The model as CSDL", "singleton": "The place of the sets",
    "batch": "Up to twenty requests in one", "count": "Counts", "delta": "What changed since",
    "members": "Lists what it holds", "members_count": "Counts what it holds", "records": "What every source said, as it came",
    "alert_sources": "Who told of it, and what became of the changes that went back",
    "assessment": "How urgent it is and why, when it is due, whether it has settled",
    "correlations": "Why each of its alerts is where it is",
    "evidence": "What was found of a control, and what somebody found of it",
    "keep_apart": "Keeps it apart from others, so that nobody but a person makes them one",
    "entities": "What alerts name", "entity": "One of the things that alerts name",
    "sources": "Where records come from, and how each fares", "source": "One of the sources",
    "entity_alerts": "Lists the alerts that name it", "entity_alerts_count": "Counts the alerts that name it",
    "health": "Whether the server is well", "openapi": "Every call, as OpenAPI 3.1", "ingest": "Takes the records of a source",
    "token": "Issues an access token", "discovery": "Where the authority's endpoints are",
    "keys": "The keys that tokens are signed with", "correlation": "How alerts are put together",
}  # fmt: skip
_SAYS_BY_METHOD = {
    ("GET", "item"): "One object", ("PATCH", "item"): "Changes an object", ("DELETE", "item"): "Takes an object away",
    ("GET", "collection"): "Lists", ("POST", "collection"): "Makes an object",
    ("GET", "comments"): "The comments of an object", ("POST", "comments"): "Adds comments to an object",
}  # fmt: skip

_OURS = {
    "ingest": "ingestReport", "batch": "batchResponse", "token": "tokenResponse", "service": "serviceDocument",
    "singleton": "singleton", "openapi": "document", "discovery": "document", "keys": "keys",
    "correlation": "correlationSettings",
    "assessment": "assessment",
    "records": "recordCollectionResponse", "alert_sources": "alertSourceCollectionResponse",
    "correlations": "correlationCollectionResponse", "keep_apart": "keptApart", "evidence": "evidenceCollectionResponse",
    "entities": "entityCollectionResponse", "entity": "entity", "sources": "sourceCollectionResponse", "source": "source",
}  # fmt: skip
"""The components that these answer with."""

_IDENTITY = "identityError"

NUMBER: Schema = {"type": "integer", "minimum": 0}

HEADERS: dict[str, Schema] = {
    name: {"description": said, "schema": schema}
    for name, said, schema in (
        ("request-id", "The server's name for the request: what to quote to the administrator.", TEXT),
        ("client-request-id", "The caller's own name for it, or the server's where there was none.", TEXT),
        ("ETag", "The version of the object.", TEXT),
        ("Location", "Where the new object is, or where to start over.", URL),
        ("Preference-Applied", "What was done because it was preferred.", TEXT),
        ("Warning", "The failing sources.", TEXT),
        ("WWW-Authenticate", "What is wrong with the token.", TEXT),
        ("Retry-After", "Seconds to wait.", {"type": "integer", "minimum": 0}),
    )
}
"""Headers of answers by name."""

_FURTHER = {401: ("WWW-Authenticate",), 410: ("Location",), 412: ("ETag",), 503: ("Retry-After",)}
"""Headers of refusals."""


def summary(call: Call) -> str:
    """What a call is for, in a line."""
    if call.action is not None:
        return call.action.name
    said = _SAYS.get(call.what) or _SAYS_BY_METHOD[call.method, call.what]
    return f"{said}: {call.set.path}" if call.set is not None else said


def prefers(call: Call) -> bool:
    """Whether the Prefer header has a say in what a call answers."""
    if call.action is not None:
        return _creates(call)
    if call.method == "DELETE":
        return False
    if call.what == "comments":
        return call.method == "POST"
    return call.what in {"collection", "members", "entity_alerts", "delta", "item"}


def _creates(call: Call) -> bool:
    """Whether a call makes an object of its set."""
    if call.method == "POST" and call.what == "collection":
        return True
    returns = call.action.returns if call.action is not None else None
    return returns is not None and not returns.collection and call.set is not None and returns.type is call.set.type


# --- bodies -------------------------------------------------------------------------------------------------------------


def body(call: Call) -> Schema | None:
    """What a request holds; None where it holds nothing."""
    if call.what == "ingest":
        # Whatever it holds is answered record by record: what a record looks like is the source's to say.
        kinds: dict[str, Schema] = {"application/json": {}, "application/x-ndjson": TEXT, "text/plain": TEXT}
        said = "A JSON array, one JSON object a line, or log lines, as the source writes them."
        return {"required": True, "description": said, "content": {kind: {"schema": schema} for kind, schema in kinds.items()}}
    if call.what == "token":
        return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": ref("tokenRequest")}}}
    schema = _body(call)
    return None if schema is None else {"required": True, "content": {"application/json": {"schema": schema}}}


def _body(call: Call) -> Schema | None:
    if call.what == "batch":
        return ref("batchRequest")
    if call.action is not None:
        item = next(iter(call.action.parameters.values()))
        if call.set is not None and item.type is call.set.type:
            return record({item.name: array(ref(_several(call.set)), minItems=1, maxItems=1000)}, (item.name,))
        return schemas.arguments(call.action.parameters, call.action.required)
    if call.method == "POST" and call.what == "collection" and call.set is not None:
        return ref(_new(call.set))
    if call.method == "PATCH":
        return ref("correlationChange" if call.set is None else _change(call.set))
    if call.what == "keep_apart":
        return ref("keepApart")
    if call.what == "evidence" and call.method == "POST":
        return ref("newEvidence")
    return ref("newComment") if call.method == "POST" and call.what == "comments" else None


def _change(one: EntitySet) -> str:
    return f"{one.type.name}.change"


def _new(one: EntitySet) -> str:
    """A new object, whose id may be chosen."""
    return f"{one.type.name}.new"


def _vendor(one: EntitySet) -> dict[str, Schema]:
    """How the published API finds the provider of an older alert: a change may name it."""
    item = one.type.properties.get("vendorInformation")
    return {} if item is None else {item.name: schemas.value(item)}


def _several(one: EntitySet) -> str:
    """A change that says whose it is."""
    return f"{one.type.name}.changeOf"


# --- answers --------------------------------------------------------------------------------------------------------------


def responses(call: Call) -> dict[str, Schema]:
    """Every status that a call is answered with."""
    found = {str(status): said for status, said in sorted(_good(call))}
    for status in sorted(_refused(call)):
        found[str(status)] = {"$ref": f"#/components/responses/{_refusal(call, status)}"}
    return found


def _good(call: Call) -> Iterator[tuple[int, Schema]]:
    """The statuses of success, each with its body."""
    content, headers = _content(call), ["request-id", "client-request-id"]
    tagged = [*headers, "ETag", "Preference-Applied"]
    older = call.set is not None and bool(call.set.choices.view_of)
    if _creates(call):
        yield 201, _answer("The alert." if call.action is not None else "The object.", content, [*tagged, "Location"])
        return
    if call.method == "DELETE":
        yield 204, _answer("It is gone.", {}, headers)
        return
    if call.what == "evidence" and call.method == "POST":
        yield 201, _answer("The evidence, which the score has already.", content, headers)
        return
    if call.action is not None:
        yield 200, _answer("What became of it.", content, headers)
        if older and call.set is not None:
            mixed = {"anyOf": [ref("notChanged"), ref(call.set.type.name)]}
            yield 206, _answer("Some were changed; those that were not stand there with the reason.",
                               {"application/json": {"schema": schemas.collection(mixed)}}, headers)  # fmt: skip
        return
    if call.id == "readyz":
        yield 503, _answer("Not yet, or not any more.", content, headers)
    if (call.method == "PATCH" and call.set is not None) or (call.method == "POST" and call.what == "comments"):
        yield 204, _answer("It was changed; its entity tag is in the header.", {}, tagged)
    preferred = ["Preference-Applied"] if prefers(call) or "$top" in call.options else []
    shown = [*headers, *(["ETag"] if call.what == "item" else []), *preferred]
    yield 200, _answer("As asked.", content, shown)
    if older and call.method == "GET":
        yield 206, _answer("As asked, and a source is failing: Warning names it.", content, [*shown, "Warning"])


def _answer(said: str, content: Schema, headers: list[str]) -> Schema:
    named = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return {"description": said, "headers": named, **({"content": content} if content else {})}


def _content(call: Call) -> Schema:
    plain = {"count": NUMBER, "members_count": NUMBER, "entity_alerts_count": NUMBER, "health": TEXT}
    if call.what in plain:
        return {"text/plain": {"schema": plain[call.what]}}
    if call.what == "metadata":
        return {"application/xml": {"schema": TEXT}}
    return {"application/json": {"schema": _shown(call)}}


def _shown(call: Call) -> Schema:
    """What the JSON of a good answer holds."""
    if call.action is not None:
        returns = call.action.returns
        if returns is None:
            return {}
        return ref(collected(returns.type)) if returns.collection else ref(returns.type.name)
    kind = call.of.type if call.of is not None else None
    if kind is not None and (call.what == "item" or _creates(call)):
        return ref(kind.name)
    if kind is not None and call.what in {"collection", "members", "entity_alerts"}:
        return ref(collected(kind))
    if kind is not None and call.what == "delta":
        return ref(f"{kind.name}DeltaResponse")
    if call.what == "comments":
        return ref(f"{COMMENT}CollectionResponse")
    if call.what == "evidence" and call.method == "POST":
        return ref("evidence")
    return ref(_OURS[call.what])


def collected(kind: Type) -> str:
    """The component of a page of that type."""
    return f"{kind.name}CollectionResponse"


# --- refusals -------------------------------------------------------------------------------------------------------------


def _refused(call: Call) -> set[int]:
    """The statuses that a call can be refused with."""
    found = {400, 500} if call.what == "health" else {400, 500, 503}
    when = (
        ({406}, bool(call.versions)),
        ({401}, call.permissions is not None or call.what == "token"),
        ({403}, bool(call.permissions)),
        ({404}, call.action is not None or call.what == "ingest" or (bool(call.versions) and "{" in call.path)),
        ({408, 413, 415}, call.method not in {"GET", "DELETE"}),
        ({409, 412}, call.method != "GET" and call.what in {"item", "comments"}),
        ({409}, call.method == "POST" and call.what == "collection"),
        ({410}, call.what == "delta"),
    )
    return found.union(*(statuses for statuses, there in when if there))


def refusals(model: Model) -> dict[str, Schema]:
    """The answers to what cannot be carried out, by their status."""
    said: dict[int, list[str]] = {500: ["Something broke here; the message holds the request id to ask about."]}
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.Refusal) and kind not in {errors.Refusal, errors.OAuthRefusal}:
            said.setdefault(kind.status, []).append((inspect.getdoc(kind) or "").replace("\n", " "))
    found: dict[str, Schema] = {}
    for call in served.calls(model):
        for status in sorted(_refused(call)):
            name, headers = _refusal(call, status), ["request-id", "client-request-id"]
            schema, text = ref("error"), " ".join(said[status])
            if name.startswith(_IDENTITY):
                # A host that is not ours is told before it is known what was asked.
                schema = {"anyOf": [ref("identityError"), schema]} if status == 400 else ref("identityError")
                text = inspect.getdoc(errors.OAuthRefusal) or ""
            else:
                headers += _FURTHER.get(status, ())
            found[name] = _answer(text, {"application/json": {"schema": schema}}, headers)
    return found


def _refusal(call: Call, status: int) -> str:
    """The component of a refusal. The token endpoint has its own for whatever is not our fault."""
    theirs = (call.what == "token" and status != 500) or (call.what in {"discovery", "keys"} and status == 400)
    return f"{_IDENTITY if theirs else 'error'}{status}"


# --- the types ------------------------------------------------------------------------------------------------------------


def components(model: Model) -> dict[str, Schema]:
    """Every schema that a call names."""
    roots: list[Type] = [model.types[COMMENT]]
    shapes = {collected(model.types[COMMENT]): schemas.collection(ref(COMMENT))}
    for one in model.sets.values():
        kind = one.type
        roots.append(kind)
        shapes[collected(kind)] = schemas.collection(ref(kind.name))
        if one.choices.stamp:
            shapes[f"{kind.name}DeltaResponse"] = schemas.changes(ref(kind.name))
        if one.choices.entry:
            shapes[_change(one)] = schemas.new_entry(_vendor(one))
        elif one.choices.operations.update is not None:
            shapes[_change(one)] = schemas.change(one, _vendor(one))
        if one.choices.operations.create is not None:
            shapes[_new(one)] = schemas.change(one, {"id": nullable(NAMED)})
    for action in model.actions.values():
        if action.set is not None and any(item.type is action.set.type for item in action.parameters.values()):
            shapes[_several(action.set)] = schemas.change(action.set, {"id": NAMED, **_vendor(action.set)}, ("id",))
        handed = [item for item in (*action.parameters.values(), action.returns) if item is not None]
        roots += [item.type for item in handed if isinstance(item.type, StructType)]
    return {**schemas.components(model, roots), **dict(sorted(shapes.items())), **ours.COMPONENTS}
