"""The alerts API of CrowdStrike: asked for what changed, told of status, assignment and comments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from secgraph.errors import UsageError
from secgraph.extend import (
    CallFailed,
    ClientCredentials,
    Option,
    Options,
    OutcomeUnknown,
    Place,
    Pulled,
    Reach,
    Record,
    Reply,
    Web,
    Written,
    moment,
    objects,
    part,
    text,
)
from secgraph.sources.crowdstrike_words import STATUSES, ticks, wire, wire_of

SECOND = 10_000_000
PAGE = 500
DEEPEST = 10_000
"""The API refuses an offset beyond it."""

OVERLAP = 120 * SECOND
"""An alert may become visible a little after the instant it bears."""

WRITES = frozenset({"status", "assignedTo", "comments"})
NATIVE_STATUSES = {"new": "new", "inProgress": "in_progress", "resolved": "closed"}

OPTIONS = (
    Option("client_id", "the API client, with the scope alerts: read, and write to carry changes back", ""),
    Option("client_secret", "its secret", "", secret=True),
    Option("url", "the API of the cloud, such as https://api.eu-1.crowdstrike.com", "https://api.crowdstrike.com"),
    Option("days", "how many days back the first pull looks", "30"),
    Option("query_version", "the version of /alerts/queries/alerts", "v2"),
    Option("read_version", "the version of POST /alerts/entities/alerts", "v2"),
    Option("write_version", "the version of PATCH /alerts/entities/alerts", "v3"),
)


class _Answer(msgspec.Struct):
    resources: list[msgspec.Raw] = []


_answer = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API of one customer is, and with what it is asked."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    days: int
    query: str
    entities: str
    writing: str

    def reach(self) -> Reach:
        """The one origin. Its documented limit is 6,000 calls a minute for a whole customer: this stays far below."""
        return Reach((self.url,), ClientCredentials(f"{self.url}/oauth2/token", self.client_id, self.client_secret), calls=120)


def access(options: Options) -> Access | None:
    """What the options say; None where they name no client. UsageError for what cannot be."""
    if not options["client_id"] and not options["client_secret"]:
        return None
    if not options["client_id"] or not options["client_secret"]:
        raise UsageError("The options client_id and client_secret go together: give both, or neither to hand records in.")
    try:
        parts = urlsplit(options["url"])
    except ValueError:  # a bracket that belongs to no address
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise UsageError(f"The option url is '{options['url'][:80]}': give https and a host, such as {OPTIONS[2].default}.")
    days = options["days"]
    if not (days.isascii() and days.isdigit() and 0 < int(days[:6]) <= 3650):
        raise UsageError(f"The option days is '{days[:20]}': give a whole number from 1 to 3650.")
    versions = [options[name] for name in ("query_version", "read_version", "write_version")]
    if wrong := next((word for word in versions if not (word[:1] == "v" and word[1:].isascii() and word[1:].isdigit())), None):
        raise UsageError(f"'{wrong[:20]}' is no version of the API: give one such as v2.")
    alerts = "/alerts/entities/alerts/"
    return Access(
        url=f"https://{parts.netloc}",
        client_id=options["client_id"],
        client_secret=options["client_secret"],
        days=int(days),
        query=f"https://{parts.netloc}/alerts/queries/alerts/{versions[0]}",
        entities=f"https://{parts.netloc}{alerts}{versions[1]}",
        writing=f"https://{parts.netloc}{alerts}{versions[2]}",
    )


async def pull(web: Web, told: Access, place: Place, now: int) -> AsyncIterator[Pulled]:
    """Alerts that changed since the place, in the order in which they were made.

    That order does not move: one that changes meanwhile stays where it stands, while in the order of changes it would take
    another across the border of two pages with it. What changed behind the page that was read is left to the next pull, so the
    place goes no further than the product's clock stood at when this one began.
    """
    start = ticks(place.get("updated"))
    since = now - told.days * 86_400 * SECOND if start is None else start - OVERLAP
    changed = f"updated_timestamp:>='{_stamp(since)}'"
    highest, began = start or since, now
    made, offset, first = 0, 0, True
    while True:
        asked = {
            "filter": f"{changed}+created_timestamp:>='{_stamp(made)}'" if made else changed,
            "sort": "created_timestamp|asc",
            "limit": str(PAGE),
            "offset": str(offset),
        }
        reply = await web.call("GET", told.query, params=asked)
        ids = _listed(reply)
        if first:
            began, first = _clock(reply, now), False
        if ids:
            records = await _entities(web, told, ids)
            stamps = [_stamps(record) for record in records]
            highest = max(highest, *(updated for updated, _ in stamps), 0)
            yield Pulled(records)
        if len(ids) < PAGE:
            break
        top = max((created for _, created in stamps), default=made)
        made, offset = (top, 0) if top // SECOND > made // SECOND else (made, offset + PAGE)
        if offset + PAGE > DEEPEST:
            raise CallFailed(f"more than {DEEPEST} alerts were made in one second, which its API cannot page through")
    yield Pulled((), {"updated": wire_of(max(min(highest, began), start or 0))})


def _clock(reply: Reply, now: int) -> int:
    """The product's own clock, which its answer is dated by; ours where it is not."""
    try:
        return int(parsedate_to_datetime(reply.headers.get("date", "")).timestamp()) * SECOND
    except (ValueError, TypeError, OverflowError):
        return now


