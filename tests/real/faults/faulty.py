"""`secgraph` with a fault around it: a program that tests start instead of the command.

    faulty.py --losing FOLDER -- serve ...        on files that lose what was not synced; FOLDER is for what is kept of it
    faulty.py --pragma NAME=VALUE -- serve ...    every connection that sets this pragma gets this value, whatever it asks for
    faulty.py --late FILE -- serve ...            once FILE is there, a change is committed when the next one begins, and
                                                  answered before
    faulty.py --chore SECONDS -- serve ...        the one chore of chore.py instead of ours, under a lease that runs for so long
    faulty.py --prune FILE -- serve ...           while FILE is there, whatever is resolved is taken away
    faulty.py --wait ...                          loads all of it, and waits for the end of its input before it starts

Worker processes have the same faults.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import apsw

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.real.faults.power import Losing


class Other(apsw.Connection):
    """Connections with other pragmas than they ask for."""

    given: ClassVar[dict[str, str]] = {}

    def pragma(self, name: str, value: Any = None, **more: Any) -> Any:
        """A pragma; where it is set it may get another value."""
        if value is None:
            return super().pragma(name, **more)
        return super().pragma(name, self.given.get(name, value), **more)


class Late(apsw.Connection):
    """Connections that say a commit is done when they have only noted it."""

    from_then = Path()
    """Commits are late when this file is there: a first start needs its tables."""
    due = False

    def execute(self, statements: str, *values: Any, **more: Any) -> Any:
        """A statement; of a commit only the word is given."""
        if statements == "COMMIT" and self.from_then.exists():
            self.due = True
            return super().execute("SELECT 1")
        if statements.startswith("BEGIN") and self.due:
            self.due = False
            super().execute("COMMIT")
        return super().execute(statements, *values, **more)


def main() -> None:
    """Puts the faults in place, then runs the command."""
    at = sys.argv.index("--")
    options = argparse.ArgumentParser()
    options.add_argument("--losing", type=Path)
    options.add_argument("--pragma", action="append", default=[])
    options.add_argument("--late", type=Path)
    options.add_argument("--chore", type=float)
    options.add_argument("--prune", type=Path)
    options.add_argument("--wait", action="store_true")
    given = options.parse_args(sys.argv[1:at])
    kept = Losing(given.losing, default=True) if given.losing else None
    if given.pragma:
        Other.given.update(one.split("=", 1) for one in given.pragma)
        apsw.Connection = Other  # type: ignore[misc]
    if given.late:
        Late.from_then = given.late
        apsw.Connection = Late  # type: ignore[misc]
    from secgraph import clock, serve, workers  # noqa: PLC0415 -- behind the faults, which it must not know of
    from secgraph.cli import main as secgraph  # noqa: PLC0415 -- the same
    from secgraph.store import leases  # noqa: PLC0415 -- the same

    workers.PROGRAM = (sys.executable, __file__, *(word for word in sys.argv[1:at] if word != "--wait"), "--")

    if given.chore:
        from tests.real.faults import chore  # noqa: PLC0415 -- the same

        leases.LIFE = int(given.chore * clock.SECOND)
        serve.do_chores = partial(serve.do_chores, chores=[chore.CHORE], renew=given.chore / 3)  # type: ignore[attr-defined]
    if given.prune:
        from tests.real.faults import pruning  # noqa: PLC0415 -- the same

        pruning.begin(given.prune)
    if given.wait:
        sys.stdin.read()
    sys.argv = ["secgraph", *sys.argv[at + 1 :]]
    try:
        secgraph()
    finally:
        del kept


if __name__ == "__main__":
    main()
