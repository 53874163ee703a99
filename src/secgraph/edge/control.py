"""Control information around the members of a body: less of it for `metadata=none`, all of it for `full`.

Bodies are written at the level `minimal`. The other two take them apart, so only who asks for them pays. What a body is, its
own context says, as it says to a client.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

from secgraph.edge.exchange import Level
from secgraph.model.edm import EntitySet, EnumType, Model, Property, StructType, Type

_STAY = frozenset({"nextLink", "count", "deltaLink"})
"""What `metadata=none` keeps."""

_TOLD = frozenset({"Edm.String", "Edm.Boolean", "Edm.Double"})
"""Types that JSON tells by itself."""

_CONTEXT = re.compile(
    r"(?P<root>.*)/\$metadata#(?P<path>.+?)(?:\((?:[^()']|\([^()']*\))*\))?(?:/\$(?P<one>entity)|/\$delta)?", re.DOTALL
)
_COLLECTION = re.compile(r"Collection\((?P<item>[\w.]+)\)")
_BELOW = re.compile(r"(?P<set>[^()]+)\('.*'\)/(?P<member>\w+)", re.DOTALL)
_SAFE = "!*(),;:@-._~'"


class Control:
    """Knows what may be said about every value, by the model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._sets = {one.type.name: one for one in model.sets.values()}

    def object(self, document: bytes, of: EntitySet, key: str, level: Level, root: str) -> bytes:
        """An object of a set, or what was chosen of it, as that level has it."""
        found = msgspec.json.decode(document)
        return msgspec.json.encode(bare(found) if level == "none" else self._struct(found, of.type, root, key))

    def body(self, data: bytes, level: Level) -> bytes:
        """A whole body as that level has it; one whose context is not understood stays as it is at `full`."""
        found = msgspec.json.decode(data)
        if not isinstance(found, dict) or level == "minimal":
            return data
        return msgspec.json.encode(bare(found) if level == "none" else self._whole(found))

    # -- all that can be said

    def _whole(self, body: dict[str, Any]) -> Any:
        match = _CONTEXT.fullmatch(str(body.get("@odata.context", "")))
        kind, several = self._meant(match["path"]) if match else (None, False)
        if match is None or kind is None:
            return body
        if isinstance(kind, StructType) and (match["one"] or not several):
            return self._struct(body, kind, match["root"])
        told = _name(kind, collection=several)
        if isinstance(kind, StructType) and isinstance(body.get("value"), list):
            items = [self._struct(item, kind, match["root"]) for item in body["value"]]
            body = {**body, "value": items}
            if kind.name in self._sets:
                return body  # a set of objects; what is said stands at each
        first = {"@odata.context": body["@odata.context"]}
        return {**first, "@odata.type": told, **body} if told else body

    def _meant(self, path: str) -> tuple[Type | None, bool]:
        """The type that the path of a context stands for, and whether many of it are meant."""
        if path in self._model.sets:
            return self._model.sets[path].type, True
        if (match := _COLLECTION.fullmatch(path)) is not None:
            return self._model.types.get(match["item"]), True
        if (match := _BELOW.fullmatch(path)) is not None and match["set"] in self._model.sets:
            member = self._model.sets[match["set"]].type.properties.get(match["member"])
            return (member.type, member.collection) if member is not None else (None, False)
        return self._model.types.get(path), False

    def _struct(self, value: Any, kind: StructType, root: str, key: str = "") -> Any:
        """A value of a structured type with what it is, where it is, and what its members are. The key is that of an object
        which may come without its id.
        """
        if not isinstance(value, dict) or "@removed" in value:
            return value
        kind = next((one for one in kind.family() if f"#{one.name}" == value.get("@odata.type")), kind)
        told: dict[str, Any] = {name: value[name] for name in ("@odata.context",) if name in value}
        told["@odata.type"] = f"#{kind.name}"
        one = self._sets.get(kind.name)
        key = str(value.get("id", key))
        place = f"{root}/{one.path}('{_quoted(key)}')" if one is not None and key else ""
        if place:
            told["@odata.id"] = place
        told |= {name: item for name, item in value.items() if name.startswith("@")}
        if place and one is not None and one.choices.operations.update is not None:
            told["@odata.editLink"] = place
        for name, item in value.items():
            member = kind.properties.get(name)
            if member is None:
                told.setdefault(name, item)
                continue
            if item is not None and (type_name := _told(member)):
                told[f"{name}@odata.type"] = type_name
            told[name] = self._member(item, member, root)
        if place and one is not None:
            told |= {f"{name}@odata.navigationLink": f"{place}/{name}" for name in one.choices.expand if name not in value}
        return told

    def _member(self, value: Any, member: Property, root: str) -> Any:
        kind = member.type
        if not isinstance(kind, StructType):
            return value
        if isinstance(value, list):
            return [self._struct(item, kind, root) for item in value]
        return self._struct(value, kind, root)


def _quoted(key: str) -> str:
    return quote(key.replace("'", "''"), safe=_SAFE)


def bare(value: Any) -> Any:
    """A value without control information, but for where a list goes on and how long it is."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if not _dropped(name)}
    return [bare(item) for item in value] if isinstance(value, list) else value


def _dropped(name: str) -> bool:
    _, mark, word = name.rpartition("@odata.")
    return bool(mark) and word not in _STAY


def _told(member: Property) -> str:
    """The type of a member as its annotation says it; empty where the value shows it."""
    if member.navigation or (isinstance(member.type, StructType) and not member.collection):
        return ""
    return _name(member.type, collection=member.collection)


def _name(kind: Type, *, collection: bool) -> str:
    """The name of a type behind `@odata.type`: primitive ones without their namespace, none where JSON tells them."""
    plain = kind.name if isinstance(kind, EnumType | StructType) else kind.name.removeprefix("Edm.")
    if collection:
        return f"#Collection({plain})"
    return "" if kind.name in _TOLD else f"#{plain}"
