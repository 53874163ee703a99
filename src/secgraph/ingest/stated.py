"""What a client states about a control of the secure score: PATCH adds an entry to the list of what was stated. Pure.

State, assignment and comment are no members of the profile (secure_score_control_profile_update): they show as the members of
an entry that says who stated it, and when.
"""

from __future__ import annotations

from typing import Any

from secgraph.errors import BadBody
from secgraph.ingest.older import VENDOR, expect_same, expect_vendor, vendor_of
from secgraph.model import change
from secgraph.model.check import text_from_client
from secgraph.model.choices import CONTROL_STATES, STATED
from secgraph.model.edm import EntitySet
from secgraph.odata.query import fold
from secgraph.store.facts import Record


def stated(one: EntitySet, body: Any, present: Record, *, now: str, name: str) -> Record:
    """The members that a body changes: the list with a further entry, or none where it states nothing new. BadBody for a body
    without the vendor, with one that is not the profile's, or with what cannot be stated.

    State and assignment go on from one entry to the next: the last one says how things stand. `now` and `name` sign it.
    """
    expect_vendor(body)
    if present[VENDOR] is not None:
        expect_same(vendor_of(body), present[VENDOR], "profile")
    known = {fold(member): member for member in STATED}
    given = {known[fold(member)]: value for member, value in body.items() if fold(member) in known}
    rest = {member: value for member, value in body.items() if fold(member) not in {*known, fold(VENDOR)}}
    change.changes(one, rest, present)  # nothing of the rest can be changed: it is refused, unless it is as it stands
    entries = present[one.choices.entry]
    when = one.choices.grows[one.choices.entry]
    last = max(entries, key=lambda entry: entry[when] or "", default={"state": None, "assignedTo": None})
    entry = {
        "assignedTo": _text("assignedTo", given["assignedTo"]) if "assignedTo" in given else last["assignedTo"],
        "comment": _comment(given),
        "state": _state(given.get("state")) or last["state"] or CONTROL_STATES[0],
    }
    if entry["comment"] is None and all(entry[member] == last[member] for member in ("assignedTo", "state")):
        return {}
    if not entries and entry == {"assignedTo": None, "comment": None, "state": CONTROL_STATES[0]} and "state" not in given:
        return {}
    return {one.choices.entry: [*entries, {**entry, "updatedBy": name, "updatedDateTime": now}]}


def _state(value: Any) -> str | None:
    if value is None:
        return None
    found = next((word for word in CONTROL_STATES if isinstance(value, str) and fold(word) == fold(value)), None)
    if found is None:
        raise BadBody("state", f"{str(value)[:80]!r} is no state of a control.", hint=f"Possible: {', '.join(CONTROL_STATES)}.")
    return found


def _comment(given: Record) -> str | None:
    """The comment; `tenantNote` is another name that the reference has for it."""
    said = {member: _text(member, given[member]) for member in ("comment", "tenantNote") if given.get(member) is not None}
    if len(set(said.values())) > 1:
        raise BadBody("tenantNote", "is another name of comment, and says otherwise here.", hint="Send one of them.")
    return next(iter(said.values()), None)


def _text(member: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadBody(member, "must be text.")
    return text_from_client(member, value) if value.strip() else None
