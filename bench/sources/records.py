"""Generated records of every source: the members that its product sends, with names and numbers that differ."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Make = Callable[[random.Random], Any]
STAMP = "2026-02-{day:02}T{hour:02}:{minute:02}:{second:02}"


def _at(chance: random.Random) -> str:
    day, hour, minute, second = chance.randint(1, 28), chance.randrange(24), chance.randrange(60), chance.randrange(60)
    return STAMP.format(day=day, hour=hour, minute=minute, second=second)


def _ip(chance: random.Random) -> str:
    return f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def _hex(chance: random.Random, digits: int) -> str:
    return f"{chance.getrandbits(digits * 4):0{digits}x}"


def graph(chance: random.Random) -> Any:
    """An alert of the published API with four items of evidence."""
    at, kind = f"{_at(chance)}.1234567Z", "#microsoft.graph.security."
    shared = {"createdDateTime": at, "verdict": "unknown", "remediationStatus": "none", "roles": [], "tags": []}
    file = {"sha256": _hex(chance, 64), "fileName": "a.exe", "filePath": "C:\\Temp", "fileSize": chance.randrange(10**6)}
    return {
        "id": f"da{_hex(chance, 8)}-1", "providerAlertId": _hex(chance, 12), "incidentId": str(chance.randrange(9999)),
        "status": "new", "severity": "medium", "classification": None, "determination": None,
        "serviceSource": "microsoftDefenderForEndpoint", "detectionSource": "antivirus", "detectorId": _hex(chance, 12),
        "title": "A file was run", "description": "A file of an unusual kind was run by a person.", "category": "Execution",
        "mitreTechniques": ["T1059.001", "T1204"], "createdDateTime": at, "lastUpdateDateTime": at, "comments": [],
        "evidence": [
            {"@odata.type": f"{kind}deviceEvidence", **shared, "mdeDeviceId": _hex(chance, 40), "deviceDnsName": "ws.contoso.com"},
            {"@odata.type": f"{kind}fileEvidence", **shared, "detectionStatus": "detected", "fileDetails": file},
            {"@odata.type": f"{kind}ipEvidence", **shared, "ipAddress": _ip(chance)},
            {"@odata.type": f"{kind}userEvidence", **shared, "userAccount": {"accountName": "nina", "domainName": "CONTOSO"}},
        ],
    }  # fmt: skip


def mde(chance: random.Random) -> Any:
    """An alert of the endpoint API with a process, a user and an address, each row with the columns of all kinds."""
    at = f"{_at(chance)}.1234567Z"
    columns = dict.fromkeys(("sha1", "sha256", "fileName", "filePath", "processId", "processCommandLine", "parentProcessId",
                             "ipAddress", "url", "registryKey", "accountName", "domainName", "userSid", "detectionStatus"))  # fmt: skip
    process = {"sha1": _hex(chance, 40), "fileName": "a.exe", "filePath": "C:\\Temp", "processId": chance.randrange(9999), "processCommandLine": "a.exe /q"}
    row = {"evidenceCreationTime": at, **columns}
    return {
        "id": f"da{chance.randrange(10**18)}_1", "incidentId": chance.randrange(9999), "investigationId": None, "assignedTo": None,
        "severity": "Medium", "status": "New", "classification": None, "determination": None, "investigationState": "Queued",
        "detectionSource": "WindowsDefenderAv", "category": "Execution", "threatFamilyName": None, "title": "A file was run",
        "description": "A file of an unusual kind was run by a person.", "alertCreationTime": at, "firstEventTime": at,
        "lastEventTime": at, "lastUpdateTime": at, "resolvedTime": None, "machineId": _hex(chance, 40),
        "computerDnsName": "ws.contoso.com", "rbacGroupName": "A", "relatedUser": {"userName": "nina", "domainName": "CONTOSO"},
        "mitreTechniques": ["T1059"], "comments": [],
        "evidence": [{"entityType": "Process", **row, **process}, {"entityType": "User", **row, "accountName": "nina"},
                     {"entityType": "Ip", **row, "ipAddress": _ip(chance)}],
    }  # fmt: skip


def suricata(chance: random.Random) -> Any:
    """An alert on a request, with the flow around it."""
    at = f"{_at(chance)}.123456+0000"
    return {
        "timestamp": at, "flow_id": chance.getrandbits(48), "in_iface": "eth0", "event_type": "alert", "src_ip": _ip(chance),
        "src_port": chance.randrange(65536), "dest_ip": _ip(chance), "dest_port": 80, "proto": "TCP", "tx_id": 0,
        "alert": {"action": "allowed", "gid": 1, "signature_id": chance.randrange(10**7), "rev": 2, "signature": "A request",
                  "category": "Misc activity", "severity": 2, "metadata": {"created_at": ["2025_01_01"], "signature_severity": ["Minor"]}},
        "http": {"hostname": "a.example", "url": f"/{_hex(chance, 8)}", "http_method": "GET", "status": 200, "length": 169},
        "app_proto": "http", "flow": {"pkts_toserver": 4, "bytes_toserver": 313, "start": at},
    }  # fmt: skip


def falco(chance: random.Random) -> Any:
    """An event of a container."""
    fields = {
        "container.id": _hex(chance, 12), "container.name": "web", "container.image.repository": "shop/web", "evt.type": "openat",
        "evt.time": chance.getrandbits(60), "fd.name": f"/etc/{_hex(chance, 6)}", "k8s.ns.name": "shop", "k8s.pod.name": "web-1",
        "proc.cmdline": "cat /etc/passwd", "proc.exepath": "/usr/bin/cat", "proc.name": "cat", "proc.pname": "sh",
        "proc.pid": chance.randrange(99999), "proc.tty": 0, "user.loginuid": -1, "user.name": "root",
    }  # fmt: skip
    said = " ".join(f"{name}={value}" for name, value in fields.items())
    return {"hostname": f"node-{chance.randrange(99)}", "output": f"A file was read ({said})", "priority": "Warning", "rule": "A file was read",
            "source": "syscall", "tags": ["T1555", "mitre_credential_access"], "time": f"{_at(chance)}.123456789Z", "output_fields": fields}  # fmt: skip


def wazuh(chance: random.Random) -> Any:
    """A failed logon, with the requirements that its rule belongs to."""
    return {
        "timestamp": f"{_at(chance)}.123+0000",
        "rule": {"level": 5, "description": "A logon failed", "id": "5710", "mitre": {"id": ["T1110"], "tactic": ["Credential Access"], "technique": ["Brute Force"]},
                 "firedtimes": 3, "mail": False, "groups": ["syslog", "sshd"], "gdpr": ["IV_35.7.d"], "pci_dss": ["10.2.4"], "tsc": ["CC6.1"]},
        "agent": {"id": "007", "name": f"gate-{chance.randrange(99)}", "ip": _ip(chance)}, "manager": {"name": "siem-1"},
        "id": f"{chance.getrandbits(31)}.{chance.randrange(9999)}", "full_log": "Failed password for nina from an address", "decoder": {"name": "sshd"},
        "predecoder": {"program_name": "sshd", "hostname": "gate"}, "location": "/var/log/auth.log",
        "data": {"srcip": _ip(chance), "srcport": "40022", "dstuser": "nina"},
    }  # fmt: skip


def ocsf(chance: random.Random) -> Any:
    """A detection with one evidence, a device and two observables."""
    ip, now = _ip(chance), 1_770_454_800_000 + chance.randrange(10**9)
    return {
        "class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2, "activity_id": 1, "type_uid": 200401, "time": now,
        "severity_id": 3, "severity": "Medium", "status_id": 1, "metadata": {"version": "1.3.0", "product": {"name": "Sentry", "vendor_name": "Fabrikam"}},
        "finding_info": {"uid": _hex(chance, 16), "title": "A loader was run", "desc": "A loader was run.", "created_time": now, "first_seen_time": now,
                         "attacks": [{"tactic": {"name": "Execution"}, "technique": {"uid": "T1204"}}], "types": ["Malware"]},
        "evidences": [{"process": {"pid": 411, "cmd_line": "a.exe", "file": {"name": "a.exe", "path": "C:\\a.exe", "hashes": [{"value": _hex(chance, 64)}]}},
                       "dst_endpoint": {"ip": "203.0.113.80", "port": 443}}],
        "device": {"hostname": "ws.contoso.com", "ip": ip, "os": {"name": "Windows"}},
        "observables": [{"type_id": 2, "value": ip}, {"type_id": 4, "value": "nina"}],
    }  # fmt: skip


def crowdstrike(chance: random.Random) -> Any:
    """A detection of the event stream."""
    event = {
        "CompositeId": f"c:ind:{_hex(chance, 16)}", "Name": "NGAV", "Description": "A file matched a model.", "Severity": 70, "SeverityName": "High",
        "Hostname": "ws.contoso.com", "LocalIP": _ip(chance), "UserName": "nina", "FileName": "a.exe", "FilePath": "\\Device\\a.exe",
        "CommandLine": "a.exe /q", "SHA256String": _hex(chance, 64), "MD5String": _hex(chance, 32), "ProcessId": chance.getrandbits(50),
        "ProcessStartTime": 1_770_454_790, "ProcessEndTime": 0, "ParentImageFileName": "explorer.exe", "Tactic": "Execution", "Technique": "User Execution",
        "Objective": "Falcon Detection Method", "PatternDispositionDescription": "Detection, standard detection.", "FalconHostLink": "https://falcon.example/x",
        "PatternDispositionFlags": dict.fromkeys(("Indicator", "Detect", "KillProcess", "QuarantineFile", "ProcessBlocked", "OperationBlocked"), False),
    }  # fmt: skip
    head = {"customerIDString": "c", "offset": chance.randrange(9999), "eventType": "EppDetectionSummaryEvent", "eventCreationTime": 1_770_454_800_250}
    return {"metadata": head, "event": event}


def guardduty(chance: random.Random) -> Any:
    """A finding about an instance, as the export writes it."""
    at, instance = f"{_at(chance)}.250Z", f"i-{_hex(chance, 12)}"
    remote = {"ipAddressV4": _ip(chance), "city": {"cityName": "Oslo"}, "country": {"countryName": "Norway"}, "geoLocation": {"lat": 59.9, "lon": 10.7}}
    action = {"blocked": False, "connectionDirection": "INBOUND", "protocol": "TCP", "localPortDetails": {"port": 22}, "remotePortDetails": {"port": 4000},
              "localIpDetails": {"ipAddressV4": _ip(chance)}, "remoteIpDetails": remote}  # fmt: skip
    return {
        "schemaVersion": "2.0", "accountId": "111122223333", "region": "eu-west-1", "partition": "aws", "id": _hex(chance, 32),
        "arn": f"arn:aws:guardduty:eu-west-1:111122223333:detector/d/finding/{_hex(chance, 32)}", "type": "UnauthorizedAccess:EC2/SSHBruteForce",
        "severity": 2, "createdAt": at, "updatedAt": at, "title": "Many logons", "description": "Many logons to an instance.",
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": instance, "imageId": "ami-1", "networkInterfaces": [{"privateIpAddress": _ip(chance)}]}},
        "service": {"serviceName": "guardduty", "archived": False, "count": 5, "resourceRole": "TARGET", "eventFirstSeen": at, "eventLastSeen": at,
                    "action": {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": action}},
    }  # fmt: skip


def cef(chance: random.Random) -> Any:
    """A line of a gateway."""
    return (
        f"Feb  7 09:00:00 gate CEF:0|Fabrikam|Gate|2.1|{chance.randrange(9999)}|A request was blocked|7|rt=Feb 07 2026 09:00:{chance.randrange(60):02} UTC "
        f"src={_ip(chance)} spt={chance.randrange(65536)} dst={_ip(chance)} dpt=443 proto=TCP suser=CONTOSO\\nina shost=ws.contoso.com "
        f"request=https://a.example/{_hex(chance, 8)} act=blocked cat=Execution cs1Label=Rule cs1=allow out msg=A request of an unusual kind"
    )


def leef(chance: random.Random) -> Any:
    """The same as LEEF."""
    return (
        f"Feb  7 09:00:00 gate LEEF:1.0|Fabrikam|Gate|2.1|{chance.randrange(9999)}|title=A request was blocked\tsev=7\tdevTime=2026-02-07T09:00:00Z\t"
        f"src={_ip(chance)}\tsrcPort={chance.randrange(65536)}\tdst={_ip(chance)}\tdstPort=443\tproto=TCP\tusrName=CONTOSO\\nina\t"
        f"url=https://a.example/{_hex(chance, 8)}\taction=blocked\tcat=Execution\tmsg=A request of an unusual kind"
    )


def generic(chance: random.Random) -> Any:
    """A detection as examples/mappings/gatehouse.toml maps it."""
    at = 1_769_850_000_000 + chance.randrange(10**9)
    return {
        "kind": "detection", "uid": f"g-{chance.randrange(10**9)}", "changed": at + 500, "state": "open", "verdict": "blocked",
        "score": chance.randrange(100), "case": {"number": chance.randrange(9999)}, "sensor": {"name": "edge-2", "zone": "dmz", "version": "4.2.1"},
        "user": "CONTOSO\\nina", "seen": {"first": at, "last": at + 60_000, "count": chance.randrange(1, 90)},
        "rule": {"id": f"R-{chance.randrange(999)}", "name": "Beacon to a known address", "level": "severe", "tactic": "command-and-control",
                 "version": 3, "summary": "A process called home every 60 seconds.", "attack": ["T1071.001"], "tags": ["beacon"]},
        "host": {"name": "ws.contoso.com", "os": "Windows11", "addresses": [_ip(chance)], "serial": _hex(chance, 16)},
        "processes": [{"pid": chance.randrange(9999), "image": "C:\\Temp\\a.exe", "command": "a.exe /q", "digest": _hex(chance, 64)},
                      {"pid": 800, "image": "C:\\Windows\\explorer.exe", "command": "explorer.exe", "parent": True}],
        "peers": [{"ip": _ip(chance), "port": 443, "bytes": chance.randrange(10**6)}, {"url": f"https://{_hex(chance, 8)}.example/j", "opinion": "bad"}],
    }  # fmt: skip


MAKERS: dict[str, Make] = {make.__name__: make for make in (graph, mde, suricata, falco, wazuh, ocsf, crowdstrike, guardduty, cef, leef, generic)}
