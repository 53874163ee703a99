"""The types of the model as JSON Schemas (2020-12, the dialect of OpenAPI 3.1): what an answer holds, and what a body may.

Every type is a component under its full name. A structured type has all its members in one place, the inherited ones first.
One that others are derived from is a choice between them by `@odata.type`; its own members are the component `...plain`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from secgraph.model.check import polymorphic
from secgraph.model.choices import CONTROL_STATES, REQUIRED, STATED
from secgraph.model.edm import SENTINEL, EntitySet, EnumType, Model, Primitive, Property, StructType, Type

Schema = dict[str, Any]

PRIMITIVES: dict[str, Schema] = {
    "Edm.Boolean": {"type": "boolean"},
    "Edm.DateTimeOffset": {"type": "string", "format": "date-time"},
    "Edm.Double": {"type": "number", "format": "double"},
    "Edm.Guid": {"type": "string", "format": "uuid"},
    "Edm.Int32": {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    "Edm.Int64": {"type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
    "Edm.String": {"type": "string"},
}

NULL: Schema = {"type": "null"}
TEXT: Schema = {"type": "string"}
NAMED: Schema = {"type": "string", "pattern": r"\S"}
"""A text that says something."""

URL: Schema = {"type": "string", "format": "uri"}


def ref(name: str) -> Schema:
    """A reference to the component of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(schema: Schema) -> Schema:
    """The same or null."""
    if "type" not in schema:
        return {"anyOf": [schema, NULL]}
    words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **words}


def array(items: Schema, **more: Any) -> Schema:
    """A list."""
    return {"type": "array", "items": items, **more}


def record(members: dict[str, Schema], required: Iterable[str] = (), **more: Any) -> Schema:
    """An object with these members, and possibly others."""
    needed = list(required)
    return {"type": "object", "properties": members, **({"required": needed} if needed else {}), **more}


# --- what an answer holds -----------------------------------------------------------------------------------------------


def value(item: Property) -> Schema:
    """What a member holds."""
    single = _single(item.type)
    if item.collection:
        return array(single)
    return nullable(single) if item.nullable else single


def _single(kind: Type) -> Schema:
    return dict(PRIMITIVES[kind.name]) if isinstance(kind, Primitive) else ref(kind.name)


def components(model: Model, roots: Iterable[Type]) -> dict[str, Schema]:
    """The schemas of these types and of all that they lead to, in alphabetical order."""
    found: dict[str, Schema] = {}
    waiting = list(roots)
    while waiting:
        kind = waiting.pop()
        if kind.name in found or isinstance(kind, Primitive):
            continue
        if isinstance(kind, EnumType):
            found[kind.name] = _words(kind)
            continue
        if polymorphic(kind):
            found[kind.name], found[plain(kind)] = _choice(kind), _members(kind, model)
            waiting += kind.derived
        elif kind.name in REQUIRED:
            found[kind.name] = _input(kind)
        else:
            found[kind.name] = _members(kind, model)
        waiting += [item.type for item in kind.properties.values() if kind.name not in REQUIRED or _referred(item)]
    return dict(sorted(found.items()))


def plain(kind: StructType) -> str:
    """The component of a type's own members where the type's name stands for the choice between those derived from it."""
    return f"{kind.name}.plain"


def _words(kind: EnumType, without: Iterable[str] = ()) -> Schema:
    """Members of an enumeration. One that is numbered past the sentinel is sent only to who prefers to see it."""
    names = [name for name in kind.members if name not in without]
    if not kind.flags:
        return {"type": "string", "enum": names}
    words = "|".join(names)
    return {"type": "string", "pattern": f"^({words})(, ?({words}))*$", "description": "One or more, separated by commas."}


def _choice(kind: StructType) -> Schema:
    """One of the types of a family."""
    names = {f"#{kind.name}": plain(kind)} | {f"#{child.name}": child.name for child in kind.derived}
    mapping = {tag: ref(name)["$ref"] for tag, name in names.items()}
    return {
        "oneOf": [ref(name) for name in names.values()],
        "discriminator": {"propertyName": "@odata.type", "mapping": mapping},
    }


