"""Several processes that answer at the same sockets: who starts them, replaces those that die, and ends them.

The supervisor answers nothing itself. It binds the sockets and makes the certificate, the keys and the first start before any
worker answers, so that all of that happens once. A worker gets the settings and the numbers of its sockets on its standard
input, and says on its standard output that it answers; when its input ends, the supervisor is gone, and it ends too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from typing import Any

from secgraph.app import core
from secgraph.errors import UsageError
from secgraph.observe import ServerStarted, ServerStopped, WorkerEnded, observe
from secgraph.serve import (
    STOP_SECONDS,
    Progress,
    answer,
    base_url,
    first_start,
    listen,
    loop,
    only_server,
    renew,
    reread,
    say_hello,
    tls_of,
)
from secgraph.settings import Settings, gather

SHORT_SECONDS = 10.0
"""A worker that lived for less is replaced later each time."""

LATEST_SECONDS = 5.0
"""The longest that a replacement waits."""

KILL_SECONDS = STOP_SECONDS + 2
"""When workers that were told to stop are killed."""

ANSWERS = b"answers\n"

PROGRAM: tuple[str, ...] = (sys.executable, "-m", "secgraph")
"""What a worker runs."""


def run(settings: Settings, *, empty: bool, progress: Progress) -> None:
    """Serves with several processes until told to stop. UsageError when they cannot start."""
    if settings["role"] == "worker":
        raise UsageError("A process that does periodic work answers no requests: leave out --workers, or say --role api.")
    with only_server(settings.folder, settings["role"]), asyncio.Runner(loop_factory=loop()) as runner:
        runner.run(_supervise(settings, empty=empty, progress=progress))


async def _supervise(settings: Settings, *, empty: bool, progress: Progress) -> None:
    context, local = tls_of(settings)
    sockets = listen(settings["host"], settings["port"])
    async with core(settings) as inner:
        await inner.keys.open()
        with progress() as tick:
            fresh = await first_start(settings, inner, local, empty=empty, tick=tick)
    workers = [_Worker(number, settings, sockets) for number in range(1, settings["workers"] + 1)]
    stop = asyncio.Event()
    _on_signals(workers, stop)
    keeping = asyncio.gather(*(worker.keep(stop) for worker in workers))
    stopped, answering = asyncio.create_task(stop.wait()), asyncio.create_task(_all_answer(workers))
    renewing = [asyncio.create_task(renew(settings))] if context is not None and local is not None else []
    ends: list[asyncio.Future[Any]] = [keeping, stopped]
    try:
        await asyncio.wait([*ends, answering], return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            observe(ServerStarted(base_url(settings), str(settings.folder)))
            say_hello(settings, local, fresh=fresh)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if keeping.done():
            await keeping
    finally:
        stop.set()
        for task in (stopped, answering, *renewing):
            task.cancel()
        await asyncio.gather(*(worker.end() for worker in workers))
        await asyncio.gather(keeping, stopped, answering, *renewing, return_exceptions=True)
        for one in sockets:
            one.close()
    observe(ServerStopped())


async def _all_answer(workers: list[_Worker]) -> None:
    for worker in workers:
        await worker.answers.wait()


def _on_signals(workers: list[_Worker], stop: asyncio.Event) -> None:
    """Hands the first signal to stop on as one to finish, and each further one as one to hurry."""

    def stopped() -> None:
        number = signal.SIGINT if stop.is_set() else signal.SIGTERM
        stop.set()
        for worker in workers:
            worker.signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped)


class _Worker:
    """A place that one process after the other fills."""

    def __init__(self, number: int, settings: Settings, sockets: list[socket.socket]) -> None:
        self.number = number
        self.answers = asyncio.Event()
        """Set once a process in this place has answered."""
        self._sockets = [one.fileno() for one in sockets]
        self._told = json.dumps({"settings": settings.texts(), "sockets": self._sockets}).encode() + b"\n"
        self._process: Process | None = None

    async def keep(self, stop: asyncio.Event) -> None:
        """Starts a process, and another one whenever it ends, until told to stop. UsageError where the first cannot start."""
        pause = 0.0
        while not stop.is_set():
            began = time.monotonic()
            status = await self._run(stop)
            if stop.is_set():
                return
            if not self.answers.is_set():
                raise UsageError(f"A worker process ended with status {status} before it answered. What it said stands above.")
            pause = 0.0 if time.monotonic() - began > SHORT_SECONDS else min(LATEST_SECONDS, max(0.1, pause * 2))
            observe(WorkerEnded(self.number, status, pause))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _run(self, stop: asyncio.Event) -> int:
        """Runs a process to its end; its exit status."""
        process = self._process = await asyncio.create_subprocess_exec(
            *PROGRAM, "serve-worker", stdin=PIPE, stdout=PIPE, pass_fds=self._sockets,
            start_new_session=True,  # Ctrl-C is for the supervisor, which hands it on
        )  # fmt: skip
        assert process.stdin is not None  # noqa: S101 -- they are pipes
        assert process.stdout is not None  # noqa: S101 -- the same
        if stop.is_set():  # while it was being started
            process.terminate()
        with contextlib.suppress(ConnectionError):
            process.stdin.write(self._told)
            await process.stdin.drain()
            if await process.stdout.readline() == ANSWERS:
                self.answers.set()
        return await process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process, where there is one."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def end(self) -> None:
        """Ends the process, whatever it takes."""
        if self._process is None or self._process.returncode is not None:
            return
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), KILL_SECONDS)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self._process.wait()


def told() -> tuple[Settings, list[socket.socket]]:
    """What the supervisor told this process, which is a worker of its."""
    line = b""
    while not line.endswith(b"\n"):
        read = os.read(0, 65536)
        if not read:
            raise UsageError("serve-worker is started by secgraph serve --workers, and not by hand.")
        line += read
    given = json.loads(line)
    return gather(given["settings"], {}), [socket.socket(fileno=number) for number in given["sockets"]]


def work(settings: Settings, sockets: list[socket.socket]) -> None:
    """Answers as a worker, until the supervisor says to stop or is gone."""
    with asyncio.Runner(loop_factory=loop()) as runner:
        runner.run(_answer(settings, sockets))


async def _answer(settings: Settings, sockets: list[socket.socket]) -> None:
    asyncio.get_running_loop().add_reader(0, _orphaned)
    context, _ = tls_of(settings)
    async with core(settings) as inner:
        await inner.keys.open()
        answers = asyncio.Event()

        async def say() -> None:
            await answers.wait()
            os.write(1, ANSWERS)

        await answer(settings, inner, sockets, context, answers, say(), *([reread(settings, context)] if context else []))


def _orphaned() -> None:
    """Ends this process as a signal would: nothing comes on the standard input but its end."""
    asyncio.get_running_loop().remove_reader(0)
    os.kill(os.getpid(), signal.SIGTERM)
