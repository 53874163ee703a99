"""Generated records of every source: the members that its product sends, as many as it sends, with values that differ."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from bench.sources.microsoft import entra, graph, mcas, mde, mdo, xdr
from bench.sources.parts import address, at, digits

Make = Callable[[random.Random], Any]


def suricata(chance: random.Random) -> Any:
    """An alert on a request, with the flow around it."""
    when = f"{at(chance)}.123456+0000"
    return {
        "timestamp": when, "flow_id": chance.getrandbits(48), "in_iface": "eth0", "event_type": "alert", "src_ip": address(chance),
        "src_port": chance.randrange(65536), "dest_ip": address(chance), "dest_port": 80, "proto": "TCP", "tx_id": 0,
        "alert": {"action": "allowed", "gid": 1, "signature_id": chance.randrange(10**7), "rev": 2, "signature": "A request",
                  "category": "Misc activity", "severity": 2, "metadata": {"created_at": ["2025_01_01"], "signature_severity": ["Minor"]}},
        "http": {"hostname": "a.example", "url": f"/{digits(chance, 8)}", "http_method": "GET", "status": 200, "length": 169},
        "app_proto": "http", "flow": {"pkts_toserver": 4, "bytes_toserver": 313, "start": when},
    }  # fmt: skip


def falco(chance: random.Random) -> Any:
    """An event of a container."""
    fields = {
        "container.id": digits(chance, 12), "container.name": "web", "container.image.repository": "shop/web", "evt.type": "openat",
        "evt.time": chance.getrandbits(60), "fd.name": f"/etc/{digits(chance, 6)}", "k8s.ns.name": "shop", "k8s.pod.name": "web-1",
        "proc.cmdline": "cat /etc/passwd", "proc.exepath": "/usr/bin/cat", "proc.name": "cat", "proc.pname": "sh",
        "proc.pid": chance.randrange(99999), "proc.tty": 0, "user.loginuid": -1, "user.name": "root",
    }  # fmt: skip
    said = " ".join(f"{name}={value}" for name, value in fields.items())
    return {"hostname": f"node-{chance.randrange(99)}", "output": f"A file was read ({said})", "priority": "Warning", "rule": "A file was read",
            "source": "syscall", "tags": ["T1555", "mitre_credential_access"], "time": f"{at(chance)}.123456789Z", "output_fields": fields}  # fmt: skip


def wazuh(chance: random.Random) -> Any:
    """A failed logon, with the requirements that its rule belongs to."""
    source, port = address(chance), 40000 + chance.randrange(9999)
    return {
        "timestamp": f"{at(chance)}.123+0000",
        "rule": {"level": 5, "description": "sshd: A logon failed, with a name that does not exist", "id": "5710", "firedtimes": 3, "mail": False,
                 "mitre": {"id": ["T1110.001", "T1021.004"], "tactic": ["Credential Access", "Lateral Movement"], "technique": ["Password Guessing", "SSH"]},
                 "groups": ["syslog", "sshd", "authentication_failed", "invalid_login"], "gdpr": ["IV_35.7.d", "IV_32.2"], "gpg13": ["7.1"],
                 "hipaa": ["164.312.b"], "nist_800_53": ["AU.14", "AC.7", "AU.6"], "pci_dss": ["10.2.4", "10.2.5", "10.6.1"],
                 "tsc": ["CC6.1", "CC6.8", "CC7.2", "CC7.3"]},
        "agent": {"id": "007", "name": f"gate-{chance.randrange(99)}", "ip": address(chance)}, "manager": {"name": "siem-1"}, "cluster": {"name": "siem", "node": "siem-1"},
        "id": f"{chance.getrandbits(31)}.{chance.randrange(9999)}", "location": "/var/log/auth.log", "decoder": {"name": "sshd", "parent": "sshd"},
        "full_log": f"Feb  7 09:00:00 gate sshd[{chance.randrange(99999)}]: Failed password for invalid user nina from {source} port {port} ssh2",
        "predecoder": {"program_name": "sshd", "timestamp": "Feb  7 09:00:00", "hostname": "gate"},
        "data": {"srcip": source, "srcport": str(port), "srcuser": "nina"},
    }  # fmt: skip


def ocsf(chance: random.Random) -> Any:
    """A detection with one evidence, a device and two observables."""
    ip, now, digest, host = address(chance), 1_770_454_800_000 + chance.randrange(10**9), digits(chance, 64), f"ws-{chance.randrange(99)}.contoso.com"
    hashes = [{"algorithm": "SHA-256", "algorithm_id": 3, "value": digest}, {"algorithm": "MD5", "algorithm_id": 1, "value": digits(chance, 32)}]
    user = {"name": "nina", "domain": "CONTOSO", "type": "User", "type_id": 1, "uid": f"S-1-5-21-1-2-3-{chance.randrange(9999)}"}
    process = {
        "pid": chance.randrange(9999), "name": "a.exe", "cmd_line": '"C:\\Temp\\a.exe" /q', "created_time": now, "uid": digits(chance, 32), "integrity": "Medium",
        "integrity_id": 3, "user": user, "file": {"name": "a.exe", "path": "C:\\Temp\\a.exe", "type": "Regular File", "type_id": 1, "size": 481_280, "hashes": hashes},
        "parent_process": {"pid": chance.randrange(9999), "name": "explorer.exe", "cmd_line": "C:\\Windows\\Explorer.EXE", "uid": digits(chance, 32),
                           "file": {"name": "explorer.exe", "path": "C:\\Windows\\explorer.exe", "type": "Regular File", "type_id": 1}},
    }  # fmt: skip
    attack = {"version": "14.1", "tactic": {"name": "Execution", "uid": "TA0002"}, "tactics": [{"name": "Execution", "uid": "TA0002"}],
              "technique": {"name": "User Execution", "uid": "T1204"}, "sub_technique": {"name": "Malicious File", "uid": "T1204.002"}}  # fmt: skip
    return {
        "activity_id": 1, "activity_name": "Create", "category_name": "Findings", "category_uid": 2, "class_name": "Detection Finding", "class_uid": 2004,
        "type_name": "Detection Finding: Create", "type_uid": 200401, "time": now, "severity_id": 3, "severity": "Medium", "status_id": 1, "status": "New",
        "confidence": "High", "confidence_id": 3, "action": "Observed", "action_id": 3, "disposition": "Detected", "disposition_id": 15, "is_alert": True,
        "message": "A loader was run on a workstation.", "timezone_offset": 0,
        "metadata": {"version": "1.3.0", "uid": digits(chance, 32), "event_code": "loader", "logged_time": now, "original_time": str(now), "profiles": ["security_control", "host"],
                     "log_name": "alerts", "product": {"name": "Sentry", "vendor_name": "Fabrikam", "version": "8.2.1", "feature": {"name": "Endpoint"}}},
        "finding_info": {"uid": digits(chance, 16), "title": "A loader was run", "desc": "A loader that is known from earlier campaigns was run.", "created_time": now,
                         "first_seen_time": now, "last_seen_time": now, "modified_time": now, "attacks": [attack], "types": ["Malware"],
                         "analytic": {"name": "Loader", "uid": f"rule-{chance.randrange(999)}", "type": "Behavioral", "type_id": 2, "version": "3"},
                         "data_sources": ["process", "file"], "src_url": f"https://sentry.example/findings/{digits(chance, 16)}"},
        "evidences": [{"process": process, "src_endpoint": {"ip": ip, "port": 50123, "hostname": host},
                       "dst_endpoint": {"ip": "203.0.113.80", "port": 443, "location": {"city": "Oslo", "country": "NO", "coordinates": [10.7, 59.9]}},
                       "connection_info": {"direction": "Outbound", "direction_id": 2, "protocol_name": "tcp", "protocol_num": 6}}],
        "device": {"hostname": host, "ip": ip, "mac": "52:54:00:aa:bb:cc", "uid": digits(chance, 32), "type": "Desktop", "type_id": 2, "domain": "contoso.com",
                   "os": {"name": "Windows", "type": "Windows", "type_id": 100, "version": "10.0.22631", "build": "22631"}, "is_managed": True},
        "observables": [{"name": "device.ip", "type": "IP Address", "type_id": 2, "value": ip}, {"name": "user.name", "type": "User Name", "type_id": 4, "value": "nina"},
                        {"name": "file.hash", "type": "Hash", "type_id": 8, "value": digest}, {"name": "device.hostname", "type": "Hostname", "type_id": 1, "value": host}],
        "remediation": {"desc": "Isolate the workstation."},
    }  # fmt: skip


def crowdstrike(chance: random.Random) -> Any:
    """A detection of the event stream."""
    flags = ("Indicator", "Detect", "InddetMask", "SensorOnly", "Rooting", "KillProcess", "KillSubProcess", "QuarantineMachine", "QuarantineFile",
             "PolicyDisabled", "KillParent", "OperationBlocked", "ProcessBlocked", "RegistryOperationBlocked", "CriticalProcessDisabled",
             "BootupSafeguardEnabled", "FsOperationBlocked", "HandleOperationDowngraded", "KillActionFailed", "BlockingUnsupportedOrDisabled",
             "SuspendProcess", "SuspendParent")  # fmt: skip
    agent, process, digest = digits(chance, 32), chance.getrandbits(50), digits(chance, 64)
    event = {
        "AgentId": agent, "AggregateId": f"aggind:{agent}:{process}", "CompositeId": f"c:ind:{agent}:{process}-5708-{chance.randrange(10**8)}",
        "Name": "NGAV", "Description": "A file matched a model.", "Severity": 70, "SeverityName": "High", "DataDomains": "Endpoint",
        "SourceProducts": "Falcon Insight", "SourceVendors": "CrowdStrike", "Type": "ldt", "PatternId": 5708, "Hostname": "ws.contoso.com",
        "LocalIP": address(chance), "LocalIPv6": "", "MACAddress": "52-54-00-aa-bb-cc", "LogonDomain": "CONTOSO", "UserName": "nina", "HostGroups": digits(chance, 32),
        "FileName": "a.exe", "FilePath": "\\Device\\HarddiskVolume2\\Users\\nina\\Downloads\\a.exe", "CommandLine": '"C:\\Users\\nina\\Downloads\\a.exe" /q',
        "SHA256String": digest, "MD5String": digits(chance, 32), "SHA1String": "0" * 40, "ProcessId": process, "LocalProcessId": chance.randrange(9999),
        "ProcessStartTime": 1_770_454_790, "ProcessEndTime": 0, "ParentProcessId": chance.getrandbits(50), "ParentImageFileName": "explorer.exe",
        "ParentImageFilePath": "\\Device\\HarddiskVolume2\\Windows\\explorer.exe", "ParentCommandLine": "C:\\Windows\\Explorer.EXE",
        "GrandParentImageFileName": "userinit.exe", "GrandParentImageFilePath": "\\Device\\HarddiskVolume2\\Windows\\System32\\userinit.exe",
        "GrandParentCommandLine": "C:\\Windows\\system32\\userinit.exe", "AssociatedFile": "\\Device\\HarddiskVolume2\\Users\\nina\\Downloads\\a.exe",
        "IOCType": "hash_sha256", "IOCValue": digest, "Tactic": "Execution", "Technique": "User Execution", "Objective": "Falcon Detection Method",
        "MitreAttack": [{"PatternID": 5708, "Tactic": "Execution", "TacticID": "TA0002", "Technique": "User Execution", "TechniqueID": "T1204"}],
        "PatternDispositionDescription": "Detection, standard detection.", "PatternDispositionValue": 0, "PatternDispositionFlags": dict.fromkeys(flags, False),
        "FalconHostLink": f"https://falcon.example/activity-v2/detections/{agent}", "RiskScore": 70, "LocalIPv4": "",
    }  # fmt: skip
    head = {"customerIDString": "c", "offset": chance.randrange(9999), "eventType": "EppDetectionSummaryEvent", "eventCreationTime": 1_770_454_800_250}
    return {"metadata": head, "event": event}


def guardduty(chance: random.Random) -> Any:
    """A finding about an instance, as the export writes it."""
    when, instance, inside = f"{at(chance)}.250Z", f"i-{digits(chance, 16)}", address(chance)
    name = f"ip-{inside.replace('.', '-')}.eu-west-1.compute.internal"
    interface = {
        "ipv6Addresses": [], "networkInterfaceId": f"eni-{digits(chance, 16)}", "privateDnsName": name, "privateIpAddress": inside,
        "privateIpAddresses": [{"privateDnsName": name, "privateIpAddress": inside}], "publicDnsName": "ec2.example", "publicIp": address(chance),
        "securityGroups": [{"groupId": f"sg-{digits(chance, 16)}", "groupName": "web"}], "subnetId": f"subnet-{digits(chance, 16)}", "vpcId": f"vpc-{digits(chance, 16)}",
    }  # fmt: skip
    details = {
        "availabilityZone": "eu-west-1a", "iamInstanceProfile": {"arn": "arn:aws:iam::111122223333:instance-profile/web", "id": "AIPAEXAMPLE"},
        "imageDescription": "Linux 2023", "imageId": f"ami-{digits(chance, 16)}", "instanceId": instance, "instanceState": "running", "instanceType": "t3.medium",
        "launchTime": when, "networkInterfaces": [interface], "outpostArn": None, "platform": None, "productCodes": [],
        "tags": [{"key": "Name", "value": "web"}, {"key": "team", "value": "shop"}],
    }  # fmt: skip
    remote = {"ipAddressV4": address(chance), "city": {"cityName": "Oslo"}, "country": {"countryName": "Norway"}, "geoLocation": {"lat": 59.9, "lon": 10.7},
              "organization": {"asn": "64500", "asnOrg": "Example Net", "isp": "Example Net", "org": "Example Net"}}  # fmt: skip
    action = {"blocked": False, "connectionDirection": "INBOUND", "protocol": "TCP", "localPortDetails": {"port": 22, "portName": "SSH"},
              "remotePortDetails": {"port": 4000, "portName": "Unknown"}, "localIpDetails": {"ipAddressV4": inside}, "remoteIpDetails": remote}  # fmt: skip
    return {
        "schemaVersion": "2.0", "accountId": "111122223333", "region": "eu-west-1", "partition": "aws", "id": digits(chance, 32),
        "arn": f"arn:aws:guardduty:eu-west-1:111122223333:detector/{digits(chance, 32)}/finding/{digits(chance, 32)}", "type": "UnauthorizedAccess:EC2/SSHBruteForce",
        "severity": 2, "createdAt": when, "updatedAt": when, "title": f"Many logons to {instance}", "description": f"Many logons over SSH to the instance {instance}.",
        "resource": {"resourceType": "Instance", "instanceDetails": details},
        "service": {"serviceName": "guardduty", "detectorId": digits(chance, 32), "archived": False, "count": 5, "resourceRole": "TARGET", "eventFirstSeen": when,
                    "eventLastSeen": when, "evidence": None, "additionalInfo": {"value": "{}", "type": "default"},
                    "action": {"actionType": "NETWORK_CONNECTION", "networkConnectionAction": action}},
    }  # fmt: skip


def cef(chance: random.Random) -> Any:
    """A line of a gateway."""
    return (
        f"Feb  7 09:00:00 gate CEF:0|Fabrikam|Gate|2.1|{chance.randrange(9999)}|A request was blocked|7|rt=Feb 07 2026 09:00:{chance.randrange(60):02} UTC "
        f"src={address(chance)} spt={chance.randrange(65536)} dst={address(chance)} dpt=443 proto=TCP suser=CONTOSO\\nina shost=ws.contoso.com "
        f"request=https://a.example/{digits(chance, 8)} act=blocked cat=Execution cs1Label=Rule cs1=allow out msg=A request of an unusual kind"
    )


def leef(chance: random.Random) -> Any:
    """The same as LEEF."""
    return (
        f"Feb  7 09:00:00 gate LEEF:1.0|Fabrikam|Gate|2.1|{chance.randrange(9999)}|title=A request was blocked\tsev=7\tdevTime=2026-02-07T09:00:00Z\t"
        f"src={address(chance)}\tsrcPort={chance.randrange(65536)}\tdst={address(chance)}\tdstPort=443\tproto=TCP\tusrName=CONTOSO\\nina\t"
        f"url=https://a.example/{digits(chance, 8)}\taction=blocked\tcat=Execution\tmsg=A request of an unusual kind"
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
        "host": {"name": "ws.contoso.com", "os": "Windows11", "addresses": [address(chance)], "serial": digits(chance, 16)},
        "processes": [{"pid": chance.randrange(9999), "image": "C:\\Temp\\a.exe", "command": "a.exe /q", "digest": digits(chance, 64)},
                      {"pid": 800, "image": "C:\\Windows\\explorer.exe", "command": "explorer.exe", "parent": True}],
        "peers": [{"ip": address(chance), "port": 443, "bytes": chance.randrange(10**6)}, {"url": f"https://{digits(chance, 8)}.example/j", "opinion": "bad"}],
    }  # fmt: skip


MAKERS: dict[str, Make] = {
    make.__name__: make
    for make in (graph, mde, entra, xdr, mdo, mcas, suricata, falco, wazuh, ocsf, crowdstrike, guardduty, cef, leef, generic)
}
