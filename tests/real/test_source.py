"""`secgraph source`: sources are added, shown, changed, declared and removed, and nothing secret is ever printed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

Ended = subprocess.CompletedProcess[str]
SECRET = "s3cr3t-of-the-webhook"


def data(ended: Ended) -> Any:
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def refused(ended: Ended) -> str:
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return " ".join(ended.stderr.split())


@pytest.fixture
def where(tmp_path: Path, command: Any) -> tuple[Any, ...]:
    assert command("tenant", "create", "contoso", "--data", tmp_path / "data").returncode == 0
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    return ("--data", tmp_path / "data")


def test_a_source_from_its_begin_to_its_end(tmp_path: Path, command: Any, where: tuple[Any, ...]) -> None:
    made = data(command("source", "add", "graph", "--name", "roof", "--webhook", "-o", f"hook_secret=@{tmp_path / 'secret'}", "--json", *where))
    assert (made["name"], made["road"], made["options"]) == ("roof", "webhook", {"hook_secret": "***"})
    assert made["hook"].startswith("/ingest/hook-")
    ends = [
        command("source", "show", "roof", *where), command("source", "show", "roof", "--json", *where),
        command("source", "change", "roof", "-o", "hook_proof=hmac", "--silence", "60", *where), command("source", "pause", "roof", *where),
        command("source", "list", *where),
    ]  # fmt: skip
    assert [one.returncode for one in ends] == [0] * 5
    assert [one for one in ends if SECRET in one.stdout + one.stderr] == []
    [listed] = data(command("source", "list", "--json", *where))
    assert (listed["id"], listed["kind"], listed["state"], listed["lastSuccessDateTime"]) == ("roof", "graph", "paused", None)
    assert data(command("source", "resume", "roof", "--json", *where))["paused"] is False
    again = data(command("source", "change", "roof", "--new-hook", "--json", *where))
    assert again["hook"] != made["hook"]
    assert "--yes" in refused(command("source", "remove", "roof", *where))
    assert command("source", "remove", "roof", "--yes", *where).returncode == 0
    assert data(command("source", "list", "--json", *where)) == []


def test_a_secret_that_nobody_gave_is_made_and_shown_once(command: Any, where: tuple[Any, ...]) -> None:
    made = data(command("source", "add", "graph", "--webhook", "--json", *where))
    assert len(made["secret"]) >= 43
    assert "secret" not in data(command("source", "show", "graph", "--json", *where))


REFUSED: dict[str, tuple[list[str], list[str]]] = {
    "a secret in sight": (["add", "graph", "--webhook", "-o", f"hook_secret={SECRET}"], ["hook_secret is secret", "hook_secret=@file"]),
    "an option without a name": (["add", "graph", "-o", SECRET], ["NAME=VALUE"]),
    "twice": (["add", "graph", "-o", "a=1", "-o", "a=2"], ["a is given twice"]),
    "two roads": (["add", "graph", "--webhook", "--push"], ["--webhook or --push"]),
    "no such kind": (["add", "nonsense"], ["'nonsense'", "cef", "graph"]),
    "no such file": (["add", "graph", "--webhook", "-o", "hook_secret=@/nowhere"], ["/nowhere", "hook_secret"]),
    "cannot be asked": (["add", "suricata", "--pull"], ["cannot be asked"]),
    "none there": (["show", "roof"], ["There is no source 'roof'"]),
    "no time": (["replay", "roof", "--since", "yesterday"], ["--since 2026-11-01"]),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_refused(command: Any, where: tuple[Any, ...], words: list[str], said: list[str]) -> None:
    text = refused(command("source", *words, *where))
    assert [one for one in said if one not in text] == []
    assert SECRET not in text


def test_without_the_key_it_says_so(tmp_path: Path, command: Any, where: tuple[Any, ...]) -> None:
    assert command("source", "add", "graph", "--webhook", *where).returncode == 0
    assert command("source", "add", "suricata", "--name", "edge", *where).returncode == 0
    (tmp_path / "data" / "seal.key").unlink()
    listed = {one["id"]: (one["state"], one["reason"]) for one in data(command("source", "list", "--json", *where))}
    assert listed["edge"] == ("waiting", None)
    assert listed["graph"][0] == "failing"
    assert "seal.key" in listed["graph"][1]
    assert "seal.key" in refused(command("source", "change", "graph", "--silence", "9", *where))


def test_rejected_records_of_a_source_are_tried_again(tmp_path: Path, command: Any, where: tuple[Any, ...]) -> None:
    assert command("source", "add", "graph", "--name", "roof", "--push", *where).returncode == 0
    (tmp_path / "in.json").write_text('[{"title": "nameless"}]')
    assert command("ingest", "--source", "roof", tmp_path / "in.json", *where).returncode == 1
    done = data(command("source", "replay", "roof", "--since", "2026-01-01", "--json", *where))
    assert (done["since"], done["retried"], done["rejected"]) == (None, 1, 1)
    assert len(data(command("ingest", "rejected", "list", "--json", *where))) == 1
    [listed] = data(command("source", "list", "--json", *where))
    assert (listed["rejected"], listed["state"]) == (2, "failing")


DECLARED = """
[source.roof]
kind = "graph"
road = "webhook"
silence = 3600
options.hook_secret = "@{secret}"

