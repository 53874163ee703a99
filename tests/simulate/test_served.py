"""`secgraph simulate` as a process: over TLS with a local authority, until it is told to stop."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.ports import free_port

BINARY = Path(sys.prefix) / "bin" / "secgraph"


@dataclass
class Served:
    process: subprocess.Popen[str]
    folder: Path
    port: int
    said: str = ""

    def client(self) -> httpx.Client:
        trust = ssl.create_default_context(cafile=str(self.folder / "simulate" / "ca.pem"))
        return httpx.Client(base_url=f"https://localhost:{self.port}", verify=trust, timeout=20, trust_env=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("simulated"), free_port()
    command = [str(BINARY), "simulate", "--data", str(folder), "--port", str(port), "--seed", "7", "--days", "2", "--clock", "still"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603 -- this program
    one = Served(process, folder, port)
    try:
        assert process.stdout is not None
        while "Ctrl-C" not in one.said:
            line = process.stdout.readline()
            assert line, one.said
            one.said += line
        yield one
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_what_it_prints_leads_to_alerts(served: Served) -> None:
    assert str(served.folder / "simulate" / "ca.pem") in served.said
    assert "secgraph source apply" in served.said
    declared = tomllib.loads((served.folder / "simulate" / "northwind.toml").read_text())["source"]
    assert [one["kind"] for one in declared.values()] == ["graph", "entra", "mde", "xdr", "mdo", "mcas"]
    options = declared["northwind-graph"]["options"]
    secret = Path(options["client_secret"].removeprefix("@"))
    assert secret.stat().st_mode & 0o77 == 0
    with served.client() as client:
        form = {"grant_type": "client_credentials", "client_id": options["client_id"], "client_secret": secret.read_text(),
                "scope": "https://graph.microsoft.com/.default"}  # fmt: skip
        token = client.post(f"{options['login_url']}/{options['tenant_id']}/oauth2/v2.0/token", data=form).json()["access_token"]
        url: str | None = f"{options['url']}/security/alerts_v2?$top=5"
        found = []
        while url is not None:
            body = client.get(url, headers={"Authorization": f"Bearer {token}"}).json()
            found += body["value"]
            url = body.get("@odata.nextLink")
        truth = client.get(f"/_simulate/truth?tenant={options['tenant_id']}&only=graph").json()
    assert found == truth["tenants"][options["tenant_id"]]["graph"]["alerts"]


def test_a_connection_is_cut_in_the_middle_of_a_body(served: Served) -> None:
    with served.client() as client:
        client.post("/_simulate/faults", json={"cut": 1}).raise_for_status()
        with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
            client.post("/login/nowhere/oauth2/v2.0/token")
        client.post("/_simulate/faults", json={"cut": 0}).raise_for_status()


@pytest.mark.parametrize(("options", "says"), [(["--faults", "severe"], "none, mild, wild"), (["--clock", "slow"], "real, fast, still"),
                                               (["--days", "0"], "--days 0"), (["--begin", "then", "--port", "0"], "begin at 'then'")])  # fmt: skip
def test_what_cannot_be_meant_is_one_plain_line(tmp_path: Path, options: list[str], says: str) -> None:
    done = subprocess.run(  # noqa: S603 -- this program
        [str(BINARY), "simulate", "--data", str(tmp_path), *options], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_it_ends_when_it_is_told_to_and_has_said_nothing_else(served: Served) -> None:
    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    rest, _ = served.process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert rest.strip() == ""
