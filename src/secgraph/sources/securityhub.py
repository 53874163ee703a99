"""Findings of AWS Security Hub on its controls, as evidence for the secure score: in its own form (ASFF), and as Security Lake
keeps them (OCSF, class 2003).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from secgraph.extend import (
    ControlDraft,
    EvidenceDraft,
    Framing,
    NotAnAlert,
    Raw,
    Record,
    Unusable,
    instant_of,
    integer,
    objects,
    part,
    text,
)
from secgraph.sources.cloud_categories import category_of

SCANNER = "securityhub"
COMPLIANCE = 2003
SHARES = {"PASSED": 1.0, "PASS": 1.0, "FAILED": 0.0, "FAIL": 0.0}
"""A WARNING says that something is missing, or that the check does not fit the account: nobody knows, as with NOT_AVAILABLE.
The product calls such a control Unknown itself.
"""
STATUSES = {1: "PASSED", 3: "FAILED"}
"""Numbers of the schema, where the finding has no word."""
POINTS = 5.0
ACCOUNT = "AWS::::Account:"
MOST_FINDINGS, MOST_REQUIREMENTS = 10_000, 200
LONGEST_ID, LONGEST_TITLE, LONGEST = 200, 300, 4000
GUESSED = "no time of its own: the time of receipt is used"

_control = re.compile(r"(?:[A-Za-z][A-Za-z0-9]{0,40}\.){1,3}\d{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding, in whichever form."""

    check: str
    status: str
    over: bool
    """Whether it is suppressed, or archived: its resource is gone, or its control is off."""
    subject: str
    at: int | None
    title: str
    details: str
    remediation: str
    url: str
    requirements: Any


