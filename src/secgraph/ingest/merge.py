"""Whose word counts: one alert, several sources, and people.

Pure. The last normalised version from each source is kept, and a new one is compared with that, not with the row: only
what the source itself changed is applied. On a triage member a person's word stands until the source changes that very
member afterwards. A second source fills what the first left empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from secgraph import clock
from secgraph.model.legacy import parted, tagged
from secgraph.store.facts import Record, Row

OURS = frozenset({"@odata.etag", "id", "tenantId", "incidentId", "lastUpdateDateTime"})
"""Members that no source decides."""

EARLIEST = frozenset({"createdDateTime", "firstActivityDateTime"})
"""Times of which the earliest that anybody said counts: an update line carries its own time of sending."""

MOST_EVIDENCE = 500
"""Most items of evidence gathered of one alert; a campaign by mail has a record for each of thousands of recipients."""
MOST_ORIGINAL = 256 * 1024
"""Most bytes of original records gathered of one alert."""

SKEW = 5 * 60 * clock.SECOND
"""By how much a product's clock may be behind ours."""

NOTHING: Mapping[str, tuple[int, Any]] = {}

EMPTY: tuple[Any, ...] = (None, [], "", "unknown", {})


def merged(
    row: Row,
    before: Record | None,
    new: Record,
    *,
    told: int,
    triage: tuple[str, ...],
    adds: bool = False,
    sent: Mapping[str, tuple[int, Any]] = NOTHING,
) -> tuple[Record, tuple[str, ...]]:
    """The row's record after a source's new version, and the members that changed.

    `before` is what this source said last (None: it speaks of this alert for the first time), `told` the instant of the
    new version in ticks: the product's update clock, or when it was received. `adds`: it tells the alert in several records,
    and takes away no evidence of another source. `sent` is what the product was told last of each member, and the instant at
    which that was decided.
    """
    tags, extra = parted(row.record["additionalData"])
    record = {**row.record, "additionalData": extra}
    for name, value in new.items():
        if name in OURS:
            continue
        if name == "comments":
            stored, former = record.get(name) or [], before.get(name, []) if before else []
            said = unheard(stored, former, value) if name in row.touched else value
            record[name] = added(stored, former, said, "createdDateTime")
        elif name in EARLIEST or name == "lastActivityDateTime":
            record[name] = _span(name, record.get(name), value)
        elif name == "evidence" and adds:
            record[name] = _gathered(record.get(name) or [], value)
        elif before is None:
            if record.get(name) in EMPTY and value not in EMPTY and not (name in triage and name in row.touched):
                record[name] = value
        elif value != before.get(name) and not (name in triage and _stands(row, name, value, told, sent)):
            record[name] = value
    if record["status"] != new["status"] or ("status" in row.touched and record["status"] == row.record["status"]):
        # The time of resolution goes with the status; where a person's status stands, so does what they did to it. A product
        # that was told of it knows only when it was told.
        record["resolvedDateTime"] = row.record["resolvedDateTime"]
    record["additionalData"] = tagged(record["additionalData"], tags)  # no source speaks of them
    changed = tuple(name for name, value in record.items() if value != row.record.get(name))
    return record, changed


def _stands(row: Row, name: str, value: Any, told: int, sent: Mapping[str, tuple[int, Any]]) -> bool:
    """Whether a person's word on a triage member stands against a source's. What the product was told from here is no word of
    its own, when it comes back after the person has decided once more: its clock says when it was told.
    """
    touched = row.touched.get(name, 0)
    made, known = sent.get(name, (touched, None))
    return touched >= told or (made < touched and known == value)


def disputed(row: Row, before: Record | None, new: Record, *, told: int, triage: tuple[str, ...]) -> bool:
    """Whether it is to be known what the product was told last: a source overrides a person's word with another one."""
    return before is not None and any(
        at < told and name in triage and before.get(name) != new.get(name) != row.record.get(name)
        for name, at in row.touched.items()
    )


def joined(before: Record, new: Record, *, late: bool) -> Record:
    """What a source has said of an alert that it tells in several records: `before` is what the earlier ones said together,
    `new` what another one says. The newer word counts (`late`: it is the one before), evidence is gathered.
    """
    newer, older = (before, new) if late else (new, before)
    record = {name: older.get(name) if value in EMPTY else value for name, value in newer.items()}
    for name in (*EARLIEST, "lastActivityDateTime"):
        record[name] = _span(name, before.get(name), new.get(name))
    record["evidence"] = _gathered(before.get("evidence") or [], new["evidence"])
    extra = {**(older.get("additionalData") or {}), **(newer.get("additionalData") or {})}
    record["additionalData"] = extra or newer.get("additionalData")
    record["comments"] = added(before.get("comments") or [], [], new["comments"], "createdDateTime")
    return record


def joined_bytes(before: bytes, new: bytes) -> bytes:
    """The original records of such an alert, a line each, as long as they have room; past it only the last one is kept."""
    if new in before:
        return before
    return new if not before or len(before) + len(new) > MOST_ORIGINAL else before + b"\n" + new


def _gathered(known: list[Record], more: list[Record]) -> list[Record]:
    """The items of both, each once, as long as they have room."""
    seen = {_about(item) for item in known}
    found = list(known)
    for item in more:
        if len(found) < MOST_EVIDENCE and (about := _about(item)) not in seen:
            seen.add(about)
            found.append(item)
    return found


def _about(item: Record) -> bytes:
    """What an item of evidence says, apart from when it was noticed."""
    said = {name: value for name, value in item.items() if name != "createdDateTime"}
    return msgspec.json.encode(said, order="deterministic")


def _span(name: str, stored: str | None, said: str | None) -> str | None:
    """The activity spans of all versions together: wire times compare as texts."""
    if stored is None or said is None:
        return stored or said
    return min(stored, said) if name in EARLIEST else max(stored, said)


def unheard(stored: list[Record], before: list[Record], said: list[Record]) -> list[Record]:
    """What a source says of comments without those that were carried to it from here: a product signs them as it likes, and may
    make one of several. `stored` is what stands, `before` what the source said earlier.
    """
    own = [entry for entry in stored if entry not in before]
    found = []
    for entry in [*(one for one in before if one not in stored), *said]:
        echoed = None if entry in stored else _echoed(entry, own)
        if echoed is not None:
            del own[echoed]
        elif entry not in before:
            found.append(entry)
    return found


def _echoed(entry: Record, own: list[Record]) -> slice | None:
    """Which of the comments, one behind the other, these words are made of, if they were said no earlier."""
    words, at = entry["comment"].strip(), clock.ticks(entry.get("createdDateTime") or "")
    for first, one in enumerate(own):
        made = clock.ticks(one.get("createdDateTime") or "")
        if at is not None and made is not None and at < made - SKEW:
            continue
        together = ""
        for last, other in enumerate(own[first:], first):
            together = f"{together}\n{other['comment']}".strip()
            if together == words:
                return slice(first, last + 1)
            if len(together) > len(words):
                break
    return None


def added(stored: list[Record], before: list[Record], said: list[Record], when: str) -> list[Record]:
    """A list that only ever grows, as comments do: what the source has new joins what stands, in order of time."""
    new = [entry for entry in said if entry not in before and entry not in stored]
    if not new:
        return stored
    return sorted([*stored, *new], key=lambda entry: entry.get(when) or clock.text(0))
