"""What a thing is that alerts name, as conditions see it: the contract has no such type, and it is no set of the store."""

from __future__ import annotations

from secgraph.model.choices import Choices, Operations
from secgraph.model.edm import EntitySet, Primitive, Property, StructType

SEEN = ("firstSeenDateTime", "lastSeenDateTime")
"""What is told of a thing by the alerts that name it."""

_TEXT, _MOMENT = Primitive("Edm.String"), Primitive("Edm.DateTimeOffset")

_PROPERTIES = {
    **{name: Property(name, _TEXT, collection=False, nullable=False) for name in ("id", "type", "key", "name")},
    **{name: Property(name, _MOMENT, collection=False, nullable=True) for name in SEEN},
}

THING = EntitySet(
    "security/entities",
    StructType(
        "secgraph.entity", "EntityType", None, abstract=False, open=False, beta=False, properties=_PROPERTIES,
        folded={name.casefold(): item for name, item in _PROPERTIES.items()}, derived=[],
    ),
    Choices(type="secgraph.entity", operations=Operations(list="entities", get="entity"), columns=(), newest="key", indexes=()),
)  # fmt: skip
