"""The model in memory: a frozen vocabulary made from `contract.json` joined with `choices.py`.

Types refer to each other, so none of them prints its members.

`load()` reads both once and raises a Fault when they contradict each other, so that a mistake stops the start and not
a request. Type names are full names (`microsoft.graph.security.alert`); primitive types keep their `Edm.` names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from secgraph.errors import Fault
from secgraph.model import documented, extensions
from secgraph.model.choices import ACTIONS, COLLAPSED, OWN_OPERATIONS, OWN_PERMISSIONS, REQUIRED, SETS, Choices

SENTINEL = "unknownFutureValue"

STAMP = "stamp"
"""The column that holds the tenant's stamp of a row whose type has no place for it."""

Version = Literal["v1.0", "beta"]
VERSIONS: tuple[Version, ...] = ("v1.0", "beta")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Primitive:
    """An Edm type that stands for itself."""

    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EnumType:
    """An enumeration. Members numbered past the sentinel go out only to a client that asks for them."""

    name: str
    members: Mapping[str, int]
    folded: Mapping[str, str]
    """Any accepted spelling, case-folded, to the published member."""
    flags: bool = False
    beta: bool = False

    @property
    def sentinel(self) -> int | None:
        """The number of `unknownFutureValue`, where the enumeration can grow."""
        return self.members.get(SENTINEL)

    def hidden(self, member: str) -> bool:
        """Whether the member is numbered past the sentinel."""
        sentinel = self.sentinel
        return sentinel is not None and self.members[member] > sentinel

    @property
    def undeclared(self) -> str | None:
        """What a word of a source that is no member becomes."""
        return next((word for word in ("unknown", SENTINEL) if word in self.members), None)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Property:
    """One member of a structured type."""

    name: str
    type: Type
    collection: bool
    nullable: bool
    navigation: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StructType:
    """An entity or complex type. `properties` holds the inherited ones first."""

    name: str
    kind: Literal["EntityType", "ComplexType"]
    base: str | None
    abstract: bool
    open: bool
    beta: bool
    properties: dict[str, Property]
    folded: dict[str, Property]
    derived: list[StructType]

    def member(self, name: str) -> Property | None:
        """The member of that name in any letter case, navigation included."""
        return self.properties.get(name) or self.folded.get(name.casefold())

    def family(self) -> Iterator[StructType]:
        """This type and all derived from it."""
        yield self
        for child in self.derived:
            yield from child.family()


