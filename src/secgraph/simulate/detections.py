"""What the simulated products find: a table of detections, in the words of the published contract."""

from __future__ import annotations

from dataclasses import dataclass

ENDPOINT = "microsoftDefenderForEndpoint"
IDENTITY = "microsoftDefenderForIdentity"
CLOUD_APPS = "microsoftDefenderForCloudApps"
OFFICE = "microsoftDefenderForOffice365"
LOSS = "dataLossPrevention"
ENTRA = "azureAdIdentityProtection"


@dataclass(frozen=True, slots=True)
class Detection:
    """Something that a product can find."""

    product: str
    title: str
    category: str
    severity: str
    techniques: tuple[str, ...]
    evidence: tuple[str, ...]
    """Kinds of evidence, in the order in which they become known; the first are there when the alert is raised."""
    source: str
    """The detectionSource of the published contract."""
    description: str
    risk: str = ""
    """The riskEventType, where it is a risk detection."""
    offline: bool = False
    """Found hours after it happened."""


DETECTIONS: tuple[Detection, ...] = (
    Detection(ENDPOINT, "Script interpreter started by a document", "Execution", "medium", ("T1059.001", "T1204.002"),
              ("device", "user", "process", "file"), "microsoftDefenderForEndpoint",
              "A document started a script interpreter with an encoded command."),
    Detection(ENDPOINT, "Credential store read by an unusual process", "CredentialAccess", "high", ("T1003.001",),
              ("device", "process", "user", "file"), "microsoftDefenderForEndpoint",
              "A process without a known publisher read the memory in which credentials are kept."),
    Detection(ENDPOINT, "Unwanted program stopped", "UnwantedSoftware", "low", (), ("device", "file"), "antivirus",
              "The antivirus engine stopped a program that shows advertisements."),
    Detection(ENDPOINT, "Start entry written for a temporary file", "Persistence", "medium", ("T1547.001",),
              ("device", "registry", "file", "process"), "microsoftDefenderForEndpoint",
              "A start entry names a file in a folder for temporary files."),
    Detection(ENDPOINT, "Connection to a known bad address", "CommandAndControl", "high", ("T1071.001",),
              ("device", "ip", "url", "process"), "customTi", "The device reached an address that is on the tenant's list."),
    Detection(ENDPOINT, "Backup copies deleted", "Impact", "high", ("T1490",), ("device", "process", "user"), "customDetection",
              "The tenant's own rule saw that the backup copies of a volume were deleted."),
    Detection(ENDPOINT, "Download from a site of bad repute", "InitialAccess", "informational", ("T1566.002",),
              ("device", "url", "user"), "smartScreen", "A person went on to a site in spite of the warning."),
    Detection(IDENTITY, "Directory read through by an account", "Discovery", "medium", ("T1087.002",), ("user", "device"),
              "microsoftDefenderForIdentity", "An account asked the directory for many names in a short time."),
    Detection(IDENTITY, "Replication asked for by a workstation", "CredentialAccess", "high", ("T1003.006",),
              ("user", "device", "ip"), "microsoftDefenderForIdentity",
              "A machine that is no domain controller asked for replication."),
    Detection(CLOUD_APPS, "Many files taken by one person", "Exfiltration", "medium", ("T1530",), ("user", "cloudApp", "ip"),
              "cloudAppSecurity", "One person downloaded more files in an hour than in the month before (T1530)."),
    Detection(CLOUD_APPS, "Sign-ins from two far places", "InitialAccess", "medium", ("T1078.004",), ("user", "ip", "cloudApp"),
              "cloudAppSecurity", "The same account was used in two places too far apart (T1078.004)."),
    Detection(CLOUD_APPS, "Forwarding rule to an outside address", "Exfiltration", "high", ("T1114.003",),
              ("user", "cloudApp", "ip"), "cloudAppSecurity",
              "A rule forwards all mail to an address outside the organisation (T1114.003)."),
    Detection(CLOUD_APPS, "New high-volume application", "Discovery", "informational", (), ("cloudApp", "user"),
              "cloudAppSecurity", "An application that nobody has looked at is much used."),
    Detection(OFFICE, "Phishing mail delivered and taken away", "InitialAccess", "informational", ("T1566.002",),
              ("mail", "mailbox", "url"), "microsoftDefenderForOffice365",
              "A mail with a bad link reached a mailbox and was taken out of it."),
    Detection(OFFICE, "Bad link opened by a person", "InitialAccess", "high", ("T1566.002",), ("mailbox", "url", "mail"),
              "microsoftDefenderForOffice365", "A person opened a link that was later found to be bad."),
    Detection(OFFICE, "Mail reported by a person", "InitialAccess", "low", ("T1566",), ("mailbox", "mail"),
              "microsoftDefenderForOffice365", "A person reported a mail as phishing."),
    Detection(LOSS, "Payment card numbers sent outside", "Exfiltration", "medium", (), ("mailbox", "mail"),
              "microsoftDataLossPrevention", "A mail with payment card numbers left the organisation."),
    Detection(ENTRA, "Unfamiliar sign-in properties", "InitialAccess", "medium", ("T1078",), ("user", "ip"),
              "azureAdIdentityProtection", "A sign-in looks unlike those of this person.", "unfamiliarFeatures"),
    Detection(ENTRA, "Anonymous IP address", "InitialAccess", "medium", ("T1090",), ("user", "ip"), "azureAdIdentityProtection",
              "A sign-in came through a network that hides where it comes from.", "anonymizedIPAddress"),
    Detection(ENTRA, "Leaked credentials", "CredentialAccess", "high", ("T1078",), ("user",), "azureAdIdentityProtection",
              "Valid credentials of this person were found in a published list.", "leakedCredentials", offline=True),
    Detection(ENTRA, "Password spray", "CredentialAccess", "high", ("T1110.003",), ("user", "ip"), "azureAdIdentityProtection",
              "Many accounts were tried with a few passwords, and one let in.", "passwordSpray", offline=True),
    Detection(ENTRA, "Atypical travel", "InitialAccess", "low", ("T1078",), ("user", "ip"), "azureAdIdentityProtection",
              "Two sign-ins are further apart than a journey allows.", "unlikelyTravel", offline=True),
)  # fmt: skip

WEIGHTS = {ENDPOINT: 3.0, IDENTITY: 2.0, CLOUD_APPS: 2.0, OFFICE: 2.5, LOSS: 1.5, ENTRA: 2.0}
"""How often one detection of a product is met beside one of another."""
