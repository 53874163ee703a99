"""kill -9, and a product that loses answers: every comment that was acknowledged reaches the product, and none twice."""

from __future__ import annotations

import json
import random
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ports import free_port
from tests.real.conftest import COMMAND, ENVIRONMENT, Server, Start, until

KILLS = 1
"""A lease of one that was killed runs out within half a minute; only then another one carries on."""
FAULTS = {"cut": 0.2, "failed": 0.1, "throttled": 0.1, "retry_after": 0}
COMMENT = {"@odata.type": "microsoft.graph.security.alertComment"}


@dataclass
class Products:
    """The simulated products, in a process of their own."""

    port: int
    authority: Path

    def client(self) -> httpx.Client:
        trust = ssl.create_default_context(cafile=str(self.authority))
        return httpx.Client(verify=trust, base_url=f"https://localhost:{self.port}", timeout=10, trust_env=False)

    def faults(self, **told: Any) -> None:
        with self.client() as client:
            assert client.post("/_simulate/faults", json=told).status_code == 200

    def comments(self) -> list[str]:
        with self.client() as client:
            return [one["comment"] for one in client.get("/_simulate/writes").json()["writes"] if one["comment"]]


@pytest.fixture
def products(tmp_path: Path) -> Iterator[Products]:
    port, folder, out = free_port(), tmp_path / "simulated", tmp_path / "simulated.out"
    with out.open("w") as file:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            [COMMAND, "simulate", "--data", folder, "--port", str(port), "--seed", "7", "--days", "2"],
            stdout=file, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT,
        )  # fmt: skip
    try:
        assert until(lambda: "Ctrl-C" in out.read_text(), process), out.read_text()
        yield Products(port, folder / "simulate" / "ca.pem")
    finally:
        process.kill()
        process.wait()


def told(products: Products, tmp_path: Path) -> tuple[str, ...]:
    """What a source is told of the first of the simulated tenants."""
    with products.client() as client:
        org = client.get("/_simulate/tenants").json()["tenants"][0]
    (tmp_path / "secret").write_text(org["clientSecret"])
    base = f"https://localhost:{products.port}"
    options = {"tenant_id": org["id"], "client_id": org["clientId"], "client_secret": f"@{tmp_path / 'secret'}", "login_url": f"{base}/login",
               "url": f"{base}/graph/v1.0", "parts": "alerts", "since": "60d"}  # fmt: skip
    return tuple(word for name, value in options.items() for word in ("-o", f"{name}={value}"))


def pulled(server: Server, source: str) -> list[str]:
    """The alerts that a source told of, once there are some."""
    with server.client() as client:
        headers = server.token(client)
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            found = []
            for one in client.get("/v1.0/security/alerts_v2?$top=50", headers=headers).json()["value"]:
                sources = client.get(f"/v1.0/security/alerts_v2/{one['id']}/sources", headers=headers).json()["value"]
                found += [one["id"]] if [each["source"] for each in sources] == [source] else []
            if len(found) > 5:
                return found
            time.sleep(0.2)
    raise AssertionError(server.said)


def said(server: Server, alerts: list[str], number: int, seconds: float) -> list[str]:
    """Comments that were acknowledged."""
    found: list[str] = []
    ends = time.monotonic() + seconds
    with server.client() as client:
        headers = server.token(client)
        while time.monotonic() < ends:
            words = f"Comment {number} {len(found)}"
            url = f"/v1.0/security/alerts_v2/{alerts[len(found) % len(alerts)]}/comments"
            if client.post(url, headers=headers, json={**COMMENT, "comment": words}).status_code == 200:
                found.append(words)
            time.sleep(0.1)
    return found


def test_every_comment_reaches_the_product_and_none_twice(start: Start, command: Any, products: Products, tmp_path: Path) -> None:
    folder, port = tmp_path / "data", free_port()
    folder.mkdir()
    (folder / "secgraph.toml").write_text(f'outbound_private = "localhost"\noutbound_ca = "{products.authority}"\n')
    server = start(folder, "--empty", port=port).ready()
    assert command("source", "add", "graph", "--name", "upstream", "--every", "3", *told(products, tmp_path), "--data", folder).returncode == 0
    alerts = pulled(server, "upstream")
    products.faults(**FAULTS)
    chosen, acknowledged = random.Random(3), []  # noqa: S311 -- no secret
    for number in range(KILLS):
        before = len(products.comments())
        acknowledged += said(server, alerts, number, chosen.uniform(3, 5))
        assert until(lambda before=before: len(products.comments()) > before, server.process, seconds=60), server.said  # type: ignore[misc]
        acknowledged += said(server, alerts, number + KILLS, chosen.uniform(0.5, 2))
        server.process.kill()
        server.process.wait()
        server = start(folder, port=port)
        assert until(server.answers, server.process), server.said
    products.faults(preset="none")

    def states() -> Counter[str]:
        ended = command("source", "writes", "upstream", "--all", "--json", "--data", folder)
        return Counter(one["state"] for one in json.loads(ended.stdout))

    assert until(lambda: states().keys() == {"accepted"}, server.process, seconds=60), states()
    assert len(acknowledged) > 10 * KILLS
    there = Counter(products.comments())
    assert set(there.values()) == {1}, "a comment was told twice"
    assert there.keys() >= set(acknowledged)
    time.sleep(4)  # so that it was pulled once more
    with server.client() as client:
        headers = server.token(client)
        for key in alerts:
            shown = client.get(f"/v1.0/security/alerts_v2/{key}", headers=headers).json()["comments"]
            ours = [one["comment"] for one in shown if one["comment"].startswith("Comment ")]
            assert len(ours) == len(set(ours)), "it was heard twice"
