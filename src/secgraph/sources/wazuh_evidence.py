"""What an alert of Wazuh names: its agent, and what the decoders, Windows, file integrity and cloud modules took apart."""

from __future__ import annotations

from typing import Any

from secgraph.extend import Record, account, address, digest, evidence, file_at, integer, objects, part, present, text
from secgraph.sources.guardduty_evidence import evidence_of as of_guardduty

KIND = "#microsoft.graph.security."
PROTOCOLS = {"tcp": "tcp", "udp": "udp", "6": "tcp", "17": "udp"}
HIVES = ("HKEY_", "HKLM\\", "HKU\\", "HKCU\\")
NOBODY = frozenset({"-", "", "n/a", "(none)", "unknown", "any"})
SOURCES = ("srcip", "src_ip")
DESTINATIONS = ("dstip", "dest_ip", "dst_ip")
DIGESTS = ("md5", "sha1", "sha256")
LONGEST_HASHES = 400


def evidence_of(record: Record, data: Record, manager: str | None, created: str | None) -> list[Record]:
    """The evidence of one alert; `data` is what its decoder took apart."""
    found: list[Record] = []
    agent = part(record.get("agent"))
    host = text(agent.get("name")) or (manager if agent.get("id") == "000" else None)
    if host is not None:
        device: Record = {"@odata.type": f"{KIND}deviceEvidence", "createdDateTime": created, "hostName": host}
        if (own := address(agent.get("ip"))) is not None:
            device["ipInterfaces"] = [own]
        found.append(device)
    if data:
        get = data.get
        source = next((ip for name in SOURCES if (ip := address(get(name))) is not None), None)
        destination = next((ip for name in DESTINATIONS if (ip := address(get(name))) is not None), None)
        ports = (
            get("srcport", get("src_port")),
            get("dstport", get("dest_port")),
        )
        _add_traffic(found, (source, ports[0]), (destination, ports[1]), get("protocol", get("proto")), created)
        for name, role in (("srcuser", "source"), ("dstuser", "destination")):
            if (user := _named(get(name))) is not None:
                found.append(evidence("user", created, userAccount=account(user), roles=[role]))
        if (url := text(get("url"))) is not None:
            found.append(evidence("url", created, url=url))
        if isinstance(path := get("file"), str) and path.strip():
            found.append(evidence("file", created, fileDetails=file_at(path), detectionStatus="detected"))
        if "win" in data:
            _add_windows(found, part(part(get("win")).get("eventdata")), created)
        if "audit" in data:
            _add_audit(found, part(get("audit")), created)
        if "aws" in data:
            _add_amazon(found, part(get("aws")), created)
    if "syscheck" in record:
        _add_integrity(found, part(record.get("syscheck")), created)
    return found


def _named(value: Any) -> str | None:
    found = text(value)
    return None if found is None or found.casefold() in NOBODY else found


def _add_traffic(
    found: list[Record],
    source: tuple[str | None, Any],
    destination: tuple[str | None, Any],
    protocol: Any,
    created: str | None,
) -> None:
    for role, (ip, _) in (("source", source), ("destination", destination)):
        if ip is not None:
            found.append(evidence("ip", created, ipAddress=ip, roles=[role]))
    carried = PROTOCOLS.get((text(protocol) or "").casefold())
    if source[0] is not None and destination[0] is not None and carried is not None:
        found.append(
            evidence(
                "networkConnection",
                created,
                sourceAddress=evidence("ip", created, ipAddress=source[0]),
                sourcePort=integer(source[1]),
                destinationAddress=evidence("ip", created, ipAddress=destination[0]),
                destinationPort=integer(destination[1]),
                protocol=carried,
            )
        )


def _add_windows(found: list[Record], event: Record, created: str | None) -> None:
    """Sysmon and the security log, by the names that either gives."""
    get = event.get
    image = text(get("image")) or text(get("newProcessName")) or text(get("processName"))
    command = text(get("commandLine"))
    if image is not None or command is not None:
        parent = text(get("parentImage")) or text(get("parentProcessName"))
        user = _named(get("user"))
        number = get("newProcessId", get("processId"))
        members = present(
            processId=_number(number),
            processCommandLine=command,
            imageFile={**file_at(image), **_hashes(get("hashes"))} if image is not None else None,
            parentProcessId=_number(get("parentProcessId") if "newProcessId" not in event else get("processId")),
            parentProcessImageFile=file_at(parent) if parent is not None else None,
            userAccount=account(user) if user is not None else None,
        )
        found.append(evidence("process", created, **(members or {})))
    for mark, role in (("subject", "source"), ("target", "destination")):
        name, domain = _named(get(f"{mark}UserName")), _named(get(f"{mark}DomainName"))
        sid = text(get(f"{mark}UserSid")) or text(get(f"{mark}Sid"))
        if name is not None:
            who = account(name, domain)
            if sid is not None and sid.startswith("S-1-"):
                who["userSid"] = sid
            found.append(evidence("user", created, userAccount=who, roles=[role]))
    if image is None and (user := _named(get("user"))) is not None:
        found.append(evidence("user", created, userAccount=account(user)))
    source = address(get("sourceIp")) or address(get("ipAddress"))
    _add_traffic(
        found,
        (source, get("sourcePort", get("ipPort"))),
        (address(get("destinationIp")), get("destinationPort")),
        get("protocol"),
        created,
    )
    if (path := text(get("targetFilename"))) is not None:
        found.append(evidence("file", created, fileDetails=file_at(path), detectionStatus="detected"))
    if (key := text(get("targetObject"))) is not None:
        _add_registry(found, key, None, None, text(get("details")), created)
    if (name := text(get("queryName"))) is not None:
        found.append(evidence("dns", created, domainName=name))


