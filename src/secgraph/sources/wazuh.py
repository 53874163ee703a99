"""Alerts of Wazuh 4: lines of alerts.json, what its integrator posts, its syslog output, and hits of its indexer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from secgraph.errors import UsageError
from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Option,
    Options,
    Raw,
    Record,
    Unusable,
    instant_of,
    integer,
    moment,
    names,
    part,
    pascal,
    shown,
    techniques,
    text,
    texts,
    yes,
)
from secgraph.sources.wazuh_evidence import evidence_of

LONGEST_LINE = 16_000_000
LEVELS = "4,7,12"
"""The lowest rule level that is low, medium and high; below the first it is informational."""

WRAPPED = {
    "suricata": ("suricata", "866"),
    "guardduty": ("aws_guardduty", "803"),
    "office365": ("office365", "915"),
    "graph": ("ms-graph", "995"),
}
"""By the kind that reads it natively: the rule group of Wazuh's wrapper, and how the ids of its rules begin."""

RULE_ID = re.compile(r"\d{5,6}", re.ASCII)
ZONELESS = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+", re.ASCII)
NO_ZONE = "a time without a zone is taken as UTC"


class Wazuh:
    """Reads the alert object, by whichever road it comes."""

    name = "wazuh"
    framing: Framing = "json"
    options = (
        Option("levels", "the lowest rule level that is low, medium and high; 0,7,12 are the bands of its dashboard", LEVELS),
        Option("drop_wrapped", f"wrapped alerts left out, since their product is connected: {', '.join(WRAPPED)}", ""),
        Option("syslog", "yes: it comes as the lines of Wazuh's syslog output", "no"),
    )

    def __init__(self, *, levels: tuple[int, int, int] = (4, 7, 12), drop: frozenset[str] = frozenset()) -> None:
        self._low, self._medium, self._high = levels
        self._drop = drop

    def told(self, options: Options) -> Wazuh:
        """The same with other bands, without the alerts of products that are connected natively, or for syslog lines."""
        numbers = [integer(word.strip()) for word in options["levels"].split(",")]
        levels = tuple(number for number in numbers if number is not None)
        if len(levels) != 3 or len(numbers) != 3 or list(levels) != sorted(levels):
            raise UsageError(f"The option levels is '{options['levels'][:40]}': give three rising numbers, such as {LEVELS}.")
        made = Wazuh(levels=levels, drop=names("drop_wrapped", options["drop_wrapped"], WRAPPED))
        if yes("syslog", options["syslog"]):
            made.framing = "lines"
        return made

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The hits of an answer of the indexer."""
        if isinstance(value, dict) and isinstance(value.get("hits"), dict) and isinstance(value["hits"].get("hits"), list):
            hits: list[Any] = value["hits"]["hits"]
            return hits
        return None

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one record or line."""
        record = _opened(raw.value)
        get = record.get
        rule = get("rule")
        if not isinstance(rule, dict) or "level" not in rule:
            raise _refusal(record)
        native_id, title, rule_id = text(get("id")), text(rule.get("description")), text(rule.get("id"))
        if native_id is None:
            raise Unusable("no id")
        if title is None:
            if rule_id is None:
                raise Unusable("no description and no id of a rule")
            title = f"Rule {rule_id}"
        groups = texts(rule.get("groups"), 20)
        if self._drop:
            self._drop_wrapped(groups, rule_id or "")
        stamp = get("timestamp", get("@timestamp"))
        created, instant = moment(stamp) if isinstance(stamp, str) else None, None
        notes: tuple[str, ...] = ()
        if created is None:
            created = moment(raw.received / 1e7)
            notes = ("no time of its own: the time of receipt is used",)
        else:
            instant = instant_of(created)
            if ZONELESS.fullmatch(str(stamp)):
                notes = (NO_ZONE,)
        mitre, data = part(rule.get("mitre")), part(get("data"))
        manager = text(part(get("manager")).get("name"))
        tactics = texts(mitre.get("tactic"), 1)
        level = integer(rule["level"])
        alert: Record = {
            "providerAlertId": native_id,
            "title": title,
            "severity": self._severity(level),
            "status": "new",
            "serviceSource": "unknown",
            "detectionSource": "unknown",
            "productName": "Wazuh",
            "createdDateTime": created,
            "firstActivityDateTime": created,
            "lastActivityDateTime": created,
            "mitreTechniques": techniques(mitre.get("id")),
            "evidence": evidence_of(record, data, manager, created),
            "additionalData": shown(_named(record, rule, groups, data, manager, level)),
        }
        if rule_id is not None:
            alert["detectorId"] = rule_id
        if (description := text(get("full_log"))) is not None:
            alert["description"] = description
        category = pascal(tactics[0]) if tactics else groups[0] if groups else None
        if category is not None:
            alert["category"] = category
        # The number counts the bytes of one manager's log: two managers, and two days, give the same one.
        key = "|".join((manager or "", native_id, stamp if isinstance(stamp, str) else ""))
        return [AlertDraft("wazuh/wazuh", key, alert, ("wz",), instant, notes=notes)]

    def _severity(self, level: int | None) -> str:
        if level is None or level < 0:
            return "unknown"
        if level >= self._high:
            return "high"
        return "medium" if level >= self._medium else "low" if level >= self._low else "informational"

    def _drop_wrapped(self, groups: list[str], rule_id: str) -> None:
        for kind in self._drop:
            group, begins = WRAPPED[kind]
            if group in groups or (RULE_ID.fullmatch(rule_id) and rule_id.startswith(begins)):
                raise NotAnAlert(f"a wrapped alert of {kind}, which is connected by itself: left out (drop_wrapped)")


