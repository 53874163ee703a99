"""How each product names a thing in its evidence: the same person and the same machine read differently in each of them.

A product that does not know a kind of thing leaves it out: the network's tool has never heard of a mailbox.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bench.campaigns.organisation import CLOUD, ENDPOINT, IDENTITY, OFFICE, OPEN, SYSTEM, Device, Organisation, Person
from bench.campaigns.things import (
    Address,
    Application,
    Connection,
    Consent,
    File,
    Link,
    Mailbox,
    Message,
    Principal,
    Process,
    Repository,
    Resource,
    Session,
    Thing,
)

Record = dict[str, Any]

WINDOWS = ("cmd.exe", "explorer.exe", "services.exe", "svchost.exe", "powershell.exe")
EVERYWHERE = tuple(File(name, "c:\\windows\\system32", name) for name in WINDOWS)


class Naming:
    """A product's words for things, at one moment."""

    def __init__(self, product: str, place: Organisation, when: datetime, chance: random.Random) -> None:
        self.product = product
        self.place = place
        self.when = when
        self.chance = chance

    def evidence(self, thing: Thing) -> list[Record]:
        """The thing as evidence without the members that all evidence has."""
        return WAYS[type(thing)](self, thing)

    def often(self, share: float) -> bool:
        """Whether it is so this time."""
        return self.chance.random() < share

    def account(self, person: Person) -> Record:
        """A `userAccount`."""
        made: Record
        if self.product == ENDPOINT:
            made = {"accountName": person.name, "domainName": person.domain, "userSid": person.sid}
            if person.object_id is not None and self.often(0.6):
                made |= {"azureAdUserId": person.object_id, "userPrincipalName": person.upn}
            return made
        if self.product == IDENTITY:
            made = {"accountName": person.name, "domainName": person.forest, "userSid": person.sid,
                    "displayName": person.display}  # fmt: skip
            return made | ({"azureAdUserId": person.object_id} if self.often(0.15) else {})
        if self.product == OPEN or person.object_id is None:
            name = person.name if self.often(0.5) else person.name.upper()
            return {"accountName": name, "domainName": person.domain if self.often(0.6) else None}
        if self.product == OFFICE:
            upn = str(person.upn)
            made = {"userPrincipalName": upn if self.often(0.8) else upn.title(), "displayName": person.display}
            return made | ({"azureAdUserId": person.object_id} if self.often(0.25) else {})
        made = {"azureAdUserId": person.object_id, "displayName": person.display}
        return made | ({"userPrincipalName": person.upn} if self.often(0.6) else {})

    def hashes(self, file: File) -> Record:
        """A `fileDetails`: which hashes are known depends on who looked."""
        made = {"fileName": file.name, "filePath": file.folder}
        if self.product == ENDPOINT:
            made |= {"sha1": file.digest("sha1"), "sha256": file.digest("sha256")}
            return made | ({"md5": file.digest("md5")} if self.often(0.4) else {})
        if self.product == OPEN:
            return {"fileName": file.name, "md5": file.digest("md5")}
        if self.product == OFFICE or self.often(0.3):
            return {"fileName": file.name, "sha256": file.digest("sha256")}
        return {"fileName": file.name}

    def cut(self, evidence: str, **members: Any) -> list[Record]:
        """One item of evidence of that kind; members that are None are left out."""
        known = {name: value for name, value in members.items() if value is not None}
        return [{"@odata.type": f"#microsoft.graph.security.{evidence}Evidence", **known}]


def _person(way: Naming, person: Person) -> list[Record]:
    if way.product == OPEN and way.place.tool == "suricata":
        return []
    return way.cut("user", userAccount=way.account(person))


def _device(way: Naming, device: Device) -> list[Record]:
    address = way.place.address(device, way.when)
    if way.product == ENDPOINT:
        return way.cut(
            "device", mdeDeviceId=device.endpoint_id, deviceDnsName=device.dns,
            hostName=device.name if way.often(0.5) else None,
            azureAdDeviceId=device.directory_id if way.often(0.5) else None, lastIpAddress=address,
            ipInterfaces=[address] if way.often(0.5) else None,
            loggedOnUsers=[{"accountName": device.owner.name, "domainName": device.owner.domain}]
            if device.owner is not None and way.often(0.4) else None,
        )  # fmt: skip
    if way.product == IDENTITY:
        named = way.cut("device", hostName=device.name, deviceDnsName=device.dns if way.often(0.4) else None)
        return named + (way.cut("ip", ipAddress=address) if way.often(0.3) else [])
    if way.product == CLOUD:
        if device.kind == "cloud":
            path = f"/subscriptions/{way.place.name}-prod/resourcegroups/rg/providers/microsoft.compute/virtualmachines/"
            return way.cut("azureResource", resourceId=f"{path}{device.name.lower()}", resourceName=device.name)
        return [] if device.directory_id is None else way.cut("device", azureAdDeviceId=device.directory_id)
    if way.product == OPEN:
        if way.place.tool == "suricata" or (way.place.tool == "cef" and way.often(0.5)):
            return way.cut("ip", ipAddress=address)
        return way.cut("device", hostName=device.name.lower(), lastIpAddress=address)
    return []