Type = Primitive | EnumType | StructType


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operation:
    """A call of the published contract. A permission entry with ` + ` needs all its parts; any one entry is enough."""

    id: str
    method: str
    path: str
    versions: tuple[str, ...]
    application: tuple[str, ...]
    delegated: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    """Other paths of the same call: the qualified name of an action."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EntitySet:
    """A served set: its path, its type, our choices, and its operations resolved."""

    path: str
    type: StructType
    choices: Choices

    @property
    def table(self) -> str:
        """The name of its table."""
        return self.path.rpartition("/")[2]

    @property
    def stamped(self) -> str:
        """The column of its table that holds the tenant's stamp."""
        return self.choices.stamp or STAMP

    def columns(self) -> list[Property]:
        """The properties that are columns, in order."""
        return [self.type.properties[name] for name in self.choices.columns]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Action:
    """A served action: its operation, its published name, and what a call hands over."""

    operation: Operation
    name: str
    set: EntitySet | None
    """The served set whose collection or objects it is bound to, if it is bound to one."""
    parameters: dict[str, Property]
    required: tuple[str, ...]
    returns: Property | None
    """What it answers with, if it answers with anything."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """Everything that exists."""

    types: dict[str, Type]
    sets: dict[str, EntitySet]
    operations: dict[str, Operation]
    actions: dict[str, Action]
    """Served actions by the id of their operation."""
    permissions: dict[str, str | None]
    """Application permission names to role ids (None where the published map gives no id)."""
    contract: dict[str, Any]

    def stored(self) -> list[EntitySet]:
        """The sets that have rows of their own."""
        return [one for one in self.sets.values() if not one.choices.view_of]

    def struct(self, name: str) -> StructType:
        """The structured type of that full name; KeyError when there is none."""
        found = self.types[name]
        if not isinstance(found, StructType):
            raise KeyError(name)
        return found

    def cast(self, name: str) -> StructType | None:
        """The structured type a client names, with or without `#`, in any letter case."""
        wanted = name.lstrip("#").casefold()
        return next(
            (item for key, item in self.types.items() if key.casefold() == wanted and isinstance(item, StructType)), None
        )

    def served_permissions(self) -> list[str]:
        """The application permissions that open something this server answers, in alphabetical order."""
        served: set[str] = set(OWN_PERMISSIONS)
        for one in self.sets.values():
            for name in one.choices.operations.names():
                if name in self.operations:
                    served.update(self.operations[name].application)
        for action in self.actions.values():
            served.update(action.operation.application)
        for _, _, needed in OWN_OPERATIONS.values():
            served.update(needed)
        return sorted(served)


def _resolved(types: dict[str, Type], text: str) -> tuple[Type, bool, bool] | None:
    """A type as the contract writes it: the type, whether a collection of it is meant, whether it can be null."""
    nullable = not text.endswith("!")
    text = text.removesuffix("!")
    collection = text.startswith("Collection(")
    if collection:
        text = text[11:-1]
    if text.startswith("Edm."):
        return types.setdefault(text, Primitive(text)), collection, nullable
    found = types.get(text)
    return None if found is None else (found, collection, nullable)


def _load_types(contract: dict[str, Any]) -> dict[str, Type]:
    facts: dict[str, Any] = contract["types"]
    types: dict[str, Type] = {}
    for name, fact in facts.items():
        if fact["kind"] == "EnumType":
            folded = {member.casefold(): member for member in fact["members"]} | COLLAPSED.get(name, {})
            types[name] = EnumType(name, fact["members"], folded, fact.get("flags", False), fact.get("beta", False))
        else:
            types[name] = StructType(
                name, fact["kind"], fact.get("base"), fact.get("abstract", False), fact.get("open", False),
                fact.get("beta", False), {}, {}, [],
            )  # fmt: skip

    def fill(struct: StructType) -> None:
        if struct.folded or name_done[struct.name]:
            return
        name_done[struct.name] = True
        fact = facts[struct.name]
        if struct.base is not None:
            base = types[struct.base]
            if not isinstance(base, StructType):
                raise Fault(f"{struct.name} has the base {struct.base}, which is no structured type.")
            fill(base)
            base.derived.append(struct)
            struct.properties.update(base.properties)
        for member, text in fact.get("properties", {}).items():
            resolved = _resolved(types, text)
            if resolved is None:
                raise Fault(f"{struct.name}/{member} has the undeclared type {text}.")
            struct.properties[member] = Property(member, *resolved)
        for member, link in fact.get("navigation", {}).items():
            resolved = _resolved(types, link["type"])
            if resolved is not None:  # links to types outside the contract are not served
                kind, collection, nullable = resolved
                struct.properties[member] = Property(member, kind, collection, nullable, navigation=True)
        struct.folded.update((key.casefold(), item) for key, item in struct.properties.items())

    name_done = dict.fromkeys(facts, False)
    for item in list(types.values()):
        if isinstance(item, StructType):
            fill(item)
    return types


def _load_sets(types: dict[str, Type], operations: dict[str, Operation]) -> dict[str, EntitySet]:
    sets: dict[str, EntitySet] = {}
    for path, choices in SETS.items():
        struct = types[choices.type]
        if not isinstance(struct, StructType):
            raise Fault(f"The set {path} has the type {choices.type}, which is no structured type.")
        mentioned = {
            *choices.columns,
            *choices.free,
            *choices.filled,
            *choices.write,
            *choices.triage,
            *choices.expand,
            *choices.grows,
            choices.newest,
        }
        if choices.stamp and not choices.view_of:
            mentioned.add(choices.stamp)
        mentioned.update(name for index in choices.indexes for name in index)
        for name in sorted(mentioned - struct.properties.keys()):
            raise Fault(f"choices.py names {path}/{name}, which the contract does not declare.")
        for index in choices.indexes:
            for name in set(index) - set(choices.columns):
                raise Fault(f"choices.py puts {path}/{name} in an index without making it a column.")
        if choices.stamp and not choices.view_of and not {choices.stamp} <= set(choices.columns) & set(choices.filled):
            raise Fault(f"choices.py makes {path}/{choices.stamp} the tenant's stamp, but no column that is always filled.")
        if choices.entry and choices.entry not in choices.grows:
            raise Fault(f"choices.py lets PATCH add to {path}/{choices.entry}, which does not grow.")
        if choices.sourced and choices.stamp:
            raise Fault(f"choices.py has sources fill {path}, whose objects carry the tenant's stamp.")
        for operation in choices.operations.names():
            if operation not in operations and operation not in OWN_OPERATIONS:
                raise Fault(f"choices.py names the operation {operation}, which the contract does not declare.")
        sets[path] = EntitySet(path, struct, choices)
    tables = [one.table.casefold() for one in sets.values()]
    if len(tables) != len(set(tables)):
        raise Fault("choices.py has two sets whose paths end in one word, which is what their tables are called.")
    for path, one in sets.items():
        if one.choices.view_of and (one.choices.view_of not in sets or one.choices.columns or one.choices.indexes):
            raise Fault(f"choices.py makes {path} a view of what is not stored, or gives it columns of its own.")
    return sets


def _load_actions(
    contract: dict[str, Any], types: dict[str, Type], operations: dict[str, Operation], sets: dict[str, EntitySet]
) -> dict[str, Action]:
    facts = {f"{fact['namespace']}.{fact['name']}": fact for fact in contract["actions"]}
    actions: dict[str, Action] = {}
    for key, (name, required) in ACTIONS.items():
        if name not in facts or key not in operations:
            raise Fault(f"choices.py serves {name} as {key}, and the contract does not declare both.")
        handed = [(parameter, fact["type"]) for parameter, fact in facts[name]["parameters"].items()]
        returned = [("", text) for text in facts[name]["returns"] or ()]
        parameters: dict[str, Property] = {}
        for parameter, text in (*handed, *returned):
            resolved = _resolved(types, text)
            if resolved is None:
                raise Fault(f"{name}/{parameter} has the undeclared type {text}.")
            parameters[parameter] = Property(parameter, *resolved)
        returns = parameters.pop("", None)
        if not set(required) <= parameters.keys():
            raise Fault(f"choices.py requires a parameter that {name} does not have.")
        place = operations[key].path.strip("/")
        bound = next((one for path, one in sets.items() if place.startswith(f"{path}/")), None)
        actions[key] = Action(operations[key], name.rpartition(".")[2], bound, parameters, required, returns)
    for name, members in REQUIRED.items():
        struct = types.get(name)
        if not isinstance(struct, StructType) or not set(members) <= struct.properties.keys():
            raise Fault(f"choices.py requires a member of {name} which that type does not have.")
    return actions


def with_documented(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract with what only the reference publishes; a Fault when it declares some of that itself by now."""
    known = {(fact["bound"], fact["name"]) for fact in contract["actions"]}
    twice = [name for name in documented.TYPES if name in contract["types"]]
    twice += [path for path in documented.ENTITY_SETS if path in contract["entitySets"]]
    twice += [fact["name"] for fact in documented.ACTIONS if (fact["bound"], fact["name"]) in known]
    if twice:
        raise Fault(f"documented.py holds what the contract declares itself: {', '.join(twice)}.")
    types = dict(sorted({**contract["types"], **documented.TYPES}.items()))
    sets = {**contract["entitySets"], **documented.ENTITY_SETS}
    return {**contract, "types": types, "entitySets": sets, "actions": [*contract["actions"], *documented.ACTIONS]}


