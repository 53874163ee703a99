"""What a change of an older alert means for the row behind it. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from secgraph.errors import BadBody
from secgraph.model import change
from secgraph.model.legacy import parted, tagged
from secgraph.odata.query import fold
from secgraph.odata.view import View
from secgraph.store.facts import Record

COMMENTS = ("Closed in IPC", "Closed in MCAS")
"""The only comments that the published update takes."""

MOST_TAGS = 2048
"""Most bytes of JSON that the tags of an alert may be."""

VENDOR = "vendorInformation"
_SIX = len("2026-01-31T09:00:00.123456")


def changes(shown: View, body: Any, present: Record, *, now: str, name: str) -> Record:
    """The members of the row that a body changes; what it leaves as it is shown is no change. BadBody names what is
    unknown, read-only or unfit, and a vendor that is not the alert's. `now` and `name` sign its comments.
    """
    if not isinstance(body, dict):
        raise BadBody("", "The body must be a JSON object with the members to change.")
    stands = shown.project(present)
    expect_same(vendor_of(body), stands[VENDOR])
    rest = {member: value for member, value in body.items() if fold(member) != fold(VENDOR)}
    given = {
        member: value
        for member, value in change.changes(shown.of, rest, stands).items()
        if value != stands[member] and not _cut(member, value, stands[member])
    }
    found = shown.written({member: value for member, value in given.items() if member in shown.writes})
    if "tags" in given:
        if len(msgspec.json.encode(given["tags"])) > MOST_TAGS:
            raise BadBody("tags", f"are more than {MOST_TAGS} bytes.")
        _, extra = parted(present["additionalData"])
        found["additionalData"] = tagged(extra, given["tags"])
    if "comments" in given:
        added = _added(given["comments"], stands["comments"], stands["id"])
        signed = [{"comment": text, "createdByDisplayName": name, "createdDateTime": now} for text in added]
        found["comments"] = [*present["comments"], *signed]
    return found


def _cut(member: str, value: Any, stands: Any) -> bool:
    """Whether a time is the one that stands, as far as clients can keep it: SDKs cut times to six digits."""
    return member == "closedDateTime" and value is not None and stands is not None and value[:_SIX] == stands[:_SIX]


def expect_vendor(body: Any, path: str = "") -> None:
    """BadBody unless a body names a provider and a vendor, as the published update demands."""
    given = vendor_of(body) if isinstance(body, dict) else None
    if not (given and isinstance(given.get("provider"), str) and isinstance(given.get("vendor"), str)):
        raise BadBody(f"{path}/{VENDOR}" if path else VENDOR, "is required, with its provider and vendor.",
                      hint="Send those that the alert shows.")  # fmt: skip


def vendor_of(body: Record) -> Record | None:
    """What a body says of the vendor, its members by their published names."""
    given = next((value for member, value in body.items() if fold(member) == fold(VENDOR)), None)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise BadBody(VENDOR, "must be an object.")
    published = {fold(name): name for name in ("provider", "providerVersion", "subProvider", "vendor")}
    found: Record = {}
    for member, value in given.items():
        if "@" not in member:
            found[published.get(fold(member)) or member] = value
    return found


def expect_same(given: Record | None, stands: Record, what: str = "alert") -> None:
    """The vendor is how the published API finds the provider of an alert or a control: another one means another of these."""
    for member, value in (given or {}).items():
        if member not in stands:
            raise BadBody(f"{VENDOR}/{member}", "is not a member of microsoft.graph.securityVendorInformation.")
        known = stands[member]
        if value is not None and known is not None and (not isinstance(value, str) or fold(value) != fold(known)):
            raise BadBody(f"{VENDOR}/{member}", f"is {value!r} here, and the {what}'s is {known!r}.",
                          hint=f"Send what the {what} shows, or leave vendorInformation out.")  # fmt: skip


def _added(texts: list[str], stands: list[str], key: str) -> list[str]:
    """The comments that are new. BadBody for one that is not published as possible, and for taking one away."""
    published = {fold(text): text for text in COMMENTS}
    new: dict[str, None] = {}
    for text in texts:
        known = published.get(fold(text))
        if text not in stands and known is None:
            hint = f"Possible: {', '.join(COMMENTS)}. Any other is added by POST to /security/alerts_v2/{key}/comments."
            raise BadBody("comments", f"{text[:80]!r} cannot be set by a client.", hint=hint)
        if known is not None and known not in stands:
            new[known] = None
    if not new and set(stands) - set(texts):
        raise BadBody("comments", "are only ever added to; none is taken away.")
    return list(new)
