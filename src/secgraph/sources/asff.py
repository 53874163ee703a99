"""GuardDuty in the form in which Security Hub passes findings on (ASFF), as the finding that GuardDuty made."""

from __future__ import annotations

from typing import Any

from secgraph.extend import NotAnAlert, Record, objects, part, text

ARN_OF = "/aws/guardduty"
SERVICE = "aws/guardduty/service/"
RESOLVED = frozenset({"RESOLVED", "SUPPRESSED"})
KINDS = {"AwsEc2Instance": "Instance", "AwsIamAccessKey": "AccessKey", "AwsS3Bucket": "S3Bucket", "AwsEksCluster": "EKSCluster"}


def is_asff(record: Record) -> bool:
    """Whether a record is a finding in the form of Security Hub."""
    return "ProductArn" in record or "AwsAccountId" in record


def finding_of(record: Record) -> Record:
    """The finding in the words of GuardDuty's own export; NotAnAlert for one of another product."""
    get = record.get
    product = text(get("ProductArn")) or ""
    name = text(get("ProductName")) or text(part(get("ProductFields")).get("aws/securityhub/ProductName")) or ""
    if not product.endswith(ARN_OF) and name != "GuardDuty":
        raise NotAnAlert(f"a Security Hub finding of '{(name or product)[:80]}', not of GuardDuty: not an alert")
    fields = part(get("ProductFields"))
    severity, workflow = part(get("Severity")), text(part(get("Workflow")).get("Status"))
    number = severity.get("Product", severity.get("Original"))
    if number is None and isinstance(normalized := severity.get("Normalized"), int):
        number = normalized / 10
    kinds = get("Types")
    kind = text(kinds[0]) if isinstance(kinds, list) and kinds else None
    return {
        "arn": get("Id"),
        "title": get("Title"),
        "description": get("Description"),
        "type": _type(kind),
        "accountId": get("AwsAccountId"),
        "region": get("Region"),
        "severity": number,
        "createdAt": get("CreatedAt"),
        "updatedAt": get("UpdatedAt"),
        "service": {
            "archived": get("RecordState") == "ARCHIVED" or workflow in RESOLVED,
            "count": fields.get(f"{SERVICE}count"),
            "resourceRole": fields.get(f"{SERVICE}resourceRole"),
            "eventFirstSeen": fields.get(f"{SERVICE}eventFirstSeen", get("FirstObservedAt")),
            "eventLastSeen": fields.get(f"{SERVICE}eventLastSeen", get("LastObservedAt")),
            "action": _action(part(get("Action"))),
        },
        "resources": [_resource(item) for item in objects(get("Resources"))],
    }


def _type(kind: str | None) -> str | None:
    """`TTPs/Command and Control/Backdoor:EC2-C&CActivity.B` ends in the type that GuardDuty gave, but for one slash."""
    if kind is None:
        return None
    purpose, colon, rest = kind.rpartition("/")[2].partition(":")
    return f"{purpose}:{rest.replace('-', '/', 1)}" if colon else purpose


def _lower(value: Any) -> Any:
    return {name[:1].lower() + name[1:]: item for name, item in value.items()} if isinstance(value, dict) else value


def _action(action: Record) -> Record:
    """The action with its parts under the names of the export, three levels deep, which is all that is read of it."""
    return {
        name: {key: _lower(item) for key, item in _lower(value).items()} if isinstance(value, dict) else value
        for name, value in _lower(action).items()
    }


def _resource(item: Record) -> Record:
    native = text(item.get("Type")) or ""
    details = part(part(item.get("Details")).get(native))
    return {
        "resourceType": KINDS.get(native, native),
        "uid": item.get("Id"),
        "type": native,
        "userName": details.get("PrincipalName", details.get("UserName")),
        "addresses": [*_list(details.get("IpV4Addresses")), *_list(details.get("IpV6Addresses"))],
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
