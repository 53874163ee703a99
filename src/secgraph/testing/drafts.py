"""What is wrong with a draft: words that the contract does not have, times in another form, members that are the server's."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from secgraph import clock
from secgraph.extend import AlertDraft, ControlDraft, Draft, EvidenceDraft, ObjectDraft
from secgraph.ingest.evidence import LONGEST_CHECK
from secgraph.model.check import EXTRA_MOST, from_source
from secgraph.model.choices import ALERTS
from secgraph.model.edm import EnumType, Primitive, StructType, load
from secgraph.score.catalogue import CATEGORIES, LEVELS, THREATS, TIERS

SERVERS = frozenset({"id", "lastUpdateDateTime", "incidentId", "tenantId"})
"""Members of an alert that only the server gives."""

_PRODUCT = re.compile(r"[^/]+/.+", re.DOTALL)
_PREFIX = re.compile(r"[a-z]{2}")
LONGEST_REASON = 300


def shape_faults(draft: Draft) -> Iterator[str]:
    """What must hold of a draft whatever its record was."""
    if isinstance(draft, EvidenceDraft):
        yield from _evidence_faults(draft)
        return
    if not isinstance(draft, AlertDraft | ObjectDraft):
        yield f"it is a {type(draft).__name__}: an AlertDraft, an ObjectDraft or an EvidenceDraft"
        return
    if not (draft.updated is None or draft.updated.__class__ is int):
        yield f"its update time is {draft.updated!r}: ticks, or None"
    if isinstance(draft, ObjectDraft):
        one = load().sets.get(draft.set)
        if one is None or not one.choices.sourced:
            yield f"{draft.set!r} is no set that sources fill"
        if not isinstance(draft.id, str) or not draft.id:
            yield f"its id is {draft.id!r}: a text that is not empty"
        if not isinstance(draft.record, dict):
            yield "its record is no object"
        return
    services = load().types["microsoft.graph.security.serviceSource"]
    named = isinstance(draft.product, str) and (_PRODUCT.fullmatch(draft.product) is not None)
    if not named and not (isinstance(services, EnumType) and draft.product in services.members):
        yield f"its product is {draft.product!r}: vendor/product, or a member of serviceSource"
    if not isinstance(draft.native_id, str) or not draft.native_id:
        yield f"its native id is {draft.native_id!r}: a text that is not empty"
    for prefix in draft.prefixes:
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            yield f"its prefix is {prefix!r}: two small letters"
    if not isinstance(draft.alert, dict):
        yield "its alert is no object"
        return
    if not draft.adds and not isinstance(draft.alert.get("title"), str):
        yield "it has no title"
    if not (draft.incident is None or (len(draft.incident) == 2 and all(isinstance(one, str) for one in draft.incident))):
        yield f"its incident is {draft.incident!r}: (space, id), or None"
    if not all(isinstance(note, str) for note in draft.notes):
        yield "its notes are no texts"
    if not all(isinstance(item, dict) for item in draft.alert.get("evidence", [])):
        yield "its evidence is not a list of objects"


def _evidence_faults(draft: EvidenceDraft) -> Iterator[str]:
    for name in ("scanner", "check"):
        if not isinstance(getattr(draft, name), str) or not getattr(draft, name):
            yield f"its {name} is {_short(getattr(draft, name))}: a text that is not empty"
    for name in ("subject", "scope", "details", "profile", "note"):
        if not isinstance(getattr(draft, name), str):
            yield f"its {name} is {_short(getattr(draft, name))}: a text"
    if draft.at.__class__ is not int or draft.at <= 0:
        yield f"its time is {_short(draft.at)}: ticks"
    if draft.share is not None and not _between(draft.share, 0, 1):
        yield f"its share is {_short(draft.share)}: from 0 to 1, or None"
    if draft.points is not None and (draft.share is not None or not _between(draft.points, 0, math.inf)):
        yield f"its points are {_short(draft.points)} beside a share of {_short(draft.share)}: one of the two, 0 or more"
    if draft.control is not None:
        yield from (f"its control: {fault}" for fault in _control_faults(draft.control))


def _control_faults(control: ControlDraft) -> Iterator[str]:
    if not isinstance(control, ControlDraft):
        yield f"it is a {type(control).__name__}: a ControlDraft"
        return
    for name in ("service", "remediation", "remediation_impact", "action_url"):
        if not isinstance(getattr(control, name), str):
            yield f"{name} is {_short(getattr(control, name))}: a text"
    if not isinstance(control.title, str) or not control.title.strip():
        yield "it has no title"
    if not _between(control.max_score, 0, 100) or control.max_score == 0:
        yield f"its points are {_short(control.max_score)}: more than 0, at most 100"
    levels = (("implementation_cost", LEVELS), ("user_impact", LEVELS))
    for name, known in (("category", CATEGORIES), ("tier", TIERS), *levels):
        if getattr(control, name) not in known:
            yield f"{name} is {_short(getattr(control, name))}: one of {', '.join(known)}"
    if not all(threat in THREATS for threat in control.threats):
        yield f"its threats are {_short(control.threats)}: of {', '.join(THREATS)}"
    if not all(len(pair) == 2 and all(isinstance(one, str) and one for one in pair) for pair in control.compliance):
        yield "its compliance is not pairs of a certification's name and a number"


def _between(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and least <= value <= most


def _short(value: object) -> str:
    return repr(value)[:60]


def word_faults(draft: Draft) -> Iterator[str]:
    """Where a draft of a good record is not in the words of the contract."""
    if isinstance(draft, EvidenceDraft):
        if len(draft.check) > LONGEST_CHECK:
            yield f"the id of its check has {len(draft.check)} of the {LONGEST_CHECK} characters that fit"
        return
    if isinstance(draft, ObjectDraft):
        one = load().sets.get(draft.set)
        if one is not None:
            yield from _against(one.type, draft.record)
        return
    alert = load().sets[ALERTS].type
    yield from _against(alert, draft.alert)
    for name in sorted(SERVERS & draft.alert.keys()):
        yield f"{name} is the server's to give"
    size = len(json.dumps(draft.alert.get("additionalData") or {}, ensure_ascii=False).encode("utf-8", "replace"))
    if size > EXTRA_MOST:
        yield f"additionalData has {size} bytes of the {EXTRA_MOST} that fit"


def _against(kind: StructType, record: dict[str, Any]) -> Iterator[str]:
    """What the check at the door would change or leave out, and times without an offset."""
    _, notes = from_source(kind, record, None)
    yield from (str(note) for note in notes)
    yield from _times(kind, record, "")


def _times(kind: StructType, record: dict[str, Any], path: str) -> Iterator[str]:
    tag = record.get("@odata.type")
    named = load().cast(tag) if isinstance(tag, str) else None
    for name, item in (named or kind).properties.items():
        for one in record[name] if isinstance(record.get(name), list) else [record.get(name)]:
            if one is None:
                continue
            if isinstance(item.type, Primitive):
                if item.type.name == "Edm.DateTimeOffset" and (not isinstance(one, str) or clock.ticks(one, zone=None) is None):
                    yield f"{path}{name} is {one!r}: a time has an offset, as moment() gives it"
            elif isinstance(item.type, StructType) and isinstance(one, dict):
                yield from _times(item.type, one, f"{path}{name}/")