[source.suricata]
"""


def test_a_file_declares_them_all(tmp_path: Path, command: Any, where: tuple[Any, ...]) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(DECLARED.format(secret=tmp_path / "secret"))
    assert command("source", "add", "mde", "--push", *where).returncode == 0
    first = data(command("source", "apply", file, "--json", *where))
    assert first == {"added": ["roof", "suricata"], "changed": [], "unchanged": [], "removed": []}
    file.write_text(file.read_text().replace("3600", "60"))
    second = command("source", "apply", file, "--prune", "--json", *where)
    assert data(second) == {"added": [], "changed": ["roof"], "unchanged": ["suricata"], "removed": ["mde"]}
    assert SECRET not in second.stdout + second.stderr
    file.write_text("[source.roof]\nkind = 'mde'\n")
    assert "source.roof: it is of the kind graph" in refused(command("source", "apply", file, *where))


def test_the_kinds_are_listed(command: Any) -> None:
    found = {one["kind"]: one for one in data(command("source", "kinds", "--json"))}
    assert {"cef", "graph", "mde", "suricata"} <= found.keys()
    assert found["suricata"]["roads"] == ["listen", "file", "webhook", "push"]


def test_rejected_records_of_a_removed_source_stay(tmp_path: Path, command: Any, where: tuple[Any, ...]) -> None:
    assert command("source", "add", "graph", "--name", "roof", "--push", *where).returncode == 0
    (tmp_path / "in.json").write_text('[{"title": "nameless"}]')
    for name in ("roof", "graph"):
        assert command("ingest", "--source", name, tmp_path / "in.json", *where).returncode == 1
    assert command("source", "remove", "roof", "--yes", *where).returncode == 0
    done = data(command("ingest", "rejected", "retry", "--json", *where))
    assert (done["rejected"], "There is no source 'roof'" in str(done["problems"])) == (2, True)
    assert sorted(one["source"] for one in data(command("ingest", "rejected", "list", "--json", *where))) == ["graph", "roof"]


EXAMPLES = Path(__file__).parents[2] / "examples" / "mappings"


def test_a_mapping_is_tried_and_then_used(tmp_path: Path, command: Any, where: tuple[Any, ...]) -> None:
    mapping, sample = EXAMPLES / "gatehouse.toml", EXAMPLES / "gatehouse.json"
    tried = data(command("source", "try", mapping, sample, "--json"))
    assert [one["outcome"] for one in tried] == ["taken", "taken", "passed over"]
    assert tried[0]["alerts"][0]["title"] == "Beacon to a known address"
    assert "peers[].port" in tried[0]["unplaced"]
    people = command("source", "try", mapping, "-", text=sample.read_text("utf-8"))
    assert people.returncode == 0
    assert "kept only in the original:\n" in people.stdout
    assert people.stdout.endswith("2 taken, 1 passed over\n")
    made = data(command("source", "add", "generic", "--name", "gatehouse", "-o", f"mapping=@{mapping}", "--json", *where))
    assert made["road"] == "push"
    (report,) = data(command("ingest", "--source", "gatehouse", sample, "--json", *where))
    assert (report["taken"], report["rejected"]) == (2, 1), "what is passed over is counted there and not kept"
    assert [one for one in tmp_path.iterdir() if one.name not in {"data", "secret"}] == [], "trying leaves nothing behind"


@pytest.mark.parametrize(("words", "said"), [
    (("nothing", "sample.json"), ["neither a mapping", "suricata"]), (("generic", "sample.json"), ["source try MAPPING.toml SAMPLE"]), (("none.toml", "sample.json"), ["none.toml cannot be read"]),
    (("wrong.toml", "sample.json"), ["line 3, alert.tilte", "it has: actorDisplayName"]), (("falco", "none.json"), ["sample none.json cannot be read"]),
    (("falco", "empty.json"), ["no record in"]), (("falco", "sample.json", "-o", "a=b"), ["told nothing"]), (("suricata", "sample.json", "-o", "a=b"), ["no option 'a'"]),
    (("wrong.toml", "sample.json", "-o", "a=b"), ["no --option"]),
])  # fmt: skip
def test_what_cannot_be_tried(
    tmp_path: Path, command: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sample.json").write_text("{}")
    Path("empty.json").write_text("")
    Path("wrong.toml").write_text('product = "a/b"\nid = "x"\nalert.tilte = "y"\nalert.title = "t"\n')
    told = refused(command("source", "try", *words))
    assert [one for one in said if one not in told] == []


def test_a_sample_with_a_record_that_cannot_be_taken_says_so(tmp_path: Path, command: Any) -> None:
    (tmp_path / "s.json").write_text('{"x": 1}')
    ended = command("source", "try", "falco", tmp_path / "s.json", "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)[0]["reason"] == "no rule: not an event of Falco"


def test_what_goes_back_is_listed_and_tried_again(command: Any, tmp_path: Path, where: tuple[Any, ...]) -> None:
    (tmp_path / "secret").write_text("application-s3cret")
    told = ("-o", "tenant_id=contoso.example", "-o", "client_id=app", "-o", f"client_secret=@{tmp_path / 'secret'}")
    shown = data(command("source", "add", "graph", *told, "--json", *where))
    assert "write_back" not in shown["options"], "it does where nobody says otherwise"
    assert data(command("source", "writes", "graph", "--retry", "--all", "--json", *where)) == []
    assert data(command("source", "list", "--json", *where))[0]["pendingChanges"] == 0
    assert command("source", "writes", "graph", *where).returncode == 0
    assert "say on or off" in refused(command("source", "change", "graph", "-o", "write_back=maybe", *where))
    assert data(command("source", "change", "graph", "-o", "write_back=off", "--json", *where))["options"]["write_back"] == "off"
    assert "carries no changes back" in refused(command("source", "writes", "graph", "--retry", *where))
    assert "There is no source" in refused(command("source", "writes", "mde", *where))
