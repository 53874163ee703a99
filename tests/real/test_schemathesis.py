"""schemathesis, the unmodified command, against a real server over TLS: by the server's own document, nothing it answers is
undocumented and nothing that it is sent breaks it.

In CI the inputs are the same each time and few. `SECGRAPH_FUZZ=300 scripts/test tests/real/test_schemathesis.py` makes that many
for each operation, others each time, and follows the links between operations too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = Path(sys.prefix) / "bin" / "schemathesis"
INPUTS = int(os.environ.get("SECGRAPH_FUZZ", "0"))
HOOKS = """
import schemathesis

@schemathesis.hook
def filter_query(context, query):
    # An empty $count is none, as an empty $filter is: a tolerance that a type cannot say.
    return not query or query.get("$count") != ""
"""

CONFIG = """
hooks = {hooks}
headers = {{ Authorization = {authorization} }}
tls-verify = {trust}

[parameters]
"path.alert-id" = {alert}
"path.incident-id" = {incident}
"path.asset-id" = {asset}
"path.entity-id" = {thing}
"path.tenant" = {tenant}

[checks]
# A stale If-Match is told before a bad body is: 412 is a refusal too.
negative_data_rejection.expected-statuses = ["4xx"]

[[operations]]
# Questions, links and bodies are texts and objects to a schema; whether one can be meant the model decides, with a 400.
include-operation-id = {asking}
checks.positive_data_acceptance.enabled = false

[[operations]]
# The identity platform answers a wrong method with its own error, AADSTS900561, and the status of those.
include-path = ["/{{tenant}}/oauth2/v2.0/token", "/{{tenant}}/oauth2/token"]
checks.positive_data_acceptance.enabled = false
checks.unsupported_method.enabled = false
"""


@pytest.fixture
def target(start: Any, tmp_path: Path) -> Iterator[Any]:
    """A server of its own: what is written to it nobody else reads."""
    server = start(tmp_path / "data").ready()
    yield server
    assert server.process.poll() is None, "it has ended"


def options_of(document: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    shared = document["components"]["parameters"]
    told = [shared[item["$ref"].rpartition("/")[2]] if "$ref" in item else item for item in operation.get("parameters", ())]
    return {item["name"] for item in told if item["in"] == "query"} - {"$format", "$top", "$skip", "$count"}


def test_schemathesis_finds_nothing(target: Any, tmp_path: Path) -> None:
    with target.client() as client:
        headers = target.token(client)
        document = client.get("/openapi.json").json()
        alert = client.get("/v1.0/security/alerts_v2?$top=1", headers=headers).json()["value"][0]
        asset = client.post("/v1.0/security/assets", headers=headers, json={"kind": "device"}).json()
        thing = client.get("/v1.0/security/entities?$top=1", headers=headers).json()["value"][0]
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    asking = [one["operationId"] for one in operations if "requestBody" in one or options_of(document, one)]
    assert 10 < len(asking) < len(operations) - 10
    members = {
        "hooks": tmp_path / "hooks.py", "authorization": headers["authorization"], "trust": target.folder / "ca.pem",
        "alert": alert["id"], "incident": alert["incidentId"], "asset": asset["id"], "thing": thing["id"],
        "tenant": target.quickstart["TENANT"], "asking": asking,
    }  # fmt: skip
    (tmp_path / "hooks.py").write_text(HOOKS)
    said = {name: json.dumps(value if isinstance(value, list) else str(value)) for name, value in members.items()}
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(**said))

    bounded = ["--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--generation-deterministic"]
    long = ["--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(INPUTS), "--generation-database", "none"]
    answer = subprocess.run(  # noqa: S603 -- the command as a user runs it
        [COMMAND, "--no-color", "run", f"https://localhost:{target.port}/openapi.json", "--request-timeout", "20", *(long if INPUTS else bounded)],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=None if INPUTS else 180,
        env={**os.environ, "REQUESTS_CA_BUNDLE": str(target.folder / "ca.pem")},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-8000:] + answer.stderr[-2000:]
    assert f"Tested: {len(operations) - 1}" in answer.stdout  # the document itself is what it reads
    [generated] = re.findall(r"(\d+) generated", answer.stdout)
    assert int(generated) > 1000
    assert "RequestFailed" not in target.said
    assert "Traceback" not in target.said
