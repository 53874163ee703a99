"""`secgraph backup` beside a server under load, `secgraph restore`, and what each says to a person and a script."""

from __future__ import annotations

import asyncio
import fcntl
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.real.faults.journal import ALERTS, ENTITIES, Journal, number_of
from tests.real.faults.load import Follower
from tests.real.faults.rounds import clients, until
from tests.real.faults.server import ENVIRONMENT
from tests.real.faults.stages import killed
from tests.real.faults.stored import stored_in_file
from tests.real.faults.verdict import of_journal, of_rows
from tests.real.test_cli import data, refused

COPIES = 5


def off_tallies(file: Path) -> Iterator[str]:
    """What the sums say otherwise than the rows."""
    with closing(apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        for table in ("alerts_v2", "incidents"):
            names = [str(row[1]) for row in connection.execute(f'PRAGMA table_info("{table}_tally")')][2:-1]
            listed = ", ".join(f'"{name}"' for name in names)
            counted = set(connection.execute(f'SELECT tenant, {listed}, count(*) FROM "{table}" GROUP BY tenant, {listed}'))
            told = set(connection.execute(f'SELECT tenant, {listed}, many FROM "{table}_tally" WHERE many <> 0'))
            if counted != told:
                yield f"the sums of {table} differ by {counted ^ told}"
            words, rows = (next(connection.execute(f"SELECT count(*) FROM {name}"))[0] for name in (f"{table}_words", table))
            if words != rows:
                yield f"{table} has {rows} rows, and words of {words}"


async def secgraph(*words: str | Path) -> tuple[int, str]:
    """Runs the command beside everything else; its exit status, and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "secgraph", *map(str, words),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=ENVIRONMENT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, said.decode()


def acknowledged(journal: Journal) -> dict[tuple[str, str], int]:
    """The highest number of each object that a client was told."""
    found: dict[tuple[str, str], int] = {}
    for place, changes in journal.changes.items():
        numbers = [change.seq for change in changes if change.acknowledged and change.seq]
        if numbers:
            found[place] = max(numbers)
    return found


async def test_copies_under_load_are_whole_and_go_back(tmp_path: Path) -> None:
    with closing(killed(tmp_path)) as stage:
        stage.start()
        stage.server.ready()
        folder, url = stage.server.folder, stage.server.url
        async with clients(url, seed=1) as among:
            journal = among.wire.journal
            await among.wire.sign_in(stage.server.members)
            async with among.at_work():
                await until(lambda: journal.acknowledged() > 200, "nothing is acknowledged")
                for number in range(COPIES):
                    told = acknowledged(journal)
                    before = journal.acknowledged()
                    status, said = await secgraph("backup", tmp_path / f"copy{number}", "--data", folder)
                    assert status == 0, said
                    assert journal.acknowledged() > before, "nobody was answered meanwhile"
                    rows = await stored_in_file(tmp_path / f"copy{number}")
                    assert [*of_rows(rows), *off_tallies(tmp_path / f"copy{number}")] == []
                    for (path, key), seq in told.items():
                        assert rows.tables[ENTITIES[path]][key].seq >= seq, "what was acknowledged before is not in the copy"
                assert journal.unavailable == 0
                assert (await secgraph("restore", tmp_path / "copy0", "--data", folder, "--force"))[0] == 2
            await among.settle()
            # Everybody is done: this copy has all of it, and what comes after is lost with the file.
            assert (await secgraph("backup", tmp_path / "last", "--data", folder))[0] == 0
            whole = await stored_in_file(tmp_path / "last")
            assert list(of_journal(journal, whole)) == []
            async with among.at_work():
                known = journal.acknowledged()
                await until(lambda: journal.acknowledged() > known + 50, "nothing is acknowledged")
            later = Follower(among.wire, ALERTS)
            await later.settle()
            link = later.link
            stage.cut(None)  # type: ignore[arg-type]  # it takes no chances here
            status, said = await secgraph("restore", tmp_path / "last", "--data", folder, "--force")
            assert status == 0, said
            restored = await stored_in_file(folder / "secgraph.db")
            assert (restored.events, restored.tables, restored.damage) == (whole.events, whole.tables, [])
            assert list(off_tallies(folder / "secgraph.db")) == []
            stage.start()
            stage.server.ready()
            await among.wire.sign_in(stage.server.members)
            answer = await among.wire.http.get(link)
            assert (answer.status_code, answer.json()["error"]["code"]) == (410, "syncStateNotFound")
            listed = await among.wire.listed(ALERTS)
            assert listed == {key: row.document for key, row in whole.tables["alerts_v2"].items()}
            changed = await among.wire.http.patch(f"/v1.0/{ALERTS}/{next(iter(listed))}", json={"assignedTo": "analyst"})
            assert number_of(changed.json()) > max(journal.seen), "a number was handed out again"


# --- what it says ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, command: Any) -> Path:
    made = tmp_path / "data"
    data(command("tenant", "create", "contoso", "--data", made, "--json"))
    return made


def test_a_script_is_told_what_the_copy_holds(folder: Path, tmp_path: Path, command: Any) -> None:
    file = tmp_path / "copy"
    made = data(command("backup", file, "--data", folder, "--json"))
    assert made["asOfDateTime"].endswith("Z")
    assert {name: made[name] for name in ("file", "bytes", "tenants", "sealKey", "notInIt")} == {
        "file": str(file), "bytes": file.stat().st_size, "tenants": 1, "sealKey": str(folder / "seal.key"), "notInIt": [],
    }  # fmt: skip
    back = data(command("restore", file, "--data", tmp_path / "other", "--json"))
    assert back == {**{name: made[name] for name in ("asOfDateTime", "bytes", "schema", "tenants")},
                    "file": str(tmp_path / "other" / "secgraph.db"), "movedAside": []}  # fmt: skip
    assert [one["name"] for one in data(command("tenant", "list", "--data", tmp_path / "other", "--json"))] == ["contoso"]
    [aside] = data(command("restore", file, "--data", folder, "--force", "--json"))["movedAside"]
    assert Path(aside).is_file()


def test_a_person_is_told_where_the_key_lies_and_when_it_is_another(start: Any, tmp_path: Path, command: Any) -> None:
    server = start(tmp_path / "data").ready()
    answer = command("backup", tmp_path / "copy", "--data", server.folder)
    assert answer.returncode == 0
    assert answer.stdout.startswith(f"{tmp_path / 'copy'} holds the database as of 20")
    key = server.folder / "seal.key"
    assert f"The key that opens what is sealed in it is not: {key}." in answer.stderr
    assert all(str(server.folder / name) in answer.stderr for name in ("keys", "ca.pem", "quickstart.env"))
    assert "Stop it first" in refused(command("restore", tmp_path / "copy", "--data", server.folder, "--force"))
    server.stop()
    assert "was sealed" not in command("restore", tmp_path / "copy", "--data", server.folder, "--force").stderr
    answer = command("restore", tmp_path / "copy", "--data", tmp_path / "other")
    assert (answer.returncode, f"{tmp_path / 'other' / 'seal.key'} with the key to it is not there" in answer.stderr) == (0, True)
    answer = command("restore", tmp_path / "copy", "--data", server.folder, "--force", SECGRAPH_SEAL_KEY="00" * 32)
    assert (answer.returncode, "sealed with another key" in answer.stderr) == (0, True)
    assert start(server.folder).ready()


def test_wrong_use_is_refused_with_what_to_do(folder: Path, tmp_path: Path, command: Any) -> None:
    file = tmp_path / "copy"
    assert "no database" in refused(command("backup", file, "--data", tmp_path / "none"))
    assert "There is no folder" in refused(command("backup", tmp_path / "none" / "copy", "--data", folder))
    assert "There is no file" in refused(command("restore", file, "--data", tmp_path / "other"))
    assert not (tmp_path / "other").exists()
    data(command("backup", file, "--data", folder, "--json"))
    assert "--force" in refused(command("backup", file, "--data", folder))
    assert "--force" in refused(command("restore", file, "--data", folder))
    with (folder / "writer.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Wait until it has ended" in refused(command("restore", file, "--data", folder, "--force"))
        data(command("backup", file, "--force", "--data", folder, "--json"))


def test_another_database_has_its_own_way(tmp_path: Path, command: Any) -> None:
    for verb, program in (("backup", "pg_dump"), ("restore", "pg_restore")):
        said = refused(command(verb, tmp_path / "copy", SECGRAPH_DATABASE="postgresql://me:hidden@127.0.0.1/secgraph"))
        assert program in said
        assert "hidden" not in said
    assert list(tmp_path.iterdir()) == []
