"""What a CEF line of Defender for Identity means; the part of `cef` that knows this product."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from secgraph.extend import AlertDraft, NotAnAlert, Record, Unusable, evidence, moment

PRODUCT = "microsoftDefenderForIdentity"
SHOWN = ("app", "outcome", "cnt")
ADDRESS = re.compile(r"[\d.]{7,15}|[0-9A-Fa-f:.]{2,45}", re.ASCII)
ALERT_PATH = re.compile(r"/(?:alerts|securityAlert)/([^/?#\s]+)")

TACTICS = {
    str(number): tactic
    for tactic, numbers in {
        "CredentialAccess": (
            2004,
            2006,
            2013,
            2014,
            2020,
            2023,
            2038,
            2048,
            2410,
            2412,
            2413,
            2418,
            2419,
            2424,
            2426,
            2431,
        ),
        "DefenseEvasion": (2025, 2028, 2029, 2433, 2434, 2440),
        "Discovery": (2003, 2007, 2012, 2021, 2210, 2429, 2437, 2439),
        "Execution": (2019, 2026),
        "Exfiltration": (2030, 2031),
        "LateralMovement": (
            2002,
            2008,
            2017,
            2018,
            2033,
            2034,
            2035,
            2036,
            2037,
            2039,
            2047,
            2406,
            2414,
            2415,
            2416,
            2425,
        ),
        "Persistence": (2009, 2010, 2022, 2024, 2027, 2032, 2040, 2427, 2428, 2430, 2438),
        "PrivilegeEscalation": (1106, 2411, 2420, 2421, 2422, 2423, 2432, 2435),
    }.items()
    for number in numbers
}
"""The tactic of each kind of alert, by external id (alerts overview); the first one where several are named."""


def is_mine(vendor: str, product: str) -> bool:
    """Whether a CEF head names this product."""
    return vendor.casefold() == "microsoft" and product.casefold() == "azure atp"


def draft(
    *,
    kind: str,
    title: str,
    severity: str,
    fields: Mapping[str, str],
    labels: Mapping[str, str],
    found: Sequence[Record],
    created: str | None,
    sent: int | None,
    notes: tuple[str, ...],
) -> AlertDraft:
    """The alert of one line: `found` is the evidence any CEF line gives, `created` and `sent` are the time of the head.

    The feed has no id of an instance but the address in the portal; external ids number the kinds. The published
    samples use one address for alerts of different kinds, so that address, number and type identify it only together. A
    line with the trigger `update` is a newer version of the same alert.
    """
    if kind.endswith("MonitoringAlert"):
        raise NotAnAlert(f"{kind[:80]} is about the health of a sensor: not an alert")
    url = labels.get("url", "")
    path = ALERT_PATH.search(url)
    if path is None:
        raise Unusable("no address of the alert in cs1: nothing identifies it")
    title = title.removeprefix("[PREVIEW]").strip() or kind
    if not title:
        raise Unusable("no name and no type")
    external = fields.get("externalId", "")
    alert: Record = {
        "providerAlertId": path[1],
        "title": title,
        "severity": severity,
        "status": "new",
        "serviceSource": PRODUCT,
        "detectionSource": PRODUCT,
        "detectorId": ":".join(filter(None, (external, kind))),
        "productName": "Microsoft Defender for Identity",
        "alertWebUrl": url,
        "createdDateTime": created,
        "evidence": _with_full_name(_with_sites(found, fields.get("dhost"), created), labels.get("shostfqdn"), created),
    }
    if "msg" in fields:
        alert["description"] = fields["msg"]
    for member, key in (("firstActivityDateTime", "start"), ("lastActivityDateTime", "end")):
        if key in fields:
            alert[member] = moment(fields[key])
    if external in TACTICS:
        alert["category"] = TACTICS[external]
    shown = {name: fields[name][:80] for name in SHOWN if name in fields}
    if shown:
        alert["additionalData"] = shown
    return AlertDraft(
        product=PRODUCT, native_id=":".join((path[1], external, kind)), alert=alert, prefixes=("aa",), updated=sent, notes=notes
    )  # fmt: skip


def _with_sites(found: Sequence[Record], host: str | None, created: str | None) -> list[Record]:
    """The evidence with what was reached as an address: a full name may be any site of the network, a short one is a device."""
    if host is None or not ("." in host or ":" in host):
        return list(found)
    kept = [item for item in found if item.get("deviceDnsName") != host or item.get("roles") != ["destination"]]
    if len(kept) < len(found):
        return [*kept, evidence("url", created, url=host)]
    known = any(item.get("ipAddress") == host for item in kept)
    return (
        kept
        if known or not ADDRESS.fullmatch(host)
        else [*kept, evidence("ip", created, ipAddress=host, roles=["destination"])]
    )


def _with_full_name(found: Sequence[Record], full_name: str | None, created: str | None) -> list[Record]:
    """The evidence with the full name of the source host on its device; a device of its own where there is none."""
    items = list(found)
    if full_name is None:
        return items
    for item in items:
        if "hostName" in item and item.get("roles") == ["source"]:
            item["deviceDnsName"] = full_name
            return items
    return [evidence("device", created, deviceDnsName=full_name, roles=["source"]), *items]
