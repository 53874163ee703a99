"""Results of OpenSCAP and other XCCDF scanners: a TestResult by itself, in its Benchmark, or inside an ARF collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from secgraph.extend import ControlDraft, EvidenceDraft, Framing, Raw, Unusable, instant_of
from secgraph.sources.xccdf_document import Document, Result, Rule, Run, read

RESULTS = {"pass": 1.0, "fixed": 1.0, "fail": 0.0}
"""Every other result says that the rule was not applied or not checked."""

POINTS = {"high": 8.0, "medium": 5.0, "low": 2.0}
LEAST = 1.0
"""What a rule is worth whose severity is none of these."""

PREFIX = "xccdf_org.ssgproject.content_rule_"
NIST, CCE = "NIST SP 800-53", "CCE"
IDENTITY = ("account", "sudo", "sshd", "no_empty_passwords", "pam", "password", "group_unique", "use_pam")
DATA = ("aide", "encrypt", "file_", "mount_option", "partition_for", "dir_", "crypto")
INFRASTRUCTURE = ("sysctl_net", "firewall", "iptables", "nftables", "ufw", "service_", "kernel_module")


@dataclass(slots=True)
class _Seen:
    share: list[float]
    details: list[str]
    rule: Rule | None
    severity: str


class Xccdf:
    """Reads what a run found of every rule."""

    name = "xccdf"
    framing: Framing = "whole"

    def normalise(self, raw: Raw) -> Iterable[EvidenceDraft]:
        """What was found of each rule on the host of each run."""
        document = read(raw.data)
        if not document.runs:
            raise Unusable("no TestResult in it: hand in what oscap wrote with --results or --results-arf")
        found = [draft for run in document.runs for draft in _of_run(run, document, raw)]
        if not found:
            raise Unusable("a TestResult without results of rules")
        return found


def _of_run(run: Run, document: Document, raw: Raw) -> Iterator[EvidenceDraft]:
    host = run.host or run.fqdn or "unknown host"
    benchmark = run.benchmark or document.benchmark
    scope = f"{host} {benchmark}".strip()
    at = instant_of(run.ended) or instant_of(run.began)
    note = "" if at is not None else "no time of its own: the time of receipt is used"
    several: dict[str, _Seen] = {}
    for result in run.results:
        check = result.rule.removeprefix(PREFIX)[:200]
        seen = several.setdefault(check, _Seen([], [], document.rules.get(result.rule), ""))
        seen.severity = seen.severity or result.severity
        share = RESULTS.get(result.result)
        if share is not None:
            seen.share.append(share)
        if words := _details(result):
            seen.details.append(words)
    for check, seen in several.items():
        # A rule of which some instances pass is passed in part.
        share = sum(seen.share) / len(seen.share) if seen.share else None
        yield EvidenceDraft(
            "xccdf", check, raw.received if at is None else at, share, subject=host, scope=scope,
            details="; ".join(dict.fromkeys(seen.details))[:500], control=_control(check, seen), note=note,
        )  # fmt: skip


def _details(result: Result) -> str:
    return result.message or (f"result: {result.result}" if result.result not in {"pass", "fail"} else "")


def _control(check: str, seen: _Seen) -> ControlDraft:
    rule = seen.rule
    severity = (rule.severity if rule is not None else "") or seen.severity
    name = check.lower()
    category = "Device"
    for found, words in (("Infrastructure", INFRASTRUCTURE), ("Data", DATA), ("Identity", IDENTITY)):
        if name.startswith(words):
            category = found
    title = (rule.title if rule is not None else "") or check
    compliance = (
        [*((NIST, number) for number in rule.nist), *((CCE, number) for number in dict.fromkeys(rule.cce))]
        if rule is not None
        else []
    )
    return ControlDraft(
        title[:500], category, "Linux", POINTS.get(severity, LEAST), remediation=rule.fix[:2000] if rule is not None else "",
        compliance=tuple(compliance),
    )  # fmt: skip
