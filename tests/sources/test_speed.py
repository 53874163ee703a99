"""`scripts/bench sources` measures every source on records that it takes; how fast it is is for its reader to judge."""

from __future__ import annotations

import random
from typing import Any

import pytest
from bench.sources import command
from bench.sources.command import Lot, Row, connector_of, lot, main, measured, table
from bench.sources.records import MAKERS

from secgraph.extend import AlertDraft, Raw, sources


def test_the_short_mode_prints_a_row_of_every_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--short"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[1] for row in rows] == list(MAKERS)


def test_a_source_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "nessus"])
    assert "there is no nessus" in capsys.readouterr().err


def test_a_ratio_is_held_against_its_goal() -> None:
    assert "| 0.200 | 0.15 | met |" in table([Row("a", 2.0, 10.0, 0.15)])
    assert "| 0.100 | 0.15 | missed |" in table([Row("a", 1.0, 10.0, 0.15)])


@pytest.mark.parametrize("name", list(MAKERS))
def test_no_record_is_read_twice(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    made: list[bytes] = []

    def kept(*given: Any) -> Lot:
        some = lot(*given)
        made.extend(some.data)
        return some

    monkeypatch.setattr(command, "lot", kept)
    measured(name, 50, 5)
    assert len(made) == len(set(made)) == 250


@pytest.mark.parametrize("name", list(MAKERS))
def test_every_generated_record_is_an_alert_with_evidence(name: str) -> None:
    assert name in sources()
    record = MAKERS[name](random.Random(7))  # noqa: S311 -- the same in every run
    (draft, *_) = connector_of(name).normalise(Raw(1, b"", record, 17_707_248_000_000_000))
    assert isinstance(draft, AlertDraft)
    assert draft.alert["severity"] in {"low", "medium", "high"}
    assert len(draft.alert["evidence"]) >= 2
    assert not draft.notes
