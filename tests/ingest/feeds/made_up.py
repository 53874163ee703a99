"""A made-up product that is told options, can be asked, and sends what the Microsoft Graph would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from secgraph.errors import UsageError
from secgraph.extend import Draft, Framing, Headers, Option, Options, Place, Pulled, Raw, Reach, Web
from secgraph.sources.graph import Graph


@dataclass
class Sentry:
    """Asked at an address with a key."""

    url: str = ""
    key: str = ""
    name = "sentry"
    framing: Framing = "json"
    every = 60.0
    options = (
        Option("url", "Where it answers, such as https://sentry.example."),
        Option("key", "The key of its API.", secret=True),
        Option("site", "Which of its sites.", "main"),
    )

    def told(self, options: Options) -> Sentry:
        if not options["url"].startswith("https://"):
            raise UsageError(f"The option url is an https address, not '{options['url']}'.")
        assert options.keys() == {"url", "key", "site"}
        return Sentry(options["url"], options["key"])

    def reach(self) -> Reach:
        return Reach((self.url,), Headers({"authorization": self.key}))

    def normalise(self, raw: Raw) -> Iterable[Draft]:
        return Graph().normalise(raw)

    async def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        answer = await web.call("GET", f"{self.url}/alerts", params={"since": str(place.get("since", ""))})
        yield Pulled([answer.good()], {"since": now})


TOLD = {"url": "https://sentry.example", "key": "s3cr3t-of-the-sentry"}
