"""What an OCSF finding names: its evidences, its device and actor, its cloud resources, and its observables."""

from __future__ import annotations

from typing import Any

from secgraph.extend import Record, account, address, digest, evidence, file_at, integer, objects, part, present, text

PROTOCOLS = {"tcp": "tcp", "udp": "udp", "6": "tcp", "17": "udp"}
HOSTNAME, ADDRESS, USER, URL, FILE, HASH = 1, 2, 4, 6, 7, 8
"""Kinds of observables. Other numbers have meant other things in other versions, and are left to the original."""

BLOCKED = frozenset({"blocked", "denied", "dropped", "prevented"})
QUARANTINED = frozenset({"quarantined", "deleted", "isolated"})


class Found:
    """Evidence that grows, each thing once."""

    def __init__(self, created: str | None) -> None:
        self.items: list[Record] = []
        self.created = created
        self._seen: set[tuple[str, Any]] = set()

    def add(self, kind: str, named: Any, **members: Any) -> None:
        """One item, unless there is one of its kind that has the same name."""
        if (key := (kind, named)) not in self._seen:
            self._seen.add(key)
            self.items.append(evidence(kind, self.created, **members))

    def has(self, kind: str, named: Any) -> bool:
        """Whether there is one of this kind with that name."""
        return (kind, named) in self._seen


def evidence_of(record: Record, created: str | None) -> list[Record]:
    """The evidence of one finding."""
    get = record.get
    found = Found(created)
    for item in objects(get("evidences")):
        _add_all(found, item)
    _add_all(found, record)
    if "resources" in record:
        for item in objects(get("resources")):
            _add_resource(found, item, part(get("cloud")))
    if "observables" in record:
        for item in objects(get("observables"), 40):
            _add_observable(found, item)
    done = (text(get("disposition")) or text(get("action")) or "").casefold()
    status = "blocked" if done in BLOCKED else "remediated" if done in QUARANTINED else None
    if status is not None:
        for item in found.items:
            item["remediationStatus"] = status
    return found.items


def _add_all(found: Found, holder: Record) -> None:
    """What an evidence, or the finding itself, holds under the names that the schema gives them."""
    get = holder.get
    if "device" in holder:
        _add_device(found, part(get("device")), None)
    source = _add_end(found, part(get("src_endpoint")), "source") if "src_endpoint" in holder else None
    destination = _add_end(found, part(get("dst_endpoint")), "destination") if "dst_endpoint" in holder else None
    if source is not None and destination is not None:
        _add_connection(found, source, destination, part(get("connection_info")))
    if "actor" in holder:
        actor = part(get("actor"))
        _add_user(found, part(actor.get("user")))
        _add_process(found, part(actor.get("process")))
    if "user" in holder:
        _add_user(found, part(get("user")))
    if "process" in holder:
        _add_process(found, part(get("process")))
    if "file" in holder:
        _add_file(found, part(get("file")))
    for url in objects(get("url")) if "url" in holder else ():
        if (words := text(url.get("url_string")) or text(url.get("text"))) is not None:
            found.add("url", words, url=words)
    if "query" in holder and (name := text(part(get("query")).get("hostname"))) is not None:
        found.add("dns", name, domainName=name)
    if "container" in holder:
        _add_container(found, part(get("container")))


def _add_device(found: Found, device: Record, role: str | None) -> None:
    host, ip = text(device.get("hostname")) or text(device.get("name")), address(device.get("ip"))
    if host is None:
        if ip is not None:
            found.add("ip", ip, ipAddress=ip, roles=None if role is None else [role])
        return
    system = part(device.get("os"))
    full = host if "." in host and address(host) is None else None
    found.add(
        "device",
        host.casefold(),
        hostName=host.partition(".")[0] if full else host,
        deviceDnsName=full,
        ntDomain=text(device.get("domain")),
        osPlatform=text(system.get("name")) or text(system.get("type")),
        version=text(system.get("version")),
        ipInterfaces=None if ip is None else [ip],
        roles=None if role is None else [role],
    )


def _add_end(found: Found, end: Record, role: str) -> tuple[str, int | None] | None:
    ip = address(end.get("ip"))
    if ip is not None:
        code, located = _place(part(end["location"])) if "location" in end else (None, None)
        found.add("ip", ip, ipAddress=ip, countryLetterCode=code, location=located, roles=[role])
    if text(end.get("hostname")) is not None:
        _add_device(found, {"hostname": end["hostname"], "ip": end.get("ip")}, role)
    return None if ip is None else (ip, integer(end.get("port")))


def _place(place: Record) -> tuple[str | None, Record | None]:
    """The code of the country, where it is told by one, and the rest."""
    country, spot = text(place.get("country")), place.get("coordinates")
    located = present(
        city=text(place.get("city")),
        state=text(place.get("region")),
        countryName=country if country is not None and len(country) > 2 else None,
        longitude=_degrees(spot, 0),
        latitude=_degrees(spot, 1),
    )
    return country.upper() if country is not None and len(country) == 2 else None, located


def _degrees(spot: Any, index: int) -> float | None:
    if not isinstance(spot, list) or len(spot) != 2 or isinstance(spot[index], bool):
        return None
    number = spot[index]
    return float(number) if isinstance(number, int | float) and -180 <= number <= 180 else None