def with_extensions(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract with our own types and sets beside it. Fault where one of them has a published name."""
    taken = [name for name in extensions.ENTITY_SETS if name in contract["entitySets"]]
    taken += [name for name in extensions.TYPES if not name.startswith(f"{extensions.NAMESPACE}.") or name in contract["types"]]
    if taken:
        raise Fault(f"extensions.py holds what is published, or is named as if it were: {', '.join(taken)}.")
    types = dict(sorted({**contract["types"], **extensions.TYPES}.items()))
    return {**contract, "types": types, "entitySets": {**contract["entitySets"], **extensions.ENTITY_SETS}}


@cache
def load() -> Model:
    """The model. Made once; a Fault when facts and choices contradict each other."""
    facts = json.loads(files("secgraph.model").joinpath("contract.json").read_text("utf-8"))
    contract = with_extensions(with_documented(facts))
    types = _load_types(contract)
    operations = {
        key: Operation(
            key, fact["method"], fact["path"], tuple(fact["versions"]), tuple(fact["application"]), tuple(fact["delegated"]),
            tuple(fact.get("aliases", ())),
        )
        for key, fact in contract["operations"].items()
    }  # fmt: skip
    permissions: dict[str, str | None] = {name: ids.get("application") for name, ids in contract["permissions"].items()}
    permissions |= OWN_PERMISSIONS
    sets = _load_sets(types, operations)
    actions = _load_actions(contract, types, operations, sets)
    return Model(types, sets, operations, actions, permissions, contract)
