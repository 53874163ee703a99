"""What a client may change: a PATCH body against the row as it stands, and the body of a new comment.

A fetched object may be sent back as it is: read-only members that are unchanged are ignored, as far as clients can keep
them (SDKs cut times to six digits, and were shown `unknownFutureValue` for members past the sentinel). One that differs is
refused by name.
"""

from __future__ import annotations

from typing import Any

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.model.check import Record, from_client, text_from_client
from secgraph.model.edm import SENTINEL, EntitySet, EnumType, Property, StructType, Type

MOST_COMMENTS = 100


def changes(one: EntitySet, body: Any, present: Record) -> Record:
    """The members that a PATCH body sets, checked; read-only members may be sent back unchanged.

    `present` is the row as it stands with full enum members. BadBody names what is unknown, read-only or unfit.
    """
    if not isinstance(body, dict):
        raise BadBody("", "The body must be a JSON object with the members to change.")
    found: Record = {}
    for name, given in body.items():
        if "@" in name:
            continue
        item = one.type.member(name)
        if item is None:
            raise BadBody(name, f"is not a member of {one.type.name}.", hint=_writable(one))
        if item.navigation:
            # What was expanded may come back; rows are moved by their own actions, never by sending a list.
            if not (item.collection and isinstance(given, list) and all(_holds(member, present) for member in given)):
                raise BadBody(item.name, "is read-only and holds what the object does not.", hint=_writable(one))
            continue
        if item.name not in one.choices.write:
            if not _same(item, given, present.get(item.name)):
                raise BadBody(item.name, "is read-only and differs from the stored value.", hint=_writable(one))
            continue
        value = _written(one, item, given, present.get(item.name))
        if isinstance(value, str) and value != present.get(item.name) and value in one.choices.unwritable.get(item.name, ()):
            raise BadBody(item.name, f"{value!r} cannot be set by a client.", hint=_writable(one))
        found[item.name] = value
    return found


def _holds(member: Any, present: Record) -> bool:
    """Whether an expanded member says itself that it belongs to the object."""
    return isinstance(member, dict) and str(member.get("incidentId")) == present.get("id")


def _writable(one: EntitySet) -> str:
    return f"Members that can be changed: {', '.join(one.choices.write)}."


def _written(one: EntitySet, item: Property, given: Any, present: Any) -> Any:
    if given is None:
        if item.name in one.choices.defaults and item.nullable:
            return one.choices.defaults[item.name]
        if not item.nullable:
            raise BadBody(item.name, "cannot be null.")
        return [] if item.collection else None
    shown = isinstance(item.type, EnumType) and isinstance(present, str) and (present == SENTINEL or item.type.hidden(present))
    if given == SENTINEL and shown:
        return present  # what the client was shown: unchanged
    return from_client(item, given)


def _same(item: Property, given: Any, stored: Any) -> bool:
    if given is None or stored is None:
        return given in (None, []) and stored in (None, [])
    if item.collection:
        return (
            isinstance(given, list)
            and isinstance(stored, list)
            and len(given) == len(stored)
            and all(_alike(item.type, one, other) for one, other in zip(given, stored, strict=True))
        )
    return _alike(item.type, given, stored)


def _alike(kind: Type, given: Any, stored: Any) -> bool:
    """Whether a value sent back is the stored one, as far as clients can keep it: SDKs cut times to six digits."""
    if isinstance(kind, StructType):
        if not isinstance(given, dict) or not isinstance(stored, dict):
            return False
        # Types of one family have members of one name and different types: the stored value says which it is.
        tag = stored.get("@odata.type")
        struct = next((child for child in kind.family() if f"#{child.name}" == tag), kind)
        for name, value in given.items():
            if "@" in name:
                continue
            item = struct.properties.get(name)
            if not (_same(item, value, stored.get(name)) if item else value == stored.get(name)):
                return False
        return True
    if isinstance(kind, EnumType):
        if not isinstance(given, str):
            return False
        word = kind.folded.get(given.casefold())
        return word == stored or (word == SENTINEL and stored in kind.members and kind.hidden(stored))
    if kind.name == "Edm.DateTimeOffset":
        one, other = (clock.ticks(str(value)) for value in (given, stored))
        return one is not None and other is not None and one // 10 == other // 10
    return bool(given == stored)


def new_comments(body: Any) -> list[str]:
    """The texts of the comments that a client adds, one as documented; the SDKs' own signature sends a list. BadBody
    when there is none.
    """
    if isinstance(body, dict) and isinstance(body.get("value"), list):
        body = body["value"]
    items = body if isinstance(body, list) else [body]
    if not items or len(items) > MOST_COMMENTS:
        raise BadBody("", f"The body must hold one comment, or a list of 1 to {MOST_COMMENTS}.")
    return [_comment(item) for item in items]


def _comment(body: Any) -> str:
    if not isinstance(body, dict):
        raise BadBody("", 'The body must be a JSON object: {"comment": "..."}.')
    found = next((value for name, value in body.items() if name.casefold() == "comment"), None)
    if not isinstance(found, str) or not found.strip():
        raise BadBody("comment", "must be text that is not empty.")
    return text_from_client("comment", found)