def _add_connection(found: Found, source: tuple[str, int | None], destination: tuple[str, int | None], how: Record) -> None:
    word = (text(how.get("protocol_name")) or text(how.get("protocol_num")) or "").casefold()
    if (protocol := PROTOCOLS.get(word)) is not None:
        found.add(
            "networkConnection",
            (source, destination),
            sourceAddress=evidence("ip", found.created, ipAddress=source[0]),
            sourcePort=source[1],
            destinationAddress=evidence("ip", found.created, ipAddress=destination[0]),
            destinationPort=destination[1],
            protocol=protocol,
        )


def _account(user: Record) -> Record | None:
    name = text(user.get("name")) or text(user.get("email_addr")) or text(user.get("uid"))
    if name is None:
        return None
    who = account(name, text(user.get("domain")))
    mail, uid, full = text(user.get("email_addr")), text(user.get("uid")), text(user.get("full_name"))
    if mail is not None and "@" in mail:
        who.setdefault("userPrincipalName", mail)
    if uid is not None and uid.startswith("S-1-"):
        who["userSid"] = uid
    if full is not None:
        who["displayName"] = full
    return who


def _add_user(found: Found, user: Record) -> None:
    if (who := _account(user)) is not None:
        found.add("user", tuple(sorted(who.items())), userAccount=who)


def _details(file: Record) -> Record:
    name, path = text(file.get("name")), text(file.get("path"))
    details = file_at(path, name) if path or name else {}
    if "hashes" in file:
        for item in objects(file["hashes"]):
            details |= digest(item.get("value"))
    if details and (size := integer(file.get("size"))) is not None:
        details["fileSize"] = size
    return details


def _add_file(found: Found, file: Record) -> None:
    if details := _details(file):
        found.add("file", tuple(details.items()), fileDetails=details, detectionStatus="detected")


def _add_process(found: Found, process: Record) -> None:
    image = _details(part(process.get("file")))
    if not image and (name := text(process.get("name"))) is not None:
        image = file_at(name)
    number, command = integer(process.get("pid")), text(process.get("cmd_line"))
    if not image and command is None:
        return
    parent = part(process.get("parent_process"))
    above = _details(part(parent["file"])) if "file" in parent else None
    if not above and (name := text(parent.get("name"))) is not None:
        above = file_at(name)
    found.add(
        "process",
        (number, command, tuple(image.items())),
        processId=number,
        processCommandLine=command,
        imageFile=image or None,
        parentProcessId=integer(parent.get("pid")),
        parentProcessImageFile=above or None,
        userAccount=_account(part(process["user"])) if "user" in process else None,
    )


def _add_container(found: Found, container: Record) -> None:
    uid, name, image_of = text(container.get("uid")), text(container.get("name")), part(container.get("image"))
    title = text(image_of.get("name")) or text(image_of.get("uid"))
    tag = text(image_of.get("tag"))
    image = None
    if title is not None:
        title = title if tag is None else f"{title}:{tag}"
        image = evidence("containerImage", found.created, imageId=title)
        found.add("containerImage", title, imageId=title)
    if uid is not None or name is not None:
        found.add("container", uid or name, containerId=uid, name=name, image=image)


def _add_resource(found: Found, item: Record, cloud: Record) -> None:
    """A resource of one of the three clouds; which one it is stands at the resource or at the finding."""
    uid, name, kind = text(item.get("uid")), text(item.get("name")), text(item.get("type"))
    if uid is None and name is None:
        return
    where = (text(item.get("cloud_partition")) or text(cloud.get("provider")) or "").casefold()
    owner = text(part(cloud.get("account")).get("uid"))
    provider = (text(cloud.get("provider")) or where).casefold()
    if where.startswith("aws") or provider in {"aws", "amazon"}:
        found.add(
            "amazonResource", uid or name, amazonAccountId=owner, amazonResourceId=uid, resourceName=name, resourceType=kind
        )
    elif where.startswith("azure") or provider in {"azure", "microsoft"}:
        found.add("azureResource", uid or name, resourceId=uid, resourceName=name, resourceType=kind)
    elif provider in {"gcp", "google", "google cloud"}:
        found.add(
            "googleCloudResource",
            uid or name,
            projectId=owner,
            fullResourceName=uid,
            resourceName=name,
            resourceType=kind,
            location=text(item.get("region")),
        )


def _add_observable(found: Found, item: Record) -> None:
    """What the finding lists once more, or nowhere else."""
    kind, value = integer(item.get("type_id")), text(item.get("value"))
    if value is None:
        return
    if kind == HOSTNAME:
        if not found.has("device", value.casefold()):
            _add_device(found, {"hostname": value}, None)
    elif kind == ADDRESS and address(value) is not None:
        found.add("ip", value, ipAddress=value)
    elif kind == USER:
        _add_user(found, {"name": value})
    elif kind == URL:
        found.add("url", value, url=value)
    elif kind == FILE:
        _add_file(found, {"name": value})
    elif kind == HASH and (details := digest(value)):
        found.add("file", tuple(details.items()), fileDetails=details, detectionStatus="detected")