class SecurityHub:
    """Reads findings: a list, the answer of GetFindings, an event of EventBridge, or one a line."""

    name = SCANNER
    framing: Framing = "json"

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The findings of an answer or an event."""
        return _inside(value)

    def normalise(self, raw: Raw) -> Iterable[EvidenceDraft]:
        """A draft for a finding; several for an event that carries several."""
        inside = _inside(raw.value)
        if inside is None:
            return [_draft(raw.value, raw.received)]
        drafts: list[EvidenceDraft] = []
        refused: list[NotAnAlert | Unusable] = []
        for one in inside[:MOST_FINDINGS]:
            try:
                drafts.append(_draft(one, raw.received))
            except (NotAnAlert, Unusable) as reason:
                refused.append(reason)
        if drafts:
            return drafts
        raise refused[0] if refused else NotAnAlert("no finding is in it")


def _inside(value: Any) -> list[Any] | None:
    if not isinstance(value, dict):
        return None
    for holder in (value, part(value.get("detail"))):
        for name in ("Findings", "findings"):
            if isinstance(found := holder.get(name), list):
                return found
    return None


def _draft(record: Any, received: int) -> EvidenceDraft:
    if not isinstance(record, dict):
        raise Unusable("not a JSON object")
    found = _schema(record) if "class_uid" in record else _native(record)
    share = None if found.over else SHARES.get(found.status)
    at, note = (received, GUESSED) if found.at is None else (found.at, "")
    return EvidenceDraft(
        scanner=SCANNER, check=found.check, at=at, share=share, subject=found.subject, details=found.details,
        control=control_of(found), note=note,
    )  # fmt: skip


def _native(record: Record) -> Finding:
    """A finding in the form of Security Hub."""
    get, compliance, fields = record.get, part(record.get("Compliance")), part(record.get("ProductFields"))
    if "ProductArn" not in record and "AwsAccountId" not in record:
        raise Unusable("not a finding of Security Hub: neither ProductArn nor class_uid")
    if text(compliance.get("Status")) is None:
        name = text(get("ProductName")) or text(get("ProductArn")) or "another product"
        raise NotAnAlert(
            f"a finding of '{name[-60:]}' without Compliance: no control was checked. The source guardduty reads GuardDuty's"
        )
    check = _check(
        compliance.get("SecurityControlId"), get("GeneratorId"), fields.get("ControlId"), fields.get("StandardsControlArn"),
    )  # fmt: skip
    resource = next(iter(objects(get("Resources"))), {})
    advice = part(part(get("Remediation")).get("Recommendation"))
    archived = _upper(get("RecordState")) == "ARCHIVED"
    return Finding(
        check=check,
        status=_upper(compliance.get("Status")),
        over=archived or "SUPPRESSED" in {_upper(part(get("Workflow")).get("Status")), _upper(get("WorkflowState"))},
        subject=_subject(resource.get("Id"), get("AwsAccountId"), get("Region") or resource.get("Region")),
        at=_latest(get("UpdatedAt"), get("LastObservedAt")) or instant_of(get("CreatedAt")),
        title=text(get("Title")) or "",
        details=text(get("Description")) or "",
        remediation=text(advice.get("Text")) or "",
        url=text(advice.get("Url")) or text(fields.get("RecommendationUrl")) or "",
        requirements=compliance.get("RelatedRequirements"),
    )


def _schema(record: Record) -> Finding:
    """A finding in the Open Cybersecurity Schema."""
    get, info, compliance = record.get, part(record.get("finding_info")), part(record.get("compliance"))
    product = text(part(part(get("metadata")).get("product")).get("name")) or "nobody"
    kind = integer(get("class_uid"))
    if "security hub" not in product[:80].casefold() or kind != COMPLIANCE:
        raise NotAnAlert(f"class {kind} of '{product[:60]}': not a compliance finding (2003) of Security Hub")
    cloud, unmapped, remediation = part(get("cloud")), part(get("unmapped")), part(get("remediation"))
    resource = next(iter([*objects(get("resources")), *objects(get("resource"))]), {})
    references = remediation.get("references")
    return Finding(
        check=_check(compliance.get("control"), unmapped.get("GeneratorId"), part(info.get("analytic")).get("uid")),
        status=_upper(compliance.get("status")) or STATUSES.get(integer(compliance.get("status_id")) or 0, ""),
        over=(
            "SUPPRESSED" in {_upper(get("status")), _upper(unmapped.get("WorkflowState"))}
            or "ARCHIVED" in {_upper(get("status")), _upper(unmapped.get("RecordState"))}
        ),
        subject=_subject(resource.get("uid"), part(cloud.get("account")).get("uid"), cloud.get("region")),
        at=_latest(info.get("modified_time_dt"), info.get("modified_time"), info.get("last_seen_time_dt"), get("time_dt"))
        or instant_of(get("time")),
        title=text(info.get("title")) or "",
        details=text(info.get("desc")) or text(get("status_detail")) or "",
        remediation=text(remediation.get("desc")) or "",
        url=next((one for one in references if isinstance(one, str)), "") if isinstance(references, list) else "",
        requirements=compliance.get("requirements"),
    )


def _check(*places: Any) -> str:
    """The control's id, such as `IAM.1`: it ends what generated the finding. A rule that has only a number in its standard (an
    old one of CIS) is called by all of that, with points for the slashes that no id in a path can have.
    """
    named = [found for place in places if (found := text(place)) is not None and len(found) <= LONGEST]
    for one in named:
        last = one.rpartition("/")[2]
        if _control.fullmatch(last):
            return last
    for one in named:
        rule = one.rpartition(":")[2].removeprefix("ruleset/").replace("/", ".")
        if 0 < len(rule) <= LONGEST_ID:
            return rule
    raise Unusable("neither SecurityControlId nor GeneratorId: which control it is of, nobody knows")


def _subject(resource: Any, account: Any, region: Any) -> str:
    """The resource. An account has a finding in each region under one name, so that the region is told with it."""
    found = text(resource) or f"{ACCOUNT}{text(account) or ''}"
    where = text(region)
    return f"{found}/{where}" if found.startswith(ACCOUNT) and where is not None else found


def _latest(*times: Any) -> int | None:
    return max((found for one in times if (found := instant_of(one)) is not None), default=None)


def _upper(value: Any) -> str:
    return (text(value) or "")[:40].strip().upper()


def _requirements(values: Any) -> Iterator[tuple[str, str]]:
    """`CIS AWS Foundations Benchmark v1.2.0/1.16` and `NIST.800-53.r5 AC-2(1)`, each as a framework and a number."""
    for value in values[:MOST_REQUIREMENTS] if isinstance(values, list) else ():
        one = (text(value) or "")[:LONGEST_TITLE]
        name, _, number = one.rpartition("/" if "/" in one else " ")
        if name and number:
            yield name, number


def control_of(found: Finding) -> ControlDraft:
    """What a finding says of its control."""
    title = found.title[:LONGEST_TITLE].removeprefix(found.check).strip()
    service = found.check.rpartition(".")[0].rpartition(".")[2]
    return ControlDraft(
        title=title or found.check,
        category=category_of("aws", service, title),
        service="AWS",
        max_score=POINTS,
        remediation=found.remediation[:LONGEST],
        action_url=found.url if found.url.startswith("https://") and len(found.url) <= LONGEST else "",
        compliance=tuple(dict.fromkeys(_requirements(found.requirements))),
    )
