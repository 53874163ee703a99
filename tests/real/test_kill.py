"""kill -9: what was acknowledged is there after each start, once, and whoever follows the changes has it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from random import randrange

from tests.real.faults.rounds import rounds
from tests.real.faults.stages import killed, late, pruned

ROUNDS = 5
"""`scripts/faults kill --rounds 50` goes on for longer."""


async def test_nothing_acknowledged_is_lost_to_a_kill(tmp_path: Path) -> None:
    seed = randrange(10**9)  # noqa: S311 -- no secret
    with closing(killed(tmp_path)) as stage:
        outcome = await rounds(stage, ROUNDS, seed)
    assert outcome.found == [], f"seed {seed}"
    assert outcome.acknowledged > 20 * ROUNDS


async def test_nothing_acknowledged_is_lost_when_all_processes_of_a_server_are_killed(tmp_path: Path) -> None:
    seed = randrange(10**9)  # noqa: S311 -- no secret
    with closing(killed(tmp_path)) as stage:
        stage.server.flags = ("--workers", "2")
        outcome = await rounds(stage, ROUNDS, seed)
    assert outcome.found == [], f"seed {seed}"
    assert outcome.acknowledged > 20 * ROUNDS


async def test_nothing_is_lost_to_a_kill_while_what_is_over_is_taken_away(tmp_path: Path) -> None:
    """Alerts and incidents go, each with an event and a note, and whoever follows the changes is told."""
    seed = randrange(10**9)  # noqa: S311 -- no secret
    with closing(pruned(tmp_path)) as stage:
        outcome = await rounds(stage, ROUNDS, seed)
        removed = (await stage.rows()).removed
    assert outcome.found == [], f"seed {seed}"
    assert outcome.acknowledged > 10 * ROUNDS
    assert removed  # how many depends on how long a round's processes took to start


async def test_a_server_that_answers_before_it_commits_is_found_out(tmp_path: Path) -> None:
    with closing(late(tmp_path)) as stage:
        outcome = await rounds(stage, ROUNDS, seed=1)
    assert any("is lost" in one for one in outcome.found)
