"""An alias of an asset in, the keys by which alerts name it out.

An alias is made into the piece of evidence that would hold it and read as every alert's is, so that spellings agree with what
alerts give: case, punycode, forms of addresses, names of domains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from secgraph.ingest.entities import entities
from secgraph.ingest.entities.entity import WEAK, kind_of
from secgraph.ingest.entities.read import SPACE


class Way(NamedTuple):
    """Where an alias stands in evidence, and what kinds its strongest key may have there."""

    evidence: str
    member: str
    kinds: tuple[str, ...]


WAYS: Mapping[str, Mapping[str, Way]] = {
    "user": {
        "objectId": Way("user", "userAccount/azureAdUserId", ("user.id",)),
        "userPrincipalName": Way("user", "userAccount/userPrincipalName", ("user.upn",)),
        "sid": Way("user", "userAccount/userSid", ("user.sid",)),
        "account": Way("user", "userAccount/accountName", ("user.name", "user.account")),
    },
    "device": {
        "objectId": Way("device", "azureAdDeviceId", ("device.aad",)),
        "deviceId": Way("device", "mdeDeviceId", ("device.mde",)),
        "resourceId": Way("device", "vmMetadata/resourceId", ("device.arm",)),
        "macAddress": Way("nic", "macAddress", ("device.mac",)),
        "fqdn": Way("device", "deviceDnsName", ("device.fqdn",)),
        "host": Way("device", "hostName", ("device.host",)),
        "address": Way("ip", "ipAddress", ("ip.public", "ip.private")),
    },
    "application": {
        "objectId": Way("servicePrincipal", "servicePrincipalObjectId", ("application.object",)),
        "appId": Way("servicePrincipal", "appId", ("application.app",)),
    },
}
"""Which aliases each kind of asset may have."""

SAYS: Mapping[str, str] = {
    "objectId": "an object id, as the directory gives it",
    "userPrincipalName": "a user principal name, such as anna@contoso.com",
    "sid": "a SID of a user, such as S-1-5-21-1004336348-1177238915-682003330-512; built-in ones are everybody's",
    "account": r"an account, such as CONTOSO\anna; those that every system has, and those of devices, name no user",
    "deviceId": "a device id, as Defender for Endpoint gives it",
    "resourceId": "the resource id of a virtual machine",
    "macAddress": "a MAC address of twelve digits that is one device's",
    "fqdn": "a whole host name, such as ws1.contoso.com",
    "host": "a host name without a domain, such as WS1",
    "address": "an IP address that is not loopback, link-local, multicast or reserved",
    "appId": "an application id",
}
"""What each alias must be."""


def keys(kind: str, alias: str, value: str) -> tuple[str, ...]:
    """The keys by which alerts name an asset of that kind that has this alias, the alias's own first and then what it says
    besides (the bare name of an account, the first label of a host). Empty where it is none.
    """
    way = WAYS[kind].get(alias)
    if way is None:
        return ()
    evidence: dict[str, Any] = {"@odata.type": f"{SPACE}{way.evidence}Evidence"}
    *outer, name = way.member.split("/")
    place = evidence
    for step in outer:
        place = place.setdefault(step, {})
    place[name] = value
    found = entities({"evidence": [evidence]})
    return found[0].keys if found and kind_of(found[0].key) in way.kinds else ()


def identifies(key: str) -> bool:
    """Whether an alias of that key says by itself whose it is: no address does, nor a name that two may have."""
    return kind_of(key) not in WEAK and not key.startswith("ip.")
