"""The server process: its first start, its second, its end, and what it says when it cannot start."""

from __future__ import annotations

import json
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

LIST = "/v1.0/security/alerts_v2"


def plain(text: str) -> str:
    """A message, after holding it to one plain line without a traceback."""
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) <= 3, text  # one sentence, wrapped at most
    return " ".join(lines)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_start_leaves_what_a_person_needs(served: Any) -> None:
    env = served.quickstart
    assert set(env) == {"BASE_URL", "AUTHORITY", "TENANT", "CLIENT_ID", "CLIENT_SECRET", "CA_FILE"}
    assert env["BASE_URL"] == env["AUTHORITY"] == f"https://localhost:{served.port}"
    assert env["CA_FILE"] == str(served.folder / "ca.pem")
    assert env["BASE_URL"] in served.said
    assert str(served.folder / "quickstart.env") in served.said
    assert env["CLIENT_SECRET"] not in served.said
    with served.client() as client:
        answer = client.get(f"{LIST}?$count=true", headers=served.token(client))
        assert answer.status_code == 200
        assert answer.json()["@odata.count"] > 50


def test_the_line_it_prints_returns_three_alerts(served: Any) -> None:
    [line] = [line.strip() for line in served.said.splitlines() if line.strip().startswith("curl ")]
    answer = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 -- what it prints is for pasting
    if answer.returncode == 127 or "curl: not found" in answer.stderr:
        pytest.skip("curl cannot be had here")
    assert answer.returncode == 0, answer.stderr
    assert len(json.loads(answer.stdout)["value"]) == 3


