"""All sides' data: ours through `secgraph ingest`, the others' from the very documents that ours then holds.

Filling them is the bulk measurement. Ours and the peer's are whole commands, from their start to their end; the bare side's is
the inserts alone (COPY on PostgreSQL), five hundred rows a transaction, with the rows already in memory.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench import documents, generate, postgres, raw
from bench.processes import ROOT, Failed, Memory, Watch, environment
from bench.sides import OURS, PEER_PYTHON, SECGRAPH, Place, ours

SMALL = 100_000
"""Alerts of the side that stands for ours where ours has more."""

KEPT = ("made.json", "ours", "ours.documents", "small", "small.documents", "bare.db", "peer.db", "postgres")
PERMISSIONS = ("SecurityAlert.ReadWrite.All", "SecurityAlert.Create.All", "SecurityIncident.Read.All")


@dataclass(frozen=True, slots=True)
class Filling:
    """One filling: alerts a second of each side, and the memory of our command."""

    ours: float
    bare: float
    peer: float
    memory: Memory
    growth: float
    """The peak of its second half as a part of its first half's."""


class Made(msgspec.Struct):
    """What was made, for a later run that keeps it."""

    database: str
    size: int
    seed: int
    credentials: dict[str, dict[str, str]]
    """By side: those of `ours`, and of `small` where it is."""
    fillings: list[Filling]


@contextlib.contextmanager
def databases(folder: Path, kind: str) -> Iterator[tuple[Place, str]]:
    """Where the data of a folder is, PostgreSQL running where it is there, and which version it has."""
    if kind == "sqlite":
        yield Place(folder, {}), ""
        return
    with postgres.running(folder / "postgres") as server:
        yield Place(folder, server.addresses), server.version


def secgraph(*words: str, settings: Mapping[str, str], seconds: float = 60) -> tuple[Any, float, Watch]:
    """What a command prints as JSON, how long it took and what it needed."""
    command = [str(SECGRAPH), *words, "--json"]
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 -- our own command
        command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process, Watch(process.pid) as watch:
        try:
            out, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failed(f"{' '.join(command)} did not end in {seconds:.0f} s.") from None
    took = time.perf_counter() - started
    if process.returncode:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}: {said.decode('utf-8', 'replace')[-500:]}")
    return msgspec.json.decode(out), took, watch


def fill_ours(place: Place, name: str, file: Path, size: int) -> tuple[float, Watch, dict[str, str]]:
    """A new data folder with the alerts of the file; alerts a second, its memory, and the credentials of an application."""
    folder, settings = str(place.folder / name), place.settings(name)
    tenant, _, _ = secgraph("tenant", "create", "bench", "--data", folder, settings=settings)
    words = ("ingest", "--source", "graph", "--data", folder, str(file))
    (report,), took, watch = secgraph(*words, settings=settings, seconds=600 + size / 100)
    if report["taken"] != size:
        raise Failed(f"Of {size} generated alerts {report['taken']} were taken: {str(report)[:500]}")
    if place.addresses and (place.folder / name / "secgraph.db").exists():
        raise Failed("Ours was given a PostgreSQL database and wrote a SQLite file.")
    granted = [word for one in PERMISSIONS for word in ("-p", one)]
    made, _, _ = secgraph("app", "create", "bench", "--data", folder, *granted, settings=settings)
    return size / took, watch, {"tenant": tenant["id"], "client": made["id"], "secret": made["secret"]}


def fill_peer(place: Place, file: Path, size: int) -> float:
    """The peer's table with our documents; alerts a second."""
    command = [str(PEER_PYTHON), str(ROOT / "bench" / "peer.py"), "load", place.peer, str(file)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, timeout=600 + size / 100, check=False)  # noqa: S603 -- our own command
    if done.returncode:
        raise Failed(f"The peer could not be filled: {done.stderr.decode('utf-8', 'replace')[-500:]}")
    return size / (time.perf_counter() - started)


def make(folder: Path, kind: str, size: int, seed: int, times: int) -> Made:
    """Fills all sides that many times, in turn; the last filling stays."""
    file = folder / "alerts.ndjson"
    generate.write(file, size, seed)
    fillings: list[Filling] = []
    credentials: dict[str, dict[str, str]] = {}
    with databases(folder, kind) as (place, _):
        for _ in range(times):
            clear(place)
            rate, watch, credentials["ours"] = fill_ours(place, "ours", file, size)
            _write_documents(place, "ours", credentials, size)
            written = folder / "ours.documents"
            bare = raw.fill(place.bare, written)
            fillings.append(Filling(rate, bare, fill_peer(place, written, size), watch.peak, watch.growth()))
        if size > SMALL:
            generate.write(file, SMALL, seed)
            _, _, credentials["small"] = fill_ours(place, "small", file, SMALL)
            _write_documents(place, "small", credentials, SMALL)
        for address in place.addresses.values():
            # Every side starts with what the server would find out by itself within minutes.
            postgres.tidy(address)
    file.unlink()
    made = Made(kind, size, seed, credentials, fillings)
    (folder / "made.json").write_bytes(msgspec.json.encode(made))
    return made


def _write_documents(place: Place, name: str, credentials: Mapping[str, Mapping[str, str]], size: int) -> None:
    with ours(name, place, credentials[name], workers=1) as side:
        client = side.client()
        documents.write(client, place.folder / f"{name}.documents", size)
        client.close()


def kept(folder: Path, kind: str, size: int, seed: int) -> Made | None:
    """What an earlier run left there, when it is what this one needs."""
    try:
        made = msgspec.json.decode((folder / "made.json").read_bytes(), type=Made)
    except (OSError, msgspec.DecodeError):
        return None
    return made if (made.database, made.size, made.seed) == (kind, size, seed) else None


def clear(place: Place) -> None:
    """Removes all sides' data, and nothing else."""
    (place.folder / "made.json").unlink(missing_ok=True)
    for name in OURS:
        shutil.rmtree(place.folder / name, ignore_errors=True)
        (place.folder / f"{name}.documents").unlink(missing_ok=True)
    for name in ("bare.db", "peer.db"):
        for end in ("", "-wal", "-shm"):
            (place.folder / f"{name}{end}").unlink(missing_ok=True)
    for address in place.addresses.values():
        postgres.empty(address)


def keep(folder: Path, to: Path) -> None:
    """A copy for later runs, in place of what an earlier one left there."""
    to.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.rmtree(to / name, ignore_errors=True)
        (to / name).unlink(missing_ok=True)
    copy(folder, to)


def copy(folder: Path, to: Path) -> None:
    """A copy that a run may write to, owners and modes as they were."""
    command = ["cp", "-a", "--reflink=auto", f"{folder}/.", str(to)]
    subprocess.run(command, check=True)  # noqa: S603 -- fixed words and our own folders
