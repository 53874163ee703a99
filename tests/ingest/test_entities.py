"""What an alert names: one key for each thing, whoever names it and however it is spelt."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secgraph.ingest.entities import Entity, entities, with_aliases
from secgraph.ingest.entities.entity import GRADES, KINDS, MOST, WEAK, same
from secgraph.ingest.entities.normal import LONGEST, SHOWN
from secgraph.ingest.entities.read import READERS, unread
from secgraph.model.check import from_source
from secgraph.model.edm import EnumType, Primitive, StructType, load

ALERT = load().struct("microsoft.graph.security.alert")
EVIDENCE = load().struct("microsoft.graph.security.alertEvidence")
ID = "250218c7-91b1-431b-b650-fc9daae1332b"
OTHER_ID = "e7a51afd-9b8e-4dd9-b579-1b501d6785d0"
SID = "S-1-5-21-2840917365-3096251847-462718093-4417"
SHA256 = "cda7ffb5a65d1381fc439b7aeeb229ddd4d1f944a1a1a1ce6520e987c234c0f0"
SHA1 = "cd384c614a3c027d1f980e624d8a994c54aa6a2a"
MD5 = "15157c1dc1c9b8a359f841746137d586"
ARM = "/subscriptions/F1db1afe/resourceGroups/RG-Shop/providers/Microsoft.Compute/virtualMachines/VM-Build-02"


def read(*evidence: dict[str, Any]) -> list[Entity]:
    drafts = [{**one, "@odata.type": f"#microsoft.graph.security.{one['is']}Evidence"} for one in evidence]
    for one in drafts:
        del one["is"]
    record, _ = from_source(ALERT, {"title": "t", "evidence": drafts}, "2026-11-20T12:00:00.0000000Z")
    return entities(record)


def user(**account: Any) -> dict[str, Any]:
    return {"is": "user", "userAccount": account}


def keys(*evidence: dict[str, Any]) -> list[str]:
    return [key for one in read(*evidence) for key in one.keys]


def test_every_evidence_type_of_the_contract_has_a_reader() -> None:
    assert unread() == []
    assert len(READERS) == len(list(EVIDENCE.family())) - 1


@pytest.mark.parametrize(("evidence", "expected"), [
    # people
    (user(azureAdUserId=ID.upper(), userPrincipalName="Mirjam@Contoso.COM", userSid=SID, accountName="Mirjam", domainName="CONTOSO.com"),
     [f"user.id:{ID}", "user.upn:mirjam@contoso.com", f"user.sid:{SID.lower()}", "user.name:contoso/mirjam", "user.account:mirjam"]),
    (user(accountName="CONTOSO\\Mirjam"), ["user.name:contoso/mirjam", "user.account:mirjam"]),
    (user(accountName="mirjam@contoso.com"), ["user.upn:mirjam@contoso.com", "user.account:mirjam"]),
    (user(accountName="m.h", userPrincipalName="mirjam@bücher.example"),
     ["user.upn:mirjam@xn--bcher-kva.example", "user.account:m.h", "user.account:mirjam"]),
    (user(accountName="SYSTEM", domainName="NT AUTHORITY"), []),
    (user(accountName="system"), []),
    (user(accountName="system", domainName="CONTOSO"), ["user.name:contoso/system", "user.account:system"]),
    (user(accountName="svc", userSid="S-1-5-18"), []),
    (user(accountName="Administrator"), []), (user(accountName="root", domainName="SRV-1"), ["user.name:srv-1/root"]),
    (user(accountName="WKS-1$", domainName="CONTOSO"), ["device.host:wks-1"]),
    (user(azureAdUserId="00000000-0000-0000-0000-000000000000"), []),
    ({"is": "mailbox", "primaryAddress": "Mirjam@contoso.com", "displayName": "M"},
     ["mailbox.address:mirjam@contoso.com", "user.upn:mirjam@contoso.com", "user.account:mirjam"]),
    ({"is": "mailboxConfiguration", "mailboxPrimaryAddress": "m@contoso.com", "configurationId": "R1", "externalDirectoryObjectId": ID},
     ["mailboxRule.id:r1", "mailbox.address:m@contoso.com", f"user.id:{ID}", "user.upn:m@contoso.com", "user.account:m"]),
    ({"is": "securityGroup", "displayName": "Backup Operators", "sid": "S-1-5-32-551"},
     ["securityGroup.sid:s-1-5-32-551", "securityGroup.name:backup operators"]),
    ({"is": "cloudLogonSession", "sessionId": "S1", "account": {"userAccount": {"userPrincipalName": "m@contoso.com"}}},
     ["session.id:s1", "user.upn:m@contoso.com", "user.account:m"]),
    ({"is": "cloudLogonRequest", "requestId": ID}, [f"signIn.id:{ID}"]),
    ({"is": "gitHubUser", "userId": "7", "login": "Octo"}, ["gitHubUser.id:7", "gitHubUser.login:octo"]),
    ({"is": "gitHubRepo", "baseUrl": "https://github.example/O/R/"}, ["gitHubRepo.url:github.example/o/r"]),
    ({"is": "gitHubOrganization", "orgId": "9", "login": "O"}, ["gitHubOrganization.id:9", "gitHubOrganization.login:o"]),
    ({"is": "activeDirectoryDomain", "activeDirectoryDomainName": "Contoso.com", "trustedDomains": [{"activeDirectoryDomainName": "b"}]},
     ["activeDirectoryDomain.name:contoso.com", "activeDirectoryDomain.name:b"]),
    # devices, addresses, names
    ({"is": "device", "azureAdDeviceId": ID, "mdeDeviceId": "AA11", "deviceDnsName": "WKS-1.Contoso.com.", "hostName": "WKS-1"},
     [f"device.aad:{ID}", "device.mde:aa11", "device.fqdn:wks-1.contoso.com", "device.host:wks-1"]),
    ({"is": "device", "hostName": "WKS-1", "dnsDomain": "contoso.com"}, ["device.fqdn:wks-1.contoso.com", "device.host:wks-1"]),
    ({"is": "device", "deviceDnsName": "wks-1"}, ["device.host:wks-1"]),
    ({"is": "device", "deviceDnsName": "localhost"}, []),
    ({"is": "device", "hostName": "w", "loggedOnUsers": [{"accountName": "tv", "domainName": "C"}], "lastIpAddress": "10.0.0.1"},
     ["device.host:w", "user.name:c/tv", "user.account:tv", "ip.private:10.0.0.1"]),
    ({"is": "ioTDevice", "deviceId": "P1", "macAddress": "00-1A-2B-3C-4D-5E", "ipAddress": {"ipAddress": "10.0.0.9"}},
     ["device.iot:p1", "device.mac:001a2b3c4d5e", "ip.private:10.0.0.9"]),
    ({"is": "nic", "macAddress": "00:1a:2b:3c:4d:5e"}, ["device.mac:001a2b3c4d5e"]),
    ({"is": "ip", "ipAddress": "::FFFF:198.51.100.7"}, ["ip.public:198.51.100.7"]),
    ({"is": "ip", "ipAddress": "2001:DB8:0:0::9"}, ["ip.public:2001:db8::9"]),
    ({"is": "ip", "ipAddress": "fd00::1%eth0"}, ["ip.private:fd00::1"]),
    ({"is": "ip", "ipAddress": "198.51.100.7:443"}, ["ip.public:198.51.100.7"]),
    ({"is": "ip", "ipAddress": "[2001:db8::1]:443"}, ["ip.public:2001:db8::1"]),
    ({"is": "ip", "ipAddress": "198.18.3.4"}, ["ip.public:198.18.3.4"]),
    ({"is": "ip", "ipAddress": "100.64.3.4"}, ["ip.private:100.64.3.4"]),
    ({"is": "ip", "ipAddress": "127.0.0.1"}, []), ({"is": "ip", "ipAddress": "fe80::1"}, []),
    ({"is": "ip", "ipAddress": "224.0.0.251"}, []), ({"is": "ip", "ipAddress": "0.0.0.0"}, []),  # noqa: S104 -- it names nobody
    ({"is": "ip", "ipAddress": "255.255.255.255"}, []), ({"is": "ip", "ipAddress": "010.0.0.1"}, []), ({"is": "ip", "ipAddress": "host"}, []),
    ({"is": "url", "url": "HTTPS://User:Pw@Bücher.Example:443/a%7Eb%2fc?Q=1#frag"},
     ["url.url:https://xn--bcher-kva.example/a~b%2Fc?Q=1", "domain.name:xn--bcher-kva.example"]),
    ({"is": "url", "url": "hxxp://evil[.]example"}, ["url.url:http://evil.example/", "domain.name:evil.example"]),
    ({"is": "url", "url": "evil.example/x"}, ["url.url:http://evil.example/x", "domain.name:evil.example"]),
    ({"is": "url", "url": "evil.example:8080/x"}, ["url.url:http://evil.example:8080/x", "domain.name:evil.example"]),
    ({"is": "url", "url": "http://203.0.113.4/x"}, ["url.url:http://203.0.113.4/x", "ip.public:203.0.113.4"]),
    ({"is": "url", "url": "http://[2001:DB8::1]:80?x"}, ["url.url:http://[2001:db8::1]/?x", "ip.public:2001:db8::1"]),
    ({"is": "url", "url": "http://e.example/%c3%a9/é a"}, ["url.url:http://e.example/%C3%A9/%C3%A9%20a", "domain.name:e.example"]),
    ({"is": "url", "url": "mailto:a@b.example"}, []), ({"is": "url", "url": "http://"}, []),
    ({"is": "dns", "domainName": "C2.Example.", "hostIpAddress": {"ipAddress": "10.0.0.5"}, "dnsServerIp": {"ipAddress": "10.0.0.53"}},
     ["domain.name:c2.example", "ip.private:10.0.0.5"]),
    ({"is": "networkConnection", "sourceAddress": {"ipAddress": "10.0.0.5"}, "destinationAddress": {"ipAddress": "203.0.113.9"}},
     ["ip.private:10.0.0.5", "ip.public:203.0.113.9"]),
    ({"is": "hostLogonSession", "sessionId": "0x3e7", "host": {"hostName": "w"}, "account": {"userAccount": {"accountName": "tv"}}},
     ["user.account:tv", "device.host:w", "session.logon:w/0x3e7"]),
    # files and what ran
    ({"is": "file", "fileDetails": {"sha256": SHA256.upper(), "sha1": SHA1, "md5": MD5, "fileName": "A.dll", "filePath": "C:\\Tmp\\"}, "mdeDeviceId": "D1"},
     [f"file.sha256:{SHA256}", f"file.sha1:{SHA1}", f"file.md5:{MD5}", "file.path:c:/tmp/a.dll", "device.mde:d1"]),
    ({"is": "file", "fileDetails": {"sha256": "no", "sha1": "0" * 40, "fileName": "a.dll"}}, []),
    ({"is": "file", "fileDetails": {"md5": "d41d8cd98f00b204e9800998ecf8427e"}}, []),
    ({"is": "fileHash", "algorithm": "sha1", "value": SHA1}, [f"file.sha1:{SHA1}"]),
    ({"is": "malware", "name": "Skarv", "files": [{"fileDetails": {"md5": MD5}}]}, ["malware.name:skarv", f"file.md5:{MD5}"]),
    ({"is": "registryKey", "registryHive": "HKEY_LOCAL_MACHINE", "registryKey": "SOFTWARE\\X\\"}, ["registry.key:hklm/software/x/"]),
    ({"is": "registryKey", "registryKey": "HKEY_LOCAL_MACHINE\\SOFTWARE\\X"}, ["registry.key:hklm/software/x/"]),
    # mail
    ({"is": "analyzedMessage", "networkMessageId": ID, "internetMessageId": "<A@b.example>", "recipientEmailAddress": "m@contoso.com",
      "senderIp": "192.0.2.4", "p2Sender": {"emailAddress": "Ap@evil.example"}, "urls": ["http://evil.example/"]},
     [f"mail.message:{ID}", "mail.internet:a@b.example", "user.upn:m@contoso.com", "user.account:m", "user.upn:ap@evil.example",
      "user.account:ap", "ip.public:192.0.2.4", "url.url:http://evil.example/", "domain.name:evil.example"]),
    ({"is": "submissionMail", "networkMessageId": ID, "submissionId": OTHER_ID}, [f"mail.message:{ID}", f"mail.submission:{OTHER_ID}"]),
    ({"is": "mailCluster", "urn": "urn:x", "networkMessageIds": [ID]}, ["mailCluster.urn:urn:x", f"mail.message:{ID}"]),
    ({"is": "teamsMessage", "threadId": "T", "messageId": "1", "senderFromAddress": "x@evil.example"},
     ["teamsMessage.id:t/1", "user.upn:x@evil.example", "user.account:x"]),
    # the cloud
    ({"is": "servicePrincipal", "servicePrincipalObjectId": ID, "appId": OTHER_ID, "servicePrincipalName": "sp"},
     [f"application.object:{ID}", f"application.app:{OTHER_ID}", "application.name:sp"]),
    ({"is": "oauthApplication", "appId": OTHER_ID}, [f"application.app:{OTHER_ID}"]),
    ({"is": "cloudApplication", "appId": 20892, "instanceId": 3}, ["cloudApplication.instance:20892/3", "cloudApplication.app:20892"]),
    ({"is": "azureResource", "resourceId": ARM + "/"},
     [f"azureResource.arm:{ARM.lower()}", f"device.arm:{ARM.lower()}", "device.host:vm-build-02"]),
    ({"is": "amazonResource", "amazonResourceId": "arn:aws:s3:::b"}, ["amazonResource.arn:arn:aws:s3:::b"]),
    ({"is": "googleCloudResource", "fullResourceName": "//storage.googleapis.com/b"}, ["googleResource.full:storage.googleapis.com/b"]),
    ({"is": "blob", "name": "b", "url": "https://s.blob.example/c/b", "blobContainer": {"name": "c"}, "fileHashes": [{"algorithm": "md5", "value": MD5}]},
     ["blob.url:https://s.blob.example/c/b", "blob.name:b", f"file.md5:{MD5}", "blobContainer.name:c"]),
    ({"is": "blobContainer", "name": "c", "storageResource": {"resourceId": "/S/1"}}, ["azureResource.arm:/s/1", "blobContainer.name:/s/1/c"]),
    ({"is": "sasToken", "signatureHash": "AB"}, ["sasToken.signature:ab"]),
    ({"is": "container", "containerId": "containerd://AB", "name": "c", "image": {"imageId": "i:1", "registry": {"registry": "r.example"}}},
     ["container.id:ab", "container.name:c", "containerImage.id:i:1", "containerRegistry.name:r.example"]),
    ({"is": "containerImage", "imageId": "i:1", "digestImage": {"imageId": "sha256:9"}}, ["containerImage.id:sha256:9"]),
    ({"is": "containerRegistry", "registry": "R.example/"}, ["containerRegistry.name:r.example"]),
    ({"is": "kubernetesCluster", "name": "k"}, ["kubernetesCluster.name:k"]),
    ({"is": "kubernetesNamespace", "name": "n", "cluster": {"name": "k"}}, ["kubernetesCluster.name:k", "kubernetesObject.name:k/namespace/n"]),
    ({"is": "kubernetesPod", "name": "p", "namespace": {"name": "n"}, "containers": [{"containerId": "c1"}], "podIp": {"ipAddress": "10.1.1.1"}},
     ["kubernetesObject.name:/namespace/n", "kubernetesObject.name:/n/pod/p", "container.id:c1", "ip.private:10.1.1.1"]),
    ({"is": "kubernetesController", "name": "d", "type": "DaemonSet"}, ["kubernetesObject.name:/daemonset/d"]),
    ({"is": "kubernetesSecret", "name": "s"}, ["kubernetesObject.name:/secret/s"]),
    ({"is": "kubernetesServiceAccount", "name": "default"}, []),
    ({"is": "kubernetesServiceAccount", "name": "build"}, ["kubernetesObject.name:/serviceaccount/build"]),
    ({"is": "kubernetesService", "name": "s", "clusterIP": {"ipAddress": "10.2.2.2"}}, ["kubernetesObject.name:/service/s", "ip.private:10.2.2.2"]),
    ({"is": "aiAgent", "agentId": "A1", "agentName": "Helper"}, ["aiAgent.id:a1", "aiAgent.name:helper"]),
])  # fmt: skip
def test_the_keys_of_a_piece_of_evidence(evidence: dict[str, Any], expected: list[str]) -> None:
    found = [key for key in keys(evidence) if not key.startswith("mail.subject")]
    assert found == expected


def test_a_process_is_one_by_device_image_line_and_start() -> None:
    one = {"is": "process", "mdeDeviceId": "D1", "processCommandLine": "rundll32.exe spoolhlp.dll,Start", "processId": 4,
           "processCreationDateTime": "2026-11-20T12:00:00Z", "imageFile": {"sha256": SHA256}}  # fmt: skip
    whole = next(found for found in read(one) if found.type == "process")
    assert [key.partition(":")[0] for key in whole.keys] == ["process.start", "process.line"]
    again = {**one, "processCreationDateTime": "2026-11-20T12:00:01Z"}
    later = next(found for found in read(again) if found.type == "process")
    assert later.keys[0] != whole.keys[0]
    assert later.keys[1] == whole.keys[1]
    assert "process.line" not in str(keys({**one, "processCommandLine": "whoami /all"}))


def test_a_thing_that_is_named_twice_is_one_with_all_keys_and_the_weightier_role() -> None:
    found = read(
        {**user(accountName="mirjam", domainName="contoso"), "roles": ["contextual"]},
        {**user(azureAdUserId=ID, accountName="Mirjam", domainName="CONTOSO"), "roles": ["compromised", "contextual"]},
    )
    assert [(one.type, one.role, one.keys) for one in found] == [
        ("user", "compromised", (f"user.id:{ID}", "user.name:contoso/mirjam", "user.account:mirjam"))
    ]


def test_two_things_that_share_a_weak_key_only_stay_two() -> None:
    found = read(user(azureAdUserId=ID, accountName="ann"), user(azureAdUserId=OTHER_ID, accountName="ann"))
    assert [one.keys[0] for one in found] == [f"user.id:{ID}", f"user.id:{OTHER_ID}"]


@pytest.mark.parametrize(("one", "other", "by"), [
    (user(azureAdUserId=ID), user(azureAdUserId=ID, accountName="x"), f"user.id:{ID}"),
    (user(userPrincipalName="a@b.example", userSid=SID), user(userPrincipalName="c@b.example", userSid=SID), f"user.sid:{SID.lower()}"),
    (user(userPrincipalName="a@b.example"), user(accountName="A"), "user.account:a"),
    (user(userPrincipalName="a@b.example"), user(userPrincipalName="a@c.example"), None),
    (user(accountName="a", domainName="b"), user(accountName="a", domainName="c"), None),
    (user(accountName="a", domainName="corp.b.example"), user(accountName="A", domainName="CORP"), "user.name:corp/a"),
    ({"is": "device", "deviceDnsName": "w.b.example"}, {"is": "device", "hostName": "W"}, "device.host:w"),
    ({"is": "device", "deviceDnsName": "w.b.example"}, {"is": "device", "deviceDnsName": "w.c.example"}, None),
    ({"is": "file", "fileDetails": {"sha1": SHA1, "md5": MD5}}, {"is": "fileHash", "value": MD5}, f"file.md5:{MD5}"),
])  # fmt: skip
def test_when_two_alerts_name_one_thing(one: dict[str, Any], other: dict[str, Any], by: str | None) -> None:
    first, second = read(one)[0], read(other)[0]
    assert same(first.keys, second.keys) == by
    assert same(second.keys, first.keys) == by


@pytest.mark.parametrize(("members", "role"), [
    ({}, "unknown"), ({"roles": ["contextual", "attacker"]}, "attacker"), ({"roles": ["unknown"], "verdict": "malicious"}, "malicious"),
    ({"detailedRoles": ["PrimaryDevice"]}, "primary"), ({"verdict": "noThreatsFound"}, "clean"),
    ({"roles": ["contextual"], "detailedRoles": ["PrimaryDevice"]}, "contextual"), ({"detailedRoles": ["odd"]}, "unknown"),
])  # fmt: skip
def test_the_role_of_a_piece_of_evidence(members: dict[str, Any], role: str) -> None:
    assert read({"is": "ip", "ipAddress": "203.0.113.1", **members})[0].role == role


def test_aliases_of_an_inventory_make_two_names_one() -> None:
    found = read({"is": "device", "hostName": "w"}, {"is": "ip", "ipAddress": "10.0.0.1"}, user(userSid=SID))
    named = with_aliases(found, {f"user.sid:{SID.lower()}": (f"user.id:{ID}",), "device.host:w": ("device.fqdn:w.b.example",)})
    assert [one.keys for one in named] == [
        ("device.fqdn:w.b.example", "device.host:w"), ("ip.private:10.0.0.1",), (f"user.id:{ID}", f"user.sid:{SID.lower()}"),
    ]  # fmt: skip
    assert with_aliases(found, {}) is found


def test_an_address_that_is_known_to_be_a_device_s_is_that_device() -> None:
    found = read({"is": "ip", "ipAddress": "10.0.0.1"}, {"is": "device", "hostName": "w"}, {"is": "ip", "ipAddress": "203.0.113.9"})
    known = {"ip.private:10.0.0.1": ("device.fqdn:w.b.example", "device.host:w"), "ip.public:203.0.113.9": ("device.host:v",)}
    assert [(one.type, one.keys) for one in with_aliases(found, known)] == [
        ("device", ("device.fqdn:w.b.example", "device.host:w", "ip.private:10.0.0.1")), ("device", ("device.host:v", "ip.public:203.0.113.9")),
    ]  # fmt: skip


def test_an_alert_that_names_a_crowd_names_no_more_than_the_most() -> None:
    assert len(read(*({"is": "ip", "ipAddress": f"10.1.{n // 250}.{n % 250}"} for n in range(600)))) == MOST


def test_what_a_key_and_a_role_can_be_is_known() -> None:
    assert {one.partition(".")[0] for one in WEAK} <= KINDS.keys()
    roles = load().types["microsoft.graph.security.evidenceRole"]
    assert isinstance(roles, EnumType)
    assert roles.members.keys() - {"unknownFutureValue"} <= GRADES.keys()


ODD = [
    "x" * 100_000, "é" * 100_000, "\u202eexe.fdp", "\u200b", "a\u200bb", "http://" + "a" * 70 + ".example/", "xn--" + "9" * 80, "http://xn--\u0301.example",
    "http://[::1", "http://[", "http://a:99999999/", "@@@", "a@" + "b." * 200, "\\\\\\", "%zz%", "\ud7ff", "%" * 5000, "1" * 300, "::ffff:" * 9, "İ" * 90,
    "http://\u3002\u3002", "ß" * 64 + ".example", "S-1-" + "5-" * 200, "/" * 5000, "\U000e0001", "http://" + "é" * 300, "a" * 150 + "\u0301" * 60,
]  # fmt: skip
TEXTS = st.sampled_from(ODD) | st.text(max_size=30)


@cache
def values(kind: StructType, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    members: dict[str, st.SearchStrategy[Any]] = {}
    for name, item in kind.properties.items():
        if isinstance(item.type, Primitive):
            one: st.SearchStrategy[Any] = TEXTS if item.type.name in {"Edm.String", "Edm.Guid"} else st.integers(0, 9)
        elif isinstance(item.type, EnumType):
            one = st.sampled_from(list(item.type.members))
        elif depth < 2:
            one = st.deferred(lambda item=item: values(item.type, depth + 1))  # type: ignore[misc]
        else:
            continue
        members[name] = st.lists(one, max_size=2) if item.collection else one
    return st.fixed_dictionaries({}, optional=members)


@pytest.mark.parametrize("name", sorted(READERS))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_record_holds_its_keys_are_short_and_known(name: str, data: st.DataObject) -> None:
    drawn = data.draw(values(load().struct(f"microsoft.graph.security.{name}Evidence")))
    for one in read({"is": name, **drawn}):
        assert one.keys
        assert one.role in GRADES
        assert len(one.name) <= SHOWN
        assert one.name.isprintable()
        for key in one.keys:
            assert len(key) <= LONGEST
            kind, _, value = key.partition(":")
            assert kind.partition(".")[2] in KINDS[one.type]
            assert value.isprintable()