def _stamp(instant: int) -> str:
    """Whole seconds, cut down, so that nothing of that second is missed."""
    found = moment(instant // SECOND)
    return f"{found[:19]}Z" if found is not None else "1970-01-01T00:00:00Z"


def _listed(reply: Reply) -> Sequence[str]:
    found = _resources(reply)
    try:
        return [msgspec.json.decode(item, type=str) for item in found]
    except msgspec.DecodeError as reason:
        raise CallFailed(f"a list of ids holds something else: {reason}") from None


async def _entities(web: Web, told: Access, ids: Sequence[str]) -> list[bytes]:
    reply = await web.call("POST", told.entities, json={"composite_ids": list(ids)})
    return [bytes(item) for item in _resources(reply)]


def _resources(reply: Reply) -> list[msgspec.Raw]:
    try:
        return _answer.decode(reply.good()).resources
    except (msgspec.DecodeError, RecursionError) as reason:
        raise CallFailed(f"answered what cannot be read: {str(reason)[:200]}") from None


class _Stamped(msgspec.Struct):
    updated_timestamp: Any = None
    created_timestamp: Any = None


_stamped = msgspec.json.Decoder(_Stamped)


def _stamps(record: bytes) -> tuple[int, int]:
    """When an alert was changed, and when it was made; 0 for what it does not say."""
    try:
        found = _stamped.decode(record)
    except (msgspec.DecodeError, RecursionError):
        return 0, 0
    return ticks(found.updated_timestamp) or 0, ticks(found.created_timestamp) or 0


# --- carrying changes back --------------------------------------------------------------------------------------------


async def write(web: Web, told: Access, native_id: str, changes: Mapping[str, Any]) -> Written:
    """The changes that have a call, in one of it."""
    actions: list[Record] = []
    status = changes.get("status")
    if status is not None:
        if status not in NATIVE_STATUSES:
            return Written(accepted=False, why=f"CrowdStrike has no status '{str(status)[:40]}'")
        actions.append({"name": "update_status", "value": NATIVE_STATUSES[status]})
    if "assignedTo" in changes:
        owner = text(changes["assignedTo"])
        if owner is None:
            actions.append({"name": "unassign", "value": ""})
        else:
            actions.append({"name": "assign_to_user_id" if "@" in owner else "assign_to_name", "value": owner})
    actions += [{"name": "append_comment", "value": words} for words in changes.get("comments", ())]
    if not actions:
        return Written(accepted=True)
    body = {"composite_ids": [native_id], "action_parameters": actions}
    reply = await web.call("PATCH", told.writing, json=body, once=True)
    why = _errors(reply)
    if 400 <= reply.status < 500 and reply.status not in {401, 429}:
        return Written(accepted=False, why=why or f"answered {reply.status}")
    if reply.status >= 500 or (reply.status < 300 and reply.body.lstrip()[:1] not in (b"", b"{")):
        # It may have been done before that broke, or the answer is of something that stands in between: a comment is not sent
        # twice, so it is asked first.
        raise OutcomeUnknown(f"answered {reply.status} with what says nothing of the change")
    reply.good()
    return Written(accepted=not why, why=why)


def _errors(reply: Reply) -> str:
    """What a body lists under `errors`, which a 200 may do too."""
    try:
        found = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError):
        return ""
    listed = objects(part(found).get("errors"))
    return "; ".join(words[:200] for item in listed if (words := text(item.get("message"))) is not None)


async def read(web: Web, told: Access, native_id: str) -> Record | None:
    """Status, assignment and comments as they stand there."""
    reply = await web.call("POST", told.entities, json={"composite_ids": [native_id]})
    if reply.status == 404:
        return None
    found = _resources(reply)
    if not found:
        return None
    alert = part(msgspec.json.decode(found[0]))
    word = (text(alert.get("status")) or "").casefold()
    return {
        "status": STATUSES[word][0] if word in STATUSES else "unknown",
        "assignedTo": text(alert.get("assigned_to_uid")) or text(alert.get("assigned_to_name")),
        "comments": [item["comment"] for item in comments_of(alert.get("comments"), None)],
    }


def comments_of(value: Any, created: str | None) -> list[Record]:
    """The comments of an alert in the words of the contract."""
    return [
        {
            "comment": words,
            "createdByDisplayName": text(item.get("falcon_user_id")) or text(item.get("user")),
            "createdDateTime": wire(item.get("timestamp")) or created,
        }
        for item in objects(value, 100)
        if (words := text(item.get("value")) or text(item.get("comment"))) is not None
    ]
