"""A process that does one chore, of which every write is seen: `chore.py FOLDER SECONDS`, where a lease runs for that long.

Each write leaves a fact named `{fence}-{number}`. It says `held` when it begins, and `refused` when a write of it is.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from secgraph import clock
from secgraph.app import Core, core
from secgraph.chores import Chore, do_chores
from secgraph.errors import Superseded
from secgraph.settings import gather
from secgraph.store import leases
from secgraph.store.protocol import Fence


async def work(inner: Core, fence: Fence) -> None:
    """Writes until it is refused; told to stop, it tries once more."""
    say("held")
    try:
        for number in count(1):
            await write(inner, fence, str(number))
            await asyncio.sleep(0.002)
    except asyncio.CancelledError:
        await write(inner, fence, "late")
        raise


async def write(inner: Core, fence: Fence, word: str) -> None:
    """A write that is seen."""
    try:
        await inner.store.run(("fact_put", {"name": f"{fence.number}-{word}", "value": "x"}), fence=fence)
    except Superseded:
        say("refused")
        raise


def say(word: str) -> None:
    """A word for who watches."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


CHORE = Chore("write", 0.01, work)


async def main() -> None:
    """Does the chore until it is killed."""
    leases.LIFE = int(float(sys.argv[2]) * clock.SECOND)
    async with core(gather({"data": sys.argv[1]}, {})) as inner:
        await do_chores(inner, [CHORE], renew=float(sys.argv[2]) / 3)


if __name__ == "__main__":
    asyncio.run(main())
