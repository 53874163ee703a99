"""The command line, as scripts and people use it, beside a running server and without one."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from secgraph.testing import graph_alert

LIST = "/v1.0/security/alerts_v2"
READ = "SecurityAlert.Read.All"
WRITE = "SecurityAlert.ReadWrite.All"


def data(answer: Any, status: int = 0) -> Any:
    """The JSON a command printed."""
    assert answer.returncode == status, answer.stderr
    assert "Traceback" not in answer.stderr
    return json.loads(answer.stdout)


def refused(answer: Any) -> str:
    """The plain message of a command that was refused."""
    assert answer.returncode == 2, (answer.stdout, answer.stderr)
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    message = " ".join(answer.stderr.split())
    assert message
    return message


@pytest.fixture
def folder(tmp_path: Path, command: Any) -> Path:
    """A data folder with two tenants, no server."""
    made = tmp_path / "data"
    for name in ("contoso", "fabrikam"):
        data(command("tenant", "create", name, "--data", made, "--json"))
    return made


def test_a_tenant_from_birth_to_end(tmp_path: Path, command: Any) -> None:
    where = ("--data", tmp_path / "data")
    made = data(command("tenant", "create", "contoso", *where, "--json"))
    assert set(made) == {"id", "name", "createdDateTime"}
    assert data(command("tenant", "list", *where, "--json")) == [made]
    assert "--yes" in refused(command("tenant", "delete", "contoso", *where))
    assert "already" in refused(command("tenant", "create", "contoso", *where))
    assert data(command("tenant", "delete", made["id"], "--yes", *where, "--json")) == made
    assert data(command("tenant", "list", *where, "--json")) == []


def test_an_inventory_from_a_file(folder: Path, tmp_path: Path, secgraph: Any, command: Any) -> None:
    where = ("--tenant", "contoso", "--data", folder)
    file = tmp_path / "assets.csv"
    file.write_text("id,name,upn,criticality\nanna,[red]Anna,anna@contoso.com,high\nbo,Bo,bo@contoso.com,\nbad,,nobody,\n", "utf-8")
    counts = {"created": 2, "changed": 0, "unchanged": 0, "refused": 1, "moreProblems": 0}
    told = data(secgraph("asset", "import", file, *where, "--json"), 1)
    assert {name: told[name] for name in counts} == counts
    [problem] = told["problems"]
    assert problem["line"] == 4
    assert "'nobody' is not a user principal name" in problem["reason"]
    again = command("asset", "import", file, *where)
    assert (again.returncode, again.stdout.splitlines()[0]) == (1, "0 created, 0 changed, 2 unchanged, 1 refused")
    assert again.stdout.splitlines()[1].startswith("  line 4: aliases/0/value: 'nobody'")
    file.write_text("id,owner\nbo,it\n", "utf-8")
    assert data(command("asset", "import", file, *where, "--json"))["changed"] == 1
    listed = data(command("asset", "list", *where, "--json"))
    assert [(one["id"], one["criticality"], one["owner"]) for one in listed] == [("bo", "normal", "it"), ("anna", "high", None)]
    assert data(command("asset", "list", "--filter", "criticality ge 'high'", *where, "--json")) == listed[1:]
    assert "[red]Anna" in command("asset", "list", *where).stdout
    assert data(command("asset", "list", "--tenant", "fabrikam", "--data", folder, "--json")) == []
    assert "--yes" in refused(command("asset", "remove", "anna", *where))
    assert "There is no asset eve" in refused(command("asset", "remove", "anna", "eve", "--yes", *where))
    assert data(command("asset", "remove", "ANNA", "--yes", *where, "--json")) == ["anna"]
    assert [one["id"] for one in data(command("asset", "list", *where, "--json"))] == ["bo"]
    assert "There is no file" in refused(command("asset", "import", tmp_path / "no.csv", *where))
    file.write_text("id;owner\n", "utf-8")
    assert "they are parted by commas" in refused(command("asset", "import", file, *where))


def test_an_application_from_birth_to_end(folder: Path, secgraph: Any, command: Any) -> None:
    where = ("--tenant", "contoso", "--data", folder, "--json")
    made = data(secgraph("app", "create", "reader", "-p", READ, *where))
    assert set(made) == {"id", "name", "createdDateTime", "permissions", "secret"}
    assert made["permissions"] == [READ]
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert data(command("app", "show", "reader", *where)) == shown
    assert data(command("app", "list", *where)) == [shown]
    assert data(command("app", "list", "--tenant", "fabrikam", "--data", folder, "--json")) == []
    assert data(secgraph("app", "grant", "reader", WRITE, *where))["permissions"] == [READ, WRITE]
    assert data(secgraph("app", "revoke", made["id"], READ, *where))["permissions"] == [WRITE]
    rotated = data(secgraph("app", "rotate", "reader", *where))
    assert rotated["secret"] != made["secret"]
    assert data(command("app", "delete", "reader", "--yes", *where))["id"] == made["id"]
    assert data(command("app", "list", *where)) == []


def test_ingest_and_what_was_rejected(folder: Path, tmp_path: Path, command: Any) -> None:
    where = ("--tenant", "fabrikam", "--data", folder, "--json")
    file = tmp_path / "alerts.ndjson"
    lines = [
        json.dumps(graph_alert(1)),
        '{"id": "x", "title":',
        json.dumps(graph_alert(2)),
        '{"title": "Nameless"}',
        '{"comment": "x", "createdByDisplayName": "y"}',
    ]
    file.write_text("\n".join(lines))
    [report] = data(command("ingest", "--source", "graph", file, *where), 1)
    assert (report["records"], report["taken"], report["rejected"]) == (5, 2, 3)
    assert [problem["line"] for problem in report["problems"]] == [2, 4, 5]
    assert [problem["kept"] for problem in report["problems"]] == [True, True, False]
    [again] = data(command("ingest", "-s", "graph", "-", *where, text=json.dumps(graph_alert(1))))
    assert (again["file"], again["unchanged"]) == ("-", 1)

    rejected = data(command("ingest", "rejected", "list", *where))
    assert [(row["source"], row["line"]) for row in rejected] == [("graph", 2), ("graph", 4)]
    assert [row["record"] for row in rejected] == [lines[1], lines[3]]
    assert all(row["reason"] and row["receivedDateTime"] for row in rejected)
    assert data(command("ingest", "rejected", "list", "--tenant", "contoso", "--data", folder, "--json")) == []

    retried = data(command("ingest", "rejected", "retry", *where))
    assert (retried["records"], retried["taken"], retried["rejected"]) == (2, 0, 2)
    kept = data(command("ingest", "rejected", "list", *where))
    assert [(row["source"], row["record"], row["reason"]) for row in kept] == [
        (row["source"], row["record"], row["reason"]) for row in rejected
    ]  # fmt: skip


def test_settings_say_where_they_come_from(tmp_path: Path, secgraph: Any) -> None:
    where = tmp_path / "data"
    where.mkdir()
    (where / "secgraph.toml").write_text("port = 9443\n")
    rows = data(secgraph("settings", "--data", where, "--json", SECGRAPH_LOG_LEVEL="debug"))
    found = {row["name"]: row for row in rows}
    assert all(set(row) == {"name", "value", "origin", "says"} for row in rows)
    assert (found["port"]["value"], found["port"]["origin"]) == ("9443", str(where / "secgraph.toml"))
    assert (found["log_level"]["value"], found["log_level"]["origin"]) == ("debug", "SECGRAPH_LOG_LEVEL")
    assert (found["data"]["value"], found["data"]["origin"]) == (str(where), "--data")
    assert found["host"]["origin"] == "default"


@pytest.mark.parametrize(("line", "said"), [
    ("port = 0", "'port'"),
    ("port = 'many'", "'port'"),
    ("port = ", "cannot be read"),
    ("colour = 'red'", "There is no setting 'colour'"),
    ("public_url = 'graph.example.org'", "'public_url'"),
    ("public_url = 'https://graph.example.org/path'", "'public_url'"),
    ("tls_cert = '/nowhere.pem'", "tls_cert and tls_key belong together"),
    ("log_level = 'loud'", "'log_level'"),
    ("allow_plain_http = 'perhaps'", "'allow_plain_http'"),
    ("query_seconds = 0", "'query_seconds'"),
    ("body_bytes = -1", "'body_bytes'"),
])  # fmt: skip
def test_a_settings_file_with_a_fault_is_told(tmp_path: Path, command: Any, line: str, said: str) -> None:
    (tmp_path / "secgraph.toml").write_text(line + "\n")
    message = refused(command("settings", "--data", tmp_path))
    assert said in message
    assert "secgraph.toml" in message or "belong together" in message


def test_people_get_tables(folder: Path, command: Any) -> None:
    for words in (
        ("tenant", "list"),
        ("app", "list", "--tenant", "contoso"),
        ("settings",),
        ("ingest", "rejected", "list", "--tenant", "contoso"),
    ):
        answer = command(*words, "--data", folder)
        assert answer.returncode == 0, answer.stderr
        assert not answer.stdout.startswith(("[", "{"))
    assert re.fullmatch(r"\d+\.\d+\S*\n", command("version").stdout)


@pytest.mark.parametrize(("words", "said"), [
    (("app", "create", "x"), "Say which tenant: --tenant NAME. There are: contoso, fabrikam."),
    (("app", "create", "x", "--tenant", "nobody"), "There is no tenant 'nobody'"),
    (("app", "create", "x", "--tenant", "contoso", "-p", "Everything.All"), "There is no permission 'Everything.All'"),
    (("app", "show", "nobody", "--tenant", "contoso"), "no application 'nobody'"),
    (("app", "grant", "nobody", READ, "--tenant", "contoso"), "no application 'nobody'"),
    (("tenant", "create", ""), "1 to 100"),
    (("tenant", "create", "a\nb"), "printable"),
    (("tenant", "delete", "nobody", "--yes"), "There is no tenant 'nobody'"),
    (("ingest", "-s", "nothing", "x", "--tenant", "contoso"), "There is no source 'nothing'. Known sources: cef, crowdstrike, entra"),
    (("ingest", "/dev/null", "--tenant", "contoso"), "--source NAME"),
    (("ingest", "--source", "graph", "/nowhere.json", "--tenant", "contoso"), "There is no file /nowhere.json"),
    (("ingest", "--source", "graph"), "Missing argument"),
    (("ingest", "rejected", "forget"), "No such command 'forget'"),
    (("nothing",), "No such command 'nothing'"),
    (("tenant", "list", "--colour"), "No such option"),
    (("serve", "--port", "many"), "'port'"),
    (("serve", "--port", "0"), "'port'"),
    (("serve", "--public-url", "nonsense"), "'public_url'"),
    (("serve", "--tls-cert", "x.pem"), "tls_cert and tls_key belong together"),
    (("token",), "There is no"),
])  # fmt: skip
def test_wrong_usage_is_one_plain_message(folder: Path, command: Any, words: tuple[str, ...], said: str) -> None:
    assert said in refused(command(*words, *(() if words == ("nothing",) else ("--data", folder))))


@pytest.mark.parametrize(("words", "said"), [
    (("serve", "--host", "no such host.invalid"), "Cannot listen on no such host.invalid"),
    (("ingest", "--source", "nothing", "/dev/null"), "There is no source 'nothing'"),
    (("tenant", "list", "--colour"), "No such option"),
])  # fmt: skip
def test_wrong_usage_of_the_installed_command(tmp_path: Path, secgraph: Any, words: tuple[str, ...], said: str) -> None:
    assert said in refused(secgraph(*words, "--data", tmp_path / "data"))


@pytest.mark.parametrize("words", [("tenant", "list"), ("app", "list"), ("settings",), ("ingest", "rejected", "list")])
def test_a_data_folder_that_cannot_be_is_told(tmp_path: Path, command: Any, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("x")
    answer = command(*words, "--data", tmp_path / "file" / "data")
    if words == ("settings",):
        assert answer.returncode == 0
    else:
        assert "cannot be made" in refused(answer)


def test_a_file_that_is_no_database_is_told(tmp_path: Path, secgraph: Any) -> None:
    (tmp_path / "secgraph.db").write_bytes(b"this is no database " * 1000)
    assert "secgraph.db" in refused(secgraph("tenant", "list", "--data", tmp_path)).replace(" ", "")


# --- beside a running server ------------------------------------------------------------------------------------------------


def test_records_taken_in_beside_the_server_are_seen_by_it(served: Any, secgraph: Any, tmp_path: Path) -> None:
    file = tmp_path / "alerts.json"
    file.write_text(json.dumps([graph_alert(n, title="From the command line") for n in (71, 72)]))
    with served.client() as client:
        headers = served.token(client)
        [report] = data(secgraph("ingest", "--source", "graph", file, "--data", served.folder, "--json"))
        assert report["taken"] == 2
        query = {"$filter": "title eq 'From the command line'", "$count": "true"}
        assert client.get(LIST, params=query, headers=headers).json()["@odata.count"] == 2


def test_a_token_for_a_curl_line(served: Any, secgraph: Any) -> None:
    answer = secgraph("token", "--data", served.folder)
    assert answer.returncode == 0, answer.stderr
    with served.client() as client:
        headers = {"authorization": f"Bearer {answer.stdout.strip()}"}
        assert client.get(LIST, headers=headers).status_code == 200


def test_a_revocation_takes_effect_in_the_running_server(served: Any, secgraph: Any) -> None:
    where = ("--data", served.folder, "--json")
    made = data(secgraph("app", "create", "short-lived", "-p", READ, "-p", WRITE, *where))
    form = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["secret"],
            "scope": "https://graph.microsoft.com/.default"}  # fmt: skip
    with served.client() as client:
        path = f"/{served.quickstart['TENANT']}/oauth2/v2.0/token"
        headers = {"authorization": f"Bearer {client.post(path, data=form).json()['access_token']}"}
        assert client.get(LIST, headers=headers).status_code == 200
        data(secgraph("app", "revoke", "short-lived", WRITE, *where))
        ends = time.monotonic() + 5
        while (answer := client.get(LIST, headers=headers)).status_code == 200 and time.monotonic() < ends:
            time.sleep(0.1)
        assert answer.status_code == 401
        assert 'error="insufficient_claims"' in answer.headers["www-authenticate"]
        headers = {"authorization": f"Bearer {client.post(path, data=form).json()['access_token']}"}
        assert client.get(LIST, headers=headers).status_code == 200
        data(secgraph("app", "delete", "short-lived", "--yes", *where))
        ends = time.monotonic() + 5
        while (answer := client.get(LIST, headers=headers)).status_code == 200 and time.monotonic() < ends:
            time.sleep(0.1)
        assert answer.status_code == 401


def test_a_tenant_made_beside_the_server_is_served_at_once(served: Any, secgraph: Any) -> None:
    tenant = data(secgraph("tenant", "create", "newcomer", "--data", served.folder, "--json"))
    try:
        made = data(secgraph("app", "create", "one", "-p", READ, "--tenant", "newcomer", "--data", served.folder, "--json"))
        form = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["secret"],
                "scope": "https://graph.microsoft.com/.default"}  # fmt: skip
        with served.client() as client:
            token = client.post("/newcomer/oauth2/v2.0/token", data=form).json()["access_token"]
            assert client.get(LIST, headers={"authorization": f"Bearer {token}"}).json()["value"] == []
    finally:
        data(secgraph("tenant", "delete", tenant["id"], "--yes", "--data", served.folder, "--json"))


def test_how_long_a_tenant_keeps_what(folder: Path, command: Any) -> None:
    where = ("--tenant", "contoso", "--data", folder)
    assert data(command("retention", "show", *where, "--json")) == {"tenant": "contoso", "alerts": 0, "originals": 0, "events": 0}
    made = data(command("retention", "set", "--alerts", "90", "--originals", "30", *where, "--json"))
    assert made == {"tenant": "contoso", "alerts": 90, "originals": 30, "events": 0}
    short = command("retention", "set", "--events", "7", *where, "--json")
    assert data(short) == {**made, "events": 7}
    assert "410" in short.stderr
    assert "delta_days" in short.stderr
    for words, says in (((), "--alerts"), (("--alerts", "-1"), "0 to keep all"), (("--events", "99999"), "36500")):
        assert says in refused(command("retention", "set", *words, *where))
    assert "90 days" in command("retention", "show", *where).stdout
    assert data(command("retention", "show", "--tenant", "fabrikam", "--data", folder, "--json"))["alerts"] == 0
    done = data(command("retention", "run", *where, "--json"))
    assert done == {"alerts": 0, "incidents": 0, "originals": 0, "events": 0, "finished": True}
    assert "Taken away: 0 alerts" in command("retention", "run", *where).stdout


def test_how_a_tenant_s_alerts_are_put_together(folder: Path, command: Any, tmp_path: Path) -> None:
    where = ("--tenant", "contoso", "--data", folder)
    usual = data(command("correlation", "show", *where, "--json"))
    assert (usual["window"], usual["mostAlerts"], usual["ignored"]) == ("5d", 1000, [])
    made = data(command("correlation", "set", "window=36h", "ignored=ip.public:198.51.100.7", "ignored=user.upn:scanner@contoso.com", *where, "--json"))
    assert made == {**usual, "window": "36h", "ignored": ["ip.public:198.51.100.7", "user.upn:scanner@contoso.com"]}
    assert "36h" in command("correlation", "show", *where).stdout
    assert data(command("correlation", "show", "--tenant", "fabrikam", "--data", folder, "--json")) == usual
    assert data(command("correlation", "reset", "ignored", *where, "--json")) == {**usual, "window": "36h"}
    assert data(command("correlation", "reset", *where, "--json")) == usual
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({**usual, "mostAlerts": 500}))
    assert data(command("correlation", "import", file, *where, "--json")) == {**usual, "mostAlerts": 500}
    for words, says in ((("few=4",), "It may be 5 to 100000"), (("windows=5d",), "is no setting"), (("window",), "NAME=VALUE"), (("few=9", "few=8"), "twice")):
        assert says in refused(command("correlation", "set", *words, *where))
    for text, says in (("[", "not JSON"), ("[]", "JSON object"), ('{"few": 4}', "settings.json: few")):
        file.write_text(text)
        assert says in refused(command("correlation", "import", file, *where))
    assert "cannot be read" in refused(command("correlation", "import", tmp_path / "none.json", *where))


def test_what_other_settings_would_have_made(folder: Path, command: Any, tmp_path: Path) -> None:
    where = ("--tenant", "contoso", "--data", folder)
    found = data(command("correlate", "--replay", *where, "--json"))
    assert (found["elsewhere"], found["joined"], found["split"]) == (0, [], [])
    assert "Nothing would differ." in command("correlate", "--replay", "--since", "2026-01-01", "--weights", "now", *where).stdout
    file = tmp_path / "settings.json"
    file.write_text('{"off": true}')
    assert data(command("correlate", "--replay", "--settings", file, *where, "--json"))["alerts"] == found["alerts"]
    file.write_text('{"few": 4}')
    for words, says in (((), "--replay"), (("--replay", "--since", "yesterday"), "--since"), (("--replay", "--settings", file), "few: cannot be 4")):
        assert says in refused(command("correlate", *words, *where))
