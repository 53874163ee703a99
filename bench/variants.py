"""What is asked: at least a thousand variants of each question, the same rows on both sides.

The filter has two terms. `page` and `count` ask for a severity before an instant, and each variant has an instant of its
own; `deep` follows the links of such lists a hundred pages down; `equal` asks for a severity and a status, and its
variants are the pages of those twelve lists, again through their links.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import apsw
import msgspec

from bench import generate
from bench.bare import PAGE
from bench.servers import Client, Side

ALERTS = "/v1.0/security/alerts_v2"
DEEP = 100
PAGES_OF_A_WALK = 10
EQUAL_PAGES = 120
"""Most pages of one severity and status."""

POSTED = 1000
ROWS = "SELECT id, severity, status, created FROM alerts ORDER BY created, id"
WALKERS = 4


class _Alert(msgspec.Struct):
    id: str
    createdDateTime: str  # noqa: N815 -- the contract's word


class _Page(msgspec.Struct):
    value: list[_Alert]
    link: str | None = msgspec.field(name="@odata.nextLink", default=None)


read_page = msgspec.json.Decoder(_Page).decode


@dataclass(slots=True)
class Workload:
    """One question in all its variants, for both sides in the same order."""

    name: str
    says: str
    script: str
    ours: list[str]
    bare: list[str]
    writes: bool = False
    method: str = "GET"
    body: str = ""
    """A body to compare the sizes of the answers with."""

    aside: list[str] = field(default_factory=list)
    """Ids of alerts that no variant of a write touches."""


class Variants:
    """Makes workloads from the filled files; one seed gives one set of questions."""

    def __init__(self, file: Path, ours: Side, *, many: int, seed: int) -> None:
        self._ours = ours
        self._many = many
        self._seed = seed
        connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        self._rows: list[tuple[str, str, str, str]] = [
            (str(key), str(severity), str(status), str(created))
            for key, severity, status, created in connection.execute(ROWS)
        ]
        connection.close()
        self._created = {word: [row[3] for row in self._rows if row[1] == word] for word in generate.SEVERITIES}

    def named(self, name: str) -> Workload:
        """The workload of that name."""
        made: dict[str, Callable[[], Workload]] = {
            "get": self._get, "page": self._page, "deep": self._deep, "equal": self._equal, "count": self._count,
            "patch": self._patch, "post": self._post,
        }  # fmt: skip
        return made[name]()

    @property
    def aside(self) -> list[str]:
        """Ids for the writes that go on beside the reads."""
        return [row[0] for row in self._ids()[:100]]

    def _chance(self, what: str) -> random.Random:
        return random.Random(f"{self._seed} {what}")  # noqa: S311 -- the same questions for the same seed

    def _ids(self) -> list[tuple[str, str, str, str]]:
        return self._chance("ids").sample(self._rows, min(len(self._rows), 100 + 10 * self._many))

    def _get(self) -> Workload:
        ids = [row[0] for row in self._ids()[100:]]
        return Workload("get", f"one alert by id; {len(ids)} ids", "get",
                        [f"{ALERTS}/{one}" for one in ids], [f"/get/{one}" for one in ids])  # fmt: skip

    def _instants(self, what: str, lists: int, least: float, most: float) -> list[tuple[str, str]]:
        """Severities and instants before which such a list has between `least` and `most` of its rows."""
        chance = self._chance(what)
        found = []
        for severity, created in self._created.items():
            span = range(int(least), int(most * len(created)))
            found += [(severity, created[at]) for at in chance.sample(span, min(len(span), lists // len(self._created)))]
        chance.shuffle(found)
        return found

    def _before(self) -> list[tuple[str, str]]:
        return self._instants("before", self._many, PAGE + 1, 0.5)

    def _page(self) -> Workload:
        asked = self._before()
        return Workload("page", f"first {PAGE} of a severity before an instant, newest first; {len(asked)} instants", "get",
                        [_list(_before(*one)) for one in asked],
                        [f"/page?severity={severity}&before={created}" for severity, created in asked])  # fmt: skip

    def _count(self) -> Workload:
        asked = self._before()
        return Workload("count", f"$count of the same filters; {len(asked)} instants", "get",
                        [f"{ALERTS}/$count?$filter={_before(*one)}" for one in asked],
                        [f"/count?severity={severity}&before={created}" for severity, created in asked])  # fmt: skip

    def _deep(self) -> Workload:
        shortest = min(map(len, self._created.values()))
        depth = min(DEEP, shortest // PAGE - PAGES_OF_A_WALK - 1)
        starts = self._instants("deep", self._many // PAGES_OF_A_WALK, (depth + PAGES_OF_A_WALK) * PAGE + 1, 1)

        def follow(client: Client, start: tuple[str, str]) -> list[tuple[str, str]]:
            pages = list(_walk(client, _list(_before(*start)), depth + PAGES_OF_A_WALK))
            return [(link, f"/page?severity={start[0]}&after={last}") for link, last in pages[depth - 1 : -1]]

        found = self._walked("deep", starts, follow)
        says = f"a page of {PAGE} at least {depth} pages deep in such a list; {len(found)} links of {len(starts)} lists"
        return Workload("deep", says, "get", [one[0] for one in found], [one[1] for one in found])

    def _equal(self) -> Workload:
        starts = [(severity, status) for severity in generate.SEVERITIES for status in generate.STATUSES]

        def follow(client: Client, start: tuple[str, str]) -> list[tuple[str, str]]:
            severity, status = start
            first = _list(quote(f"severity eq '{severity}' and status eq '{status}'"))
            pages = _walk(client, first, EQUAL_PAGES)
            # The last page of a list is not full: what is behind the last link is left out.
            return [(link, f"/page?severity={severity}&status={status}&after={last}") for link, last in pages][:-1]

        found = self._walked("equal", starts, follow)[: self._many]
        says = f"a page of {PAGE} of a severity and a status, newest first; {len(found)} links of {len(starts)} lists"
        return Workload("equal", says, "get", [one[0] for one in found], [one[1] for one in found])

    def _walked(
        self, what: str, starts: list[tuple[str, str]], follow: Callable[[Client, tuple[str, str]], list[tuple[str, str]]]
    ) -> list[tuple[str, str]]:
        """Our links and the same places for the bare side, of several lists read at once, shuffled."""

        def one(start: tuple[str, str]) -> list[tuple[str, str]]:
            client = self._ours.client()
            try:
                return follow(client, start)
            finally:
                client.close()

        with ThreadPoolExecutor(WALKERS) as pool:
            found = [pair for pairs in pool.map(one, starts) for pair in pairs]
        self._chance(what).shuffle(found)
        return found

    def _patch(self) -> Workload:
        rows = self._ids()[100:]
        places = {status: place for place, status in enumerate(generate.STATUSES)}
        return Workload("patch", f"the status of one alert, always to another; {len(rows)} alerts", "patch",
                        [f"{ALERTS}/{row[0]}\t{places[row[2]]}" for row in rows],
                        [f"/patch/{row[0]}\t{places[row[2]]}" for row in rows],
                        writes=True, method="PATCH", body='{"assignedTo":"somebody@contoso.example"}')  # fmt: skip

    def _post(self) -> Workload:
        halves = generate.posted(self._seed, POSTED)
        lines = ["\t".join(half) for half in halves]
        return Workload("post", f"one new alert; {len(lines)} texts, each time another id", "post",
                        ["/ingest/graph", *lines], ["/post", *lines],
                        writes=True, method="POST", body="ffffffff-ffff-4000-8000-ffffffffffff".join(halves[0]))  # fmt: skip


def _before(severity: str, created: str) -> str:
    return quote(f"severity eq '{severity}' and createdDateTime lt {created}")


def _list(condition: str) -> str:
    return f"{ALERTS}?$filter={condition}&$top={PAGE}"


def _walk(client: Client, path: str, most: int) -> Iterator[tuple[str, str]]:
    """The links of a list in order, each with the place of the row before it: `created,id`."""
    for _ in range(most):
        page = read_page(client.ask("GET", path))
        if page.link is None:
            return
        parts = urlsplit(page.link)
        path = f"{parts.path}?{parts.query}"
        yield path, f"{page.value[-1].createdDateTime},{page.value[-1].id}"
