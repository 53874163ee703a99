"""An incident in plain words: the name by which a queue lists it, and what it is about in a few sentences."""

from __future__ import annotations

from collections.abc import Sequence

from secgraph import clock
from secgraph.ingest.assessment.cast import Cast, products
from secgraph.ingest.assessment.outline import CRITICALITY, Outline, Thing
from secgraph.ingest.correlate.tactics import STAGES, told

LONGEST_NAME = 200
"""Most characters of a name."""

MOST_NAMED = 3
"""Most things of a kind that a summary names."""

_CLIPPED = 60
"""Most characters of what a name names."""

_DEVICES, _USERS, _RESOURCES = ("device", "devices"), ("user", "users"), ("resource", "resources")
_ADDRESSES, _THINGS = ("address", "addresses"), ("thing", "things")
_STAGES, _DETECTIONS = ("stage", "stages"), ("detection", "detections")
_MARKS = {"breakGlass": "break-glass account", "domainController": "domain controller", "vip": "VIP"}
_CRITICAL = {CRITICALITY["critical"]: "critical", CRITICALITY["high"]: "of high criticality"}


# --- the name -----------------------------------------------------------------------------------------------------------


def display_name(one: Outline, named: Cast, alerts: int) -> str:
    """What an incident is called: its alert's title, or of several how far the attack came, on what and involving whom. Empty
    where nothing tells that.
    """
    if alerts == 1:
        return one.detections[0].name if one.detections else ""
    what = _what(one)
    if not what:
        return ""
    count = f" ({alerts:,} alerts)"
    return _clipped(f"{_clipped(what, 90)}{_where(named)}", LONGEST_NAME - len(count)) + count


def reached(one: Outline) -> list[str]:
    """The tactics that were seen as sentences say them, the one that reaches furthest first."""
    places = list(STAGES)
    words = sorted(one.tactics, key=lambda word: (-STAGES[word], -places.index(word)))
    return list(dict.fromkeys(map(told, words)))


def _what(one: Outline) -> str:
    if len(one.detections) == 1:
        return one.detections[0].name
    tactics = reached(one)
    if tactics:
        further, *rest = tactics
        further = further[:1].upper() + further[1:]
        return f"{further} and {rest[0]}" if len(rest) == 1 else further + _and_more(rest, _STAGES)
    return one.detections[0].name + _and_more(one.detections[1:], _DETECTIONS) if one.detections else ""


def _where(named: Cast) -> str:
    """On which device or resource and involving whom, or else from where; where there is nothing of this, around what else."""
    text = ""
    if named.devices:
        text += f" on host {_short(named.devices[0])}{_and_more(named.devices[1:], _DEVICES)}"
    elif named.resources:
        text += f" on {_short(named.resources[0])}{_and_more(named.resources[1:], _RESOURCES)}"
    elif named.inside:
        text += f" on {_short(named.inside[0])}{_and_more(named.inside[1:], _ADDRESSES)}"
    if named.people:
        text += f" involving {_short(named.people[0])}{_and_more(named.people[1:], _USERS)}"
    elif named.outside:
        text += f" from {_short(named.outside[0])}{_and_more(named.outside[1:], _ADDRESSES)}"
    if not text and named.all:
        text = f" around {_short(named.all[0])}{_and_more(named.all[1:], _THINGS)}"
    return text


def _and_more(rest: Sequence[object], words: tuple[str, str]) -> str:
    return f" and {len(rest)} other {words[len(rest) > 1]}" if rest else ""


def _short(one: Thing) -> str:
    """A thing by the name that people call it: a host without its domain."""
    name = one.name
    if one.type == "device" and any(key.startswith("device.fqdn:") for key in one.keys):
        name = name.partition(".")[0] or name
    return _clipped(name, _CLIPPED)


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


# --- the summary --------------------------------------------------------------------------------------------------------


def summary(one: Outline, named: Cast, alerts: int) -> str:
    """What an incident of several alerts is about: what and when, on what and whom, from where, told by which products."""
    tactics = reached(one)[::-1]
    text = f"{alerts:,} alerts {_when(one)}{' tell of ' + _listed(tactics) if tactics else ''}."
    assets = ((named.devices, _DEVICES), (named.people, _USERS), (named.resources, _RESOURCES))
    groups = [_group(found, words) for found, words in assets if found]
    if groups:
        text += f" They concern {_listed(groups)}."
    if named.outside:
        text += f" From outside: {_some([_clipped(each.name, _CLIPPED) for each in named.outside])}."
    if one.products:
        text += f" Reported by {_some(products(one))}"
        most = one.detections[0] if one.detections else None
        text += f"; most often “{most.name}” ({most.alerts:,} times)." if most is not None and most.alerts > 1 else "."
    return text


def _when(one: Outline) -> str:
    first, last = (clock.text(at)[:16].replace("T", " ") for at in (one.first, one.last))
    return f"at {first} UTC" if first == last else f"between {first} and {last} UTC"


def _group(found: Sequence[Thing], words: tuple[str, str]) -> str:
    """Things of a kind as a sentence lists them, each with what it is known to be."""
    names = [f"{_clipped(each.name, _CLIPPED)}{_known(each)}" for each in found[: MOST_NAMED + 1]]
    return f"the {words[len(found) > 1]} {_some(names, len(found))}"


def _known(one: Thing) -> str:
    marks = [_MARKS[tag] for tag in one.tags] + [word for number, word in _CRITICAL.items() if one.criticality == number]
    return f" ({', '.join(marks)})" if marks else ""


def _some(names: Sequence[str], many: int = 0) -> str:
    more = max(many, len(names)) - MOST_NAMED
    return _listed(names if more < 1 else [*names[:MOST_NAMED], f"{more} more"])


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
