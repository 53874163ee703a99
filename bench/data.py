"""Both sides' data: ours through `secgraph ingest`, the bare file from the very documents that ours then holds.

Filling them is the bulk measurement. Ours is the whole command, from its start to its end; theirs is the inserts alone,
five hundred rows a transaction, with the rows already in memory.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import apsw
import msgspec

from bench import bare, generate
from bench.servers import ROOT, SECGRAPH, Failed, environment
from secgraph.store.file import connect

BATCH = 500
IN_MEMORY = 20_000
"""Rows read ahead of the clock."""

PERMISSIONS = ("SecurityAlert.ReadWrite.All", "SecurityAlert.Create.All")


@dataclass(frozen=True, slots=True)
class Rates:
    """Alerts a second of one filling, on both sides."""

    ours: float
    bare: float


class Made(msgspec.Struct):
    """What was made, for a later run that keeps it."""

    size: int
    seed: int
    credentials: dict[str, str]
    rates: list[Rates]


def secgraph(*words: str, seconds: float = 60) -> Any:
    """What a command prints as JSON."""
    command = [str(SECGRAPH), *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, timeout=seconds, check=False)  # noqa: S603 -- our own command
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace')[-500:]}")
    return msgspec.json.decode(done.stdout)


def fill_ours(folder: Path, file: Path, size: int) -> tuple[float, dict[str, str]]:
    """A new data folder with the alerts of the file; alerts a second, and the credentials of an application."""
    tenant = secgraph("tenant", "create", "bench", "--data", str(folder))
    started = time.perf_counter()
    (report,) = secgraph("ingest", "--source", "graph", "--data", str(folder), str(file), seconds=600 + size / 100)
    took = time.perf_counter() - started
    if report["taken"] != size:
        raise Failed(f"Of {size} generated alerts {report['taken']} were taken: {str(report)[:500]}")
    granted = [word for name in PERMISSIONS for word in ("-p", name)]
    made = secgraph("app", "create", "bench", "--data", str(folder), *granted)
    return size / took, {"tenant": tenant["id"], "client": made["id"], "secret": made["secret"]}


def documents(folder: Path) -> Iterator[str]:
    """The stored documents of our side, in the order they came."""
    connection = apsw.Connection(str(folder / "secgraph.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        for (document,) in connection.execute("SELECT doc FROM alerts_v2 ORDER BY rowid"):
            yield str(document)
    finally:
        connection.close()


def fill_bare(path: Path, folder: Path) -> float:
    """A new bare file with our documents; rows a second, the checkpoint at its closing included."""
    connection = connect(path, write=True)
    connection.execute(bare.TABLE)
    rows = map(bare.row, documents(folder))
    size, took = 0, 0.0
    while ahead := list(islice(rows, IN_MEMORY)):
        started = time.perf_counter()
        for at in range(0, len(ahead), BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(bare.INSERT, ahead[at : at + BATCH])
            connection.execute("COMMIT")
        took += time.perf_counter() - started
        size += len(ahead)
    started = time.perf_counter()
    connection.close()
    return size / (took + time.perf_counter() - started)


def make(folder: Path, size: int, seed: int, times: int) -> Made:
    """Fills both sides that many times, in turn; the last filling stays, as `ours` and `bare.db`."""
    file = folder / "alerts.ndjson"
    generate.write(file, size, seed)
    rates: list[Rates] = []
    credentials: dict[str, str] = {}
    for _ in range(times):
        clear(folder)
        ours, credentials = fill_ours(folder / "ours", file, size)
        rates.append(Rates(ours, fill_bare(folder / "bare.db", folder / "ours")))
    made = Made(size, seed, credentials, rates)
    (folder / "made.json").write_bytes(msgspec.json.encode(made))
    return made


def kept(folder: Path, size: int, seed: int) -> Made | None:
    """What an earlier run left there, when it is what this one needs and today's program can read it."""
    try:
        made = msgspec.json.decode((folder / "made.json").read_bytes(), type=Made)
        secgraph("app", "list", "--data", str(folder / "ours"))
    except (OSError, msgspec.DecodeError, Failed):
        return None
    return made if (made.size, made.seed) == (size, seed) else None


def clear(folder: Path) -> None:
    """Removes both sides' data and nothing else."""
    (folder / "made.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "ours", ignore_errors=True)
    for name in ("bare.db", "bare.db-wal", "bare.db-shm"):
        (folder / name).unlink(missing_ok=True)


def copy(folder: Path, to: Path) -> None:
    """A copy that a run may write to."""
    shutil.copytree(folder / "ours", to / "ours")
    shutil.copyfile(folder / "bare.db", to / "bare.db")
