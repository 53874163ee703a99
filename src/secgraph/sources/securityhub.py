"""Control findings of AWS Security Hub: in its own form (ASFF) from the API or EventBridge, and in OCSF from Security Lake."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from secgraph.extend import ControlDraft, EvidenceDraft, Framing, NotAnAlert, Raw, Record, Unusable, instant_of, part, text
from secgraph.sources.plain import every

RESULTS = {"passed": 1.0, "pass": 1.0, "failed": 0.0, "fail": 0.0, "warning": 0.0}
"""A warning is what a check says that could not be made wholly, for want of a permission most of the time."""

POINTS = 5.0
"""What a control is worth that the catalogue does not know: its severity differs from finding to finding."""

SUPPRESSED = 3
"""The status of an OCSF finding that somebody suppressed."""
COMPLIANCE_FINDING = 2003

DATA = frozenset((
    "S3", "RDS", "DynamoDB", "KMS", "EFS", "Redshift", "Backup", "Macie", "SecretsManager", "DocumentDB", "Neptune", "ES",
    "Opensearch", "FSx", "Athena", "DMS",
))  # fmt: skip
IDENTITY = frozenset(("IAM", "Cognito", "SSO"))
APPS = frozenset(("Lambda", "APIGateway", "CodeBuild", "AppSync", "ElasticBeanstalk", "Amplify"))

_CONTROL = re.compile(r"[A-Za-z][A-Za-z0-9]{1,30}\.\d{1,4}", re.ASCII)
HINT = "a finding without a compliance status is no check of Security Hub: the source guardduty takes those of GuardDuty"


class SecurityHub:
    """Reads one finding, or the event that carries some."""

    name = "securityhub"
    framing: Framing = "json"

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The findings of an answer of the API."""
        found = value.get("Findings") if isinstance(value, dict) else None
        return found if isinstance(found, list) else None

    def normalise(self, raw: Raw) -> Iterable[EvidenceDraft]:
        """What was found of the control on each resource of each finding."""
        if not isinstance(raw.value, dict):
            raise Unusable("not a JSON object")
        carried = part(raw.value.get("detail")).get("findings")
        findings = every(carried) if isinstance(carried, list) else [raw.value]
        drafts: list[EvidenceDraft] = []
        refused: list[NotAnAlert | Unusable] = []
        for finding in findings:
            try:
                drafts += _lake(finding, raw) if finding.get("class_uid") == COMPLIANCE_FINDING else _asff(finding, raw)
            except (NotAnAlert, Unusable) as reason:
                refused.append(reason)
        if not drafts:
            raise refused[0] if refused else NotAnAlert("an event without findings")
        return drafts


def _asff(finding: Record, raw: Raw) -> list[EvidenceDraft]:
    compliance, fields = part(finding.get("Compliance")), part(finding.get("ProductFields"))
    status = text(compliance.get("Status"))
    if status is None:
        raise NotAnAlert(HINT)
    check = _check(compliance.get("SecurityControlId"), fields.get("ControlId"), finding.get("GeneratorId"),
                   fields.get("StandardsControlArn"), fields.get("StandardsGuideArn"), fields.get("RuleId"))  # fmt: skip
    over = finding.get("RecordState") == "ARCHIVED" or part(finding.get("Workflow")).get("Status") == "SUPPRESSED"
    at = _first(finding.get("UpdatedAt"), finding.get("LastObservedAt"), finding.get("CreatedAt"))
    subjects = [name for one in every(finding.get("Resources")) if (name := text(one.get("Id"))) is not None]
    recommendation = part(part(finding.get("Remediation")).get("Recommendation"))
    control = _control(check, text(finding.get("Title")), text(recommendation.get("Text")), text(recommendation.get("Url")),
                       compliance.get("RelatedRequirements"))  # fmt: skip
    subjects = subjects or [text(finding.get("AwsAccountId")) or ""]
    return _drafts(
        check, None if over else RESULTS.get(status.lower()), at, subjects, text(finding.get("Title")) or "", control, raw
    )  # fmt: skip


def _lake(finding: Record, raw: Raw) -> list[EvidenceDraft]:
    """The same in OCSF."""
    compliance, info = part(finding.get("compliance")), part(finding.get("finding_info"))
    status = text(compliance.get("status")) or text(finding.get("status_code"))
    if status is None:
        raise NotAnAlert(HINT)
    check = _check(compliance.get("control"), part(finding.get("metadata")).get("event_code"), info.get("types"))
    at = _first(finding.get("time"), finding.get("time_dt"), info.get("modified_time"), info.get("modified_time_dt"))
    listed = every(finding.get("resources")) or [part(finding.get("resource"))]
    subjects = [name for one in listed if (name := text(one.get("uid"))) is not None]
    remediation = part(finding.get("remediation"))
    links = remediation.get("references")
    link = next((one for one in links if isinstance(one, str)), None) if isinstance(links, list) else text(links)
    control = _control(check, text(info.get("title")), text(remediation.get("desc")), link, compliance.get("requirements"))
    over = finding.get("status_id") == SUPPRESSED
    return _drafts(check, None if over else RESULTS.get(status.lower()), at, subjects or [""], text(info.get("title")) or "",
                   control, raw)  # fmt: skip


def _drafts(
    check: str, share: float | None, at: int | None, subjects: list[str], details: str, control: ControlDraft, raw: Raw
) -> list[EvidenceDraft]:  # fmt: skip
    note = "" if at is not None else "no time of its own: the time of receipt is used"
    when = raw.received if at is None else at
    return [
        EvidenceDraft("securityhub", check, when, share, subject=subject, details=details[:500], control=control, note=note)
        for subject in dict.fromkeys(subjects)
    ]


def _check(*given: Any) -> str:
    """The id of the control, in the form in which all standards share it; of the older one by standard, its end."""
    for value in given:
        end = (text(value) or "").rpartition("/")[2]
        if _CONTROL.fullmatch(end):
            return end
    raise Unusable("nothing in it says which control it is of: Compliance/SecurityControlId, or GeneratorId")


def _first(*given: Any) -> int | None:
    return next((at for value in given if (at := instant_of(value)) is not None), None)


def _control(check: str, title: str | None, remedy: str | None, link: str | None, requirements: Any) -> ControlDraft:
    service = check.partition(".")[0]
    category = (
        "Data" if service in DATA else "Identity" if service in IDENTITY else "Apps" if service in APPS else "Infrastructure"
    )
    asked = [one for one in requirements if isinstance(one, str)] if isinstance(requirements, list) else []
    words = (title or check).removeprefix(f"{check} ")
    return ControlDraft(
        words[:500], category, f"AWS {service}", POINTS, remediation=(remedy or "")[:2000], action_url=(link or "")[:500],
        compliance=tuple((one[0][:100], one[2][:100]) for one in (words.rpartition(" ") for words in asked[:100]) if one[0]),
    )  # fmt: skip