def _opened(value: Any) -> Record:
    """The alert object inside a syslog line, a hit of the indexer or a message of the integrator."""
    if isinstance(value, str):
        start = value.find("{", 0, 2000)
        if start < 0:
            raise NotAnAlert("no JSON object in the line: not an alert of Wazuh's syslog output in JSON")
        try:
            value = json.loads(value[start:]) if len(value) <= LONGEST_LINE else None
        except (ValueError, RecursionError):
            raise Unusable("the JSON object in the line is broken, or cut off on its way") from None
    if not isinstance(value, dict):
        raise Unusable("not a JSON object")
    if "rule" not in value:
        for name in ("_source", "all_fields"):
            if isinstance(inner := value.get(name), dict):
                return inner
    return value


def _refusal(record: Record) -> NotAnAlert | Unusable:
    """Why a record without a rule is no alert."""
    if "wazuh" in record or isinstance(record.get("event"), dict):
        return Unusable("a finding of Wazuh 5, whose fields are others: this source reads the alerts of Wazuh 4")
    if "full_log" in record or "decoder" in record:
        return NotAnAlert("an event that fired no rule, as in archives.json: not an alert")
    return Unusable("no rule with a level: not an alert of Wazuh")


def _named(
    record: Record, rule: Record, groups: list[str], data: Record, manager: str | None, level: int | None
) -> list[tuple[str, Any]]:
    agent = part(record.get("agent"))
    found: list[tuple[str, Any]] = [
        ("vendor", "Wazuh"),
        ("nativeSeverity", level),
        ("groups", ",".join(groups)),
        ("manager", manager),
        ("agentId", agent.get("id")),
        ("location", record.get("location")),
        ("decoder", part(record.get("decoder")).get("name")),
        ("frequency", rule.get("frequency")),
    ]
    if isinstance(weakness := data.get("vulnerability"), dict):
        package = part(weakness.get("package"))
        found += [
            ("cve", weakness.get("cve")),
            ("vulnerabilitySeverity", weakness.get("severity")),
            ("package", package.get("name")),
            ("packageVersion", package.get("version")),
        ]
    if isinstance(change := record.get("syscheck"), dict):
        found += [("syscheckEvent", change.get("event")), ("syscheckMode", change.get("mode"))]
    return found
