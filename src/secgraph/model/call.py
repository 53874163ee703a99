"""What a client hands to an action: a body held against the published parameters."""

from __future__ import annotations

from typing import Any

from secgraph.errors import BadBody
from secgraph.model.check import Record, from_client
from secgraph.model.choices import REQUIRED
from secgraph.model.edm import Action, Property, StructType


def arguments(action: Action, body: Any) -> Record:
    """The parameters of a call, checked; those left out are null. BadBody names what is unknown, missing or unfit."""
    if not isinstance(body, dict):
        raise BadBody("", f"The body must be a JSON object with the parameters of {action.name}.")
    folded = {name.casefold(): item for name, item in action.parameters.items()}
    found: Record = dict.fromkeys(action.parameters)
    for name, given in body.items():
        if "@" in name:
            continue
        item = folded.get(name.casefold())
        if item is None:
            known = ", ".join(action.parameters)
            raise BadBody(name, f"is not a parameter of {action.name}.", hint=f"Parameters: {known}.")
        if given is not None:
            found[item.name] = from_client(item, given)
            complete(item, found[item.name])
    for name in action.required:
        if found[name] is None:
            raise BadBody(name, "is required.")
        if found[name] == []:
            raise BadBody(name, "is empty.", hint="Name at least one.")
    return found


def complete(item: Property, value: Any) -> None:
    """BadBody when a value lacks a member that its type requires, at any depth."""
    if not isinstance(item.type, StructType):
        return
    for place, one in enumerate(value) if item.collection else ((None, value),):
        path = item.name if place is None else f"{item.name}/{place}"
        for name in REQUIRED.get(item.type.name, ()):
            if one[name] in (None, []) or (isinstance(one[name], str) and not one[name].strip()):
                raise BadBody(f"{path}/{name}", "is required.")
        for inner in item.type.properties.values():
            if one[inner.name] is not None and not inner.navigation:
                try:
                    complete(inner, one[inner.name])
                except BadBody as fault:
                    raise BadBody(f"{path}/{fault.path}", fault.reason) from None
