"""Where it happened: devices, addresses, names in the DNS, connections between them."""

from __future__ import annotations

from secgraph.ingest.entities.entity import ASIDE, GRADES, Evidence, Gathering
from secgraph.ingest.entities.normal import EMPTY_GUID, guid, host, ip, shown, text, url
from secgraph.ingest.entities.people import account, user_of

MOST_ADDRESSES = 8
"""Most addresses of one device that are read: a device of containers has hundreds, none of which tells it apart."""

_NAMELESS = frozenset({"localhost", "localhost.localdomain", "workgroup"})


def device(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A device, who was signed in there, and its addresses."""
    dns, label = host(evidence.get("deviceDnsName")), host(evidence.get("hostName"))
    domain = host(evidence.get("dnsDomain"))
    if dns is None or "." not in dns:
        dns, label = (f"{label}.{domain}" if label and domain and "." not in label else None), dns or label
    machine = evidence.get("vmMetadata")
    machine = machine if isinstance(machine, dict) else {}
    _named(gathering, role, evidence.get("deviceDnsName") or evidence.get("hostName") or evidence.get("mdeDeviceId"),
           dns or label, aad=guid(evidence.get("azureAdDeviceId")), mde=text(evidence.get("mdeDeviceId")),
           vm=guid(machine.get("vmId")), arm=text(machine.get("resourceId")))  # fmt: skip
    for person in evidence.get("loggedOnUsers") or ():
        account(gathering, person, "loggedOn")
    for found in (evidence.get("lastIpAddress"), *(evidence.get("ipInterfaces") or ())[:MOST_ADDRESSES]):
        if found is not None:
            address(gathering, found, "within" if GRADES[role] == ASIDE else "address")


def _named(gathering: Gathering, role: str, shown_by: object, named: str | None, **ids: str | None) -> None:
    """A device by its ids and by a name, which is a whole one when it has a dot."""
    if named in _NAMELESS:
        named = None
    whole = named if named is not None and "." in named and not named.replace(".", "").isdigit() else None
    label = named.partition(".")[0] if named is not None and (whole is not None or "." not in named) else None
    gathering.add("device", (*ids.items(), ("fqdn", whole), ("host", label)), role, shown(shown_by))


def on(gathering: Gathering, device_id: object) -> None:
    """The device on which a file or a process was seen."""
    number = text(device_id)
    if number is not None:
        gathering.add("device", (("mde", number),), "host", shown(device_id))


def virtual(gathering: Gathering, arm: str, role: str, name: object) -> None:
    """The device that a resource of the cloud is."""
    _named(gathering, role, name, host(name), arm=arm)


def internet_of_things(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A device that is no computer."""
    _named(gathering, role, evidence.get("deviceName") or evidence.get("deviceId"), host(evidence.get("deviceName")),
           iot=text(evidence.get("deviceId")), mac=_mac(evidence.get("macAddress")))  # fmt: skip
    ip_of(gathering, evidence.get("ipAddress"), "address")
    for one in evidence.get("nics") or ():
        if isinstance(one, dict):
            ip_of(gathering, one.get("ipAddress"), "address")


def nic(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A network card: the device it is in, and its address."""
    gathering.add("device", (("mac", _mac(evidence.get("macAddress"))),), role, shown(evidence.get("macAddress")))
    ip_of(gathering, evidence.get("ipAddress"), role)


def _mac(value: object) -> str | None:
    found = text(value)
    digits = "".join(one for one in found or "" if one in "0123456789abcdef")
    return digits if len(digits) == 12 and digits.strip("0") and digits != "f" * 12 else None


def address(gathering: Gathering, value: object, role: str) -> None:
    """An IP address; one that names nobody (this host, this network, everyone) is left out."""
    found = ip(value)
    if found is not None and found.range in _KINDS:
        gathering.add("ip", ((_KINDS[found.range], found.text),), role, found.text)


_KINDS = {"public": "public", "documentation": "public", "private": "private"}


def ip_of(gathering: Gathering, nested: object, role: str) -> None:
    """The address of a piece of evidence that stands inside another."""
    if isinstance(nested, dict):
        address(gathering, nested.get("ipAddress"), role)


def ip_evidence(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """An address."""
    address(gathering, evidence.get("ipAddress"), role)


def domain(gathering: Gathering, value: object, role: str) -> None:
    """A name in the DNS; an address that stands in place of one is an address."""
    if ip(value) is not None:
        address(gathering, value, role)
        return
    found = host(value)
    if found is not None and "." in found:
        gathering.add("domain", (("name", found),), role, shown(found))


def location(gathering: Gathering, value: object, role: str) -> None:
    """A URL and the host in it."""
    found = url(value)
    if found is None:
        return
    gathering.add("url", (("url", found.text),), role, shown(value))
    if found.address is not None:
        address(gathering, found.address.text, role)
    elif found.host is not None:
        domain(gathering, found.host, role)


def url_evidence(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A URL."""
    location(gathering, evidence.get("url"), role)


def dns(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A question to the DNS: the name, who asked, and what was answered. The server that answers is asked by everybody."""
    domain(gathering, evidence.get("domainName"), role)
    ip_of(gathering, evidence.get("hostIpAddress"), "source")
    for one in evidence.get("ipAddresses") or ():
        ip_of(gathering, one, role)


def connection(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A connection: its two ends."""
    ip_of(gathering, evidence.get("sourceAddress"), "source" if role == "unknown" else role)
    ip_of(gathering, evidence.get("destinationAddress"), "destination" if role == "unknown" else role)


def logon(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A session on a device: the device, who it is, and the session, which is known by its number there only."""
    place, number = evidence.get("host"), text(evidence.get("sessionId"))
    user_of(gathering, evidence.get("account"), role)
    if isinstance(place, dict):
        device(gathering, place, role)
        named = text(place.get("mdeDeviceId")) or host(place.get("deviceDnsName")) or host(place.get("hostName"))
        if named is not None and number is not None and number != EMPTY_GUID:
            gathering.add("session", (("logon", f"{named}/{number}"),), role, shown(evidence.get("sessionId")))
