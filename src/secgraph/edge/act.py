"""Bound actions over HTTP: a body is read and checked, the decision is taken elsewhere, the answer is worded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked, decoded
from secgraph.edge.route import Target
from secgraph.edge.write import committed
from secgraph.errors import BadBody
from secgraph.ingest import apart, manual, regroup
from secgraph.ingest.door import Door
from secgraph.ingest.regroup import Call
from secgraph.model.call import arguments
from secgraph.model.choices import ALERTS
from secgraph.model.edm import Action, EntitySet, Model
from secgraph.store.protocol import Store

Act = Callable[[Asked, Caller, Target, Action], Awaitable[Answer]]

MOST_IDS = 1000
"""Most ids that one call may name."""

LONGEST_COMMENT = 5000
"""Most characters of a comment: a move writes it to every alert."""


class Actor:
    """Answers actions."""

    def __init__(self, store: Store, model: Model, door: Door, most: int) -> None:
        self._store = store
        self._alerts = model.sets[ALERTS]
        self._door = door
        self._most = most

    def handlers(self) -> Mapping[str, Act]:
        """The handler of every served action, by the id of its published operation."""
        return {
            "incidents_merge": self.merge_incidents,
            "alerts_v2_move": self.move_alerts,
            "alerts_v2_create_action": self.create_alert,
        }

    async def merge_incidents(self, asked: Asked, caller: Caller, target: Target, action: Action) -> Answer:
        """Merges incidents into one; the answer names it."""
        given = arguments(action, await asked.json(self._most))
        incidents = _ids("incidentIds", given["incidentIds"])
        if len(incidents) < 2:
            raise BadBody("incidentIds", "must name two different incidents or more.")
        call = _call(action, caller, given, "incidentComment", "mergeReasons")
        merged = await self._store.write(
            caller.tenant, regroup.merge_needs(incidents), lambda facts: regroup.merge(facts, incidents, call)
        )
        return _merge_response(asked, target, merged)

    async def keep_apart(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Keeps an incident apart from others; the answer names all that it is kept apart from (an extension)."""
        others = _ids("incidentIds", _named(await asked.json(self._most)))
        call = Call("keepApart", caller.app_id, caller.name)
        key = target.key.casefold()
        here, told = await self._store.write(
            caller.tenant, apart.apart_needs(key, others), lambda facts: apart.keep_apart(facts, key, others, call)
        )
        head = render.context(f"{asked.base}/{target.version}", f"{one.path}('{here}')/keepApart")
        return Answer(body=render.item(head, msgspec.json.encode({"incidentId": here, "apartFromIncidentIds": told})))

    async def move_alerts(self, asked: Asked, caller: Caller, target: Target, action: Action) -> Answer:
        """Moves alerts into an incident, or into a new one; the answer names it."""
        given = arguments(action, await asked.json(self._most))
        alerts = _ids("alertIds", given["alertIds"])
        incident = given["incidentId"]
        if incident is not None:
            incident = _id("incidentId", incident, hint="Leave it out, or send null, for a new incident.")
        call = _call(action, caller, given, "alertComment", "newCorrelationReasons")
        moved = await self._store.write(
            caller.tenant, regroup.move_needs(alerts, incident), lambda facts: regroup.move(facts, alerts, incident, call)
        )
        return _merge_response(asked, target, moved)

    async def create_alert(self, asked: Asked, caller: Caller, target: Target, action: Action) -> Answer:
        """Makes an alert by hand, with its incident in the same commit; the answer is the alert."""
        asked.expect_json()
        body = await asked.body(self._most)
        given = arguments(action, decoded(body))[manual.INPUT]
        record = await self._door.create(
            caller.tenant, manual.draft(given, clock.new_id()), body,
            road=action.name, cause=f"app:{caller.app_id} {action.name}", into=manual.incident(given),
        )  # fmt: skip
        answer = committed(asked, target, self._alerts, record)
        answer.status = 201
        answer.headers.append((b"location", f"{asked.base}/{target.version}/{ALERTS}/{record['id']}".encode()))
        return answer


def _call(action: Action, caller: Caller, given: dict[str, Any], comment: str, reasons: str) -> Call:
    text = given[comment]
    if text is not None and len(text) > LONGEST_COMMENT:
        raise BadBody(comment, f"is longer than {LONGEST_COMMENT} characters.")
    return Call(action.name, caller.app_id, caller.name, text if text and not text.isspace() else None, given[reasons])


def _named(body: Any) -> list[str]:
    """The incidents that a body names; BadBody where it names none, or anything else."""
    if not isinstance(body, dict):
        raise BadBody("", "The body must be a JSON object.", hint='For example {"incidentIds": ["17"]}.')
    found: Any = None
    for name, given in body.items():
        if name.casefold() == "incidentids":
            found = given
        elif "@" not in name:
            raise BadBody(name, "is not a parameter of keepApart.", hint="Parameters: incidentIds.")
    if not isinstance(found, list) or not found:
        raise BadBody("incidentIds", "must be a list of one or more incidents.")
    for place, one in enumerate(found):
        if not isinstance(one, str):
            raise BadBody(f"incidentIds/{place}", "must be a text.")
    return found


def _ids(name: str, given: list[str]) -> list[str]:
    """Ids as they are stored, each once, in the order named."""
    ids = list(dict.fromkeys(_id(f"{name}/{place}", one) for place, one in enumerate(given)))
    if len(ids) > MOST_IDS:
        raise BadBody(name, f"names more than {MOST_IDS} ids.", hint="Send them in several calls.")
    return ids


def _id(path: str, given: str, *, hint: str = "") -> str:
    found = given.strip().casefold()
    if not found:
        raise BadBody(path, "is empty.", hint=hint)
    return found


def _merge_response(asked: Asked, target: Target, incident: str) -> Answer:
    head = render.context(f"{asked.base}/{target.version}", "microsoft.graph.security.mergeResponse")
    return Answer(body=render.item(head, msgspec.json.encode({"targetIncidentId": incident})))
