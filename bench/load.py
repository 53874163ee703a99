"""The load: wrk with keep-alive connections against one side, and what goes on beside it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import msgspec

from bench.processes import Failed, Memory, Watch, busy, environment, family
from bench.sides import ALERTS, Client, Side
from bench.workload import Workload

LUA = Path(__file__).resolve().parent / "lua"
WRITES_A_SECOND = 10
SCANS = 4
SCAN = f"{ALERTS}?$filter=contains(description,'zzz')"
"""A question that no index answers and no alert."""

OVERDUE = 503
"""What a scan is answered that has no time left: as good an end of it as any here."""

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
    """Seconds of processor time that the side's processes used meanwhile."""
    memory: Memory = Memory()
    """The most of it that they held."""

    @property
    def cost(self) -> float:
        """Microseconds of the side's processor time a request: what another load on the machine hardly changes."""
        return self.busy * 1e6 / self.requests

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests * 1e6 / self.microseconds

    @property
    def size(self) -> float:
        """Bytes of an answer on the wire, its head included."""
        return self.bytes / self.requests


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


def run(workload: Workload, side: Side, variants: Path, *, start: int, seconds: int, connections: int) -> Run:
    """One run. Failed when any answer was not good or a connection broke."""
    headers = [word for name, value in side.headers.items() for word in ("-H", f"{name}: {value}")]
    script = str(LUA / f"{workload.script}.lua")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", script, *headers, side.origin,
               "--", str(variants), str(start)]  # fmt: skip
    before = busy(family(side.pid))
    with Watch(side.pid) as watch:
        done = subprocess.run(  # noqa: S603 -- our own command
            command,
            env=environment({"LUA_PATH": f"{LUA}/?.lua"}),
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=False,
        )
    line = next((line for line in done.stdout.splitlines() if line.startswith(MARK)), None)
    if done.returncode or line is None:
        raise Failed(f"wrk failed on {workload.name} of {side.name}: {(done.stderr or done.stdout)[-500:]}")
    found = msgspec.json.decode(line.removeprefix(MARK), type=Run)
    if found.refused or found.broken or not found.requests:
        raise Failed(f"{workload.name} of {side.name}: {found.refused} of {found.requests} answers were not 2xx,"
                     f" {found.broken} connections broke or timed out; {side.said()}")  # fmt: skip
    found.busy, found.memory = busy(family(side.pid)) - before, watch.peak
    return found


@contextlib.contextmanager
def beside(work: Callable[[Client, threading.Event], None], side: Side, threads: int = 1) -> Iterator[None]:
    """Does some work on connections of its own while the block runs; Failed at its end when it failed."""
    ended = threading.Event()
    faults: list[Failed] = []

    def do() -> None:
        client = side.client()
        try:
            work(client, ended)
        except Failed as fault:
            faults.append(fault)
        finally:
            client.close()

    doing = [threading.Thread(target=do, daemon=True) for _ in range(threads)]
    for thread in doing:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in doing:
            thread.join(60)
    if faults:
        raise Failed(f"What went on beside {side.name} failed: {faults[0]}")


def writing(side: Side, ids: list[str]) -> contextlib.AbstractContextManager[None]:
    """Ten PATCHes a second."""
    path = "/patch" if side.name == "bare" else ALERTS

    def write(client: Client, ended: threading.Event) -> None:
        due = time.monotonic()
        for number in count():
            due += 1 / WRITES_A_SECOND
            if ended.wait(max(0.0, due - time.monotonic())):
                return
            client.ask("PATCH", f"{path}/{ids[number % len(ids)]}", f'{{"assignedTo":"{time.monotonic_ns()}@contoso.example"}}')

    return beside(write, side)


def scanning(side: Side, ended_scans: list[float]) -> contextlib.AbstractContextManager[None]:
    """Four clients that ask for a full scan again and again; how long each took is added to the list."""

    def scan(client: Client, ended: threading.Event) -> None:
        while not ended.is_set():
            started = time.monotonic()
            client.ask("GET", SCAN, also=(OVERDUE,))
            ended_scans.append(time.monotonic() - started)

    return beside(scan, side, SCANS)
