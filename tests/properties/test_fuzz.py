"""The short mode of `scripts/fuzz`: every reader of the query language on made-up and broken input, another seed each time."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INPUTS = 20_000


def test_fuzzing_finds_nothing() -> None:
    seed = random.randrange(10**9)  # noqa: S311 -- no secret
    found = subprocess.run(  # noqa: S603 -- a script of this project
        [sys.executable, ROOT / "scripts" / "fuzz", "--inputs", str(INPUTS), "--seed", str(seed)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"{INPUTS} inputs" in found.stdout
    understood = int(found.stdout.split(" understood")[0].rsplit(" ", 1)[1])
    assert INPUTS / 10 < understood < INPUTS, "both what is understood and what is not must be among them"
