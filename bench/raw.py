"""Raw inserts: what the database takes when nobody checks, compares or logs anything."""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from pathlib import Path

import asyncpg

from bench import documents
from bench.tables import NAMES, TABLE, Row, connect, row

BATCH = 500
IN_MEMORY = 20_000
"""Rows read ahead of the clock."""


def fill(database: str, file: Path) -> float:
    """A new table of a file or a PostgreSQL database with these documents; rows a second."""
    return asyncio.run(_copied(database, file)) if "://" in database else _inserted(Path(database), file)


def _inserted(path: Path, file: Path) -> float:
    """The checkpoint at the closing is a part of it."""
    connection = connect(path)
    connection.execute(TABLE)
    rows = map(row, documents.lines(file))
    size, took = 0, 0.0
    while ahead := list(islice(rows, IN_MEMORY)):
        started = time.perf_counter()
        for at in range(0, len(ahead), BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT INTO alerts ({', '.join(NAMES)}) VALUES (?, ?, ?, ?, ?, ?)", ahead[at : at + BATCH])
            connection.execute("COMMIT")
        took += time.perf_counter() - started
        size += len(ahead)
    started = time.perf_counter()
    connection.close()
    return size / (took + time.perf_counter() - started)


async def _copied(address: str, file: Path) -> float:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(TABLE.replace(" TEXT", ' TEXT COLLATE "C"'))
        rows = map(row, documents.lines(file))
        size, took = 0, 0.0
        while ahead := list(islice(rows, IN_MEMORY)):
            started = time.perf_counter()
            for at in range(0, len(ahead), BATCH):
                part: list[Row] = ahead[at : at + BATCH]
                await connection.copy_records_to_table("alerts", records=part, columns=NAMES)
            took += time.perf_counter() - started
            size += len(ahead)
        return size / took
    finally:
        await connection.close()
