from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.campaigns import command
from bench.campaigns.generate import Labelled, made
from bench.campaigns.judge import BASELINES, judged
from bench.campaigns.labelled import Unusable, read, write
from bench.campaigns.report import answers

GOOD = '{"id": "a1", "label": "x", "createdDateTime": "2026-03-02T09:00:00Z", "severity": "high", "evidence": []}'


@pytest.fixture(scope="module")
def data() -> Labelled:
    return made(2, 1)


def test_what_is_written_is_read_again(data: Labelled, tmp_path: Path) -> None:
    write(tmp_path / "some.ndjson", data)
    again = read(tmp_path / "some.ndjson")
    assert again.alerts == data.alerts
    assert again.labels == data.labels


def test_a_label_may_stand_beside_the_alert(tmp_path: Path) -> None:
    alert = json.loads(GOOD)
    label = alert.pop("label")
    lines = [GOOD, json.dumps({"alert": {**alert, "id": "a2"}, "label": label}), "", json.dumps({**alert, "id": "a3", "label": None})]
    (tmp_path / "some.ndjson").write_text("\n".join(lines))
    found = read(tmp_path / "some.ndjson")
    assert [alert["id"] for alert in found.alerts] == ["a1", "a2", "a3"]
    assert found.labels == ["x", "x", ""]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: no object with `label`"),
        (GOOD.replace('"label": "x", ', ""), "line 2: no object with `label`"),
        (GOOD.replace('"x"', "7"), "line 2: `label` is no text"),
        (GOOD.replace('"a1"', '""'), "line 2: no alert with an `id`"),
        (GOOD.replace("[]", "null"), "line 2: `evidence` is no list"),
        (GOOD.replace("2026-03-02T", "yesterday "), "line 2: `createdDateTime` is no time"),
        (GOOD.replace('"x"', '"y"'), "alert a1 has two labels: 'x' and 'y'"),
    ],
)
def test_a_line_that_is_no_labelled_alert_is_told(line: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "bad.ndjson").write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(Unusable, match=says):
        read(tmp_path / "bad.ndjson")


def test_all_faults_are_told_up_to_ten(tmp_path: Path) -> None:
    (tmp_path / "bad.ndjson").write_text("{\n" * 12)
    with pytest.raises(Unusable) as fault:
        read(tmp_path / "bad.ndjson")
    assert "line 10: " in str(fault.value)
    assert str(fault.value).endswith("and 2 more")


@pytest.mark.parametrize("words", [["--labelled", "{}/none.ndjson"], ["--labelled", "{}/empty.ndjson"], ["--correlator", "no:where"],
                                   ["--correlator", "bench.campaigns.score:nothing"], ["--correlator", "bench.campaigns.score"]])  # fmt: skip
def test_what_cannot_be_used_ends_with_2(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.ndjson").write_text("\n")
    assert command.main([word.format(tmp_path) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Name" in err or "Give" in err


@pytest.mark.parametrize(("text", "expected"), [("1", [1]), ("1,3,5", [1, 3, 5]), ("2-4,9", [2, 3, 4, 9])])
def test_seeds(text: str, expected: list[int]) -> None:
    assert command.seeds(text) == expected


@pytest.mark.parametrize("words", [["--seed", "x"], ["--noise", "-1"], ["--write", "f", "--seed", "1,2"]])
def test_options_that_make_no_sense(words: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(words)
    assert end.value.code == 2


def test_the_tables_show_correlator_baselines_bounds_and_goals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--seed", "2,4", "--noise", "1", "--correlator", "bench.campaigns.baselines:nothing", "--campaigns"]
    assert command.main([*words, "--json", str(tmp_path / "found.json")]) == 0
    out = capsys.readouterr().out
    for name in ("join nothing", "join on any shared entity in 24 h", "bound, names as told", "bound, directory at hand", "all"):
        assert name in out
    goals = {line.split("  ")[0]: line.split()[-1] for line in out[out.index("goal, of") :].splitlines()[1:]}
    assert goals["precision (B-cubed, alerts of campaigns)"] == "met"
    assert goals["recall (B-cubed, alerts of campaigns)"] == "missed"
    assert goals["F1 above the better baseline's"] == "missed"
    written = json.loads((tmp_path / "found.json").read_text())
    assert written["groupings"][0]["name"] == "bench.campaigns.baselines:nothing"
    assert written["groupings"][0]["all"]["precision"] == 1
    assert [one["met"] for one in written["goals"]][:2] == [True, False]


def test_a_labelled_file_is_judged(data: Labelled, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--seed", "2", "--noise", "1", "--write", str(tmp_path / "some.ndjson")]) == 0
    assert command.main(["--labelled", str(tmp_path / "some.ndjson")]) == 0
    out = capsys.readouterr().out
    assert str(len({alert["id"] for alert in data.alerts})) in out
    assert "goal, of secgraph.ingest.correlate.replay:groups" in out
    assert "directory" not in out  # nobody knows whose alerts they are


def test_somebody_who_knows_the_labels_meets_every_goal(data: Labelled) -> None:
    truth = {alert["id"]: label or alert["id"] for alert, label in zip(data.alerts, data.labels, strict=True)}
    found = judged({"some": data}, {"truth": lambda alerts: [truth[alert["id"]] for alert in alerts], **BASELINES})
    assert all(met for _, _, _, met in answers(found[0], found))
