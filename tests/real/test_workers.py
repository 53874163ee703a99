"""Several processes: they answer at one port, one of them writes, and one that dies is replaced."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.real.conftest import COMMAND, ENVIRONMENT, PATIENCE, Server, until

from secgraph.testing import graph_alert

LIST = "/v1.0/security/alerts_v2"


def children(server: Server) -> list[int]:
    """The workers of a supervisor."""
    found = []
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(one.read_text("ascii", "replace").rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == server.process.pid:
            found.append(int(one.parent.name))
    return sorted(found)


def alive(pid: int) -> bool:
    """Whether a process is there, and more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def writes(folder: Path) -> int:
    """The process that writes."""
    return int((folder / "writer.lock").read_text())


@contextmanager
def only(server: Server, pid: int) -> Iterator[None]:
    """Only this one of the workers answers: the others are stopped."""
    others = [one for one in children(server) if one != pid]
    try:
        for one in others:
            os.kill(one, signal.SIGSTOP)
        yield
    finally:
        for one in others:
            os.kill(one, signal.SIGCONT)


@pytest.fixture
def two(tmp_path: Path, start: Any) -> Server:
    made: Server = start(tmp_path / "data", "--workers", "2").ready()
    assert until(lambda: len(children(made)) == 2)
    return made


def test_each_worker_honours_the_tokens_and_links_of_the_other(two: Server) -> None:
    first, second = children(two)
    with only(two, first), two.client() as client:
        headers = two.token(client)
        page = client.get(f"{LIST}?$top=5", headers=headers).json()
        delta = client.get(f"{LIST}/delta?$top=200", headers=headers).json()["@odata.deltaLink"]
        found = client.get(f"{LIST}?$top=999", headers=headers).json()["value"]
        assert page["value"] == found[:5]
    with only(two, second), two.client() as client:
        assert client.get(page["@odata.nextLink"], headers=headers).json()["value"] == found[5:10]
        assert client.get(delta, headers=headers).json()["value"] == []
        assert client.get(f"{LIST}?$top=999", headers=two.token(client)).json()["value"] == found


def holds(pid: int, answer: httpx.Response) -> bool:
    """Whether a process has the other end of the connection over which something was answered."""
    wire = answer.extensions["network_stream"]
    ours, theirs = (f":{wire.get_extra_info(name)[1]:04X}" for name in ("client_addr", "server_addr"))
    rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]]
    [number] = [words[9] for words in rows if words[1].endswith(theirs) and words[2].endswith(ours)]
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # one that was closed meanwhile is another one
            if str(file.readlink()) == f"socket:[{number}]":
                return True
    return False


def test_both_take_writes_and_see_those_of_the_other(two: Server) -> None:
    """Each has a connection of its own, made while the other was stopped. Nobody is stopped while they write: the one that does
    not write needs the other one for it.
    """
    workers = children(two)
    with ExitStack() as stack:
        clients = {}
        for pid in workers:
            with only(two, pid):
                clients[pid] = stack.enter_context(two.client())
                headers = two.token(clients[pid])
        key = clients[workers[0]].get(f"{LIST}?$top=1", headers=headers).json()["value"][0]["id"]
        for number in range(10):
            for pid, client in clients.items():
                word = f"owner {number} of {pid}"
                answer = client.patch(f"{LIST}/{key}", json={"assignedTo": word}, headers=headers)
                assert answer.status_code == 200, answer.text
                assert [one for one in workers if holds(one, answer)] == [pid]
                found = {one: other.get(f"{LIST}/{key}", headers=headers).json()["assignedTo"] for one, other in clients.items()}
                assert found == dict.fromkeys(workers, word)
    assert writes(two.folder) in workers


