"""The short mode of `scripts/fuzz`: every reader of the query language on made-up and broken input, another seed each time."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from secgraph.errors import BadFilter

ROOT = Path(__file__).resolve().parents[2]
INPUTS = 20_000


@pytest.fixture(scope="module")
def fuzz() -> Any:
    """The script as a module."""
    path = str(ROOT / "scripts" / "fuzz")
    loader = SourceFileLoader("fuzz", path)
    spec = spec_from_file_location("fuzz", path, loader=loader)
    assert spec is not None
    made = module_from_spec(spec)
    sys.modules["fuzz"] = made  # its dataclasses look their module up
    loader.exec_module(made)
    return made


class Reads:
    """Stands in for the readers: does what it is told for every input."""

    def __init__(self, what: Callable[[], None]) -> None:
        self.what = what

    def readings(self, one: object) -> list[Callable[[], None]]:
        del one
        return [self.what]

    def carry_out(self, asked: list[object]) -> None:
        assert asked == []


def broken() -> None:
    raise ZeroDivisionError("planted")


def refused() -> None:
    raise BadFilter("planted")


def slow() -> None:
    began = time.thread_time()
    while time.thread_time() - began < 0.003:
        pass


@pytest.mark.parametrize(("what", "says"), [(broken, "ZeroDivisionError: planted"), (slow, "3 ms of CPU time"), (refused, "")])
def test_a_finding_says_how_to_bring_it_back(fuzz: Any, what: Callable[[], None], says: str) -> None:
    outcome = fuzz.run(Reads(what), 7, range(5, 7), most=0.002)
    assert (outcome.inputs, outcome.refused) == (2, 2 if what is refused else 0)
    if says:
        assert len(outcome.findings) == 2
        assert says in outcome.findings[0]
        assert outcome.findings[1].endswith("again: scripts/fuzz --seed 7 --only 6")
    else:
        assert outcome.findings == []


def test_what_is_slow_once_is_no_finding(fuzz: Any) -> None:
    times = iter([True] + [False] * 9)

    def once() -> None:
        if next(times):
            slow()

    assert fuzz.run(Reads(once), 7, range(3), most=0.002).findings == []


def test_an_input_is_made_from_the_seed_and_its_number_alone(fuzz: Any) -> None:
    assert [fuzz.made(3, number) for number in range(200)] == [fuzz.made(3, number) for number in reversed(range(200))][::-1]
    assert len({fuzz.made(3, number) for number in range(200)} | {fuzz.made(4, number) for number in range(200)}) > 350
    found = subprocess.run(  # noqa: S603 -- a script of this project
        [sys.executable, ROOT / "scripts" / "fuzz", "--seed", "3", "--only", "11"], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.startswith(f"{fuzz.made(3, 11).reader}: {fuzz.made(3, 11).data!r}")


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
