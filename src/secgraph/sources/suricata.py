"""Alerts of Suricata's EVE output: records whose event_type is `alert`; all other records are traffic and health."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from secgraph.errors import UsageError
from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Option,
    Options,
    Raw,
    Record,
    Unusable,
    evidence,
    instant_of,
    integer,
    moment,
    part,
    techniques,
    text,
    yes,
)

SEVERITIES = {1: "high", 2: "medium", 3: "low"}
"""Rule priority 1 is the gravest; whatever lies beyond 3 is informational."""

PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "tcp": "tcp", "udp": "udp"}
# These are made for nearly every alert, and `evidence` would take longer over them than decoding the record does.
IP = "#microsoft.graph.security.ipEvidence"
CONNECTION = "#microsoft.graph.security.networkConnectionEvidence"
URL = "#microsoft.graph.security.urlEvidence"
SIGNATURE_SEVERITIES = {
    "critical": "high", "major": "high", "minor": "low", "informational": "informational", "low": "low", "medium": "medium",
    "high": "high",
}  # fmt: skip
"""What the metadata of a rule says of its gravity, in two vocabularies of rule authors."""

SERVERS = re.compile(r"server|mail|web|sql", re.IGNORECASE)
WORDS = re.compile(r"[A-Za-z]+")
RULE_SHOWN = (("severity", "nativeSeverity"), ("category", "classification"), ("action", "action"))
RECORD_SHOWN = ("app_proto", "in_iface", "host", "community_id")
DETAILS_SHOWN = ("signature_severity", "attack_target", "cve")
USUAL_TIME = "2026-01-31T09:00:00.000000+0000"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 10_000_000
LONGEST_BUCKET = 86_400
MOST = 10
"""Most files, names or recipients of one record that become evidence."""
ROOM = 1000
"""Most characters of native members shown, so that the limit of 2 KiB is not reached with ordinary text."""


def several(value: Any) -> list[Any]:
    """The list, cut to the most that is shown; a single value counts as a list of one."""
    return value[:MOST] if isinstance(value, list) else [] if value is None else [value]


def first(value: Any) -> str | None:
    """The text, or the first text of a list: rule metadata holds lists of one."""
    return text(value[0] if isinstance(value, list) and value else value)


class Suricata:
    """Reads eve.json, from a file, a socket or a queue."""

    name = "suricata"
    framing: Framing = "json"
    options = (
        Option("signature_severity", "yes: signature_severity of a rule's metadata goes before its priority", "no"),
        Option("bucket", "seconds in which one signature between the same two addresses is one alert; 0: each is its own", "0"),
    )

    def __init__(self, *, by_signature: bool = False, bucket: int = 0) -> None:
        self._by_signature = by_signature
        self._bucket = bucket * SECOND

    def told(self, options: Options) -> Suricata:
        """The same with the severity of the rule's author, or with alerts that repeat put together."""
        bucket = options["bucket"].strip()
        if not (bucket.isascii() and bucket.isdigit() and len(bucket) < 7 and int(bucket) <= LONGEST_BUCKET):
            raise UsageError(f"The option bucket is '{bucket[:20]}': give whole seconds from 0 to {LONGEST_BUCKET}.")
        by_signature = yes("signature_severity", options["signature_severity"])
        return Suricata(by_signature=by_signature, bucket=int(bucket))

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one EVE record."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        kind = record.get("event_type")
        if kind != "alert":
            if text(kind) is None:
                raise Unusable("no event_type: not a record of the EVE output")
            raise NotAnAlert(f"event_type is '{text(kind)!s:.40}': not an alert")
        rule = record.get("alert")
        if not isinstance(rule, dict):
            raise Unusable("no alert object in the record")
        gid, sid, rev = text(rule.get("gid")) or "1", text(rule.get("signature_id")), text(rule.get("rev"))
        title = text(rule.get("signature"))
        if title is None:
            if sid is None:
                raise Unusable("no signature and no signature_id")
            title = f"Signature {gid}:{sid}"  # a rule without `msg`
        created, updated = _time(record.get("timestamp"))
        notes: tuple[str, ...] = ()
        if created is None:
            if record.get("flow_id") is None:
                raise Unusable("no timestamp and no flow_id: the alert cannot be told from others")
            created = moment(raw.received / 1e7)
            notes = ("no time of its own: the time of receipt is used",)
        details = part(rule.get("metadata"))
        severity = _severity(rule.get("severity"))
        if self._by_signature and (said := first(details.get("signature_severity"))) is not None:
            severity = SIGNATURE_SEVERITIES.get(said.casefold(), severity)
        alert: Record = {
            "providerAlertId": (
                _bucket_id(record, gid, sid, updated // self._bucket)
                if self._bucket and updated is not None
                else _native_id(record, gid, sid)
            ),
            "title": title,
            "severity": severity,
            "status": "new",
            "serviceSource": "unknown",
            "detectionSource": "unknown",
            "detectorId": ":".join(filter(None, (gid, sid, rev))),
            "productName": "Suricata",
            "createdDateTime": created,
            "firstActivityDateTime": text(part(record.get("flow")).get("start")) or created,
            "lastActivityDateTime": created,
            "evidence": _evidence(record, rule, details, created),
            "additionalData": _shown(record, rule, details),
        }
        if details:
            tactic = first(details.get("mitre_tactic_name"))
            if tactic is not None:
                alert["category"] = "".join(word.capitalize() for word in WORDS.findall(tactic))
            named = [*several(details.get("mitre_technique_id")), *several(details.get("mitre_attack"))]
            if named:
                # Rule metadata cannot hold a dot, so that T1059.001 comes as t1059_001.
                alert["mitreTechniques"] = techniques([str(item).replace("_", ".") for item in named if text(item)])
        return [
            AlertDraft(
                product="oisf/suricata",
                native_id=alert["providerAlertId"],
                alert=alert,
                prefixes=("su",),
                updated=updated,
                notes=notes,
            )
        ]


def _time(stamp: Any) -> tuple[str | None, int | None]:
    """A time in wire form and in ticks; a pair of None for what is no time."""
    if not isinstance(stamp, str):
        return None, None
    if len(stamp) == len(USUAL_TIME) and stamp[10] == "T" and stamp[19] == "." and stamp[26] in "+-":
        # The standard library reads this form much faster than it can be taken apart here.
        try:
            parsed = datetime.fromisoformat(stamp)
            wire = stamp if stamp.endswith("0000") else parsed.astimezone(UTC).isoformat(timespec="microseconds")
        except (ValueError, OverflowError):
            return None, None
        return f"{wire[:26]}0Z", (parsed - EPOCH) // MICROSECOND * 10
    return moment(stamp), instant_of(stamp)


def _native_id(record: Record, gid: str, sid: str | None) -> str:
    """A digest of what tells one alert from another. EVE records have no id, and flow_id alone repeats."""
    get = record.get
    named = (get("host"), get("in_iface"), get("flow_id"), gid, sid, get("timestamp"), get("tx_id"))
    joined = "\x1f".join([one if isinstance(one, str) else text(one) or "" for one in named])
    return sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def _bucket_id(record: Record, gid: str, sid: str | None, bucket: int) -> str:
    """The same for all alerts of one signature between two addresses in a stretch of time: each later one is a newer version of
    the first, and widens its span.
    """
    get = record.get
    named = (get("host"), get("in_iface"), gid, sid, get("src_ip"), get("dest_ip"), bucket)
    joined = "\x1f".join([text(one) or "" for one in named])
    return sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def _severity(value: Any) -> str:
    number = integer(value)
    if number is None or number < 1:
        return "unknown"
    return SEVERITIES.get(number, "informational")


def _shown(record: Record, rule: Record, details: Record) -> Record:
    """The named native members worth showing; of a crowd of long ones, those that have room."""
    shown: Record = {"vendor": "OISF"}
    for member, name in RULE_SHOWN:
        if member in rule and (words := text(rule[member])):
            shown[name] = words
    for member in RECORD_SHOWN:
        if member in record and (words := text(record[member])):
            shown[member] = words
    if details:
        for member in DETAILS_SHOWN:
            if member in details and (words := first(details[member])):
                shown[member] = words
    if sum(map(len, shown.values())) > ROOM:
        shown = {name: words for name, words in shown.items() if len(words) < ROOM // len(shown)}
    return shown


def _evidence(record: Record, rule: Record, details: Record, created: str | None) -> list[Record]:
    """What the record says about addresses, names, files and mail; marked as blocked when the packet was dropped."""
    source, destination = text(record.get("src_ip")), text(record.get("dest_ip"))
    source_roles, destination_roles = ["source"], ["destination"]
    if "source" in rule or "target" in rule:
        _add_named_roles(rule, ((source, source_roles), (destination, destination_roles)))
    elif "attack_target" in details:
        _add_victim(details, record.get("direction"), source_roles, destination_roles)
    found: list[Record] = []
    if source:
        source_address = {"@odata.type": IP, "createdDateTime": created, "ipAddress": source}
        found.append({**source_address, "roles": source_roles})
    if destination:
        destination_address = {"@odata.type": IP, "createdDateTime": created, "ipAddress": destination}
        found.append({**destination_address, "roles": destination_roles})
    protocol = PROTOCOLS.get(text(record.get("proto")) or "")
    if protocol and source and destination:
        found.append(
            {
                "@odata.type": CONNECTION,
                "createdDateTime": created,
                "sourceAddress": source_address,
                "sourcePort": integer(record.get("src_port")),
                "destinationAddress": destination_address,
                "destinationPort": integer(record.get("dest_port")),
                "protocol": protocol,
            }
        )
    if "http" in record and (url := _url(part(record["http"]))):
        found.append({"@odata.type": URL, "createdDateTime": created, "url": url})
    if "tls" in record or "dns" in record:
        found += [evidence("dns", created, domainName=name) for name in _names(record)]
    blocked = rule.get("action") == "blocked" or part(record.get("verdict")).get("action") == "drop"
    if "files" in record or "fileinfo" in record:
        status = "blocked" if blocked else "detected"
        found += [evidence("file", created, fileDetails=file, detectionStatus=status) for file in _files(record)]
    if "smtp" in record or "email" in record:
        for message in _messages(part(record.get("smtp")), part(record.get("email"))):
            found.append(evidence("analyzedMessage", created, senderIp=source, **message))
    if blocked:
        for item in found:
            item["remediationStatus"] = "blocked"
    return found


# Source is not attacker: a rule for responses fires on the answer. Who attacked whom is known when the rule has
# `target`, or when its metadata names the kind of machine attacked and the record the direction of the packet.


def _add_named_roles(rule: Record, ends: Iterable[tuple[str | None, list[str]]]) -> None:
    attacker, target = text(part(rule.get("source")).get("ip")), text(part(rule.get("target")).get("ip"))
    for address, roles in ends:
        if address is not None and address == attacker:
            roles.append("attacker")
        elif address is not None and address == target:
            roles.append("attacked")


def _add_victim(details: Record, direction: Any, source_roles: list[str], destination_roles: list[str]) -> None:
    victim = first(details["attack_target"])
    if victim is None or direction not in ("to_server", "to_client"):
        return
    client, server = source_roles, destination_roles
    if direction == "to_client":
        client, server = server, client
    if victim.lower().startswith("client"):
        client.append("attacked")
    elif SERVERS.search(victim):
        server.append("attacked")


def _url(http: Record) -> str | None:
    path, host = text(http.get("url")) or "", text(http.get("hostname"))
    if "://" in path[:16] or host is None:
        return path if "://" in path[:16] else None
    port = integer(http.get("http_port"))
    if not path.startswith("/"):
        path = ""  # CONNECT and OPTIONS have no path
    return f"http://{host}{path}" if port in (None, 80) or ":" in host else f"http://{host}:{port}{path}"


def _names(record: Record) -> Iterator[str]:
    """Names asked of the DNS or of a TLS server, each once."""
    found: dict[str, None] = {}
    if "tls" in record and (name := text(part(record["tls"]).get("sni"))):
        found[name] = None
    if "dns" in record:
        dns = part(record["dns"])
        # `query` up to version 2 of the DNS record, `queries` from version 3, and `rrname` itself in version 1.
        for query in (dns, *several(dns.get("query")), *several(dns.get("queries"))):
            if name := text(part(query).get("rrname")):
                found[name] = None
    return iter(found)


def _files(record: Record) -> Iterator[Record]:
    for file in (*several(record.get("files")), *several(record.get("fileinfo"))):
        native = part(file)
        # For HTTP the name is the path of the request: "/" names no file.
        name = (text(native.get("filename")) or "").rpartition("/")[2]
        hashes = {kind: digest for kind in ("sha256", "sha1", "md5") if (digest := text(native.get(kind)))}
        if name or hashes:
            found: Record = dict(hashes)
            if name:
                found["fileName"] = name
            if (size := integer(native.get("size"))) is not None:
                found["fileSize"] = size
            yield found


def _messages(smtp: Record, email: Record) -> Iterator[Record]:
    """One item for each recipient."""
    shared: Record = {
        "p1Sender": {"emailAddress": _address(smtp.get("mail_from"))},
        "p2Sender": {"emailAddress": _address(email.get("from"))},
        "subject": text(email.get("subject")),
        "internetMessageId": text(email.get("message_id")),
        "attachmentsCount": len(several(email.get("attachment"))),
    }
    recipients = several(smtp.get("rcpt_to")) or several(email.get("to"))
    for recipient in recipients or [None]:
        yield {**shared, "recipientEmailAddress": _address(recipient)}


def _address(value: Any) -> str | None:
    """The address inside `Name <address>`."""
    found = text(value)
    if found is not None and found.rstrip().endswith(">"):
        found = found.rpartition("<")[2].strip(" <>")
    return found or None
