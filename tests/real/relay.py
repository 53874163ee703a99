"""rsyslog as a child of the tests: its own configuration, folder and pid file, fed by a file that grows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests import packages
from tests.real.conftest import PATIENCE

PACKAGES = ("rsyslog", "rsyslog-relp", "rsyslog-gnutls")
PROGRAM = Path("/usr/sbin/rsyslogd")


def needed() -> None:
    """Skips the test, and says so, where there is none and it cannot be installed."""
    packages.needed("rsyslog sends here", *PACKAGES)


HEAD = """\
global(workDirectory="{folder}/work" {more})
module(load="imfile")
module(load="omrelp")
template(name="line" type="string" string="<134>1 %timereported:::date-rfc3339% wall cef - - - %msg%")
template(name="ended" type="string" string="<134>1 %timereported:::date-rfc3339% wall cef - - - %msg%\\n")
"""

INPUT = """
input(type="imfile" file="{folder}/{name}.log" tag="cef" ruleset="{name}")
ruleset(name="{name}") {{
  action(name="{name}" {action} action.resumeRetryCount="-1" action.resumeInterval="1"
         queue.type="LinkedList" queue.size="100000" queue.timeoutShutdown="100")
}}
"""


@dataclass
class Relay:
    """A running rsyslogd that sends what is written for an action, by the name of the action."""

    process: subprocess.Popen[bytes]
    folder: Path

    def write(self, name: str, lines: Iterable[str]) -> None:
        """Has lines sent."""
        with (self.folder / f"{name}.log").open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    @property
    def said(self) -> str:
        """What it said of itself."""
        return (self.folder / "out").read_text("utf-8", "replace")

    def stop(self) -> None:
        """Ends it."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)


def relay(folder: Path, actions: dict[str, str], more: str = "") -> Relay:
    """Starts rsyslogd in a new folder with an action, and a file that feeds it, for each name."""
    (folder / "work").mkdir(parents=True)
    for name in actions:
        (folder / f"{name}.log").touch()
    config = HEAD.format(folder=folder, more=more) + "".join(
        INPUT.format(folder=folder, name=name, action=action) for name, action in actions.items()
    )
    (folder / "rsyslog.conf").write_text(config)
    with (folder / "out").open("wb") as out:
        words: list[str | Path] = [PROGRAM, "-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid"]
        process = subprocess.Popen(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=folder)  # noqa: S603 -- as above
    return Relay(process, folder)
