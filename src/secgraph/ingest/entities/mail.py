"""What was sent: messages, clusters of them, messages of a chat."""

from __future__ import annotations

from secgraph.ingest.entities import machines
from secgraph.ingest.entities.artefacts import file
from secgraph.ingest.entities.entity import Evidence, Gathering
from secgraph.ingest.entities.normal import address, digest, guid, shown, text
from secgraph.ingest.entities.people import named_by_address

MOST_NAMED = 64
"""Most messages, people or links of one piece of evidence that are read."""


def message(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A message, who it went to, who sent it and from where, and the links in it."""
    senders = [one for name in ("p2Sender", "p1Sender") if isinstance(one := evidence.get(name), dict)]
    _message(gathering, evidence, role, [one.get("emailAddress") for one in senders], evidence.get("recipientEmailAddress"))
    for one in (evidence.get("urls") or ())[:MOST_NAMED]:
        machines.location(gathering, one, role)


def submission(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A message that somebody reported."""
    _message(gathering, evidence, role, [evidence.get("sender")], evidence.get("recipient"))
    named_by_address(gathering, evidence.get("submitter"), "contextual")


def _message(gathering: Gathering, evidence: Evidence, role: str, senders: list[object], recipient: object) -> None:
    internet = text(evidence.get("internetMessageId"))
    subject, sent_by = text(evidence.get("subject")), next(filter(None, map(address, senders)), None)
    gathering.add("mail", (
        ("message", guid(evidence.get("networkMessageId"))), ("internet", internet.strip("<>") if internet else None),
        ("submission", guid(evidence.get("submissionId"))),
        ("subject", digest(sent_by, subject) if sent_by and subject else None),
    ), role, shown(evidence.get("subject") or evidence.get("internetMessageId")))  # fmt: skip
    named_by_address(gathering, recipient, "recipient")
    named_by_address(gathering, sent_by, "sender")
    machines.address(gathering, evidence.get("senderIp"), "sender")


def cluster(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A cluster of messages, and the messages in it."""
    by, value = text(evidence.get("clusterBy")), text(evidence.get("clusterByValue"))
    gathering.add("mailCluster", (
        ("urn", text(evidence.get("urn"))), ("by", digest(by, value) if by and value else None),
    ), role, shown(evidence.get("clusterByValue") or evidence.get("query")))  # fmt: skip
    for one in (evidence.get("networkMessageIds") or ())[:MOST_NAMED]:
        gathering.add("mail", (("message", guid(one)),), "within", shown(one))


def teams(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A message of a chat, who sent it, who got it, and what is in it."""
    thread, number = text(evidence.get("threadId")), text(evidence.get("messageId"))
    campaign = guid(evidence.get("campaignId"))
    gathering.add("teamsMessage", (
        ("id", f"{thread or ''}/{number}" if number else None), ("campaign", campaign),
    ), role, shown(evidence.get("subject") or evidence.get("messageId")))  # fmt: skip
    named_by_address(gathering, evidence.get("senderFromAddress"), "sender")
    machines.address(gathering, evidence.get("senderIP"), "sender")
    for one in (evidence.get("suspiciousRecipients") or evidence.get("recipients") or ())[:MOST_NAMED]:
        named_by_address(gathering, one, "recipient")
    for one in (evidence.get("urls") or ())[:MOST_NAMED]:
        if isinstance(one, dict):
            machines.location(gathering, one.get("url"), role)
    for one in (evidence.get("files") or ())[:MOST_NAMED]:
        if isinstance(one, dict):
            file(gathering, one, role)
