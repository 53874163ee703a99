"""Everything that was asked for, measured one after the other: reads first, because writes change what later reads would find.

Each workload has servers of its own, so that one that goes wrong spoils no other.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from bench import sides
from bench.alone import Alone
from bench.data import Made
from bench.documents import columns
from bench.measure import Length, Measured, measure
from bench.processes import Failed, Memory, family, free_port, private, running
from bench.sides import ALERTS, Place, Side
from bench.tables import PAGE, Columns
from bench.variants import Variants
from bench.workload import Workload
from secgraph.ingest.report import Report, as_data

ALL = ("ours", "bare", "peer")
ASKED = {
    "get": (*ALL, "small"), "page": (*ALL, "small"), "deep": (*ALL, "small"), "deepest": (*ALL, "small"), "equal": ALL,
    "count": (*ALL, "small"), "range": ALL, "expand": ("ours",), "delta": ("ours",), "search": ("ours",), "token": ("ours",),
    "get-tls": ("ours", "bare"), "page-tls": ("ours", "bare"), "page-gzip": ("ours", "bare"), "get-scans": ("ours",),
    "patch": ALL, "post": ALL,
}  # fmt: skip
"""Every workload of requests, in the order in which they are measured, and which sides are asked."""

ALONE = ("expand", "delta", "search", "token")
IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Given:
    """What was asked for."""

    only: tuple[str, ...]
    length: Length
    workers: int
    variants: int
    seed: int


@dataclass(slots=True)
class Start:
    """Starts of our server: seconds from the command to its first answer, and its private memory a second later."""

    seconds: list[float]
    idle: Memory


class Bench:
    """Measures over filled data."""

    def __init__(self, given: Given, place: Place, made: Made) -> None:
        self._given = given
        self._place = place
        self._made = made
        self._rows = {name: columns(place.folder / f"{name}.documents") for name in made.credentials}

    def start(self) -> Start:
        """How soon our server answers."""
        with self._ours("ours") as side:
            headers = side.headers
        times, idle = [], Memory()
        for _ in range(self._given.length.runs):
            port = free_port()
            words = sides.command(self._place.folder / "ours", port, workers=self._given.workers)
            log = self._place.folder / "start.log"
            begun = time.monotonic()
            with running(words, port, log, self._place.settings("ours")) as pid:
                client = Side("ours", port, pid, log, headers).client()
                client.ask("GET", f"{ALERTS}?$top={PAGE}")
                times.append(time.monotonic() - begun)
                client.close()
                time.sleep(IDLE_SECONDS)
                idle = idle.most(private(family(pid)))
        return Start(times, idle)

    def measured(self, name: str) -> list[Measured]:
        """The numbers of a workload; none where there are too few alerts for it. Failed when they cannot be trusted."""
        with self._serving(name) as serving:
            workload, aside = self._workload(name, serving)
            if workload is None:
                say(f"{name}: there are too few alerts for it")
                return []
            workload.lines = {label: lines for label, lines in workload.lines.items() if label in serving or label == "first"}
            workload.name = name
            say(f"{name}: {workload.says}")
            length, scans = self._given.length, name == "get-scans"
            if scans:
                length = replace(length, connections=length.connections[-1:])
            return measure(workload, serving, self._place.folder, length, aside, scans=scans)

    def _workload(self, name: str, serving: dict[str, Side]) -> tuple[Workload | None, dict[str, list[str]]]:
        """What is asked, and the ids of each side that writes beside may touch."""
        question = name.partition("-")[0]
        variants = self._variants("ours", serving["ours"])
        aside = dict.fromkeys(ALL, variants.aside)
        if question in ALONE:
            client = serving["ours"].client()
            try:
                alone = Alone(client, self._made.credentials["ours"], aside=variants.aside, many=self._given.variants)
                return alone.named(question), aside
            finally:
                client.close()
        workload = variants.named(question)
        if workload is not None and "small" in serving:
            small = self._variants("small", serving["small"])
            # A hundred thousand alerts have no page 1,001 of such a list: theirs is their deepest.
            other = small.named("deep" if question == "deepest" else question)
            if other is not None:
                workload.lines["small"], aside["small"] = other.lines["ours"], small.aside
        return workload, aside

    def _variants(self, name: str, side: Side) -> Variants:
        return Variants(self._rows[name], side, many=self._given.variants, seed=self._given.seed)

    @contextlib.contextmanager
    def _serving(self, name: str) -> Iterator[dict[str, Side]]:
        """The servers that a workload needs; the bare one with the heads of our answers, so that its bodies are as long."""
        wanted = [one for one in ASKED[name] if one != "small" or "small" in self._made.credentials]
        with contextlib.ExitStack() as stack:
            ours = stack.enter_context(self._ours("ours", tls=name.endswith("-tls"), compress=name.endswith("-gzip")))
            found = {"ours": ours}
            if "bare" in wanted:
                found["bare"] = stack.enter_context(sides.bare(self._place, _heads(ours), workers=self._given.workers))
            if "peer" in wanted:
                found["peer"] = stack.enter_context(sides.peer(self._place))
            if "small" in wanted:
                found["small"] = stack.enter_context(self._ours("small"))
            yield found

    def _ours(self, name: str, *, tls: bool = False, compress: bool = False) -> contextlib.AbstractContextManager[Side]:
        credentials, workers = self._made.credentials[name], self._given.workers
        return sides.ours(name, self._place, credentials, workers=workers, tls=tls, compress=compress)


def _heads(ours: Side) -> dict[str, str]:
    client = ours.client()
    page = client.ask("GET", f"{ALERTS}?$filter=createdDateTime%20lt%202026-01-01T00:00:00Z&$top={PAGE}").decode()
    key = msgspec.json.decode(page, type=_Value).value[0].id
    item = client.ask("GET", f"{ALERTS}/{key}").decode()
    client.close()
    report = msgspec.json.encode(as_data(Report(taken=1))).decode()
    return {"page": page[: page.index('{"@odata.etag"')], "item": item[: item.index('"@odata.etag"')], "report": report}


class _Value(msgspec.Struct):
    value: list[Columns]


def say(text: str) -> None:
    """Tells a person what goes on."""
    print(text, file=sys.stderr, flush=True)


def everything(given: Given, place: Place, made: Made, failed: list[str]) -> Iterator[tuple[str, Any]]:
    """The names and numbers of what was asked for; the names of what went wrong are added to `failed`."""
    if "bulk" in given.only:
        yield "bulk", made.fillings
    bench = Bench(given, place, made)
    for name in ("start", *ASKED):
        if name not in given.only:
            continue
        try:
            yield name, bench.start() if name == "start" else bench.measured(name)
        except Failed as fault:
            failed.append(name)
            say(f"bench: {name}: {fault}")
