"""The power goes: what was acknowledged had been synced before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random, randrange

import apsw
import pytest
from tests.real.faults import power
from tests.real.faults.rounds import rounds
from tests.real.faults.stages import power_lost

ROUNDS = 5
"""`scripts/faults power --rounds 50` goes on for longer."""


async def test_nothing_acknowledged_is_lost_with_the_power(tmp_path: Path) -> None:
    seed = randrange(10**9)  # noqa: S311 -- no secret
    with closing(power_lost(tmp_path)) as stage:
        outcome = await rounds(stage, ROUNDS, seed)
    assert outcome.found == [], f"seed {seed}"
    assert outcome.acknowledged > 20 * ROUNDS


async def test_the_same_rounds_fail_where_a_commit_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    with closing(power_lost(tmp_path, synchronous="normal")) as stage:
        outcome = await rounds(stage, ROUNDS, seed=1)
    assert any("is lost" in one for one in outcome.found), outcome.found


# --- the files that lose what was not synced ------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    """Registers such files; gives the folder of what is kept."""
    folder = tmp_path / "kept"
    folder.mkdir()
    files = power.Losing(folder, default=False)
    yield folder
    files.unregister()


def written(file: Path, synchronous: str, *, checkpoint: int) -> apsw.Connection:
    """A connection after forty commits of rows of some pages; what it wrote last is not in the file itself."""
    connection = apsw.Connection(str(file), vfs="losing")
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", synchronous)
    connection.pragma("wal_autocheckpoint", checkpoint)
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT); CREATE INDEX texts ON t (text)")
    for number in range(40):
        connection.execute("INSERT INTO t VALUES (?, ?)", (number, f"{number:04}" * 2000))
    return connection


def after_a_cut(tmp_path: Path, kept: Path, seed: int, *, torn: bool) -> tuple[list[int], str]:
    """The rows that are there when the power is back, and what SQLite says of the file. The files of the process are left as they are."""
    there, of_it = tmp_path / f"cut-{seed}", tmp_path / f"kept-{seed}"
    shutil.copytree(tmp_path / "data", there)
    shutil.copytree(kept, of_it)
    (there / "a.db-shm").unlink()  # memory
    power.cut(of_it, there, Random(seed), torn=torn)  # noqa: S311 -- to be made again, not to be unguessable
    connection = apsw.Connection(str(there / "a.db"))
    try:
        said = str(connection.execute("PRAGMA integrity_check").fetchall()[0][0])
        return [int(str(row[0])) for row in connection.execute("SELECT n FROM t ORDER BY n")], said
    except apsw.Error as broken:
        return [], str(broken)
    finally:
        connection.close()


@pytest.mark.parametrize("torn", [False, True])
def test_what_was_synced_stays(tmp_path: Path, kept: Path, torn: bool) -> None:
    (tmp_path / "data").mkdir()
    connection = written(tmp_path / "data" / "a.db", "full", checkpoint=30)
    for seed in range(10):
        assert after_a_cut(tmp_path, kept, seed, torn=torn) == (list(range(40)), "ok")
    connection.close()


@pytest.mark.parametrize("torn", [False, True])
def test_what_was_not_synced_is_lost_in_the_order_of_its_commits(tmp_path: Path, kept: Path, torn: bool) -> None:
    (tmp_path / "data").mkdir()
    connection = written(tmp_path / "data" / "a.db", "normal", checkpoint=70)
    lengths = set()
    for seed in range(10):
        rows, said = after_a_cut(tmp_path, kept, seed, torn=torn)
        assert (rows, said) == (list(range(len(rows))), "ok")
        lengths.add(len(rows))
    assert max(lengths) < 40
    assert min(lengths) > 0  # a checkpoint synced those before it
    connection.close()


def test_torn_blocks_damage_a_database_that_never_syncs(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "data").mkdir()
    connection = written(tmp_path / "data" / "a.db", "off", checkpoint=30)
    said = [after_a_cut(tmp_path, kept, seed, torn=True)[1] for seed in range(10)]
    assert set(said) != {"ok"}
    connection.close()


def test_a_write_that_is_cut_short_counts_as_none(tmp_path: Path) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    data.mkdir()
    kept.mkdir()
    (data / "a").write_bytes(b"new" + b"x" * 5)
    whole = power.HEAD.pack(0, 3, 3, 3, False) + b"old"
    (kept / "a").write_bytes(whole + power.HEAD.pack(3, 5, 3, 5, False) + b"x")
    assert power.cut(kept, data, Random(1), torn=False) == 1  # noqa: S311 -- no secret
    assert (data / "a").read_bytes() == b"old"
    assert list(kept.iterdir()) == []
