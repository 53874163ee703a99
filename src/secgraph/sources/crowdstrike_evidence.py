"""What a detection of CrowdStrike names: host, user, process and its file, connections, names asked for, quarantined files."""

from __future__ import annotations

import json
from typing import Any

from secgraph.extend import Record, account, address, digest, evidence, file_at, integer, objects, part, text

PROTOCOLS = {"tcp": "tcp", "udp": "udp", "6": "tcp", "17": "udp"}
INBOUND = 1
LARGEST_PROCESS = 2**32
"""Beyond it a ProcessId is Falcon's own number of the process, not that of the operating system."""

STOPPED = (
    "ProcessBlocked", "process_blocked", "OperationBlocked", "operation_blocked", "FsOperationBlocked", "fs_operation_blocked",
    "RegistryOperationBlocked", "registry_operation_blocked", "KillProcess", "kill_process", "KillParent", "kill_parent",
)  # fmt: skip
"""Flags by which Falcon stopped something, as the stream and as the API spells them."""

LONGEST_FLAGS = 10_000


def disposition(event: Record) -> str | None:
    """`prevented` where Falcon stopped it, by its flags or its sentence."""
    flags = event.get("PatternDispositionFlags")
    if isinstance(flags, str) and len(flags) <= LONGEST_FLAGS:  # the Data Replicator prints the object as text
        try:
            flags = json.loads(flags)
        except (ValueError, RecursionError):
            flags = None
    flags = part(flags)
    if True in flags.values() and any(flags.get(name) is True for name in STOPPED):
        return "prevented"
    said = text(event.get("PatternDispositionDescription")) or ""
    return "prevented" if said.startswith("Prevention") else None


def evidence_of(event: Record, stopped: str | None, created: str | None) -> list[Record]:
    """The evidence of one detection, under the names of the event stream."""
    found: list[Record] = []
    get = event.get
    host = text(get("ComputerName")) or text(get("Hostname")) or text(get("SourceEndpointHostName"))
    if host is not None:
        found.append(_device(event, host, created))
    image = _image(event)
    command = text(get("CommandLine"))
    user = _user(event)
    if user is not None:
        found.append(evidence("user", created, userAccount=user))
    if image or command is not None:
        parent = text(get("ParentImageFilePath")) or text(get("ParentImageFileName"))
        number = integer(get("LocalProcessId"))
        if number is None and (own := integer(get("ProcessId"))) is not None and 0 < own < LARGEST_PROCESS:
            number = own
        found.append(
            evidence(
                "process",
                created,
                processId=number,
                processCommandLine=command,
                imageFile=image or None,
                parentProcessImageFile=file_at(parent) if parent is not None else None,
                userAccount=user,
                detectionStatus=stopped or "detected",
                remediationStatus=stopped,
            )
        )
    if image and any(kind in image for kind in ("sha256", "sha1", "md5")):
        found.append(
            evidence("file", created, fileDetails=image, detectionStatus=stopped or "detected", remediationStatus=stopped)
        )
    for file in objects(event["QuarantineFiles"]) if "QuarantineFiles" in event else ():
        path = text(file.get("ImageFileName")) or text(file.get("filename"))
        details = (file_at(path) if path else {}) | digest(file.get("SHA256HashData", file.get("sha256")))
        if details:
            found.append(evidence("file", created, fileDetails=details, remediationStatus="remediated"))
    _add_traffic(found, event, created)
    return found


def _device(event: Record, host: str, created: str | None) -> Record:
    get = event.get
    full = host if "." in host and address(host) is None else None
    inside = address(get("LocalIP"))
    return evidence(
        "device",
        created,
        hostName=host.partition(".")[0] if full else host,
        deviceDnsName=full,
        ntDomain=text(get("MachineDomain")),
        lastIpAddress=inside,
        lastExternalIpAddress=address(get("ExternalIP")),
        osPlatform=text(get("Platform")),
        version=text(get("OsVersion")),
    )


def _image(event: Record) -> Record:
    get = event.get
    path, name = text(get("FilePath")), text(get("FileName"))
    image = file_at(path, name) if path or name else {}
    for member in ("SHA256String", "SHA1String", "MD5String"):
        if member in event:
            image |= digest(event[member])
    return image


def _user(event: Record) -> Record | None:
    get = event.get
    name = text(get("UserName")) or text(get("SourceAccountName"))
    principal = text(get("SourceAccountUpn")) or text(get("UserPrincipal"))
    if name is None and principal is None:
        return None
    domain = text(get("LogonDomain")) or text(get("SourceAccountDomain"))
    who = account(name, domain) if name is not None else {}
    if principal is not None and "@" in principal:
        who["userPrincipalName"] = principal
    sid = text(get("UserId")) or text(get("SourceAccountObjectSid"))
    if sid is not None and sid.startswith("S-1-"):
        who["userSid"] = sid
    return who or None


def _add_traffic(found: list[Record], event: Record, created: str | None) -> None:
    """The other ends of connections, and the names that were asked for, each once."""
    seen: set[Any] = set()
    for access in objects(event["NetworkAccesses"]) if "NetworkAccesses" in event else ():
        get = access.get
        local, remote = (
            address(get("LocalAddress", get("local_address"))),
            address(get("RemoteAddress", get("remote_address"))),
        )
        if remote is None:
            continue
        inbound = get("ConnectionDirection", get("connection_direction")) in (INBOUND, "1", "Inbound")
        if remote not in seen:
            seen.add(remote)
            found.append(evidence("ip", created, ipAddress=remote, roles=["source" if inbound else "destination"]))
        protocol = PROTOCOLS.get((text(get("Protocol", get("protocol"))) or "").casefold())
        if local is None or protocol is None:
            continue
        ours = (local, integer(get("LocalPort", get("local_port"))))
        theirs = (remote, integer(get("RemotePort", get("remote_port"))))
        source, destination = (theirs, ours) if inbound else (ours, theirs)
        found.append(
            evidence(
                "networkConnection",
                created,
                sourceAddress=evidence("ip", created, ipAddress=source[0]),
                sourcePort=source[1],
                destinationAddress=evidence("ip", created, ipAddress=destination[0]),
                destinationPort=destination[1],
                protocol=protocol,
            )
        )
    if (asked := address(event.get("SourceEndpointIpAddress"))) is not None and asked not in seen:
        found.append(evidence("ip", created, ipAddress=asked, roles=["source"]))
    for request in objects(event["DnsRequests"]) if "DnsRequests" in event else ():
        name = text(request.get("DomainName", request.get("domain_name")))
        if name is not None and name not in seen:
            seen.add(name)
            found.append(evidence("dns", created, domainName=name))
