"""Raw → ready: all that can be done with a record before the turn, where nobody waits for it.

What comes out is plain data that another process can hand over: bytes, texts and numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

import msgspec

from secgraph import clock
from secgraph.extend import AlertDraft, Connector, EvidenceDraft, NotAnAlert, ObjectDraft, Raw, Unusable
from secgraph.ingest.assessment.members import members
from secgraph.ingest.assessment.outline import Outline, outline
from secgraph.ingest.assessment.outline import packed as packed_outline
from secgraph.ingest.correlate import pack as judged
from secgraph.ingest.correlate.subject import subject
from secgraph.ingest.entities import entities
from secgraph.ingest.evidence import Gathering, Scope
from secgraph.ingest.incident import opened
from secgraph.ingest.objects import Known, known_of
from secgraph.ingest.split import Piece, Unreadable
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.model.legacy import TAGS
from secgraph.model.value import clean
from secgraph.odata.search import indexed
from secgraph.store.blank import TAG, Blank, blank, filled
from secgraph.store.facts import Record
from secgraph.store.found import Found
from secgraph.store.kept import Kept, kept_text, packed, unpacked

LONGEST_ID = 500
"""Characters of a product's id of an incident up to which it is kept as it is."""

_SAFE_ID = re.compile(r"[a-z0-9][a-z0-9_.\-]{3,127}")
_BARE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f\-]{8,40}(?:_-?\d{1,20})?|[0-9a-f]{64}")
"""A Microsoft product's own form of an id, a GUID or what looks like one, before which its portal and Graph put two letters."""
_encode = msgspec.json.encode


class Ready(msgspec.Struct, array_like=True, gc=False):
    """An alert that passed the check."""

    id: str
    product: str
    native_id: str
    updated: int | None
    incident: tuple[str, str] | None
    """The incident its source names: id space, id."""
    notes: tuple[str, ...]
    received: int
    repaired: bool
    digest: bytes
    normalised: bytes
    original: bytes
    severity: str
    alert: Blank
    opens: Blank | None
    """The incident that is opened for it where none is there; None where an alert before it opens that already."""
    resolved: int | None = None
    """When its product resolved it, in ticks; None for one that is not resolved, or nobody knows when."""
    closed: bool = False
    """Whether its product resolved it."""
    subject: bytes = b""
    """As it is judged with others."""
    keys: bytes = b""
    """What it is found by."""
    says: bytes = b""
    """Its outline, which an incident takes up that it joins."""
    adds: bool = False
    """Whether it is one of several records that make up the alert."""
    left: tuple[str, ...] = ()
    """Members that such a record leaves out and that are only filled in for a new alert, as its status is."""

    @property
    def record(self) -> Record:
        """The alert in the words of the contract."""
        return unpacked(self.normalised, self.original)

    def was_over(self, kept: int | None) -> bool:
        """Whether it was resolved before the instant from which on a tenant keeps alerts (None: always). Where it is not here,
        it is not taken in either: a source that sends its last days once more would bring back for ever what is taken away.
        """
        return kept is not None and self.resolved is not None and self.resolved < kept

    @property
    def kept(self) -> Kept:
        """What its entry keeps."""
        return Kept(self.digest, self.normalised, self.original)


class Refused(msgspec.Struct, array_like=True, gc=False):
    """Why a record cannot be taken; it is kept."""

    reason: str
    data: bytes
    unreadable: bool = False


class Taken(msgspec.Struct, array_like=True):
    """One record of a delivery: its alerts and what else it tells of, or why there is none of it."""

    line: int
    received: int
    ready: list[Ready]
    refused: Refused | None = None
    ignored: str = ""
    objects: list[Known] = []
    found: list[Found] = []
    """Evidence for controls."""
    scopes: list[Scope] = []
    """What the record is all of."""
    notes: tuple[str, ...] = ()
    """What is to be known of its evidence."""


def identity(product: str, native_id: str, prefixes: tuple[str, ...]) -> str:
    """The alert's id: a stable function of product and native id, in lower case, safe in a URL.

    A native id of a Microsoft product that carries one of its marks already is the id which the product's own portal shows
    and stays as it is, so that links and scripts agree; a bare GUID gets the first mark, so that an alert is the same one
    whether its product's own API tells of it or Graph. Any other is hashed behind the first mark: the marks of all other
    products (`vendor/product`) were given out by nobody, and two of them may share one.
    """
    folded = native_id.casefold()
    if "/" not in product and prefixes:
        if _BARE_ID.fullmatch(folded):
            return f"{prefixes[0]}{folded}"
        if folded.startswith(prefixes) and _SAFE_ID.fullmatch(folded):
            return folded
    digest = hashlib.sha256(f"{product}\x1f{native_id}".encode("utf-8", "replace")).hexdigest()
    return f"{prefixes[0] if prefixes else 'xx'}{digest[:32]}"


def named_incident(incident: tuple[str, str]) -> tuple[str, str]:
    """The key by which a product's incident is known again; an id that is longer than an index takes is hashed."""
    space, native = incident
    if len(native) <= LONGEST_ID:
        return space, clean(native)
    return space, f"#{hashlib.sha256(native.encode('utf-8', 'replace')).hexdigest()}"


