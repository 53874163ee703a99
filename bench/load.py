"""The load: wrk with sixteen keep-alive connections, both sides in turn, ten writes a second beside the reads."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import msgspec

from bench.bare import PAGE
from bench.servers import HOST, Client, Failed, Side, environment
from bench.variants import ALERTS, Workload, read_page

LUA = Path(__file__).resolve().parent / "lua"
CONNECTIONS = 16
WRITES_A_SECOND = 10
COMPARED = 20
"""Variants of a workload of which both sides' answers are compared before it is measured."""

MARK = "MEASURED "


class Run(msgspec.Struct):
    """What wrk measured. Latencies are in microseconds."""

    requests: int
    issued: int
    microseconds: int
    bytes: int
    p50: int
    p99: int
    refused: int
    broken: int
    busy: float = 0
    """Seconds of processor time that the server used meanwhile."""

    @property
    def cost(self) -> float:
        """Microseconds of the server's processor time a request: what another load on the machine hardly changes."""
        return self.busy * 1e6 / self.requests

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests * 1e6 / self.microseconds


@dataclass(slots=True)
class Measured:
    """All runs of one workload: `runs[0]` is ours, `runs[1]` the bare side's, in pairs; and the size of an answer of each."""

    workload: Workload
    sizes: tuple[float, float]
    runs: tuple[list[Run], list[Run]] = field(default_factory=lambda: ([], []))


class NoWrk(Exception):
    """wrk is not installed and cannot be."""


def need_wrk() -> None:
    """Installs wrk where that is possible; NoWrk says what to do where it is not."""
    if shutil.which("wrk"):
        return
    apt = shutil.which("apt-get")
    if os.geteuid() == 0 and apt:
        for words in (["update", "-qq"], ["install", "-y", "-qq", "wrk"]):
            subprocess.run([apt, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=False)  # noqa: S603 -- fixed words
    if not shutil.which("wrk"):
        raise NoWrk("The load is made by wrk, which is not installed. On Debian or Ubuntu: sudo apt install wrk")


def measure(
    workload: Workload, sides: tuple[Side, Side], folder: Path, *, aside: list[str], runs: int, seconds: int
) -> Measured:
    """Compares the answers, warms both sides up where the runs are long, and measures them in turn."""
    measured = Measured(workload, compare(workload, sides, aside))
    files = folder / f"{workload.name}.ours", folder / f"{workload.name}.bare"
    for file, lines in zip(files, (workload.ours, workload.bare), strict=True):
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    starts = [0, 0]

    def one(place: int, length: int) -> Run:
        with contextlib.nullcontext() if workload.writes else writing(sides[place], aside):
            before = sides[place].busy()
            run = wrk(workload, sides[place], files[place], starts[place], length)
            run.busy = sides[place].busy() - before
        starts[place] += run.issued
        return run

    if seconds > 1:
        one(0, 1)
        one(1, 1)
    for _ in range(runs):
        for place in (0, 1):
            measured.runs[place].append(one(place, seconds))
    return measured


def wrk(workload: Workload, side: Side, variants: Path, start: int, seconds: int) -> Run:
    """One run. Failed when any answer was not good or a connection broke."""
    headers = [word for name, value in side.headers.items() for word in ("-H", f"{name}: {value}")]
    script, url = str(LUA / f"{workload.script}.lua"), f"http://{HOST}:{side.port}"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", script, *headers, url,
               "--", str(variants), str(start)]  # fmt: skip
    environ = {**environment(), "LUA_PATH": f"{LUA}/?.lua"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=seconds + 60, check=False)  # noqa: S603 -- our own command
    line = next((line for line in done.stdout.splitlines() if line.startswith(MARK)), None)
    if done.returncode or line is None:
        raise Failed(f"wrk failed on {workload.name} of {side.name}: {(done.stderr or done.stdout)[-500:]}")
    run = msgspec.json.decode(line.removeprefix(MARK), type=Run)
    if run.refused or run.broken or not run.requests:
        raise Failed(f"{workload.name} of {side.name}: {run.refused} of {run.requests} answers were not 2xx,"
                     f" {run.broken} connections broke or timed out; {side.said()}")  # fmt: skip
    return run


@contextlib.contextmanager
def writing(side: Side, ids: list[str]) -> Iterator[None]:
    """Ten PATCHes a second while the block runs; Failed at its end when one of them failed."""
    ended = threading.Event()
    faults: list[Failed] = []

    def write_all() -> None:
        client = side.client()
        try:
            due = time.monotonic()
            for number in count():
                due += 1 / WRITES_A_SECOND
                if ended.wait(max(0.0, due - time.monotonic())):
                    return
                path = f"{_patched(side)}/{ids[number % len(ids)]}"
                client.ask("PATCH", path, f'{{"assignedTo":"{time.monotonic_ns()}@contoso.example"}}')
        except Failed as fault:
            faults.append(fault)
        finally:
            client.close()

    thread = threading.Thread(target=write_all, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)
    if faults:
        raise Failed(f"A write beside the reads of {side.name} failed: {faults[0]}")


def _patched(side: Side) -> str:
    return "/patch" if side.name == "bare" else ALERTS


def compare(workload: Workload, sides: tuple[Side, Side], keys: list[str]) -> tuple[float, float]:
    """The mean sizes of answers to the same questions; Failed when the two do not hold the same."""
    clients = sides[0].client(), sides[1].client()
    if workload.writes:
        paths = [(workload.ours[0], workload.bare[0])]
        if workload.method == "PATCH":
            paths = [(f"{ALERTS}/{key}", f"/patch/{key}") for key in keys[:COMPARED]]
    else:
        paths = list(zip(workload.ours, workload.bare, strict=True))[:COMPARED]
    sizes = [0, 0]
    for pair in paths:
        answers = [_asked(client, workload, path) for client, path in zip(clients, pair, strict=True)]
        if not workload.writes and _essence(workload, answers[0]) != _essence(workload, answers[1]):
            raise Failed(f"The two sides differ on {workload.name}: {pair[0]}, {pair[1]}")
        sizes = [size + len(answer) for size, answer in zip(sizes, answers, strict=True)]
    for client in clients:
        client.close()
    return sizes[0] / len(paths), sizes[1] / len(paths)


def _asked(client: Client, workload: Workload, path: str) -> bytes:
    return client.ask(workload.method, path, workload.body)


def _essence(workload: Workload, answer: bytes) -> object:
    """What both sides' answers must have in common: a number, an id, or the ids of a full page."""
    if workload.name == "count":
        return int(answer)
    if workload.name == "get":
        return msgspec.json.decode(answer)["id"]
    ids = [one.id for one in read_page(answer).value]
    if len(ids) != PAGE:
        raise Failed(f"A page of {workload.name} has {len(ids)} rows.")
    return ids


def changes(folder: Path, bare_file: Path) -> tuple[int, int, int]:
    """How many alerts ours holds, how many changes of alerts it logged, and how many rows the bare side holds."""
    numbers: list[int] = []
    for file, text in ((folder / "secgraph.db", "SELECT count(*) FROM alerts_v2"),
                       (folder / "secgraph.db", "SELECT count(*) FROM events WHERE entity = 'alerts_v2' AND kind = 'updated'"),
                       (bare_file, "SELECT count(*) FROM alerts")):  # fmt: skip
        connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        rows: list[Any] = connection.execute(text).fetchall()
        numbers.append(int(rows[0][0]))
        connection.close()
    return numbers[0], numbers[1], numbers[2]