@pytest.mark.parametrize("who", ["the one that writes", "another one"])
async def test_nothing_acknowledged_is_lost_when_a_worker_is_killed(two: Server, who: str) -> None:
    members = two.quickstart
    trust = ssl.create_default_context(cafile=str(two.folder / "ca.pem"))
    async with httpx.AsyncClient(verify=trust, base_url=f"https://localhost:{two.port}", timeout=20, trust_env=False) as client:
        token = await client.post(f"/{members['TENANT']}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "client_id": members["CLIENT_ID"], "client_secret": members["CLIENT_SECRET"],
            "scope": "https://graph.microsoft.com/.default",
        })  # fmt: skip
        headers = {"authorization": f"Bearer {token.json()['access_token']}"}
        taken: list[int] = []
        seen: list[float] = []
        stop = asyncio.Event()

        async def hand_in(first: int) -> None:
            number = first
            while not stop.is_set():
                number += 1
                try:
                    answer = await client.post("/ingest/graph", content=json.dumps([graph_alert(number)]), headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    taken.append(number)
                    seen.append(time.monotonic())
                else:
                    assert answer.status_code == 503, answer.text
                    assert answer.headers["retry-after"].isdigit()

        tasks = [asyncio.create_task(hand_in(100_000 * one)) for one in range(1, 9)]
        await asyncio.sleep(1)
        workers, writing = children(two), writes(two.folder)
        assert writing in workers
        victim = writing if who == "the one that writes" else next(one for one in workers if one != writing)
        before = len(taken)
        assert before > 10
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        assert await asyncio.to_thread(until, lambda: len(children(two)) == 2 and victim not in children(two))
        assert await asyncio.to_thread(until, lambda: len(taken) > before + 100)
        stop.set()
        await asyncio.gather(*tasks)
        assert next(at for at in seen if at > killed + 0.05) - killed < 5, "no change was taken for seconds"
        assert "WorkerEnded" in two.said
        held: set[str] = set()
        url = f"{LIST}?$top=999&$select=id,title,providerAlertId"
        while url:
            page = (await client.get(url, headers=headers)).json()
            held.update(one["title"] for one in page["value"])
            url = page.get("@odata.nextLink", "")
        lost = [number for number in taken if graph_alert(number)["title"] not in held]
        assert lost == []
    assert two.stop() == 0


def test_the_command_line_hands_its_records_to_the_server(two: Server, secgraph: Any, tmp_path: Path) -> None:
    file = tmp_path / "alerts.json"
    file.write_text(json.dumps([graph_alert(number) for number in range(700)]))
    before = writes(two.folder)
    answer = secgraph("ingest", "--data", two.folder, "--source", "graph", file)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "700 taken" in answer.stdout
    assert writes(two.folder) == before
    with two.client() as client:
        found = client.get(f"{LIST}?$count=true&$top=1", headers=two.token(client)).json()
    assert found["@odata.count"] == 765


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_as_one(two: Server, how: signal.Signals) -> None:
    workers = children(two)
    began = time.monotonic()
    assert two.stop(how) == 0
    assert time.monotonic() - began < 8  # container runtimes kill after ten seconds
    assert not any(map(alive, workers))
    assert "ServerStopped" in two.said
    assert "Traceback" not in two.said
    assert not (two.folder / "secgraph.db-wal").exists()
    assert not (two.folder / "writer.sock").exists()


def test_workers_end_with_a_supervisor_that_was_killed(two: Server) -> None:
    workers = children(two)
    two.process.kill()
    two.process.wait(PATIENCE)
    assert until(lambda: not any(map(alive, workers)), seconds=10)


def test_a_second_server_is_refused(two: Server, start: Any) -> None:
    second: Server = start(two.folder, "--workers", "2")
    assert second.process.wait(30) == 2
    assert f"process {two.process.pid}" in " ".join(second.said.split())
    assert two.answers()


def test_a_worker_that_cannot_start_ends_the_start(tmp_path: Path, start: Any) -> None:
    first: Server = start(tmp_path / "data", "--empty").ready()
    assert first.stop() == 0
    (first.folder / "seal.key").write_text("0" * 64)
    second: Server = start(first.folder, "--workers", "2")
    assert second.process.wait(30) == 2
    assert "seal.key" in second.said
    assert children(second) == []


def test_workers_are_no_commands_of_a_persons_own() -> None:
    answer = subprocess.run([COMMAND, "serve-worker"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False, env=ENVIRONMENT)  # noqa: S603 -- our own command
    assert answer.returncode == 2
    assert "--workers" in answer.stderr
