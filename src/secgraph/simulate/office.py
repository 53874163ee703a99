"""The Office 365 Management Activity API: subscriptions, lists of content, and the content itself."""

from __future__ import annotations

import re

from secgraph import clock
from secgraph.clock import DAY, SECOND
from secgraph.simulate import audit
from secgraph.simulate.ask import Api, Ask, Refused, Reply, Route, json_reply
from secgraph.simulate.paging import repeated

PAGE = 20
KEPT = 7 * DAY
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?", re.ASCII)


def _content_type(ask: Ask) -> str:
    given = ask.query.get("contenttype")
    if given is None:
        raise Refused(400, "AF20001", "Missing parameter: contentType.")
    for known in audit.CONTENT:
        if given.lower() == known.lower():
            return known
    raise Refused(400, "AF20020", f"The specified content type is not valid: {given}.")


def _own_tenant(ask: Ask) -> None:
    if ask.keys["tenant"].lower() != ask.tenant:
        raise Refused(
            400,
            "AF20010",
            f"The tenant ID passed in the URL ({ask.keys['tenant']}) does not match the tenant ID passed in "
            f"the access token ({ask.tenant}).",
        )


def start(ask: Ask) -> Reply:
    """POST subscriptions/start."""
    _own_tenant(ask)
    content = _content_type(ask)
    if (ask.tenant, content) in ask.world.subscriptions:
        raise Refused(400, "AF20024", "The subscription is already enabled. No property change.")
    ask.world.subscriptions.add((ask.tenant, content))
    return json_reply({"contentType": content, "status": "enabled", "webhook": None})


def stop(ask: Ask) -> Reply:
    """POST subscriptions/stop."""
    _own_tenant(ask)
    _subscribed(ask, content := _content_type(ask))
    ask.world.subscriptions.discard((ask.tenant, content))
    return Reply(204)


def subscriptions(ask: Ask) -> Reply:
    """GET subscriptions/list."""
    _own_tenant(ask)
    held = [content for content in audit.CONTENT if (ask.tenant, content) in ask.world.subscriptions]
    return json_reply([{"contentType": content, "status": "enabled", "webhook": None} for content in held])


def _subscribed(ask: Ask, content: str) -> None:
    if (ask.tenant, content) not in ask.world.subscriptions:
        raise Refused(400, "AF20022", "No subscription found for the specified content type.")


def _window(ask: Ask) -> tuple[int, int]:
    """The window of blob creation: both or neither end, at most a day, not older than seven; without, the last day."""
    now = ask.world.now()
    texts = [ask.query.get(name) for name in ("starttime", "endtime")]
    if texts == [None, None]:
        end = now - now % SECOND  # in whole seconds, as the link to the next page writes them
        return end - DAY, end
    rule = (
        "Start time and end time must both be specified (or both omitted) and must be less than or equal to 24 hours apart, "
        "with the start time no more than 7 days in the past."
    )
    instants = [None if text is None or not _TIME.fullmatch(text) else clock.ticks(text) for text in texts]
    begin, last = instants
    if begin is None or last is None or last - begin > DAY or begin < now - KEPT:
        raise Refused(400, "AF20030", rule)
    if begin >= last:
        raise Refused(400, "AF20055", rule.replace("with the start time", "with the start time prior to end time and"))
    return begin, last


def _blobs(ask: Ask) -> dict[str, audit.Blob]:
    assert ask.organisation is not None  # noqa: S101 -- the route asks for a role, and a role is somebody's
    return audit.blobs(ask.world, ask.organisation, ask.world.now())


def content(ask: Ask) -> Reply:
    """GET subscriptions/content: what was made in a window, page by page through the header NextPageUri."""
    _own_tenant(ask)
    kind = _content_type(ask)
    _subscribed(ask, kind)
    begin, end = _window(ask)
    base = f"{ask.root}/api/v1.0/{ask.tenant}/activity/feed/audit"
    listed = [
        {"contentType": kind, "contentId": name, "contentUri": f"{base}/{name}", "contentCreated": _stamp(one.created),
         "contentExpiration": _stamp(one.created + KEPT)}
        for name, one in sorted(_blobs(ask).items()) if one.content == kind and begin <= one.created < end
    ]  # fmt: skip
    place = ask.query.get("nextpage", "0")
    if not (place.isascii() and place.isdigit()):
        raise Refused(400, "AF20031", "Invalid nextPage Input: it is none of ours, or it was changed.")
    size = ask.page or PAGE
    page = listed[repeated(ask, int(place)) : int(place) + size]
    headers = {}
    if int(place) + size < len(listed):
        # The window is written out: where it was left out it would have moved on by the next page.
        headers["NextPageUri"] = (
            f"{ask.root}{ask.path}?contentType={kind}&startTime={clock.text(begin)[:19]}"
            f"&endTime={clock.text(end)[:19]}&nextPage={int(place) + size}"
        )
    return json_reply(page, headers=headers)


def _stamp(instant: int) -> str:
    return f"{clock.text(instant)[:23]}Z"


def blob(ask: Ask) -> Reply:
    """GET audit/{id}: the records of one blob, in no order."""
    _own_tenant(ask)
    found = _blobs(ask).get(ask.keys["id"])
    if found is None:
        raise Refused(400, "AF20050", f"The specified content ({ask.keys['id']}) does not exist.")
    _subscribed(ask, found.content)
    if ask.world.now() >= found.created + KEPT:
        raise Refused(
            400,
            "AF20051",
            f"Content requested with the key {ask.keys['id']} has already expired. Content older than 7 days "
            "cannot be retrieved.",
        )
    return json_reply(found.records)


def error(_ask: Ask, fault: Refused) -> Reply:
    """The error envelope of the feed; its 401 says only what it has to."""
    codes = {"InternalServerError": "AF50000", "TooManyRequests": "AF429", "Forbidden": "AF10001"}
    return json_reply(
        {"error": {"code": codes.get(fault.code, fault.code), "message": fault.message}}, fault.status, fault.headers
    )


FEED = "/api/v1.0/{tenant}/activity/feed"
READ = ("ActivityFeed.Read",)
OFFICE = Api("office", "/office", ("https://manage.office.com",), (
    Route("POST", f"{FEED}/subscriptions/start", start, READ),
    Route("POST", f"{FEED}/subscriptions/stop", stop, READ),
    Route("GET", f"{FEED}/subscriptions/list", subscriptions, READ),
    Route("GET", f"{FEED}/subscriptions/content", content, READ),
    Route("GET", f"{FEED}/audit/{{id}}", blob, READ),
), error, ceilings=((2000, 60.0),))  # fmt: skip