def _address(way: Naming, address: Address) -> list[Record]:
    return way.cut("ip", ipAddress=address.text, countryLetterCode=address.country if way.product in {CLOUD, OFFICE} else None)


def _connection(way: Naming, talk: Connection) -> list[Record]:
    if way.product == OPEN:
        ends = [{"ipAddress": text} for text in (talk.source, talk.target)]
        return way.cut("networkConnection", sourceAddress=ends[0], destinationAddress=ends[1], protocol="tcp",
                       sourcePort=way.chance.randrange(49152, 65535), destinationPort=talk.port)  # fmt: skip
    return way.cut("ip", ipAddress=talk.target)


def _file(way: Naming, file: File) -> list[Record]:
    if way.product == OPEN and way.place.tool == "cef":
        return way.cut("fileHash", algorithm="md5", value=file.digest("md5"))
    return way.cut("file", fileDetails=way.hashes(file), detectionStatus="detected")


def _link(way: Naming, link: Link) -> list[Record]:
    if way.product == OPEN:
        return way.cut("dns", domainName=link.host)
    if way.product == ENDPOINT and way.often(0.3):
        return way.cut("url", url=link.host)
    return way.cut("url", url=f"https://{link.host.title() if way.often(0.1) else link.host}/{link.path}")


def _message(way: Naming, message: Message) -> list[Record]:
    if way.product != OFFICE:
        return []
    sender = {"emailAddress": message.sender, "domainName": message.sender.partition("@")[2]}
    return way.cut(
        "analyzedMessage", networkMessageId=message.network_id, internetMessageId=message.internet_id, p1Sender=sender,
        p2Sender=sender, senderIp=message.sender_address, subject=message.subject, recipientEmailAddress=message.recipient.mail,
        antiSpamDirection="Inbound", deliveryAction="Delivered", receivedDateTime=way.when.isoformat(),
        urls=None if message.link is None else [f"https://{message.link.host}/{message.link.path}"],
    )  # fmt: skip


def _mailbox(way: Naming, box: Mailbox) -> list[Record]:
    if way.product not in {OFFICE, CLOUD} or box.owner.mail is None:
        return []
    return way.cut("mailbox", primaryAddress=box.owner.mail, displayName=box.owner.display,
                   upn=box.owner.upn if way.often(0.6) else None)  # fmt: skip


def _process(way: Naming, process: Process) -> list[Record]:
    if way.product not in {ENDPOINT, OPEN} or (way.product == OPEN and way.place.tool != "wazuh"):
        return []
    # What it was started by is nearly always a part of the operating system, the same on every device.
    parent = way.hashes(way.chance.choice(EVERYWHERE)) if way.often(0.7) else None
    account = way.account(process.account or way.place.accounts[SYSTEM])
    return way.cut("process", imageFile=way.hashes(process.image), processCommandLine=process.command, userAccount=account,
                   processId=way.chance.randrange(400, 30000), parentProcessImageFile=parent,
                   mdeDeviceId=process.device.endpoint_id if way.product == ENDPOINT else None)  # fmt: skip


def _session(way: Naming, session: Session) -> list[Record]:
    if way.product != CLOUD:
        return []
    account = {"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": way.account(session.owner)}
    return way.cut("cloudLogonSession", sessionId=session.key, account=account)


def _application(way: Naming, app: Application) -> list[Record]:
    return [] if way.product != CLOUD else way.cut("cloudApplication", appId=app.number, saasAppId=app.number,
                                                   displayName=app.name)


def _consent(way: Naming, app: Consent) -> list[Record]:
    if way.product not in {CLOUD, OFFICE}:
        return []
    return way.cut("oauthApplication", appId=app.app_id, objectId=app.object_id if way.often(0.6) else None,
                   displayName=app.name)


def _principal(way: Naming, it: Principal) -> list[Record]:
    if way.product != CLOUD:
        return []
    by_app = way.often(0.7)
    return way.cut("servicePrincipal", servicePrincipalName=it.name, appId=it.app_id if by_app else None,
                   servicePrincipalObjectId=it.object_id if not by_app or way.often(0.5) else None)  # fmt: skip


def _resource(way: Naming, resource: Resource) -> list[Record]:
    if way.product not in {CLOUD, ENDPOINT}:
        return []
    path = resource.path if way.often(0.7) else resource.path.lower()
    return way.cut("azureResource", resourceId=path, resourceType=resource.kind)


def _repository(way: Naming, repository: Repository) -> list[Record]:
    if way.product not in {CLOUD, OPEN}:
        return []
    return way.cut("gitHubRepo", repoId=f"{repository.owner}/{repository.name}", owner=repository.owner)


WAYS: dict[type[Thing], Callable[[Naming, Any], list[Record]]] = {
    Person: _person, Device: _device, Address: _address, Connection: _connection, File: _file, Link: _link, Message: _message,
    Mailbox: _mailbox, Process: _process, Session: _session, Application: _application, Consent: _consent,
    Principal: _principal, Resource: _resource, Repository: _repository,
}  # fmt: skip
