"""What audit records of alerts name: people, mailboxes, messages, addresses, files and devices."""

from __future__ import annotations

import re
from typing import Any

from secgraph.extend import Record, evidence, integer, text
from secgraph.sources.defender import objects, present, time

GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MESSAGE = re.compile(GUID, re.IGNORECASE | re.ASCII)
ADDRESS = re.compile(r"[^\s;,<>\"]{1,200}@[^\s;,<>\"]{1,200}")
DEVICE_ID = re.compile(r"[0-9a-f]{40}", re.IGNORECASE | re.ASCII)
MOST = 100
"""Most addresses that are read out of one text ..."""
LONGEST = 20_000
"""... and out of so many characters of it."""
FEW = 20
"""So many items are told apart sooner by comparing each with each than by writing them all down."""

MAIL = frozenset({"malwarefamily", "recipients", "sender", "mailmessage", "message", "phish", "mailcluster"})
"""Entities whose id begins with that of a message."""


def of_record(record: Record, data: Record, created: str | None) -> list[Record]:
    """The evidence in one record of an alert."""
    kind = (text(record.get("EntityType")) or text(data.get("etype")) or "").casefold()
    entity = text(data.get("eid")) or text(record.get("AlertEntityId")) or ""
    found: list[Record] = []
    users = addresses(data.get("f3u"), data.get("suid"), entity if kind == "user" else None)
    for user in users:
        found.append(evidence("user", created, userAccount=_account(user)))
        found.append(_mailbox(user, created))
    if not users and (name := text(data.get("f3u")) or (entity if kind == "user" else None)):
        found.append(evidence("user", created, userAccount=_account(name)))
    recipients = addresses(data.get("trc"), data.get("to"), entity if kind == "recipients" else None)
    found += [_mailbox(address, created, roles=["attacked"]) for address in recipients]
    found += _message(kind, entity, data, recipients, created)
    for key in ("sip", "ecip"):
        if (address := text(data.get(key))) is not None:
            found.append(evidence("ip", created, ipAddress=address, roles=["source"]))
    if kind == "malwarefamily" and (name := text(data.get("thn")) or entity):
        found.append(evidence("malware", created, name=name))
    found += _endpoint(data, created)
    return once(found)


def _message(kind: str, entity: str, data: Record, recipients: list[str], created: str | None) -> list[Record]:
    """The message a record is about, where it is about one."""
    sender = next(iter(addresses(data.get("tsd"), data.get("mfrm"), entity if kind == "sender" else None)), None)
    head = MESSAGE.match(entity) if kind in MAIL else None
    internet = text(data.get("imsgid"))
    if sender is None and internet is None and head is None:
        return []
    message = evidence(
        "analyzedMessage",
        created,
        p2Sender=None if sender is None else {"emailAddress": sender},
        internetMessageId=internet,
        networkMessageId=None if head is None else head[0].lower(),
        senderIp=text(data.get("sip")),
        subject=text(data.get("ms")),
        recipientEmailAddress=recipients[0] if recipients else None,
        receivedDateTime=time(data.get("md")),
        threats=_parts(data.get("thn")) or None,
        threatDetectionMethods=_parts(data.get("dm")) or None,
    )
    return [message]


def _endpoint(data: Record, created: str | None) -> list[Record]:
    """File, device and site of a rule that prevents the loss of data."""
    found: list[Record] = []
    if (path := text(data.get("ofph"))) is not None and (details := _file(path)):
        if (size := integer(data.get("efs"))) is not None:
            details["fileSize"] = size
        found.append(evidence("file", created, fileDetails=details))
    device, number = text(data.get("dn")), text(data.get("mddid"))
    if device is not None:
        full = device if "." in device else None
        known = number.lower() if number is not None and DEVICE_ID.fullmatch(number) else None
        found.append(evidence("device", created, hostName=device.partition(".")[0], deviceDnsName=full, mdeDeviceId=known))
    if (site := text(data.get("tdmn"))) is not None:
        found.append(evidence("url", created, url=site))
    return found


def of_entities(value: Any, created: str | None) -> list[Record]:
    """The evidence in the entities of an investigation."""
    found: list[Record] = []
    for item in objects(value):
        kind = (text(item.get("Type")) or "").casefold()
        if kind in ("mailmessage", "mailbox"):
            found += _of_mail(kind, item, created)
        elif kind == "ip" and (address := text(item.get("Address"))):
            found.append(evidence("ip", created, ipAddress=address))
        elif kind == "url" and (address := text(item.get("Url"))):
            found.append(evidence("url", created, url=address))
        elif kind == "file" and (name := text(item.get("Name"))):
            found.append(evidence("file", created, fileDetails={"fileName": name}))
        elif kind == "account" and (name := text(item.get("UserPrincipalName")) or text(item.get("Name"))):
            found.append(evidence("user", created, userAccount=_account(name)))
    return once(found)


def _of_mail(kind: str, item: Record, created: str | None) -> list[Record]:
    if kind == "mailbox":
        address = text(item.get("MailboxPrimaryAddress")) or text(item.get("Upn"))
        return [] if address is None else [_mailbox(address, created)]
    sender, recipient = text(item.get("P2Sender")) or text(item.get("Sender")), text(item.get("Recipient"))
    message = evidence(
        "analyzedMessage",
        created,
        networkMessageId=text(item.get("NetworkMessageId")),
        internetMessageId=text(item.get("InternetMessageId")),
        p2Sender=None if sender is None else {"emailAddress": sender},
        senderIp=text(item.get("SenderIP")),
        subject=text(item.get("Subject")),
        recipientEmailAddress=recipient,
        receivedDateTime=time(item.get("ReceivedDate")),
    )
    return [message] if recipient is None else [message, _mailbox(recipient, created, roles=["attacked"])]


def addresses(*values: Any) -> list[str]:
    """The mail addresses in texts that may hold several, each once."""
    found: dict[str, str] = {}
    for value in values:
        if isinstance(value, str) and "@" in value:
            for address in ADDRESS.findall(value[:LONGEST])[:MOST]:
                found.setdefault(address.casefold(), address)
    return list(found.values())


def once(items: list[Record]) -> list[Record]:
    """Each item once."""
    if len(items) > FEW:
        return list({repr(item): item for item in items}.values())
    found: list[Record] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def _parts(value: Any) -> list[str]:
    return [part.strip() for part in (text(value) or "").split(",")[:MOST] if part.strip()]


def _account(user: str) -> Record:
    return {"userPrincipalName": user} if "@" in user else {"accountName": user}


def _mailbox(address: str, created: str | None, **more: Any) -> Record:
    return evidence("mailbox", created, primaryAddress=address, upn=address, userAccount=_account(address), **more)


def _file(path: str) -> Record:
    """Name and folder of a path with slashes of either kind."""
    folder, _, name = path.replace("\\", "/").rpartition("/")
    return present(fileName=name or None, filePath=path[: len(folder)] or None) or {}
