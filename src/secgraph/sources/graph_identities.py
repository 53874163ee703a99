"""What Defender for Identity knows, as Microsoft Graph tells it: accounts, health issues and sensors."""

from __future__ import annotations

from typing import Any

from secgraph.extend import ObjectDraft, Record, Unusable, instant_of, text
from secgraph.sources.defender import objects
from secgraph.sources.graph_objects import copied, shapes

ACCOUNTS = "security/identities/identityAccounts"
ISSUES = "security/identities/healthIssues"
SENSORS = "security/identities/sensors"
TYPES = {
    ACCOUNTS: "microsoft.graph.security.identityAccounts",
    ISSUES: "microsoft.graph.security.healthIssue",
    SENSORS: "microsoft.graph.security.sensor",
}
"""The sets that are read, and what is in them."""

GIVEAWAYS = {
    "healthIssueType": ISSUES,
    "issueTypeId": ISSUES,
    "sensorType": SENSORS,
    "openHealthIssuesCount": SENSORS,
    "onPremisesSecurityIdentifier": ACCOUNTS,
    "cloudSecurityIdentifier": ACCOUNTS,
}
"""Members by which a record without `@odata.type` shows of which set it is."""


def identity_draft(path: str, record: Record) -> ObjectDraft:
    """The object of that set; Unusable where nothing says which one it is. Only health issues have an update clock: of the
    others whatever is read last is what they are.
    """
    key = text(record.get("id"))
    if key is None:
        raise Unusable(f"no id: it is no object of {path}")
    made = copied(record, shapes(TYPES[path]))
    if "accounts" in made:
        made["accounts"] = [_account(one) for one in objects(made["accounts"])]
    updated: Any = record.get("lastModifiedDateTime") if path == ISSUES else None
    return ObjectDraft(path, key, made, instant_of(updated) if isinstance(updated, str) else None)


def _account(record: Record) -> Record:
    """An account under the names of the schema: the documentation prints `provider`, and its words with a capital."""
    provider = record.get("identityProvider", record.get("provider"))
    return {
        **{name: value for name, value in record.items() if name != "provider"},
        **({} if provider is None else {"identityProvider": provider}),
    }
