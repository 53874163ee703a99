"""Reports of Lynis, which audits a Unix host: `lynis-report.dat`. A test passes when it was executed, with neither warning nor
suggestion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import ControlDraft, EvidenceDraft, Framing, Option, Options, Raw, Unusable

POINTS = 1.0
"""What a test is worth that the catalogue does not know."""

IDENTITY = frozenset(("AUTH", "ACCT", "SSH", "LDAP", "SHLL"))
DATA = frozenset(("FILE", "STRG", "CRYP", "DBS", "FINT"))
APPS = frozenset(("HTTP", "PHP", "MAIL", "SQD"))
INFRASTRUCTURE = frozenset(("NETW", "FIRE", "NAME", "SNMP", "CONT", "INSE", "RBAC", "TOOL"))
LISTED = ("warning[]", "suggestion[]")
HOURS = 14
"""Most hours that a zone lies from UTC."""


class Lynis:
    """Reads what a run found of every test."""

    name = "lynis"
    framing: Framing = "whole"
    options = (Option("zone", "How far the host's clock is ahead of UTC, in hours: a report does not say it.", "0"),)

    def __init__(self, zone: int = 0) -> None:
        self._zone = zone

    def told(self, options: Options) -> Lynis:
        """Reports of hosts in one zone."""
        try:
            hours = float(options["zone"]) if len(options["zone"]) < 8 and options["zone"].isascii() else HOURS + 1
        except ValueError:
            hours = HOURS + 1
        if not -HOURS <= hours <= HOURS:
            raise UsageError("zone: say how many hours the host's clock is ahead of UTC, such as 2 or -5.5.")
        return Lynis(round(hours * 3600))

    def normalise(self, raw: Raw) -> Iterable[EvidenceDraft]:
        """What was found of each test."""
        told = _members(raw.data)
        if "lynis_version" not in told and "report_version_major" not in told:
            raise Unusable("no lynis_version in it: it is no report of Lynis (lynis-report.dat)")
        host = _one(told, "hostname")
        if not host:
            raise Unusable("no hostname in it: nothing says which host it is of")
        executed, skipped = _tests(told, "tests_executed"), _tests(told, "tests_skipped")
        if not executed:
            raise Unusable("no tests_executed in it: the run was cut off, or none of its tests was run")
        at = self._at(told)
        return [
            *self._drafts(told, host, executed, skipped, raw.received if at is None else at, "" if at is not None else UNTIMED)
        ]

    def _drafts(
        self, told: Mapping[str, list[str]], host: str, executed: list[str], skipped: list[str], at: int, note: str
    ) -> Iterator[EvidenceDraft]:  # fmt: skip
        said: dict[str, list[str]] = {}
        for name in LISTED:
            for line in told.get(name, ()):
                test, sentence = _finding(line)
                said.setdefault(test, []).append(sentence)
        for test in executed:
            words = said.get(test, [])
            yield EvidenceDraft(
                "lynis", test, at, 0.0 if words else 1.0, subject=host, scope=host, details="; ".join(words)[:500],
                control=_control(test), note=note,
            )  # fmt: skip
        for test in skipped:
            if test not in executed:
                yield EvidenceDraft("lynis", test, at, None, subject=host, scope=host, control=_control(test), note=note)

    def _at(self, told: Mapping[str, list[str]]) -> int | None:
        """When the run ended; where it did not, when it began."""
        for name in ("report_datetime_end", "report_datetime_start"):
            at = clock.ticks(_one(told, name), zone=self._zone)
            if at is not None:
                return at
        return None


UNTIMED = "no time of its own: the time of receipt is used"


def _members(data: bytes) -> dict[str, list[str]]:
    """The values of a report by name."""
    found: dict[str, list[str]] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        name, sign, value = line.partition("=")
        if sign and not name.startswith("#"):
            found.setdefault(name.strip(), []).append(value.strip().replace("\x00", "\ufffd"))
    return found


def _one(told: Mapping[str, list[str]], name: str) -> str:
    return told.get(name, [""])[-1][:255]


def _tests(told: Mapping[str, list[str]], name: str) -> list[str]:
    """The tests of a list, each once."""
    parts = (part.strip() for value in told.get(name, ()) for part in value.split("|"))
    return [*dict.fromkeys(part for part in parts if part and len(part) <= 40)]


def _finding(line: str) -> tuple[str, str]:
    """The test of a warning or suggestion, and what it says: `TEST|text|details|solution|`."""
    test, _, rest = line.partition("|")
    words = [part.strip() for part in rest.split("|")[:2]]
    return test.strip(), " ".join(f"({part})" if place else part for place, part in enumerate(words) if part not in {"", "-"})


def _control(test: str) -> ControlDraft:
    group = test.partition("-")[0].upper()
    category = "Device"
    for name, groups in (("Identity", IDENTITY), ("Data", DATA), ("Apps", APPS), ("Infrastructure", INFRASTRUCTURE)):
        category = name if group in groups else category
    # What a test is about, a report only says where it has something to say, and then in other words on each host.
    return ControlDraft(f"Pass the Lynis test {test}", category, "Linux", POINTS)
