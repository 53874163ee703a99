"""Processes that a measurement starts, and what they cost: processor time and private memory, with all their children."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 20
SAMPLE_SECONDS = 0.05
MIB = 1024 * 1024


class Failed(Exception):
    """The measurement cannot be trusted or cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Private memory (RssAnon) in MiB: of the largest process of a family, and of all of it."""

    process: float = 0
    family: float = 0

    def most(self, other: Memory) -> Memory:
        """The larger of each."""
        return Memory(max(self.process, other.process), max(self.family, other.family))


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without settings of the server that would change what is measured, and with those given."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SECGRAPH_")}
    return {**own, **(more or {})}


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def family(pid: int) -> list[int]:
    """A process and all that it started, as they are now."""
    children: dict[int, list[int]] = {}
    for one in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(one.read_text("ascii", "replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(one.parent.name))
    found, at = [pid], 0
    while at < len(found):
        found += children.get(found[at], ())
        at += 1
    return found


def busy(pids: list[int]) -> float:
    """The seconds of processor time that these processes have used so far."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
            ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def private(pids: list[int]) -> Memory:
    """What these processes hold that no file stands behind."""
    sizes = [0.0]
    for pid in pids:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
            sizes += [int(line.split()[1]) * 1024 / MIB for line in status if line.startswith("RssAnon:")]
    return Memory(max(sizes), sum(sizes))


class Watch:
    """Looks at the private memory of a family twenty times a second while a block runs; keeps every look at its time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.seen: list[tuple[float, Memory]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def peak(self) -> Memory:
        """The most that was seen."""
        most = Memory()
        for _, one in self.seen:
            most = most.most(one)
        return most

    def growth(self) -> float:
        """The second half's peak as a part of the first half's: 1.0 where memory is flat."""
        half = (self.seen[0][0] + self.seen[-1][0]) / 2
        first, second = (
            max((one.family for at, one in self.seen if (at > half) is late), default=0.0) for late in (False, True)
        )
        return second / first if first else 0.0

    def _look(self) -> None:
        pids, looks = family(self._pid), 0
        while True:
            self.seen.append((time.monotonic(), private(pids)))
            if self._ended.wait(SAMPLE_SECONDS):
                return
            looks += 1
            if looks % 20 == 0:
                pids = family(self._pid)  # walking through all processes costs too much to do it each time


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path, settings: Mapping[str, str] | None = None) -> Iterator[int]:
    """Runs a server until the end of the block; gives its process id once it listens."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=out, stderr=subprocess.STDOUT)  # noqa: S603 -- our own commands
    try:
        _listening(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.005)
    raise Failed(f"{process.args!r} does not listen on port {port}: {log.read_text('utf-8', 'replace')[-1000:]}")
