"""Pages of other origins: who may call from a browser, and what the browser is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from secgraph.errors import UsageError
from secgraph.settings import gather
from secgraph.testing import Graph

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "/v1.0/security/alerts_v2"
APP = "https://app.example"
OTHER = "https://other.example"
EXPOSED = {
    "request-id", "client-request-id", "etag", "location", "retry-after", "preference-applied", "warning", "www-authenticate",
    "ratelimit", "ratelimit-policy", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset",
}  # fmt: skip
PREFLIGHT = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization,content-type,prefer"}


def words(text: str) -> set[str]:
    return {word.strip().lower() for word in text.split(",")}


@pytest.mark.parametrize(("origins", "origin", "allowed", "credentials"), [
    ("", APP, None, False),
    (APP, APP, APP, True),
    (f"{OTHER}, {APP}", APP, APP, True),
    (f"{APP}:443", APP, APP, True),
    ("HTTPS://App.Example", APP, APP, True),
    ("http://localhost:3000", "http://localhost:3000", "http://localhost:3000", True),
    (APP, OTHER, None, False),
    (APP, "http://app.example", None, False),
    (APP, "https://app.example:8443", None, False),
    (APP, "https://app.example.evil.example", None, False),
    (APP, "https://sub.app.example", None, False),
    (APP, "null", None, False),
    (APP, "", None, False),
    (APP, None, None, False),
    ("*", APP, "*", False),
    ("*", "null", "*", False),
    (f"{APP},*", APP, "*", False),
])  # fmt: skip
@pytest.mark.parametrize("path", [LIST, f"{LIST}/nobody", "/healthz", "/nowhere"])
async def test_only_named_origins_may_read(
    front: Callable[..., Graph], path: str, origins: str, origin: str | None, allowed: str | None, credentials: bool
) -> None:
    graph = front(cors_origins=origins)
    answer = await graph.http.get(path, headers=graph.headers | ({} if origin is None else {"origin": origin}))
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert answer.headers.get("access-control-allow-credentials") == ("true" if credentials else None)
    exposed = answer.headers.get("access-control-expose-headers")
    assert (words(exposed) if exposed else None) == (EXPOSED if allowed else None)
    assert answer.headers.get("vary") == (None if origins in {"", "*", f"{APP},*"} else "Origin")
    assert answer.status_code in {200, 404}  # a browser keeps the answer to itself; nothing else is different


async def test_a_refused_token_can_be_read_by_the_page(front: Callable[..., Graph]) -> None:
    answer = await front(cors_origins=APP).http.get(LIST, headers={"origin": APP})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == APP
    assert "www-authenticate" in words(answer.headers["access-control-expose-headers"])


@pytest.mark.parametrize("path", [LIST, f"{LIST}/x", "/ingest/graph", "/contoso/oauth2/v2.0/token", "/nowhere"])
@pytest.mark.parametrize("origins", [APP, "*"])
async def test_a_preflight_needs_no_token(front: Callable[..., Graph], origins: str, path: str) -> None:
    answer = await front(cors_origins=origins).http.options(path, headers={"origin": APP, **PREFLIGHT})
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["access-control-allow-origin"] == ("*" if origins == "*" else APP)
    assert {"GET", "POST", "PATCH"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert words(answer.headers["access-control-allow-headers"]) == {"authorization", "content-type", "prefer"}
    assert int(answer.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize(("origins", "headers"), [
    ("", {"origin": APP, **PREFLIGHT}),
    (APP, {"origin": OTHER, **PREFLIGHT}),
    (APP, PREFLIGHT),
    (APP, {"origin": APP}),
])  # fmt: skip
async def test_what_is_no_preflight_gets_the_plain_answer(
    front: Callable[..., Graph], origins: str, headers: dict[str, str]
) -> None:
    answer = await front(cors_origins=origins).http.options(LIST, headers=headers)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert "access-control-allow-methods" not in answer.headers


@pytest.mark.parametrize("wanted", ["a b(c)", "x\u00e4", "a" * 5000, ""])
async def test_header_names_that_are_none_are_not_sent_back(front: Callable[..., Graph], wanted: str) -> None:
    headers = {"origin": APP, **PREFLIGHT, "access-control-request-headers": wanted.encode("latin-1")}
    answer = await front(cors_origins=APP).http.options(LIST, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 204
    assert "access-control-allow-headers" not in answer.headers


async def test_a_preflight_for_a_strange_host_is_refused(front: Callable[..., Graph]) -> None:
    headers = {"origin": APP, "host": "evil.example", **PREFLIGHT}
    assert (await front(cors_origins="*").http.options(LIST, headers=headers)).status_code == 400


@pytest.mark.parametrize("text", ["app.example", "https://app.example/path", "ftp://app.example", "null", "https://*.example/x"])
async def test_what_is_no_origin_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="'cors_origins'"):
        gather({"data": tmp_path, "cors_origins": text}, {})
