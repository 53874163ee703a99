"""Under which conditions the numbers came about, as they were found."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import apsw

from bench.load import WRITES_A_SECOND
from bench.processes import Failed
from bench.sides import PEER_PYTHON, PEER_WORKERS

SYNCED = 50
BLOCK = b"\0" * 4096
PEER_PARTS = ("fastapi", "sqlalchemy", "odata-query", "uvicorn")
ASKED = "import importlib.metadata as found, sys; print(*(f'{one} {found.version(one)}' for one in sys.argv[1:]), sep=', ')"


def conditions(folder: Path, *, server: str, workers: int) -> dict[str, Any]:
    """The machine, its disk, the parts and the processes of each side."""
    database = f"PostgreSQL {server}" if server else f"SQLite {apsw.sqlite_lib_version()}"
    return {
        "database": database, "commits": "durable on every side", "fsyncMilliseconds": round(synced(folder), 3),
        "fileSystem": file_system(folder), "workers": {"ours": workers, "bare": workers, "peer": PEER_WORKERS},
        "tokens": "ours checks one with each request, the others ask for none", "writesBesideReads": WRITES_A_SECOND,
        "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2), "machine": platform.machine(), "processor": processor(),
        "python": platform.python_version(), "uvicorn": version("uvicorn"), "peer": peer(),
    }  # fmt: skip


def synced(folder: Path) -> float:
    """Milliseconds of an fsync after a write of a block there."""
    file, times = folder / "synced", []
    with file.open("wb", buffering=0) as out:
        for _ in range(SYNCED):
            out.write(BLOCK)
            started = time.perf_counter()
            os.fsync(out.fileno())
            times.append((time.perf_counter() - started) * 1000)
    file.unlink()
    return median(times)


def file_system(folder: Path) -> str:
    """What the folder lies on: in memory nothing is durable."""
    found = "unknown"
    place, longest = str(folder.resolve()), -1
    for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
        _, mounted, kind, *_ = line.split()
        inside = place == mounted or place.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) > longest:
            found, longest = kind, len(mounted)
    return found


def processor() -> str:
    """What the system calls its processor."""
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def peer() -> str:
    """The versions that the peer is made of."""
    command = [str(PEER_PYTHON), "-c", ASKED, *PEER_PARTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- fixed words
    if done.returncode:
        raise Failed(f"The peer's environment does not work: {done.stderr[-500:]}")
    return done.stdout.strip()
