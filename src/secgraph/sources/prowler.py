"""Findings of Prowler, in its OCSF form: what it found of each check on each resource, passed ones too."""

from __future__ import annotations

from collections.abc import Iterable
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
    part,
    text,
    texts,
)
from secgraph.sources.plain import every

RESULTS = {"pass": 1.0, "fail": 0.0}
"""Anything else was not checked: a person has to look at it."""

SUPPRESSED = 3
"""The status of what is muted in Prowler."""

POINTS = {"critical": 10.0, "high": 8.0, "medium": 5.0, "low": 2.0, "informational": 1.0}
"""What a check is worth by its severity, where the catalogue does not know it."""

CATEGORIES = {
    "Identity": ("iam", "entra", "accessanalyzer", "cognito", "directoryservice", "admincenter", "organizations"),
    "Data": ("s3", "storage", "rds", "dynamodb", "kms", "keyvault", "sqlserver", "macie", "backup", "efs", "redshift",
             "secretsmanager", "cloudsql", "bigquery", "cloudstorage", "purview", "sharepoint", "glacier", "documentdb"),
    "Apps": ("defender", "exchange", "teams", "app", "appservice", "awslambda", "apigateway", "github", "repository"),
}  # fmt: skip
"""Which services belong to which category; all others are infrastructure."""

_OF = {service: category for category, services in CATEGORIES.items() for service in services}


class Prowler:
    """Reads one finding."""

    name = "prowler"
    framing: Framing = "json"

    def normalise(self, raw: Raw) -> Iterable[EvidenceDraft]:
        """What was found of the check on each of the finding's resources."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        about = part(record.get("metadata"))
        if (text(part(about.get("product")).get("name")) or "").lower() != "prowler":
            raise NotAnAlert("a finding of another product than Prowler: the source ocsf takes those")
        check = text(about.get("event_code"))
        if check is None:
            raise Unusable("no metadata/event_code: nothing says which check it is of")
        at = _at(record)
        share = None if record.get("status_id") == SUPPRESSED else RESULTS.get((text(record.get("status_code")) or "").lower())
        details = text(record.get("status_detail")) or text(record.get("message")) or ""
        control = _described(check, record)
        note = "" if at is not None else "no time of its own: the time of receipt is used"
        return [
            EvidenceDraft("prowler", check, raw.received if at is None else at, share, subject=subject, details=details,
                          control=control, note=note)
            for subject in _subjects(record)
        ]  # fmt: skip


def _at(record: Record) -> int | None:
    """When it was checked. Prowler writes seconds where the schema says milliseconds, and times without a zone in UTC."""
    info = part(record.get("finding_info"))
    given = (record.get("time"), record.get("time_dt"), info.get("created_time"), info.get("created_time_dt"))
    return next((at for value in given if (at := instant_of(value)) is not None), None)


def _subjects(record: Record) -> list[str]:
    """The resources it is about; the account where it names none."""
    found = dict.fromkeys(text(one.get("uid")) or text(one.get("name")) for one in every(record.get("resources")))
    named = [one for one in found if one is not None]
    return named or [text(part(part(record.get("cloud")).get("account")).get("uid")) or ""]


def _described(check: str, record: Record) -> ControlDraft:
    info, remediation, cloud = part(record.get("finding_info")), part(record.get("remediation")), part(record.get("cloud"))
    resource = next(iter(every(record.get("resources"))), {})
    service = text(part(resource.get("group")).get("name")) or check.partition("_")[0]
    provider = text(cloud.get("provider")) or ""
    links = [one for one in texts(remediation.get("references")) if one.startswith("https://")]
    return ControlDraft(
        (text(info.get("title")) or check)[:500], _OF.get(service.lower(), "Infrastructure"),
        (f"{provider.upper()} {service}" if provider else service)[:100],
        POINTS.get((text(record.get("severity")) or "").lower(), POINTS["medium"]),
        remediation=(text(remediation.get("desc")) or "")[:2000], action_url=links[0][:500] if links else "",
        compliance=_compliance(part(record.get("unmapped")).get("compliance")),
    )  # fmt: skip


MOST_NUMBERS = 100


def _compliance(value: Any) -> tuple[tuple[str, str], ...]:
    """What certifications ask for it."""
    if not isinstance(value, dict):
        return ()
    found = (
        (str(name)[:100], number[:100])
        for name, numbers in value.items()
        if isinstance(numbers, list)
        for number in numbers
        if isinstance(number, str)
    )
    return tuple(pair for pair, _ in zip(found, range(MOST_NUMBERS), strict=False))