def _number(value: Any) -> int | None:
    """A process number, which the security log prints as `0x1a4`."""
    if isinstance(value, str) and value[:2].lower() == "0x" and len(value) <= 18:
        try:
            return int(value, 16)
        except ValueError:
            return None
    return integer(value)


def _hashes(value: Any) -> Record:
    """`SHA1=...,MD5=...,SHA256=...,IMPHASH=...` as Sysmon writes them."""
    found: Record = {}
    if isinstance(value, str) and len(value) <= LONGEST_HASHES:
        for item in value.split(","):
            name, _, word = item.partition("=")
            if (kind := name.strip().casefold()) in DIGESTS:
                found.update({kind: word.strip()} if word.strip() else {})
    return found


def _add_audit(found: list[Record], audit: Record, created: str | None) -> None:
    path, command = text(audit.get("exe")), text(audit.get("command"))
    if path is not None or command is not None:
        members = present(
            processId=integer(audit.get("pid")),
            parentProcessId=integer(audit.get("ppid")),
            imageFile=file_at(path or command),
            processCommandLine=text(part(audit.get("execve")).get("a0")),
        )
        found.append(evidence("process", created, **(members or {})))
    if (name := text(part(audit.get("file")).get("name"))) is not None:
        found.append(evidence("file", created, fileDetails=file_at(name), detectionStatus="detected"))


def _add_amazon(found: list[Record], aws: Record, created: str | None) -> None:
    """A wrapped finding of GuardDuty, or a call that CloudTrail saw."""
    if "service" in aws or "resource" in aws:
        found += of_guardduty(aws, created)
        return
    identity, bucket = part(aws.get("userIdentity")), part(aws.get("requestParameters")).get("bucketName")
    if (user := _named(identity.get("userName"))) is not None:
        found.append(evidence("user", created, userAccount=account(user)))
    if (caller := address(aws.get("sourceIPAddress", aws.get("source_ip_address")))) is not None:
        found.append(evidence("ip", created, ipAddress=caller, roles=["source"]))
    owner = text(aws.get("aws_account_id")) or text(identity.get("accountId"))
    if (name := text(bucket)) is not None:
        found.append(
            evidence(
                "amazonResource",
                created,
                amazonAccountId=owner,
                amazonResourceId=f"arn:aws:s3:::{name}",
                resourceName=name,
                resourceType="AwsS3Bucket",
            )
        )
    for item in objects(aws.get("resources")):
        if (uid := text(item.get("ARN"))) is not None:
            found.append(evidence("amazonResource", created, amazonAccountId=owner, amazonResourceId=uid))


def _add_integrity(found: list[Record], change: Record, created: str | None) -> None:
    """What file integrity monitoring saw change: a file, or a value of the registry."""
    path = text(change.get("path"))
    if path is None:
        return
    if path.upper().startswith(HIVES):
        _add_registry(found, path, change.get("value_name"), change.get("value_type"), None, created)
        return
    details = file_at(path)
    for kind in DIGESTS:
        details |= digest(change.get(f"{kind}_after"))
    if (size := integer(change.get("size_after"))) is not None:
        details["fileSize"] = size
    role = {"added": ["added"], "modified": ["edited"]}.get(text(change.get("event")) or "")
    found.append(evidence("file", created, fileDetails=details, roles=role, detectionStatus="detected"))
    if (user := _named(change.get("uname_after"))) is not None:
        found.append(evidence("user", created, userAccount=account(user), roles=["contextual"]))


def _add_registry(found: list[Record], path: str, name: Any, kind: Any, value: str | None, created: str | None) -> None:
    hive, _, key = path.partition("\\")
    named = {"registryHive": hive, "registryKey": key or None}
    if (value_name := text(name)) is None and value is None:
        found.append(evidence("registryKey", created, **named))
    else:
        members = {"registryValueName": value_name, "registryValueType": text(kind), "registryValue": value}
        found.append(evidence("registryValue", created, **named, **members))
