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
    """Writes until it is refused."""
    sys.stdout.write("held\n")
    sys.stdout.flush()
    try:
        for number in count(1):
            await inner.store.run(("fact_put", {"name": f"{fence.number}-{number}", "value": "x"}), fence=fence)
            await asyncio.sleep(0.002)
    except Superseded:
        sys.stdout.write("refused\n")
        sys.stdout.flush()
        raise


async def main() -> None:
    """Does the chore until it is killed."""
    leases.LIFE = int(float(sys.argv[2]) * clock.SECOND)
    async with core(gather({"data": sys.argv[1]}, {})) as inner:
        await do_chores(inner, [Chore("write", 0.01, work)], renew=float(sys.argv[2]) / 3)


if __name__ == "__main__":
    asyncio.run(main())
