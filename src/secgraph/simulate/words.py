"""The words of the products beside those of the published contract, and how they print a time."""

from __future__ import annotations

from collections.abc import Mapping

from secgraph import clock


def pascal(word: str) -> str:
    """`inProgress` as `InProgress`."""
    return word[:1].upper() + word[1:]


def full(instant: int) -> str:
    """Seven digits and `Z`, as Microsoft Graph prints a time."""
    return clock.text(instant)


def trimmed(instant: int) -> str:
    """The same without zeros at the end, as the Defender APIs print it."""
    head, _, part = clock.text(instant)[:-1].partition(".")
    part = part.rstrip("0")
    return f"{head}.{part}Z" if part else f"{head}Z"


def plain(instant: int) -> str:
    """Whole seconds without a zone, as the audit feed prints it."""
    return clock.text(instant)[:19]


DETERMINATIONS: Mapping[str, str] = {
    "unknown": "NotAvailable", "apt": "Apt", "malware": "Malware", "securityPersonnel": "SecurityPersonnel",
    "securityTesting": "SecurityTesting", "unwantedSoftware": "UnwantedSoftware", "other": "Other",
    "multiStagedAttack": "MultiStagedAttack", "compromisedAccount": "CompromisedUser", "phishing": "Phishing",
    "maliciousUserActivity": "MaliciousUserActivity", "notMalicious": "NotMalicious",
    "notEnoughDataToValidate": "InsufficientData", "confirmedActivity": "ConfirmedUserActivity",
    "lineOfBusinessApplication": "LineOfBusinessApplication",
}  # fmt: skip
"""The contract's determination, and the word the Defender APIs print."""

ACCEPTED: Mapping[str, str] = {
    **{word.lower(): name for name, word in DETERMINATIONS.items()},
    **{name.lower(): name for name in DETERMINATIONS},
    "clean": "notMalicious",
    "insufficientdata": "notEnoughDataToValidate",
    "compromisedaccount": "compromisedAccount",
    "compromiseduser": "compromisedAccount",
    "confirmedactivity": "confirmedActivity",
    "confirmeduseractivity": "confirmedActivity",
}
"""Every word for a determination that is taken, in small letters."""

CLASSIFICATIONS = ("unknown", "falsePositive", "truePositive", "informationalExpectedActivity")
STATUSES = ("new", "inProgress", "resolved")

SOURCES: Mapping[str, str] = {
    "microsoftDefenderForEndpoint": "WindowsDefenderAtp",
    "antivirus": "WindowsDefenderAv",
    "customTi": "CustomerTI",
    "customDetection": "CustomDetection",
    "smartScreen": "WindowsDefenderSmartScreen",
    "microsoftDefenderForIdentity": "AzureATP",
    "cloudAppSecurity": "MCAS",
    "microsoftDefenderForOffice365": "OfficeATP",
    "microsoftDataLossPrevention": "MicrosoftDataLossPrevention",
    "azureAdIdentityProtection": "AADIdentityProtection",
}
"""The contract's detectionSource, and the word the Defender APIs print."""


def member(words: tuple[str, ...], given: str) -> str | None:
    """The contract's word for one in any letter case."""
    return {word.lower(): word for word in words}.get(given.lower())
