"""A mapping: a declarative file that says how the records of a product become alerts. It is checked whole when it is given."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import re2

from secgraph.errors import UsageError
from secgraph.extend import Framing, Record
from secgraph.model.edm import EnumType, load
from secgraph.sources.generic_faults import Faults, Path
from secgraph.sources.generic_lines import line_of, named
from secgraph.sources.generic_paths import Find
from secgraph.sources.generic_structs import Item, evidence_item, member, shown_members
from secgraph.sources.generic_times import Read, time_reader
from secgraph.sources.generic_values import ANYTHING, Look, Member, Take, member_of

CREATED = "createdDateTime"
ALERT = "microsoft.graph.security.alert"
KEYS = (
    "product", "prefix", "framing", "pattern", "unmatched", "records", "take", "skip", "adds", "id", "updated", "incident",
    "techniques", "alert", "evidence", "additionalData",
)  # fmt: skip
OURS = {
    "id": "it is made of product and id", "incidentId": "say `incident` beside [alert]", "tenantId": "it is the server's",
    "lastUpdateDateTime": "it is the tenant's clock; say `updated` beside [alert]", "evidence": "write [[evidence]] tables",
    "additionalData": "write a table [additionalData]", "comments": "they are people's", "systemTags": "they are the server's",
    "providerAlertId": "it is the id", "incidentWebUrl": "it is the server's",
}  # fmt: skip
"""Members of an alert that [alert] does not give, and what to do instead."""

LONGEST = 65_536
SHOWN_FAULTS = 12
MOST_EVIDENCE = 50
_OUTSIDE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}")
_PREFIX = re.compile(r"[a-z]{2}")


@dataclass(frozen=True, slots=True)
class Plan:
    """A mapping that can be used."""

    product: str
    prefixes: tuple[str, ...]
    framing: Framing
    patterns: tuple[Any, ...]
    passes_over: bool
    """Whether a line that no pattern knows is passed over, and not kept as one that could not be taken."""
    records: Find | None
    take: tuple[tuple[str, Find], ...]
    skip: tuple[tuple[str, Find], ...]
    adds: bool
    id: Take | None
    hash: tuple[Find, ...]
    updated: tuple[Find, Read] | None
    incident: Take | None
    techniques: tuple[Find, ...]
    created: Take | None
    constants: Record
    members: tuple[tuple[str, Take], ...]
    evidence: tuple[Item, ...]
    shows: Callable[[Any, Look], Record] | None


def mapping(text: str) -> Plan:
    """The mapping in a TOML text; a UsageError that names every fault with its line and key."""
    if len(text) > LONGEST:
        raise UsageError(f"The mapping is longer than {LONGEST} characters.")
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise UsageError(f"The mapping is no TOML: {str(fault)[:300]}.") from None
    faults = Faults()
    made = _made(given, faults)
    if faults.found or made is None:
        raise UsageError(_told(text, faults))
    return made


def _told(text: str, faults: Faults) -> str:
    placed = sorted(((line_of(text, path) or 0, named(path), says) for path, says in faults.found), key=lambda one: one[0])
    lines = [f"line {line}, {name}: {says}." if line else f"{name}: {says}." for line, name, says in placed[:SHOWN_FAULTS]]
    if len(placed) > SHOWN_FAULTS:
        lines.append(f"And {len(placed) - SHOWN_FAULTS} more.")
    return "\n".join(["The mapping cannot be used.", *lines])


def _made(given: Record, faults: Faults) -> Plan | None:
    faults.unknown((), given, KEYS)
    product = _product(given, faults)
    framing, patterns = _framing(given, faults)
    alert = given.get("alert")
    if not isinstance(alert, dict) or "title" not in alert:
        faults.tell(("alert",), "must be a table with a title at least")
        alert = {}
    members = _alert(alert, faults)
    id_of, hashes = _id(given, faults)
    found = Plan(
        product, _prefixes(given, faults), framing, patterns, given.get("unmatched") == "skip",
        faults.expression(("records",), given["records"]) if "records" in given else None,
        _conditions("take", given, faults), _conditions("skip", given, faults), _yes("adds", given, faults), id_of, hashes,
        _updated(given, faults), _plain("incident", given, faults), _techniques(given, faults),
        next((one.take for one in members if one.name == CREATED), None),
        _constants(product, members),
        tuple((one.name, one.take) for one in members if not one.constant and one.name != CREATED),
        _evidence(given, faults),
        shown_members(given["additionalData"], ("additionalData",), faults) if "additionalData" in given else None,
    )  # fmt: skip
    if "records" in given and framing == "lines":
        faults.tell(("records",), "is of JSON; here lines are read")
    return found


def _product(given: Record, faults: Faults) -> str:
    product = given.get("product")
    services = load().types["microsoft.graph.security.serviceSource"]
    known = services.members if isinstance(services, EnumType) else {}
    if isinstance(product, str) and (product in known or _OUTSIDE.fullmatch(product)):
        return product
    faults.tell(("product",), "must say who raises the alerts: vendor/product in small letters, such as lakeside/gatehouse,"
                              " or a serviceSource such as microsoftSentinel")  # fmt: skip
    return ""


def _prefixes(given: Record, faults: Faults) -> tuple[str, ...]:
    prefix = given.get("prefix")
    if prefix is None:
        return ()
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        faults.tell(("prefix",), "must be two small letters")
        return ()
    return (prefix,)


def _framing(given: Record, faults: Faults) -> tuple[Framing, tuple[Any, ...]]:
    framing = given.get("framing", "json")
    if framing not in {"json", "lines"}:
        faults.tell(("framing",), "must be json or lines")
    if given.get("unmatched", "reject") not in {"skip", "reject"}:
        faults.tell(("unmatched",), "must be skip or reject")
    if framing != "lines":
        for name in ("pattern", "unmatched"):
            if name in given:
                faults.tell((name,), 'is of lines: say framing = "lines"')
        return "json", ()
    several = given.get("pattern")
    several = several if isinstance(several, list) else [several]
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    made: list[Any] = []
    for place, one in enumerate(several):
        path: Path = ("pattern", place) if len(several) > 1 else ("pattern",)
        if not isinstance(one, str):
            faults.tell(path, "must be a pattern (RE2) with named groups, such as (?P<host>\\S+): a line is read by it")
            continue
        try:
            found = re2.compile(one, options)
        except re2.error as fault:
            said = fault.args[0] if fault.args else ""
            faults.tell(path, f"is no pattern of RE2: {said.decode() if isinstance(said, bytes) else said}")
            continue
        if not found.groupindex:
            faults.tell(path, "has no named group, such as (?P<host>\\S+)")
        made.append(found)
    return "lines", tuple(made)


def _conditions(name: str, given: Record, faults: Faults) -> tuple[tuple[str, Find], ...]:
    value = given.get(name, [])
    several = value if isinstance(value, list) else [value]
    paths: list[Path] = [(name, place) for place in range(len(several))] if isinstance(value, list) else [(name,)]
    found = [(str(one), faults.expression(path, one)) for path, one in zip(paths, several, strict=True)]
    return tuple((words, find) for words, find in found if find is not None)


def _yes(name: str, given: Record, faults: Faults) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        faults.tell((name,), "must be true or false")
    return value is True


def _id(given: Record, faults: Faults) -> tuple[Take | None, tuple[Find, ...]]:
    value = given.get("id")
    if isinstance(value, dict) and "hash" in value:
        faults.unknown(("id",), value, ("hash",))
        return None, _several(("id", "hash"), value["hash"], faults)
    if value is None or (isinstance(value, dict) and "is" in value):
        faults.tell(("id",), 'must say what tells one alert from another: id = "uid", or id = { hash = ["host", "rule"] }')
        return None, ()
    return _plain("id", given, faults), ()


def _plain(name: str, given: Record, faults: Faults) -> Take | None:
    if name not in given:
        return None
    found = member_of(ANYTHING, given[name], (name,), faults)
    return None if found is None else found.take


def _several(path: Path, value: Any, faults: Faults) -> tuple[Find, ...]:
    if not isinstance(value, list) or not value:
        faults.tell(path, "must be a list of expressions")
        return ()
    return tuple(find for place, one in enumerate(value) if (find := faults.expression((*path, place), one)) is not None)


def _techniques(given: Record, faults: Faults) -> tuple[Find, ...]:
    if "techniques" not in given:
        return ()
    if isinstance(given.get("alert"), dict) and "mitreTechniques" in given["alert"]:
        faults.tell(("alert", "mitreTechniques"), "is given by `techniques` already")
    value = given["techniques"]
    return _several(("techniques",), value if isinstance(value, list) else [value], faults)


def _updated(given: Record, faults: Faults) -> tuple[Find, Read] | None:
    if "updated" not in given:
        return None
    value = given["updated"]
    form: Mapping[str, Any] = value if isinstance(value, dict) else {"value": value}
    faults.unknown(("updated",), form, ("value", "format", "zone"))
    find = faults.expression(("updated", "value") if form is value else ("updated",), form.get("value"))
    read = time_reader(form, ("updated",), faults)
    return None if find is None else (find, read)


def _alert(given: Record, faults: Faults) -> list[Member]:
    kind = load().struct(ALERT)
    made: list[Member] = []
    for name, one in given.items():
        item = kind.properties.get(name)
        if name in OURS:
            faults.tell(("alert", name), f"is not given here: {OURS[name]}")
        elif item is None or item.navigation:
            known = sorted(set(kind.properties) - set(OURS))
            faults.tell(("alert", name), f"an alert has no member of this name; it has: {', '.join(known)}")
        elif (found := member(item, one, ("alert", name), faults)) is not None:
            made.append(found)
    return made


def _constants(product: str, members: list[Member]) -> Record:
    """What every alert of the mapping has, whatever its record."""
    own = product if "/" not in product and product else "unknown"
    made: Record = {"status": "new", "serviceSource": own, "detectionSource": own if own in _detections() else "unknown"}
    for one in members:
        if one.constant:
            made[one.name] = one.take(None, _NOBODY)
    return made


_NOBODY = Look(None)


def _detections() -> Mapping[str, int]:
    found = load().types["microsoft.graph.security.detectionSource"]
    return found.members if isinstance(found, EnumType) else {}


def _evidence(given: Record, faults: Faults) -> tuple[Item, ...]:
    several = given.get("evidence", [])
    if not isinstance(several, list):
        faults.tell(("evidence",), "must be a list of tables: [[evidence]]")
        return ()
    if len(several) > MOST_EVIDENCE:
        faults.tell(("evidence",), f"has more than {MOST_EVIDENCE} templates")
    made = (evidence_item(one, ("evidence", place), faults) for place, one in enumerate(several))
    return tuple(one for one in made if one is not None)