def records(source: Connector, found: Iterable[Piece | Unreadable], received: int) -> Iterator[Taken]:
    """These records of a delivery in order. Of their alerts that name one incident, the first brings it along."""
    named: set[tuple[str, str]] = set()
    evidence = Gathering()
    for piece in found:
        if isinstance(piece, Unreadable):
            yield Taken(piece.line, received, [], Refused(piece.reason, piece.data, unreadable=True))
        else:
            yield _record(source, piece, named, evidence)


def _record(source: Connector, piece: Piece, named: set[tuple[str, str]], evidence: Gathering) -> Taken:
    raw = piece.raw
    try:
        alerts: list[AlertDraft] = []
        others: list[ObjectDraft] = []
        findings: list[EvidenceDraft] = []
        for draft in source.normalise(raw):
            if isinstance(draft, ObjectDraft):
                others.append(draft)
            elif isinstance(draft, EvidenceDraft):
                findings.append(draft)
            else:
                alerts.append(draft)
        pack = packed(raw.data) if alerts else b""
        objects = [known_of(draft, raw.received) for draft in others]
        gathered = evidence.gathered(findings, objects)
        ready = [ready_of(draft, piece, pack, named) for draft in alerts]
    except NotAnAlert as reason:
        return Taken(raw.line, raw.received, [], ignored=clean(str(reason)))
    except Unusable as reason:
        return Taken(raw.line, raw.received, [], Refused(clean(str(reason)), raw.data))
    ignored = "" if ready or objects or gathered.found else "no alert in it"
    return Taken(
        raw.line, raw.received, ready, ignored=ignored, objects=objects, found=gathered.found, scopes=gathered.scopes,
        notes=gathered.notes,
    )  # fmt: skip


def ready_of(draft: AlertDraft, piece: Piece, pack: bytes, named: set[tuple[str, str]]) -> Ready:
    """The alert of a draft; Unusable where it can be none."""
    if not draft.native_id or not draft.product:
        raise Unusable("it has no id")
    raw = piece.raw
    record, notes = _canonical(draft, raw)
    into = None if draft.incident is None else named_incident(draft.incident)
    made = blank(ALERTS, record, indexed(record, ALERTS))
    # Its tag leads a row and is no word of a source's.
    values = [_encode(None if name == TAG else record[name]).decode() for name in made.holes]
    text = "{" + filled(made.full or made.doc, values).removeprefix(f'{{"{TAG}":null,')
    keeps = kept_text(text.encode(), raw.data, pack)
    key = identity(draft.product, draft.native_id, draft.prefixes)
    seen = subject(key, record, entities(record))
    says = outline(seen, {})
    incident = None if into in named else blank_incident(record, says)
    if into is not None:
        named.add(into)
    return Ready(
        key, draft.product, clean(draft.native_id), draft.updated,
        into, notes, raw.received, piece.repaired, keeps.digest, keeps.normalised, keeps.original,
        record["severity"], made, incident, _resolved(record, draft.updated), record["status"] == "resolved",
        judged.pack(seen), judged.keys_of(seen), packed_outline(says), draft.adds, _left(draft),
    )  # fmt: skip


def _left(draft: AlertDraft) -> tuple[str, ...]:
    """Members with a default of which a part of an alert says nothing."""
    defaults = load().sets[ALERTS].choices.defaults
    return tuple(name for name in defaults if name not in draft.alert) if draft.adds else ()


def _resolved(record: Record, updated: int | None) -> int | None:
    """When the product resolved an alert; the last word on it counts where it does not say that."""
    if record["status"] != "resolved":
        return None
    return updated if record["resolvedDateTime"] is None else clock.ticks(record["resolvedDateTime"])


def _canonical(draft: AlertDraft, raw: Raw) -> tuple[Record, tuple[str, ...]]:
    """The draft's alert in canonical form, and what is to be known of it."""
    alert, alerts = draft.alert, load().sets[ALERTS]
    created = alert.get("createdDateTime")
    if not isinstance(created, str):
        created = clock.text(draft.updated or raw.received)
    record, notes = from_source(alerts.type, alert, created)
    if record["createdDateTime"] is None:
        record["createdDateTime"] = clock.text(draft.updated or raw.received)
    record["providerAlertId"] = record["providerAlertId"] or clean(draft.native_id)
    for name, default in alerts.choices.defaults.items():
        if record[name] is None or (name not in alert and record[name] == "unknown"):
            record[name] = default
    if record["additionalData"]:
        record["additionalData"].pop(TAGS, None)  # ours: what a person wrote there
    for item in record["evidence"]:
        if item["createdDateTime"] is None:
            item["createdDateTime"] = record["createdDateTime"]
    return record, (*dict.fromkeys((*notes, *draft.notes)),)


def blank_incident(alert: Record, says: Outline) -> Blank:
    """The incident around an alert that nothing else claims, before anybody gave it a number."""
    record = opened("", alert, "")
    record.update(members(says, 1, record, {}))
    del record[TAG]
    return blank(INCIDENTS, record, indexed(record, INCIDENTS))
