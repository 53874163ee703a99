"""The real server as a process that is ended without warning."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.ports import free_port

PATIENCE = 30.0
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SECGRAPH_")}
PLAIN = (sys.executable, "-m", "secgraph")
"""The server as it is."""

LOADED = (sys.executable, str(Path(__file__).with_name("faulty.py")))
"""The same with faults around it, which may be loaded before it is to start."""


@dataclass(slots=True)
class Server:
    """`secgraph serve` on a data folder, started as often as it ends, always on the same port."""

    folder: Path
    flags: Sequence[str] = ()
    faults: Sequence[str] | None = ()
    """What faulty.py is told; None for the plain command."""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    out: Path = Path()
    """What it says since its last start."""
    _spare: tuple[subprocess.Popen[bytes], Path] | None = None
    _made: int = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def members(self) -> dict[str, str]:
        """The members of quickstart.env."""
        lines = (self.folder / "quickstart.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def prepare(self) -> None:
        """Loads the program that the next start runs: the most of a start, while others work."""
        if self.faults is not None and self._spare is None:
            self._spare = self._process(*LOADED, "--wait", *self.faults, "--")

    def start(self) -> None:
        """Starts it, without waiting until it answers."""
        if self._spare is not None:
            (self.process, self.out), self._spare = self._spare, None
            assert self.process.stdin is not None
            self.process.stdin.close()
        elif self.faults is not None:
            self.process, self.out = self._process(*LOADED, *self.faults, "--")
        else:
            self.process, self.out = self._process(*PLAIN)

    def _process(self, *command: str) -> tuple[subprocess.Popen[bytes], Path]:
        self._made += 1
        file = self.folder.with_name(f"{self.folder.name}-{self._made}.out")
        with file.open("w") as out:
            made = subprocess.Popen(  # noqa: S603 -- our own command
                [*command, "serve", "--data", self.folder, "--port", str(self.port), "--host", "127.0.0.1",
                 "--allow-plain-http", "--empty", *self.flags],
                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.PIPE, env=ENVIRONMENT, cwd=self.folder.parent,
                start_new_session=True,  # its own group, so that it ends with all that it started
            )  # fmt: skip
        return made, file

    def ready(self) -> None:
        """Waits until it and its database answer."""
        assert self.process is not None
        ends = time.monotonic() + PATIENCE
        while "Stop with Ctrl-C" not in self.out.read_text():
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}: {self.out.read_text()}"
            assert time.monotonic() < ends, f"the server does not answer: {self.out.read_text()}"
            time.sleep(0.01)
        while not self._probed():
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}: {self.out.read_text()}"
            assert time.monotonic() < ends, f"the server finds no database: {self.out.read_text()}"
            time.sleep(0.05)

    def _probed(self) -> bool:
        """Whether it says that its database answers."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """Ends it and all that it started by SIGKILL."""
        if self.process is not None:
            _kill(self.process)

    def close(self) -> None:
        """Ends it, and what was loaded for the next start."""
        self.kill()
        if self._spare is not None:
            _kill(self._spare[0])
            self._spare = None


def _kill(process: subprocess.Popen[bytes]) -> None:
    family = _held(process.pid) if process.poll() is None else []
    for pid in family:
        _signal(pid, signal.SIGKILL)
    process.wait(PATIENCE)
    ends = time.monotonic() + PATIENCE
    while any(_parent(pid) is not None for pid in family):
        assert time.monotonic() < ends, "a process outlives SIGKILL"
        time.sleep(0.005)
    if process.stdin is not None:
        process.stdin.close()


def _held(first: int) -> list[int]:
    """A process and all that it started, in whatever session they are, each of them stopped: so no one is started meanwhile."""
    family: list[int] = []
    found = [first]
    while found:
        for pid in found:
            _signal(pid, signal.SIGSTOP)
        family += found
        there = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
        found = [pid for pid in there if pid not in family and _parent(pid) in family]
    return family


def _parent(pid: int) -> int | None:
    """Who started a process; None when it has ended."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else int(parent)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
