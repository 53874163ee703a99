"""Processes that make the records of a large delivery ready, so that this one has its processor for writing.

Each is this program's own interpreter with a pipe in and a pipe out. It is sent units of a delivery and sends back what
they make; it ends when the pipe to it is closed, so none outlives this process, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import msgspec

from secgraph.errors import Busy, Fault
from secgraph.extend import Connector
from secgraph.ingest.ready import Taken, records
from secgraph.ingest.recipe import Recipe, made, recipe_of
from secgraph.ingest.split import Unit, read, unwrapper
from secgraph.model.edm import load
from secgraph.settled import settle

LENGTH = 8
"""Bytes of the number that says how long what follows is."""


HELLO = b"hello"
"""What a process sends once it can work."""

MOST = 4
"""Most processes: the one that writes has no use for more."""


class Work(msgspec.Struct, array_like=True):
    """Units of a source's delivery."""

    source: Recipe
    received: int
    units: list[Unit]


class Done(msgspec.Struct, array_like=True):
    """What became of them, or what went wrong."""

    records: list[Taken]
    fault: str = ""


_work = msgspec.msgpack.Decoder(Work)
_results = msgspec.msgpack.Decoder(Done)


def serves(connector: Connector) -> bool:
    """Whether another process would read the records the same way. What is secret is told to none."""
    return recipe_of(connector) is not None


def size() -> int:
    """How many processes are worth having: as many as there are processors, since this one often waits for the disk."""
    many = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(many, MOST) if many > 1 else 0


class Crew:
    """Some processes, each of which does one thing at a time. `close` it."""

    def __init__(self, many: int) -> None:
        self.size = many
        self.up = False
        """Whether somebody is there already; who does not come is not waited for."""
        self.members: list[subprocess.Popen[bytes]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(many, thread_name_prefix="secgraph-crew")
        with contextlib.suppress(OSError):  # no memory, or no more processes: then there are fewer of them
            for _ in range(many):
                self.members.append(_started())
        for member in self.members:
            self._threads.submit(self._welcome, member)

    def _welcome(self, member: subprocess.Popen[bytes]) -> None:
        if _received(_open(member.stdout)) == HELLO:
            self._idle.put(member)
            self.up = True

    async def ready(self, connector: Connector, received: int, units: list[Unit]) -> list[Taken]:
        """What these units make, in their order. Busy when the process that read them ended."""
        recipe = recipe_of(connector)
        assert recipe is not None  # noqa: S101 -- `serves` said so
        work = Work(recipe, received, units)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._done, work)

    def _done(self, work: Work) -> list[Taken]:
        member = self._idle.get()
        data: bytes | None = None
        try:
            _send(_open(member.stdin), msgspec.msgpack.encode(work))
            data = _received(_open(member.stdout))
        except OSError:
            data = None
        finally:
            self._idle.put(member)
        if data is None:
            raise Busy("A process that read the delivery ended, and the rest of it was not taken in.",
                       hint="Hand it in again: what is stored already is known.", headers={"Retry-After": "10"})  # fmt: skip
        done = _results.decode(data)
        if done.fault:
            raise Fault(f"The delivery could not be read: {done.fault}.")
        return done.records

    def close(self) -> None:
        """Ends the processes."""
        for member in self.members:
            member.kill()
        self._threads.shutdown()
        for member in self.members:
            for pipe in (member.stdin, member.stdout):
                with contextlib.suppress(OSError):  # what was not sent yet is for nobody
                    _open(pipe).close()
            member.wait()


def _started() -> subprocess.Popen[bytes]:
    # -P: nothing is imported from the folder that this happens to run in. In a session of its own: a signal from the
    # terminal is for this process, which ends the others.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "secgraph.ingest.crew"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 -- all of them were asked for
    return pipe


def _send(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(len(data).to_bytes(LENGTH, "big") + data)
    pipe.flush()


def _received(pipe: IO[bytes]) -> bytes | None:
    """What the other end sent; None where it is gone."""
    head = pipe.read(LENGTH)
    data = pipe.read(int.from_bytes(head, "big")) if len(head) == LENGTH else b""
    return data if len(head) == LENGTH and len(data) == int.from_bytes(head, "big") else None


def _answers(given: IO[bytes]) -> Iterator[bytes]:
    known: dict[Recipe, Connector] = {}  # a delivery is of one source: its mapping is read once
    while (data := _received(given)) is not None:
        try:
            work = _work.decode(data)
            if work.source not in known:
                known = {work.source: made(work.source)}
            connector = known[work.source]
            unwrap = unwrapper(connector)
            pieces = (piece for unit in work.units for piece in read(unit, unwrap, work.received))
            done = Done(list(records(connector, pieces, work.received)))
        except Exception as fault:  # noqa: BLE001 -- told to the process that waits for it
            done = Done([], f"{type(fault).__name__}: {fault}"[:500])
        yield msgspec.msgpack.encode(done)


def main() -> None:
    """The work of one of the processes."""
    given, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    load()
    settle()
    os.dup2(2, 1)  # what a plug-in prints goes where errors go
    _send(told, HELLO)
    for answer in _answers(given):
        _send(told, answer)


if __name__ == "__main__":
    main()
