"""Who writes and who reads: clients of the real server that go on through its ends, and know what they were told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import httpx
from tests.real.faults.journal import ALERTS, INCIDENTS, Change, Journal, Place

from secgraph.testing import graph_alert

WRITERS = 8
PAUSE = 0.02
"""How long a client waits, in seconds, before it asks again after no answer or a 503."""

STATUSES = {ALERTS: ("new", "inProgress", "resolved"), INCIDENTS: ("active", "inProgress", "resolved")}
FILLING = "What a product writes about what it saw takes a page or two. " * 20


@dataclass(slots=True)
class Wire:
    """A server as its clients reach it, and what they know of it."""

    http: httpx.AsyncClient
    journal: Journal
    form: dict[str, str] = field(default_factory=dict)
    """What a token is asked with."""

    async def sign_in(self, members: dict[str, str]) -> None:
        """Fetches a token with the members of quickstart.env, for all clients."""
        self.form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default",
                     "client_id": members["CLIENT_ID"], "client_secret": members["CLIENT_SECRET"]}  # fmt: skip
        answer = await self.http.post(f"/{members['TENANT']}/oauth2/v2.0/token", data=self.form)
        assert answer.status_code == 200, answer.text
        self.http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """The answer; None where none came, or one that says to come back later."""
        try:
            answer = await self.http.request(method, path, **more)
        except httpx.TransportError:
            return None
        if answer.status_code != 503:
            return answer
        self.journal.unavailable += 1
        if not answer.headers.get("retry-after", "").isdigit():
            self.journal.faults.append(f"{method} {path} was answered 503 without Retry-After: {answer.text[:300]}")
        return None

    async def listed(self, path: str, **options: str) -> dict[str, dict[str, Any]]:
        """Every row of a set as the API lists it now, by its id."""
        found: dict[str, dict[str, Any]] = {}
        params = {"$top": "999", **{f"${name}": text for name, text in options.items()}}
        answer = await self.http.get(f"/v1.0/{path}", params=params)
        while True:
            assert answer.status_code == 200, answer.text
            body = answer.json()
            for item in body["value"]:
                assert item["id"] not in found, f"{item['id']} is listed twice"
                found[item["id"]] = item
            if "@odata.nextLink" not in body:
                return found
            answer = await self.http.get(body["@odata.nextLink"])

    async def counted(self, path: str, condition: str) -> int:
        """How many rows the API says answer a filter."""
        answer = await self.http.get(f"/v1.0/{path}/$count", params={"$filter": condition})
        assert answer.status_code == 200, answer.text
        return int(answer.text.removeprefix("\ufeff"))

    async def searched(self, words: str) -> set[str]:
        """The ids of the alerts in which words stand."""
        return set(await self.listed(ALERTS, search=f'"{words}"', select="id"))


class Writer:
    """Hands in alerts, tells of them again, and changes its own and those of others: one request at a time."""

    def __init__(self, number: int, wire: Wire, chance: Random, sizes: Sequence[int] = (1, 1, 2, 5, 40)) -> None:
        self.wire = wire
        self.journal = wire.journal
        self.chance = chance
        self.sizes = sizes
        self._name = f"w{number}"
        self._words = count(1)
        self._alerts = count(number * 1_000_000 + 1)
        self._own: dict[str, tuple[int, int]] = {}
        """The number and the version of every alert of this writer."""
        self._unanswered: list[tuple[dict[str, Any], list[Change]]] = []
        """The deliveries whose answer did not come: a sender keeps them and sends them again."""

    async def write(self, stop: asyncio.Event) -> None:
        """Changes of every kind until told to stop."""
        while not stop.is_set():
            if not await self.one():
                await asyncio.sleep(PAUSE)

    async def one(self) -> bool:
        """One request; whether its answer came."""
        if self._unanswered:
            return await self.repeat()
        others = self.journal.there
        kind = self.chance.random()
        if kind < 0.3 or not others[ALERTS]:
            return await self.deliver(self.chance.choice(self.sizes))
        if kind < 0.45 and self._own:
            return await self.tell_again(self.chance.choice(list(self._own)))
        path = INCIDENTS if kind > 0.9 and others[INCIDENTS] else ALERTS
        # Mostly objects of late, so that several writers meet on one.
        place = path, self.chance.choice(list(others[path])[-60:])
        if kind < 0.55:
            return await self.comment(place)
        return await self.change(place, stale=kind > 0.85)

    async def deliver(self, number: int) -> bool:
        """New alerts in one delivery, some of them in incidents that others are in."""
        records = []
        for one in (next(self._alerts) for _ in range(number)):
            members = {} if one % 2 else {"incidentId": f"shared-{one % 7}"}
            records.append(_telling(one, 1, severity=self.chance.choice(("low", "medium", "high")), **members))
            self._own[records[-1]["id"]] = (one, 1)
        return await self._hand_in(records)

    async def tell_again(self, key: str) -> bool:
        """The next version of an alert of this writer."""
        number, version = self._own[key]
        self._own[key] = (number, version + 1)
        return await self._hand_in([_telling(number, version + 1)])

    async def _hand_in(self, records: list[dict[str, Any]]) -> bool:
        changes = [self.journal.asks((ALERTS, one["id"]), "version", one["description"]) for one in records]
        self._unanswered.append(({"records": records}, changes))
        return await self.repeat()

    async def repeat(self) -> bool:
        """Sends a delivery, once more where its answer did not come; whether it came now."""
        delivery, changes = self._unanswered[-1]
        answer = await self.wire.ask("POST", "/ingest/graph", content=json.dumps(delivery["records"]))
        if answer is None:
            return False
        self._unanswered.pop()
        report = answer.json() if answer.status_code == 200 else {}
        if report.get("taken", 0) + report.get("unchanged", 0) != len(changes):
            self.journal.faults.append(f"a delivery of {len(changes)} was answered {answer.status_code}: {answer.text[:300]}")
            return True
        for change in changes:
            self.journal.acknowledges(change)
        return True

    async def change(self, place: Place, *, stale: bool) -> bool:
        """A PATCH; a stale one names a version that the object cannot have any more, and must be refused."""
        change = self.journal.asks(place, "owner", f"{self._name}-{next(self._words)}")
        body = {"assignedTo": change.word, "status": self.chance.choice(STATUSES[place[0]])}
        headers = {"if-match": 'W/"0"'} if stale else {}
        answer = await self.wire.ask("PATCH", f"/v1.0/{place[0]}/{place[1]}", json=body, headers=headers)
        if answer is None:
            return False
        if answer.status_code == 404:
            self.journal.misses(change)
        elif answer.status_code == (412 if stale else 200):
            if stale:
                self.journal.refuses(change)
            else:
                self.journal.acknowledges(change, answer.json())
        else:
            self.journal.faults.append(f"a {'stale ' * stale}PATCH of {place[1]} was answered {answer.status_code}: {answer.text[:300]}")
        return True

    async def comment(self, place: Place) -> bool:
        """A comment, which is added to those that are there."""
        change = self.journal.asks(place, "comment", f"{self._name}-{next(self._words)}")
        body = {"@odata.type": "microsoft.graph.security.alertComment", "comment": change.word}
        answer = await self.wire.ask("POST", f"/v1.0/{place[0]}/{place[1]}/comments", json=body)
        if answer is None:
            return False
        if answer.status_code == 404:
            self.journal.misses(change)
        elif answer.status_code in {200, 201}:
            self.journal.acknowledges(change)
        else:
            self.journal.faults.append(f"a comment on {place[1]} was answered {answer.status_code}: {answer.text[:300]}")
        return True

    async def settle(self) -> None:
        """Sends again what was not answered, until it is."""
        while self._unanswered:
            assert await self.repeat(), "a delivery found no answer from a server that is up"


@dataclass(slots=True)
class Follower:
    """Keeps a copy by following delta, a page at a time, over every end of the server."""

    wire: Wire
    path: str
    condition: str = ""
    link: str = ""
    copy: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def follow(self, stop: asyncio.Event) -> None:
        """Page after page until told to stop."""
        while not stop.is_set():
            if not await self.page():
                await asyncio.sleep(PAUSE)

    async def page(self) -> int | None:
        """Follows the link once; how many items came, or None where no answer did."""
        condition = f"&$filter={self.condition}" if self.condition else ""
        answer = await self.wire.ask("GET", self.link or f"/v1.0/{self.path}/delta()?$top=100{condition}")
        if answer is None:
            return None
        if answer.status_code != 200:
            self.wire.journal.faults.append(f"a delta link was answered {answer.status_code}: {answer.text[:300]}")
            await asyncio.sleep(PAUSE)
            return None
        body = answer.json()
        for item in body["value"]:
            if "@removed" in item:
                self.copy.pop(item["id"], None)
            else:
                self.wire.journal.sees(self.path, item)
                self.copy[item["id"]] = item
        self.link = body.get("@odata.nextLink") or body["@odata.deltaLink"]
        return len(body["value"])

    async def settle(self) -> None:
        """Follows until nothing new comes, while nobody writes."""
        while (came := await self.page()) != 0:
            assert came is not None, "a delta link found no answer from a server that is up"


def _telling(number: int, version: int, **members: Any) -> dict[str, Any]:
    """A record of a product: its description says which version it is."""
    made = graph_alert(number, **members)
    made["lastUpdateDateTime"] = f"2027-01-01T00:{version // 60:02}:{version % 60:02}Z"
    made["description"] = f"version {version} of {made['id']}. {FILLING[: 400 + 37 * (number % 40)]}"
    return made
