"""Real processes: the installed command, TLS, signals. Every wait is bounded, and looks at something that happens."""

from __future__ import annotations

import io
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_asyncio
from tests.ports import free_port

from secgraph.cli import main

if TYPE_CHECKING:
    from azure.identity import ClientSecretCredential
    from msgraph.graph_service_client import GraphServiceClient

COMMAND = Path(sys.prefix) / "bin" / "secgraph"
PATIENCE = 30.0
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SECGRAPH_")}


def until(true: Callable[[], bool], process: subprocess.Popen[str] | None = None, *, seconds: float = PATIENCE) -> bool:
    """Waits until something is true, a process has ended, or the time is over; whether it is true."""
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends or (process is not None and process.poll() is not None):
            return true()
        time.sleep(0.01)
    return True


@dataclass
class Server:
    """A running `secgraph serve`."""

    process: subprocess.Popen[str]
    folder: Path
    port: int
    out: Path

    @property
    def quickstart(self) -> dict[str, str]:
        """The members of quickstart.env."""
        lines = (self.folder / "quickstart.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def said(self) -> str:
        """Both of its outputs so far."""
        return self.out.read_text()

    def client(self) -> httpx.Client:
        """An HTTP client that trusts this server alone."""
        trust = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        return httpx.Client(verify=trust, base_url=f"https://localhost:{self.port}", timeout=10, trust_env=False)

    def token(self, client: httpx.Client) -> dict[str, str]:
        """The headers with a token of the quickstart application."""
        members = self.quickstart
        answer = client.post(f"/{members['TENANT']}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "client_id": members["CLIENT_ID"], "client_secret": members["CLIENT_SECRET"],
            "scope": "https://graph.microsoft.com/.default",
        })  # fmt: skip
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    def answers(self) -> bool:
        """Whether the port answers."""
        with self.client() as client:
            try:
                return client.get("/readyz").status_code == 200
            except httpx.HTTPError:
                return False

    def ready(self) -> Server:
        """Waits for the first start's last act, and for the port."""
        assert until((self.folder / "quickstart.env").is_file, self.process), self.said
        assert until(lambda: "Stop with Ctrl-C" in self.said, self.process), self.said
        assert self.answers(), self.said
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it by a signal; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE)


Start = Callable[..., Server]


def _start(folder: Path, *more: str, port: int | None = None) -> Server:
    port = port or free_port()
    out = folder.with_name(f"{folder.name}-{port}-{time.monotonic_ns()}.out")
    with out.open("w") as file:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            [COMMAND, "serve", "--data", folder, "--port", str(port), *more],
            stdout=file, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT, cwd=folder.parent,
        )  # fmt: skip
    return Server(process, folder, port, out)


def _ended(servers: list[Server]) -> None:
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait(PATIENCE)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder on the disk, in which commits take their time: what ends servers is to meet them at it."""
    with tempfile.TemporaryDirectory(prefix="secgraph-real-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers; those that still run at the end are killed."""
    servers: list[Server] = []

    def one(folder: Path, *more: str, port: int | None = None) -> Server:
        servers.append(_start(folder, *more, port=port))
        return servers[-1]

    try:
        yield one
    finally:
        _ended(servers)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the examples of a first start, for all tests that leave it running."""
    server = _start(tmp_path_factory.mktemp("served") / "data")
    try:
        yield server.ready()
    finally:
        _ended([server])


@pytest.fixture(scope="module")
def trusted(served: Server) -> Iterator[str]:
    """REQUESTS_CA_BUNDLE, as a person exports it for the identity libraries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", served.quickstart["CA_FILE"])
        yield served.quickstart["CA_FILE"]


@pytest.fixture(scope="module")
def credential(served: Server, trusted: str) -> Iterator[ClientSecretCredential]:
    env = served.quickstart
    from azure.identity import ClientSecretCredential  # noqa: PLC0415 -- most tests here do without the SDK

    assert trusted
    with ClientSecretCredential(
        env["TENANT"], env["CLIENT_ID"], env["CLIENT_SECRET"], authority=env["AUTHORITY"], disable_instance_discovery=True
    ) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sdk(served: Server, trusted: str, credential: ClientSecretCredential) -> AsyncIterator[GraphServiceClient]:
    # As above.
    from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider  # noqa: PLC0415
    from msgraph.graph_request_adapter import GraphRequestAdapter, options  # noqa: PLC0415
    from msgraph.graph_service_client import GraphServiceClient  # noqa: PLC0415
    from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]  # noqa: PLC0415 -- it ships no types

    root = served.quickstart["BASE_URL"]
    auth = AzureIdentityAuthenticationProvider(credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["localhost"])
    trust = ssl.create_default_context(cafile=trusted)
    wire = httpx.AsyncHTTPTransport(verify=trust, http2=True)  # kiota wraps it and does not close it
    async with wire, httpx.AsyncClient(transport=wire, base_url=f"{root}/v1.0", timeout=30) as http:
        adapter = GraphRequestAdapter(auth, GraphClientFactory.create_with_default_middleware(client=http, options=options))
        adapter.base_url = f"{root}/v1.0"
        yield GraphServiceClient(request_adapter=adapter)


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def secgraph() -> Run:
    """Runs the command to its end."""

    def run(*words: str | Path, text: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 -- our own command
            [COMMAND, *words], input=text, capture_output=True, text=True, timeout=PATIENCE, check=False,
            stdin=None if text is not None else subprocess.DEVNULL, env={**ENVIRONMENT, **environment},
        )  # fmt: skip

    return run


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The same command in this process, from its entry point to its exit status: for tables of many rows."""

    def run(*words: str | Path, text: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        for name in os.environ:
            if name.startswith("SECGRAPH_"):
                monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["secgraph", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((text or "").encode())))
        capsys.readouterr()
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0
        said = capsys.readouterr()
        return subprocess.CompletedProcess(list(map(str, words)), status, said.out, said.err)

    return run
