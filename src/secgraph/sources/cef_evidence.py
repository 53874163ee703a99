"""What the known keys of a CEF extension name: addresses, hosts, accounts, addresses of the web, files and processes."""

from __future__ import annotations

import re

from secgraph.extend import Record, account, evidence

REMEDIATIONS = {
    word: status
    for status, words in {
        "blocked": "block blocked deny denied drop dropped reject rejected reset reset-both reset-client reset-server",
        "prevented": "prevent prevented",
        "remediated": "quarantine quarantined clean cleaned delete deleted remove removed disinfected",
    }.items()
    for word in words.split()
}
"""What `act` says was done, as remediation status of the evidence."""

ADDRESS = re.compile(r"[\d.]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:%\w+)?", re.ASCII)
EMPTY = frozenset({"-", "n/a", "na", "none", "null", "(null)", "unknown"})
PROTOCOLS = {"tcp": "tcp", "6": "tcp", "udp": "udp", "17": "udp"}
HASHES = {32: "md5", 40: "sha1", 64: "sha256"}
MOST_DIGITS = 18
"""So long a number fits into 64 bits."""


def evidence_of(fields: dict[str, str], labels: dict[str, str], created: str | None) -> list[Record]:
    """What the known keys of the extension say about addresses, hosts, accounts, files and processes."""
    get = fields.get
    found: list[Record] = []
    ends: dict[str, str] = {}
    for role, key, word in (("source", "src", "source"), ("destination", "dst", "dest")):
        address = get(key) or next(
            (value for label, value in labels.items() if word in label.lower() and "ipv6" in label.lower()), None
        )
        if address is not None and address.casefold() not in EMPTY:
            ends[role] = address
            found.append(evidence("ip", created, ipAddress=address, roles=[role]))
    protocol = PROTOCOLS.get(get("proto", "").casefold())
    if protocol is not None and "source" in ends and "destination" in ends:
        found.append(
            evidence(
                "networkConnection",
                created,
                sourceAddress=evidence("ip", created, ipAddress=ends["source"]),
                sourcePort=_whole(get("spt")),
                destinationAddress=evidence("ip", created, ipAddress=ends["destination"]),
                destinationPort=_whole(get("dpt")),
                protocol=protocol,
            )
        )
    for role, mark in (("source", "s"), ("destination", "d")):
        host, user, process = get(f"{mark}host"), get(f"{mark}user"), get(f"{mark}proc")
        if host is not None and host.casefold() not in EMPTY and not ADDRESS.fullmatch(host):
            full = host if "." in host else None
            name = host.partition(".")[0]
            found.append(evidence("device", created, hostName=name, deviceDnsName=full, roles=[role]))
        if user is not None and user.casefold() not in EMPTY:
            who = account(user, get(f"{mark}ntdom"))
            found.append(evidence("user", created, userAccount=who, roles=[role]))
        if process is not None and (image := _file(process, None)):
            number = _whole(get(f"{mark}pid"))
            found.append(evidence("process", created, processId=number, imageFile=image, roles=[role]))
    if (request := get("request")) is not None:
        found.append(evidence("url", created, url=request))
    status = REMEDIATIONS.get(get("act", "").casefold())
    details = _file(get("fname"), get("filePath"))
    digest = get("fileHash", "")
    if len(digest) in HASHES:
        details[HASHES[len(digest)]] = digest
    if details:
        if (size := _whole(get("fsize"))) is not None:
            details["fileSize"] = size
        seen = status if status in ("blocked", "prevented") else "detected"
        found.append(evidence("file", created, fileDetails=details, detectionStatus=seen))
    if status is not None:
        for item in found:
            if status != "remediated" or "fileDetails" in item:  # a quarantine is of the file, not of its user
                item["remediationStatus"] = status
    return found


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _file(name: str | None, path: str | None) -> Record:
    """File name and folder. Either text may be the full path, with slashes of either kind."""
    folder, _, last = (name or path or "").replace("\\", "/").rpartition("/")
    full = name or path or ""
    details: Record = {"fileName": last} if last else {}
    if folder:
        details["filePath"] = full[: len(folder)]
    elif name is not None and path is not None:
        details["filePath"] = path.removesuffix(name).rstrip("\\/") or path
    return details
