"""`secgraph copy`: what it says, what it refuses, and that a killed one goes on."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.real.conftest import ENVIRONMENT, until
from tests.real.test_cli import data, refused

from secgraph.testing import Clock, graph_alert, running

FILE = "secgraph.db"


@pytest.fixture
async def source(tmp_path: Path) -> Path:
    """A data folder with some thousand alerts."""
    async with running(tmp_path / "source", Clock()) as graph:
        for first in range(1, 4000, 500):
            await graph.hand_in("graph", *(graph_alert(number) for number in range(first, first + 500)))
    return tmp_path / "source"


def many(folder: Path) -> int:
    """How many alerts have arrived."""
    try:
        with closing(apsw.Connection(str(folder / FILE), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            return int(str(connection.execute("SELECT count(*) FROM alerts_v2").fetchall()[0][0]))
    except apsw.Error:
        return 0


def test_a_killed_copy_goes_on(source: Path, tmp_path: Path, command: Any, secgraph: Any) -> None:
    target = tmp_path / "target"
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [sys.executable, "-m", "secgraph", "copy", source, target], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert until(lambda: many(target) > 0)
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL, "it was done before it could be killed"
    finally:
        process.kill()
        process.communicate()
    there = many(target)
    assert 0 < there < 4000
    assert "goes on where it stopped" in refused(command("tenant", "list", "--data", target))
    assert "goes on where it stopped" in refused(secgraph("serve", "--data", target, "--port", "1"))
    before = time.time()
    made = data(command("copy", source, target, "--json"))
    assert (made["from"], made["to"], made["rows"]["alerts_v2"]) == (str(source / FILE), str(target / FILE), 4000)
    assert made["asOfDateTime"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before))
    assert data(command("tenant", "list", "--data", target, "--json")) == data(command("tenant", "list", "--data", source, "--json"))
    assert "holds data already" in refused(command("copy", source, target))
    assert (target / FILE).stat().st_mode & 0o777 == 0o600


def test_a_person_is_told_what_was_copied_and_what_was_not(tmp_path: Path, command: Any) -> None:
    data(command("tenant", "create", "contoso", "--data", tmp_path / "source", "--json"))
    answer = command("copy", tmp_path / "source", tmp_path / "other.db")
    assert answer.returncode == 0
    assert answer.stdout.startswith(f"{tmp_path / 'other.db'} holds all of {tmp_path / 'source' / FILE} as of 20")
    assert "take seal.key of the former folder along" in answer.stderr
    assert "A server is running" not in answer.stderr
    assert data(command("copy", tmp_path / "other.db", tmp_path / "third", "--json"))["rows"]["tenants"] == 1


def test_wrong_use_is_refused_with_what_to_do(tmp_path: Path, start: Any, command: Any) -> None:
    server = start(tmp_path / "served", "--empty").ready()
    assert "There is no database" in refused(command("copy", tmp_path / "none", tmp_path / "target"))
    assert not (tmp_path / "target").exists()
    assert "the same database" in refused(command("copy", server.folder, server.folder / FILE))
    assert "A server is running on" in command("copy", server.folder, tmp_path / "snapshot").stderr
    data(command("tenant", "create", "contoso", "--data", tmp_path / "source", "--json"))
    assert "Stop it first" in refused(command("copy", tmp_path / "source", server.folder))
    (tmp_path / "target").mkdir()
    with (tmp_path / "target" / "writer.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Wait until it has ended" in refused(command("copy", tmp_path / "source", tmp_path / "target"))
    assert "Make it first" in refused(command("copy", tmp_path / "source", tmp_path / "none" / "some.db"))
    (tmp_path / "text.db").write_text("no database, but a text of some length " * 20)
    assert "is not a secgraph database" in refused(command("copy", tmp_path / "source", tmp_path / "text.db"))
    assert "is not a secgraph database" in refused(command("copy", tmp_path / "text.db", tmp_path / "target"))