def _members(kind: StructType, model: Model) -> Schema:
    """The members of a type. Those of an entity may all be missing, where others were selected."""
    members: dict[str, Schema] = {}
    required = []
    if kind.kind == "ComplexType" and (kind.derived or kind.base is not None):
        members["@odata.type"] = {"const": f"#{kind.name}"}
        required.append("@odata.type")
    if any(one.type is kind for one in model.sets.values()):
        members |= {"@odata.context": URL, "@odata.etag": TEXT}
    for name, item in kind.properties.items():
        members[name] = value(item)
        if item.navigation:
            members |= {f"{name}@odata.context": URL, f"{name}@odata.nextLink": URL, f"{name}@odata.count": {"type": "integer"}}
    return record(members, required, **({"additionalProperties": True} if kind.open else {}))


def collection(of: Schema) -> Schema:
    """A page of a list."""
    return record({
        "@odata.context": URL,
        "@odata.count": {"type": "integer", "minimum": 0, "description": "How many there are in all, with $count=true."},
        "@odata.nextLink": {**URL, "description": "Where the list goes on; absent on the last page."},
        "value": array(of),
    }, ("value",))  # fmt: skip


def changes(of: Schema) -> Schema:
    """A page of delta()."""
    removed = record({"id": TEXT, "@removed": record({"reason": {"enum": ["changed", "deleted"]}}, ["reason"])},
                     ("id", "@removed"))  # fmt: skip
    links = {
        "@odata.nextLink": {**URL, "description": "Where the round goes on."},
        "@odata.deltaLink": {**URL, "description": "What to ask the next time; on the last page of a round."},
    }
    either: list[Schema] = [{"required": [name]} for name in links]
    return record({"@odata.context": URL, **links, "value": array({"anyOf": [of, removed]})}, ("value",), oneOf=either)


# --- what a body may hold -------------------------------------------------------------------------------------------------


def change(one: EntitySet, more: dict[str, Schema], required: Iterable[str] = ()) -> Schema:
    """What PATCH may change: the members that a client can set, to the values that it can set; and `more` beside them."""
    members = {
        name: _given(item, one.choices.unwritable.get(name, ()))
        for name, item in one.type.properties.items()
        if name in one.choices.write
    }
    return record({**more, **members}, required, description="Other members of the object may be sent back as they were read.")


def new_entry(vendor: dict[str, Schema]) -> Schema:
    """What PATCH may state where it adds an entry to a list, and the vendor, which it has to name."""
    states: Schema = {"type": "string", "enum": [*CONTROL_STATES]}
    members = {name: nullable(states if name == "state" else dict(TEXT)) for name in STATED}
    named = record({"provider": NAMED, "vendor": NAMED}, ("provider", "vendor"), additionalProperties=True)
    return record({**members, **dict.fromkeys(vendor, named)}, vendor,
                  description="Other members of the object may be sent back as they were read.")  # fmt: skip


def arguments(parameters: dict[str, Property], required: Iterable[str]) -> Schema:
    """The body of an action."""
    return record({name: _required(item) if name in required else _given(item) for name, item in parameters.items()}, required)


def _input(kind: StructType) -> Schema:
    """A type of which a client has to give some members."""
    return arguments({name: item for name, item in kind.properties.items() if not item.navigation}, REQUIRED[kind.name])


def _referred(item: Property) -> bool:
    """Whether what a client gives for a member is told by reference; of an enumeration it is told in place."""
    return isinstance(item.type, StructType)


def _given(item: Property, without: Iterable[str] = ()) -> Schema:
    """What a client may give for a member; null is what the member is without a value. Nobody sends the sentinel."""
    single = _words(item.type, {SENTINEL, *without}) if isinstance(item.type, EnumType) else _single(item.type)
    given = array(single) if item.collection else single
    return nullable(given) if item.nullable else given


def _required(item: Property) -> Schema:
    """The same of one that must have a value."""
    single = _given(Property(item.name, item.type, collection=False, nullable=False))
    if single == TEXT:
        single = NAMED
    return array(single, minItems=1) if item.collection else single
