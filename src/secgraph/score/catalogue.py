"""The controls of the secure score.

They are written down in `controls/*.toml`, a file for each product area. `scripts/docs` reads these strictly, ranks them
and writes `catalogue.json`, which is what a server reads: TOML would cost every start a tenth of a second.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from secgraph.errors import Fault

LEVELS = ("Low", "Moderate", "High")
CATEGORIES = ("Identity", "Data", "Device", "Apps", "Infrastructure")
TIERS = ("Core", "Defense in Depth", "Advanced")
ACTIONS = ("Config", "Review", "Behavior")
THREATS = (
    "Account Breach", "Data Deletion", "Data Exfiltration", "Data Spillage", "Elevation of Privilege", "Malicious Insider",
    "Password Cracking", "Phishing or Whaling", "Spoofing",
)  # fmt: skip
SCANNERS = ("scubagear", "prowler", "securityhub", "graph", "xccdf", "lynis")
SERVICES = {  # and the short word with which the ids of their controls begin
    "AAD": "aad", "EXO": "exo", "MDO": "mdo", "SPO": "spo", "Teams": "teams", "PowerPlatform": "powerplatform",
    "PowerBI": "powerbi", "Purview": "purview", "Intune": "intune", "MDE": "mde", "MDI": "mdi", "MCAS": "mcas",
    "Azure": "azure", "AWS": "aws", "GCP": "gcp", "Kubernetes": "kubernetes", "Linux": "linux", "GitHub": "github",
    "Google": "google",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One thing that can be put right.

    `max_score` is in points, 1 to 10. `rank` says in which order to put things right, 1 being the first. `cis` holds names
    of benchmarks without their version, each with the number of a recommendation; `nist` holds controls of SP 800-53
    Rev. 5. `checks` says which checks of which scanner are evidence for the control.
    """

    id: str
    title: str
    service: str
    category: str
    tier: str
    rank: int
    max_score: float
    implementation_cost: str
    user_impact: str
    threats: tuple[str, ...]
    remediation: str
    remediation_impact: str
    action_type: str
    action_url: str
    cis: tuple[str, ...]
    nist: tuple[str, ...]
    checks: Mapping[str, tuple[str, ...]]


@cache
def catalogue() -> Mapping[str, Control]:
    """Every control by its id, the first in rank first. Read once; not to be changed."""
    text = files("secgraph.score").joinpath("catalogue.json").read_bytes()
    return {one.id: one for one in msgspec.json.decode(text, type=list[Control])}


def control_of(scanner: str, check: str) -> Control | None:
    """The control that a scanner's check is evidence for; None where the catalogue does not know the check."""
    return _index().get((scanner, check))


@cache
def _index() -> Mapping[tuple[str, str], Control]:
    return {(scanner, check): one for one in catalogue().values() for scanner, checks in one.checks.items() for check in checks}


def read_catalogue(folder: Path) -> list[Control]:
    """The controls in the TOML files of a folder, the first in rank first.

    A Fault names every entry that is wrong, a line each: the file, the id, what is wrong with it and what to do.
    """
    wrong: list[str] = []
    entries: list[tuple[str, dict[str, Any]]] = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            wrong.append(f"{file.name}: {fault}. Write it as TOML, in UTF-8.")
            continue
        listed = found.pop("control", [])
        if found or not isinstance(listed, list):
            wrong.append(f"{file.name}: it holds something besides [[control]]. Keep to [[control]] and [control.checks].")
            continue
        for number, entry in enumerate(listed, 1):
            place = f"{file.name}, {_named(entry, number)}"
            faults = [f"{place}: {reason}" for reason in _faults(entry)]
            wrong += faults
            if not faults:
                entries.append((place, entry))
    wrong += _twice(entries)
    if wrong:
        raise Fault("\n".join(wrong))
    return _ranked(entry for _, entry in entries)


def _named(entry: Mapping[str, Any], number: int) -> str:
    return entry["id"] if isinstance(entry.get("id"), str) and entry["id"] else f"control {number}"


def _ranked(entries: Iterable[Mapping[str, Any]]) -> list[Control]:
    """By what is won, then by what it costs those who do it, then by what it costs the others."""

    def order(entry: Mapping[str, Any]) -> tuple[int, int, int, str]:
        return (
            -entry["max_score"],
            LEVELS.index(entry["implementation_cost"]),
            LEVELS.index(entry["user_impact"]),
            entry["id"],
        )

    told = [{**entry, "rank": rank} for rank, entry in enumerate(sorted(entries, key=order), 1)]
    return msgspec.convert(told, list[Control])