def test_only_the_owner_can_read_what_is_secret(served: Any) -> None:
    assert mode(served.folder) == 0o700
    assert mode(served.folder / "quickstart.env") == 0o600
    assert mode(served.folder / "keys") == 0o700
    keys = [*(served.folder / "keys").iterdir(), served.folder / "seal.key"]
    assert len(keys) >= 4
    assert {mode(path) for path in keys} == {0o600}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_the_certificate_is_good_for_every_local_name(served: Any, name: str) -> None:
    if name == "[::1]" and not _has_ipv6():
        pytest.skip("cannot be had here: this machine has no ::1")
    with served.client() as client:
        answer = client.get(f"https://{name}:{served.port}/v1.0")
    assert answer.json()["@odata.context"] == f"https://{name}:{served.port}/v1.0/$metadata"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_a_host_that_is_not_ours_is_refused_on_the_wire(served: Any) -> None:
    with served.client() as client:
        answer = client.get("/v1.0", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BadRequest"


def test_plain_http_gets_no_answer(served: Any) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as wire:
        wire.sendall(b"GET /v1.0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"@odata.context" not in wire.recv(1000)


@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_metadata_equals_the_published_one(served: Any, shared: Path, version: str) -> None:
    tool = shared / "tools" / "check_metadata.py"
    answer = subprocess.run(  # noqa: S603 -- the tool of the contract
        [sys.executable, tool, f"https://localhost:{served.port}/{version}", "--cafile", served.folder / "ca.pem"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if version == "v1.0":
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "types 173/173, members 1200/1200, actions 8/8" in answer.stdout
    else:
        assert answer.stdout.splitlines()[-1].startswith("types 17"), answer.stdout + answer.stderr


def test_a_large_body_is_refused_on_the_wire_and_the_server_goes_on(served: Any) -> None:
    with served.client() as client:
        headers = served.token(client)
        answer = client.patch(
            f"{LIST}/x", content=(b" " * 1024 * 1024 for _ in range(3)), headers={**headers, "content-type": "application/json"}
        )
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "invalidRequest"
        assert client.get("/healthz").status_code == 200


# --- starts and ends ------------------------------------------------------------------------------------------------------


def test_a_second_start_is_quick_and_keeps_the_secret(tmp_path: Path, start: Any) -> None:
    first = start(tmp_path / "data").ready()
    env = first.quickstart
    with first.client() as client:
        headers = first.token(client)
        whole = client.get(f"{LIST}?$top=999", headers=headers).json()["value"]
        link = client.get(f"{LIST}?$top=5", headers=headers).json()["@odata.nextLink"]
    assert first.stop() == 0
    assert "Traceback" not in first.said
    assert not (tmp_path / "data" / "secgraph.db-wal").exists()  # everything is in the one file
    began = time.monotonic()
    second = start(tmp_path / "data", port=first.port).ready()
    assert time.monotonic() - began < 10
    assert second.quickstart == env
    with second.client() as client:
        assert client.get(f"{LIST}?$top=999", headers=headers).json()["value"] == whole  # the old token is good still
        assert client.get(link, headers=second.token(client)).json()["value"] == whole[5:10]
    assert second.stop() == 0


def test_another_port_is_written_down(tmp_path: Path, start: Any) -> None:
    first = start(tmp_path / "data", "--empty").ready()
    env = first.quickstart
    assert first.stop() == 0
    second = start(tmp_path / "data").ready()
    moved = {**env, "BASE_URL": f"https://localhost:{second.port}", "AUTHORITY": f"https://localhost:{second.port}"}
    assert second.quickstart == moved
    with second.client() as client:
        assert client.get(LIST, headers=second.token(client)).json()["value"] == []


def test_it_stops_at_ctrl_c(tmp_path: Path, start: Any) -> None:
    server = start(tmp_path / "data", "--empty").ready()
    assert server.stop(signal.SIGINT) == 0
    assert "ServerStopped" in server.said
    assert "Traceback" not in server.said


def test_an_idle_connection_does_not_hold_up_the_stop(tmp_path: Path, start: Any) -> None:
    server = start(tmp_path / "data", "--empty").ready()
    with server.client() as client:
        assert client.get("/healthz").status_code == 200
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8  # container runtimes kill after ten seconds


def test_a_second_server_on_the_same_data_is_refused(served: Any, start: Any) -> None:
    second = start(served.folder)
    assert second.process.wait(30) == 2
    said = plain(second.said)
    assert f"process {served.process.pid}" in said
    assert str(served.folder) in said.replace(" ", "") or served.folder.name in said
    assert served.answers()


def test_a_taken_port_is_told(tmp_path: Path, served: Any, start: Any) -> None:
    second = start(tmp_path / "data", port=served.port)
    assert second.process.wait(30) == 2
    assert re.search(rf"Port {served.port} on .* is taken", plain(second.said))
    assert served.answers()


@pytest.mark.parametrize("file", ["keys/ca.key", "seal.key", "secgraph.db-wal"])
def test_a_first_start_cut_off_anywhere_is_made_good_by_the_next(tmp_path: Path, start: Any, file: str) -> None:
    folder = tmp_path / "data"
    first = start(folder)
    ends = time.monotonic() + 30
    while not (folder / file).exists() and time.monotonic() < ends:
        time.sleep(0.001)
    first.process.kill()
    assert first.process.wait(30) == -signal.SIGKILL
    second = start(folder).ready()
    with second.client() as client:
        answer = client.get(f"{LIST}?$count=true", headers=second.token(client)).json()
    assert answer["@odata.count"] == 65
    assert second.stop() == 0


def test_a_first_start_cut_off_among_the_examples_is_made_good(tmp_path: Path, start: Any, secgraph: Any) -> None:
    folder = tmp_path / "data"
    first = start(folder)
    ends = time.monotonic() + 30
    while "RecordsTaken" not in first.said and time.monotonic() < ends:
        time.sleep(0.001)
    first.process.kill()
    first.process.wait(30)
    server = start(folder).ready()
    with server.client() as client:
        answer = client.get(f"{LIST}?$count=true&$top=1", headers=server.token(client)).json()
    assert answer["@odata.count"] == 65
    assert server.stop() == 0
    tenants = json.loads(secgraph("tenant", "list", "--data", folder, "--json").stdout)
    assert [tenant["name"] for tenant in tenants] == ["quickstart"]


# --- settings ---------------------------------------------------------------------------------------------------------------


def test_a_settings_file_is_obeyed(tmp_path: Path, start: Any) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "secgraph.toml").write_text(
        'public_url = "https://graph.example.org"\nallowed_hosts = ["inner.example"]\nbody_bytes = 100\nlog_format = "json"\n'
    )
    server = start(folder, "--empty").ready()
    assert server.quickstart["BASE_URL"] == "https://graph.example.org"
    with server.client() as client:
        headers = {**server.token(client), "content-type": "application/json"}
        body = client.get("/v1.0", headers={"host": "inner.example"}).json()
        assert body["@odata.context"] == "https://graph.example.org/v1.0/$metadata"
        assert client.patch(f"{LIST}/x", content=b" " * 101, headers=headers).status_code == 413
    logged = [json.loads(line) for line in server.said.splitlines() if line.startswith("{")]
    assert {"ServerStarted"} <= {line["fact"] for line in logged}
    assert server.stop() == 0


@pytest.mark.parametrize(("line", "said"), [
    ("port = ", "cannot be read"),
    ("tls_cert = '/nowhere.pem'\ntls_key = '/nowhere.key'", "/nowhere.pem"),
])  # fmt: skip
def test_a_settings_file_with_a_fault_stops_the_start(tmp_path: Path, start: Any, line: str, said: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "secgraph.toml").write_text(line + "\n")
    server = start(folder)
    assert server.process.wait(30) == 2
    assert said in plain(server.said)
