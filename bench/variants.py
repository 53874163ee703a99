"""What all sides are asked: a thousand variants of each question and more, the same rows on every side.

The filter has two terms. `page` and `range` ask for a severity before an instant, and each variant has an instant of its
own; `deep` and `deepest` follow the links of such lists a hundred and a thousand pages down; `equal` asks for a severity and
a status, and its variants are the pages of those twelve lists, again through their links. `count` asks for severities and
statuses alone. The peer has no links like ours: it passes over as many rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, product
from urllib.parse import quote

from bench import generate
from bench.documents import target
from bench.sides import ALERTS, Client, Side
from bench.tables import PAGE, Columns
from bench.workload import Workload, anything, ids, own, read_page

DEEP, DEEPEST = 100, 1001
PAGES_OF_A_WALK = 10
PAGES_OF_A_LONG_WALK = 25
EQUAL_PAGES = 120
"""Most pages of one severity and status."""

POSTED = 1000
WALKERS = 4

Asked = tuple[str, str, str]
"""The same of ours, of the bare side and of the peer."""


class Variants:
    """Makes workloads from the alerts that ours holds; one seed gives one set of questions."""

    def __init__(self, rows: list[Columns], ours: Side, *, many: int, seed: int) -> None:
        self._ours = ours
        self._many = many
        self._seed = seed
        self._rows = rows
        self._created = {
            word: [row.createdDateTime for row in self._rows if row.severity == word] for word in generate.SEVERITIES
        }
        sampled = self._chance("ids").sample(self._rows, min(len(self._rows), 100 + 10 * self._many))
        self._set_aside, self._sampled = sampled[:100], sampled[100:]

    def named(self, name: str) -> Workload | None:
        """The workload of that name; None where there are too few alerts for it."""
        made: dict[str, Callable[[], Workload | None]] = {
            "get": self._get, "page": self._page, "deep": self._deep, "deepest": self._deepest, "equal": self._equal,
            "count": self._count, "range": self._range, "patch": self._patch, "post": self._post,
        }  # fmt: skip
        return made[name]()

    @property
    def aside(self) -> list[str]:
        """Ids for the writes that go on beside the reads: no other write touches them."""
        return [row.id for row in self._set_aside]

    def _chance(self, what: str) -> random.Random:
        return random.Random(f"{self._seed} {what}")  # noqa: S311 -- the same questions for the same seed

    def _get(self) -> Workload:
        found = [row.id for row in self._sampled]
        return Workload("get", f"one alert by id; {len(found)} ids", _three(
            [(f"{ALERTS}/{one}", f"/get/{one}", f"{ALERTS}/{one}") for one in found]), own)  # fmt: skip

    def _instants(self, what: str, lists: int, least: float, most: float) -> list[tuple[str, str]]:
        """Severities and instants before which such a list has between `least` and `most` of its rows."""
        chance = self._chance(what)
        found = []
        for severity, created in self._created.items():
            span = range(int(least), int(most * len(created)))
            found += [(severity, created[at]) for at in chance.sample(span, min(len(span), lists // len(self._created)))]
        chance.shuffle(found)
        return found

    def _pages(self) -> list[tuple[str, str]]:
        return self._instants("before", self._many, PAGE + 1, 0.5)

    def _page(self) -> Workload:
        asked = self._pages()
        lists = [_list(_before(*one)) for one in asked]
        bare = [f"/page?severity={severity}&before={created}" for severity, created in asked]
        return Workload("page", f"first {PAGE} of a severity before an instant, newest first; {len(asked)} instants",
                        {"ours": lists, "bare": bare, "peer": lists}, ids)  # fmt: skip

    def _range(self) -> Workload:
        asked = self._pages()
        counts = [f"{ALERTS}/$count?$filter={_before(*one)}" for one in asked]
        bare = [f"/count?severity={severity}&before={created}" for severity, created in asked]
        return Workload("range", f"$count of the same filters, by index; {len(asked)} instants",
                        {"ours": counts, "bare": bare, "peer": counts}, int)  # fmt: skip

    def _count(self) -> Workload:
        asked = [pair for pair in product(_some(list(generate.SEVERITIES)), _some(list(generate.STATUSES))) if any(pair)]
        self._chance("count").shuffle(asked)
        found = []
        for severities, statuses in asked:
            named = [(name, words) for name, words in (("severity", severities), ("status", statuses)) if words]
            path = f"{ALERTS}/$count?$filter={quote(' and '.join(_among(*one) for one in named))}"
            terms = "&".join(f"{name}={','.join(words)}" for name, words in named)
            found.append((path, f"/count?{terms}", path))
        return Workload("count", f"$count of severities and statuses alone; {len(found)} filters", _three(found), int)

    def _deep(self) -> Workload:
        shortest = min(map(len, self._created.values()))
        depth = min(DEEP, shortest // PAGE - PAGES_OF_A_WALK - 1)
        return self._down("deep", depth, PAGES_OF_A_WALK)

    def _deepest(self) -> Workload | None:
        shortest = min(map(len, self._created.values()))
        enough = shortest > (DEEPEST + PAGES_OF_A_LONG_WALK + 1) * PAGE
        return self._down("deepest", DEEPEST, PAGES_OF_A_LONG_WALK) if enough else None

    def _down(self, name: str, depth: int, pages: int) -> Workload:
        """Pages from that one on, the first page being number one."""
        starts = self._instants(name, self._many // pages, (depth + pages) * PAGE + 1, 1)

        def follow(client: Client, start: tuple[str, str]) -> list[Asked]:
            severity, created = start
            first = _list(_before(severity, created))
            found = []
            for number, (link, last) in enumerate(_walk(client, first, depth + pages - 2), 1):
                if number >= depth - 1:
                    found.append((link, f"/page?severity={severity}&after={last}", f"{first}&$skip={number * PAGE}"))
            return found

        found = self._walked(name, starts, follow)
        says = f"a page of {PAGE} from page {depth} on of such a list; {len(found)} links of {len(starts)} lists"
        return Workload(name, says, {**_three(found), "first": self._page().lines["ours"]}, ids)

    def _equal(self) -> Workload:
        starts = [(severity, status) for severity in generate.SEVERITIES for status in generate.STATUSES]

        def follow(client: Client, start: tuple[str, str]) -> list[Asked]:
            severity, status = start
            first = _list(quote(f"severity eq '{severity}' and status eq '{status}'"))
            pages = enumerate(_walk(client, first, EQUAL_PAGES), 1)
            # The last page of a list is not full: what is behind the last link is left out.
            return [(link, f"/page?severity={severity}&status={status}&after={last}", f"{first}&$skip={number * PAGE}")
                    for number, (link, last) in pages][:-1]  # fmt: skip

        found = self._walked("equal", starts, follow)[: self._many]
        says = f"a page of {PAGE} of a severity and a status, newest first; {len(found)} links of {len(starts)} lists"
        return Workload("equal", says, _three(found), ids)

    def _walked(
        self, what: str, starts: list[tuple[str, str]], follow: Callable[[Client, tuple[str, str]], list[Asked]]
    ) -> list[Asked]:
        """Our links and the same places for the other sides, of several lists read at once, shuffled."""

        def one(start: tuple[str, str]) -> list[Asked]:
            client = self._ours.client()
            try:
                return follow(client, start)
            finally:
                client.close()

        with ThreadPoolExecutor(WALKERS) as pool:
            found = [asked for several in pool.map(one, starts) for asked in several]
        self._chance(what).shuffle(found)
        return found

    def _patch(self) -> Workload:
        places = {status: place for place, status in enumerate(generate.STATUSES)}
        found = [
            (f"{ALERTS}/{row.id}\t{places[row.status]}", f"/patch/{row.id}\t{places[row.status]}") for row in self._sampled
        ]
        says = f"the status of one alert, always to another; {len(found)} alerts"
        lines = _three([(ours, bare, ours) for ours, bare in found])
        return Workload("patch", says, lines, anything, "patch", "PATCH", '{"assignedTo":"somebody@contoso.example"}')

    def _post(self) -> Workload:
        halves = generate.posted(self._seed, POSTED)
        texts = ["\t".join(half) for half in halves]
        lines = {"ours": ["/ingest/graph", *texts], "bare": ["/post", *texts], "peer": [ALERTS, *texts]}
        one = "ffffffff-ffff-4000-8000-ffffffffffff".join(halves[0])
        return Workload(
            "post", f"one new alert; {len(texts)} texts, each time another id", lines, anything, "post", "POST", one
        )


def _three(found: list[Asked]) -> dict[str, list[str]]:
    return {name: [one[place] for one in found] for place, name in enumerate(("ours", "bare", "peer"))}


def _some(words: list[str]) -> list[tuple[str, ...]]:
    """All choices but that of every word; that of none first."""
    return [chosen for many in range(len(words)) for chosen in combinations(words, many)]


def _among(name: str, words: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{word}'" for word in words)
    return f"{name} in ({listed})" if len(words) > 1 else f"{name} eq {listed}"


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
        path = target(page.link)
        yield path, f"{page.value[-1].createdDateTime},{page.value[-1].id}"
