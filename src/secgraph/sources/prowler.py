"""Findings of Prowler: how cloud accounts are configured, as evidence for the secure score. Versions 4 and 5 write them in the
Open Cybersecurity Schema (OCSF), version 3 in a JSON of its own.
"""

from __future__ import annotations

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
from secgraph.sources.prowler_words import MIDDLE, POINTS, PROVIDERS, SEVERITIES

SCANNER = "prowler"
SHARES = {"PASS": 1.0, "FAIL": 0.0}
"""Any other word says that nobody knows: a check by hand, for one."""
SUPPRESSED = 3
GLOBAL = "global"
"""The region of what has none."""
MOST_RESOURCES, MOST_NUMBERS = 1000, 200
LONGEST_TITLE, LONGEST = 300, 4000
GUESSED = "no time of its own: the time of receipt is used"


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding, in whichever form."""

    check: str
    status: str
    muted: bool
    subjects: list[str]
    at: int | None
    title: str
    details: str
    severity: str
    provider: str
    service: str
    remediation: str
    url: str
    compliance: Any


class Prowler:
    """Reads findings: an array, or one a line."""

    name = SCANNER
    framing: Framing = "json"

    def normalise(self, raw: Raw) -> Iterable[EvidenceDraft]:
        """A draft for each resource of a finding."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        found = _older(record) if "CheckID" in record else _finding(record)
        share = None if found.muted else SHARES.get(found.status)
        control = control_of(found)
        at, note = (raw.received, GUESSED) if found.at is None else (found.at, "")
        return [
            EvidenceDraft(
                scanner=SCANNER, check=found.check, at=at, share=share, subject=subject, details=found.details,
                control=control, note=note,
            )
            for subject in dict.fromkeys(found.subjects)
        ]  # fmt: skip


def _finding(record: Record) -> Finding:
    """A finding in the Open Cybersecurity Schema."""
    get, metadata, info = record.get, part(record.get("metadata")), part(record.get("finding_info"))
    product = text(part(metadata.get("product")).get("name"))
    if product != "Prowler":
        if product is None and "class_uid" not in record:
            raise Unusable("not a finding of Prowler: hand in its OCSF output (--output-formats json-ocsf)")
        raise NotAnAlert(
            f"a finding of '{(product or 'nobody')[:60]}', not of Prowler: the source ocsf reads those of any product"
        )
    check = text(metadata.get("event_code"))
    if check is None:
        raise Unusable("no metadata.event_code: which check it is of, nobody knows")
    cloud, unmapped, remediation = part(get("cloud")), part(get("unmapped")), part(get("remediation"))
    resources = objects(get("resources"), MOST_RESOURCES)
    account, region = text(part(cloud.get("account")).get("uid")) or "", text(cloud.get("region")) or ""
    return Finding(
        check=check,
        status=_upper(get("status_code")),
        muted=integer(get("status_id")) == SUPPRESSED or _upper(get("status")) == "SUPPRESSED",
        subjects=[
            _subject(text(one.get("uid")) or text(one.get("name")), account, text(one.get("region")) or region)
            for one in resources
        ]
        or [account],
        at=next(_instants(record, info), None),
        title=text(info.get("title")) or "",
        details=text(get("status_detail")) or text(get("message")) or "",
        severity=_severity(get("severity")) or SEVERITIES.get(integer(get("severity_id")) or 0, MIDDLE),
        provider=(text(cloud.get("provider")) or text(unmapped.get("provider")) or "")[:40].casefold(),
        service=(_service(resources) or check.partition("_")[0])[:80],
        remediation=text(remediation.get("desc")) or "",
        url=_url(unmapped.get("related_url"), remediation.get("references")),
        compliance=unmapped.get("compliance"),
    )


def _older(record: Record) -> Finding:
    """A finding as version 3 wrote it."""
    get = record.get
    check = text(get("CheckID"))
    if check is None:
        raise Unusable("no CheckID: which check it is of, nobody knows")
    advice = part(part(get("Remediation")).get("Recommendation"))
    account, resource = text(get("AccountId")) or "", text(get("ResourceArn")) or text(get("ResourceId"))
    return Finding(
        check=check,
        status=_upper(get("Status")),
        muted=get("Muted") is True or _upper(get("Status")) == "MUTED",
        subjects=[_subject(resource, account, text(get("Region")) or "")],
        at=instant_of(get("AssessmentStartTime")),
        title=text(get("CheckTitle")) or "",
        details=text(get("StatusExtended")) or "",
        severity=_severity(get("Severity")) or MIDDLE,
        provider=(text(get("Provider")) or "")[:40].casefold(),
        service=(text(get("ServiceName")) or "")[:80],
        remediation=text(advice.get("Text")) or "",
        url=_url(advice.get("Url"), get("RelatedUrl")),
        compliance=get("Compliance"),
    )


def _subject(resource: str | None, account: str, region: str) -> str:
    """The resource; behind account and region where its name (`AppInsights`) means something only there."""
    if resource is None or resource == account:
        return account
    if resource.startswith(("arn:", "/")):
        return resource
    return "/".join(one for one in (account, "" if region == GLOBAL else region, resource) if one)


def _instants(record: Record, info: Record) -> Iterator[int]:
    """When it was found. A text has no zone and is UTC; a number is of seconds or milliseconds."""
    for holder, name in ((record, "time"), (info, "created_time")):
        for value in (holder.get(f"{name}_dt"), holder.get(name)):
            if (found := instant_of(value)) is not None:
                yield found


def _service(resources: list[Record]) -> str | None:
    return next((name for one in resources if (name := text(part(one.get("group")).get("name")))), None)


def _upper(value: Any) -> str:
    return (text(value) or "")[:40].strip().upper()


def _severity(value: Any) -> str | None:
    word = (text(value) or "")[:40].strip().casefold()
    return word if word in POINTS else None


def _url(*places: Any) -> str:
    for place in places:
        for one in place if isinstance(place, list) else [place]:
            if isinstance(one, str) and one.startswith("https://") and len(one) <= LONGEST:
                return one
    return ""


def _numbers(compliance: Any) -> Iterator[tuple[str, str]]:
    """What frameworks call the check: (framework, number)."""
    for name, numbers in part(compliance).items():
        for one in numbers if isinstance(numbers, list) else [numbers]:
            if (number := text(one)) is not None and name:
                yield name[:LONGEST_TITLE], number[:LONGEST_TITLE]


def control_of(found: Finding) -> ControlDraft:
    """What a finding says of its check."""
    provider = PROVIDERS.get(found.provider, found.provider)
    return ControlDraft(
        title=found.title[:LONGEST_TITLE] or found.check,
        category=category_of(found.provider, found.service, found.check),
        service=provider or found.service,
        max_score=POINTS[found.severity],
        remediation=found.remediation[:LONGEST],
        action_url=found.url,
        compliance=tuple(sorted(set(_numbers(found.compliance)))[:MOST_NUMBERS]),
    )
