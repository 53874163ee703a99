"""Roles: some processes answer, others do the periodic work, and each piece of it is done by one of them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port
from tests.real.conftest import COMMAND, ENVIRONMENT, PATIENCE, Server, until

from secgraph import clock
from secgraph.app import Core, core
from secgraph.settings import gather

PROGRAM = Path(__file__).with_name("faults") / "chore.py"


@contextmanager
def process(*words: str | Path, out: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed in the end."""
    with out.open("w") as file:
        made = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, env=ENVIRONMENT, text=True)  # noqa: S603 -- our own words
    try:
        yield made
    finally:
        made.kill()
        made.wait(PATIENCE)


@pytest.fixture
async def inner(tmp_path: Path) -> AsyncIterator[Core]:
    """The process that writes for all others, so that any of them can be stopped."""
    async with core(gather({"data": tmp_path / "data"}, {})) as made:
        await made.store.run(("fact_put", {"name": "first", "value": "x"}))
        yield made


async def facts(inner: Core, fence: int) -> int:
    """How many writes there are behind a fence."""
    number = 0
    while await inner.store.fetch("fact", name=f"{fence}-{number + 1}"):
        number += 1
    return number


async def test_a_process_that_slept_through_the_end_of_its_lease_writes_nothing_more(inner: Core, tmp_path: Path) -> None:
    said = {name: tmp_path / name for name in ("one", "two")}
    command = (sys.executable, PROGRAM, tmp_path / "data", "1.5")
    with process(*command, out=said["one"]) as one:
        assert until(lambda: "held" in said["one"].read_text(), one), said["one"].read_text()
        with process(*command, out=said["two"]) as two:
            assert not until(lambda: "held" in said["two"].read_text(), two, seconds=4), "two processes hold one lease"
            os.kill(one.pid, signal.SIGSTOP)
            assert until(lambda: "held" in said["two"].read_text(), two), said["two"].read_text()
            before = await facts(inner, 1)
            assert before > 10
            assert (await inner.store.fetch("lease", name="write"))[0]["fence"] == 2
            os.kill(one.pid, signal.SIGCONT)
            assert until(lambda: "refused" in said["one"].read_text(), one), said["one"].read_text()
            assert await facts(inner, 1) == before
            assert not await inner.store.fetch("fact", name="1-late")
            written = await facts(inner, 2)
            assert written > 0
            os.kill(two.pid, signal.SIGKILL)
            assert until(lambda: said["one"].read_text().count("held") == 2, one), said["one"].read_text()
    assert (await inner.store.fetch("lease", name="write"))[0]["fence"] == 3
    assert await facts(inner, 1) == before


# --- the command --------------------------------------------------------------------------------------------------------


def listens(pid: int) -> set[str]:
    """The sockets of a process that take connections from the network."""
    open_ones = {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return open_ones & {f"socket:[{line[9]}]" for line in lines if line[3] == "0A"}


def worker(folder: Path, out: Path, stack: ExitStack) -> subprocess.Popen[str]:
    """A running `secgraph serve --role worker`."""
    made = stack.enter_context(process(COMMAND, "serve", "--data", folder, "--role", "worker", "--port", str(free_port()), out=out))
    assert until(lambda: "Stop with Ctrl-C" in out.read_text(), made), out.read_text()
    return made


def test_one_of_several_workers_does_the_work_and_another_one_takes_it_over(tmp_path: Path) -> None:
    said = [tmp_path / "one.out", tmp_path / "two.out"]
    with ExitStack() as stack:
        one = worker(tmp_path / "data", said[0], stack)
        assert until(lambda: "ChoreClaimed" in said[0].read_text())
        two = worker(tmp_path / "data", said[1], stack)
        one.send_signal(signal.SIGTERM)
        assert one.wait(PATIENCE) == 0
        assert "ServerStopped" in said[0].read_text()
        assert until(lambda: "ChoreClaimed" in said[1].read_text()), said[1].read_text()
        assert "fence=2" in said[1].read_text()
        two.send_signal(signal.SIGINT)
        assert two.wait(PATIENCE) == 0


async def test_a_worker_removes_what_has_ended_and_answers_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    key = {"tenant": 1, "client": "c", "content": "x", "first": 0}
    async with core(gather({"data": folder}, {})) as inner:
        await inner.store.run(
            ("assertion_add", {**key, "jti": "over", "ends": clock.now() - clock.SECOND}),
            ("assertion_add", {**key, "jti": "runs", "ends": clock.now() + clock.DAY}),
        )
        with ExitStack() as stack:
            said = tmp_path / "worker.out"
            made = worker(folder, said, stack)
            looks = 0
            while await inner.store.fetch("assertion", tenant=1, client="c", jti="over"):
                looks += 1
                assert looks < 400, said.read_text()
                await asyncio.sleep(0.05)
            assert await inner.store.fetch("assertion", tenant=1, client="c", jti="runs")
            assert not listens(made.pid)


def test_who_answers_does_no_periodic_work_and_the_other_way_round(tmp_path: Path, start: Any) -> None:
    server: Server = start(tmp_path / "data", "--empty", "--role", "api").ready()
    said = tmp_path / "worker.out"
    with ExitStack() as stack:
        worker(server.folder, said, stack)
        assert until(lambda: "ChoreClaimed" in said.read_text())
        third: Server = start(server.folder)  # one that does everything is not let in among them
        assert third.process.wait(30) == 2
        assert "--role" in third.said
        assert server.answers()
        assert listens(server.process.pid)
        assert server.stop() == 0
    assert "Chore" not in server.said


def test_a_worker_has_no_workers(tmp_path: Path, command: Any) -> None:
    answer = command("serve", "--data", tmp_path, "--role", "worker", "--workers", "2")
    assert answer.returncode == 2
    assert "--role api" in answer.stderr
