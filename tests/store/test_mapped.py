"""Readers map the file, the writer does not; a file that SQLite shortens takes nothing away from who reads it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from secgraph.store.sqlite.file import MAPPED, connect

ROWS = 2_000


def test_a_file_that_shrinks_under_a_reader_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "mapped.db"
    with closing(connect(path, write=True)) as writer:
        writer.execute("CREATE TABLE held (number INTEGER PRIMARY KEY, text TEXT)")
        with writer:
            writer.executemany("INSERT INTO held VALUES (?, ?)", [(number, "x" * 3000) for number in range(ROWS)])
        writer.execute("PRAGMA wal_checkpoint(truncate)").fetchall()
        before = path.stat().st_size
        with closing(connect(path, write=False)) as reader:
            assert (reader.pragma("mmap_size"), writer.pragma("mmap_size")) == (MAPPED, 0)
            reader.execute("BEGIN")
            rows = reader.execute("SELECT number, text FROM held")
            next(rows)
            writer.execute("DELETE FROM held WHERE number >= 10")
            writer.execute("VACUUM")
            writer.execute("PRAGMA wal_checkpoint(passive)").fetchall()
            assert sum(len(text) for _, text in rows) == (ROWS - 1) * 3000
            reader.execute("COMMIT")
            writer.execute("PRAGMA wal_checkpoint(truncate)").fetchall()
            assert path.stat().st_size < before / 10
            assert [number for (number,) in reader.execute("SELECT number FROM held")] == list(range(10))
