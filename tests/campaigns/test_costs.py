"""The measurement of what correlation costs works on both databases and finds no wrong answer; nothing is said about time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.campaigns import command
from bench.costs.command import SHORT, Given, measured
from bench.costs.row import Goal, Row, of_medians, of_pairs, percentile, table
from bench.sides import Place
from tests.databases import Databases

ROWS = {"bulk": 4, "past": 3, "merging": 3}


@pytest.mark.parametrize("part", sorted(ROWS))
def test_what_it_costs_is_measured(part: str, tmp_path: Path, database_kind: str, databases: Databases) -> None:
    with databases.one(database_kind) as one, databases.one(database_kind) as other:
        place = Place(tmp_path, {"ours": one, "small": other} if one else {})
        found = measured(place, Given(**SHORT), [part])
    assert len(found) == ROWS[part]
    assert all(row.value > 0 for row in found)
    assert all(values for row in found for values in row.sides.values())


def test_the_command_prints_goals_and_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--cost", "--short", "--only", "merging", "--json", str(tmp_path / "found.json")]
    assert command.main(words) == 0
    out = capsys.readouterr().out
    assert "the write that merges two incidents of 30 alerts" in out
    assert "a goal from 900 alerts on" in out
    written = json.loads((tmp_path / "found.json").read_text())
    assert [one["bound"] for one in written["costs"]] == [250, 2, 2]
    assert len(written["costs"][0]["sides"]["alone"]) == 1


@pytest.mark.parametrize("words", [["--size", "x"], ["--size", "10"], ["--rounds", "0"], ["--only", "nothing"]])
def test_options_that_make_no_sense(words: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(["--cost", *words])
    assert end.value.code == 2


@pytest.mark.parametrize(("value", "goal", "size", "word"), [
    (0.60, Goal(0.60, least=True), 1, "met"), (0.59, Goal(0.60, least=True), 1, "missed"),
    (1.3, Goal(1.3), 1, "met"), (1.31, Goal(1.3), 1, "missed"), (9, Goal(1.3, from_size=1_000), 999, "a goal from 1,000 alerts on"),
    (9, None, 1, ""),
])  # fmt: skip
def test_a_goal_is_met_or_missed(value: float, goal: Goal | None, size: int, word: str) -> None:
    row = Row("it", value, "ms", {"one": [1.0], "other": [2.0]}, goal, size)
    assert row.word == word
    assert word in table([row])


def test_numbers_of_two_sides() -> None:
    sides = {"one": [1.0, 4.0, 9.0], "other": [1.0, 2.0, 3.0]}
    assert of_pairs("", "", sides, None, 0).value == 2
    assert of_medians("", "", {"one": [1.0, 4.0, 9.0], "other": [2.0, 1.0]}, None, 0).value == 4 / 1.5
    assert percentile([float(one) for one in range(1, 201)], 0.99) == 199
    assert percentile([3.0, 7.0], 0.99) == 7