def _twice(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """What two entries cannot both have."""
    seen: dict[tuple[str, ...], str] = {}
    for place, entry in entries:
        claims = [("id", entry["id"]), ("title", entry["title"].casefold())]
        claims += [(scanner, check) for scanner, checks in entry["checks"].items() for check in checks]
        for claim in claims:
            if claim in seen:
                what = " ".join(claim) if claim[0] in {"id", "title"} else f"check {claim[1]} of {claim[0]}"
                yield f"{place}: the {what} is taken by {seen[claim]}. Keep it in one of the two."
            seen.setdefault(claim, place)


_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_CIS = re.compile(r"CIS [A-Z][A-Za-z0-9 ./&-]* [1-9]\d*(\.\d+)+")
_VERSION = re.compile(r"\bv\d|\bversion\b")
_NIST = re.compile(r"(AC|AT|AU|CA|CM|CP|IA|IR|MA|MP|PE|PL|PM|PS|PT|RA|SA|SC|SI|SR)-[1-9]\d?(\([1-9]\d?\))?")
_SENTENCE = re.compile(r"[.](?=\s+[A-Z]|$)")
_WORDS = {
    "service": tuple(SERVICES), "category": CATEGORIES, "tier": TIERS, "implementation_cost": LEVELS, "user_impact": LEVELS,
    "action_type": ACTIONS,
}  # fmt: skip
_TEXTS = ("id", "title", "remediation", "remediation_impact", "action_url", *_WORDS)
_LISTS = ("threats", "cis", "nist")
_MEMBERS = (*_TEXTS, *_LISTS, "max_score", "checks")


def _faults(entry: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one entry by itself, and what to do."""
    shape = [*_shape(entry)]
    yield from shape or _content(entry)


def _shape(entry: Mapping[str, Any]) -> Iterator[str]:
    for name in _MEMBERS:
        if name not in entry:
            yield f"{name} is missing. Every control says it."
    for name in entry:
        if name not in _MEMBERS:
            yield f"{name} is no member of a control. Take it out, or spell it as one of {', '.join(_MEMBERS)}."
    for name in _TEXTS:
        if not isinstance(entry.get(name, ""), str):
            yield f"{name} is no text. Put it in quotes."
    for name in _LISTS:
        if not _texts(entry.get(name, [])):
            yield f'{name} is no list of texts, each once. Write ["...", "..."].'
    if type(entry.get("max_score", 1)) is not int or not 1 <= entry.get("max_score", 1) <= 10:
        yield "max_score is no whole number from 1 to 10. Weigh it by what the control protects."
    checks = entry.get("checks", {})
    if not isinstance(checks, dict) or not all(map(_texts, checks.values())):
        yield 'checks does not map scanners to lists of ids, each once. Write them below [control.checks] as scanner = ["..."].'


def _texts(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(one, str) and one for one in found) and len(set(found)) == len(found)


def _content(entry: Mapping[str, Any]) -> Iterator[str]:
    for name, words in _WORDS.items():
        if entry[name] not in words:
            yield f"{name} has the unknown word '{entry[name]}'. Choose one of {', '.join(words)}."
    for found in entry["threats"]:
        if found not in THREATS:
            yield f"threats has the unknown word '{found}'. Choose among {', '.join(THREATS)}."
    if not entry["threats"]:
        yield f"threats is empty. Name at least one of {', '.join(THREATS)}."
    yield from _prose(entry)
    begins = SERVICES.get(entry["service"], entry["id"].partition("-")[0])
    if not _ID.fullmatch(entry["id"]) or not entry["id"].startswith(f"{begins}-"):
        yield f"the id is not kebab-case, or does not begin with '{begins}-'. Write it so, and never change it afterwards."
    if entry["action_url"] and not entry["action_url"].startswith("https://"):
        yield "action_url does not begin with https://. Give the page where it is changed; leave it empty where there is none."
    for found in entry["cis"]:
        if not _CIS.fullmatch(found) or _VERSION.search(found):
            yield f"cis has '{found}'. Write the benchmark's name, no version, and the number: CIS Debian Linux 5.1.2."
    for found in entry["nist"]:
        if not _NIST.fullmatch(found):
            yield f"nist has '{found}'. Write a control of SP 800-53, with an enhancement if need be: AC-2 or AC-2(1)."
    for scanner, checks in entry["checks"].items():
        if scanner not in SCANNERS:
            yield f"checks names the unknown scanner '{scanner}'. Choose among {', '.join(SCANNERS)}."
        if not checks:
            yield f"checks has nothing for {scanner}. Name a check or take the line out."
    if not entry["checks"]:
        yield "checks is empty. Name a check of a scanner, or nothing can ever say that the control is kept."


def _prose(entry: Mapping[str, Any]) -> Iterator[str]:
    for name, least, most in (("remediation", 1, 3), ("remediation_impact", 1, 1)):
        text = entry[name]
        if not text.strip():
            yield f"{name} is empty. Say it in {'one sentence' if most == 1 else 'one to three sentences'} of your own."
        elif text != text.strip() or not text.endswith(".") or not least <= len(_SENTENCE.findall(text)) <= most:
            yield f"{name} is not {'one sentence' if most == 1 else 'one to three sentences'}. End each with a full stop."
    title = entry["title"]
    if not title.strip() or title != title.strip() or title.endswith(".") or not title[0].isupper() or len(title) > 100:
        yield "the title is empty, too long or a sentence. Write at most 100 characters in the imperative, without a full stop."
