"""The bench of scores, in short: it measures without a wrong answer, and says every number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.scores.command import main


def test_the_bench_of_scores_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--short", "--json", str(tmp_path / "out.json")]) == 0
    said = capsys.readouterr().out
    for row in ("bytes of 100 days", "scores without controlScores", "computing a score of 20 findings", "of 200 findings"):
        assert row in said
    assert len(json.loads((tmp_path / "out.json").read_text())) == 4
