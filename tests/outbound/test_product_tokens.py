"""Tokens of products: fetched once, renewed in time, and what their endpoints answer that is none."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.outbound.conftest import API, LOGIN, Act, answer

from secgraph.extend import CallFailed

if TYPE_CHECKING:
    from tests.outbound.conftest import Hostile, Out, Passing

GOOD: dict[str, Any] = {"token_type": "Bearer", "expires_in": 3600, "access_token": "t0k3n-of-the-client"}


def told(value: Any, status: int = 200, **headers: str) -> Act:
    return answer(status, json.dumps(value).encode(), content_type="application/json", **headers)


NO_TOKEN = [
    ("HTML", answer(200, b"<html>sign in</html>", content_type="text/html"), r"no JSON object \(text/html\)"),
    ("a list", told([GOOD]), "no JSON object"), ("nothing", answer(200), "no JSON object"), ("deep", answer(200, b"[" * 100_000), "no JSON"),
    ("no member", told({"token_type": "Bearer", "expires_in": 1}), "access_token is missing"),
    ("a number", told({**GOOD, "access_token": 1}), "access_token is a number"), ("empty", told({**GOOD, "access_token": ""}), "a text that cannot"),
    ("a line feed", told({**GOOD, "access_token": "a\r\nx: y"}), "a text that cannot"), ("a blank", told({**GOOD, "access_token": "a b"}), "a text that"),
    ("another type", told({**GOOD, "token_type": "mac"}), "another type than Bearer"), ("no type", told({**GOOD, "token_type": None}), "another type"),
    ("no time", told({**GOOD, "expires_in": "soon"}), "expires_in is a text"), ("a past time", told({**GOOD, "expires_in": -1}), "expires_in is a number"),
    ("true", told({**GOOD, "expires_in": True}), "expires_in is true or false"), ("an object", told({**GOOD, "expires_in": {}}), "expires_in is an object"),
    ("refused", told({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret.\r\nTrace"}, 401), "invalid_client: AADSTS7000215"),
    ("echoed", told({"error": "no", "error_description": "s3cret-of-the-client is wrong"}, 400), r"no: \*\*\* is wrong"),
    ("refused without a word", told({}, 400), "it answered 400"), ("elsewhere", answer(302, location="https://other.example/"), "redirects"),
    ("broken", answer(500, b"s3cret-of-the-client"), r"answered 500: \*\*\*"), ("large", answer(200, bytes(3 * 1024 * 1024)), "more than 2 MiB"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "said"), [one[1:] for one in NO_TOKEN], ids=[one[0] for one in NO_TOKEN])
async def test_no_token(out: Out, hostile: Hostile, act: Act, said: str) -> None:
    hostile.on("/token", act)
    with pytest.raises(CallFailed, match=said) as failed:
        await out.web(access=out.credentials()).call("GET", f"{out.origin()}/")
    assert str(failed.value).startswith(LOGIN)
    assert "s3cret-of" not in str(failed.value)
    assert {one.target for one in hostile.asked} == {"/token"}


async def test_a_token_is_fetched_once_and_renewed_in_time(out: Out, hostile: Hostile, passing: Passing) -> None:
    hostile.on("/token", told({**GOOD, "expires_in": "3600"}), told({**GOOD, "access_token": "second"}))
    hostile.on("/", answer(200))
    web = out.web(access=out.credentials(scope="https://api.example/.default", more={"resource": "r"}))
    await asyncio.gather(*(web.call("GET", f"{out.origin()}/") for _ in range(5)))
    assert hostile.targets().count("/token") == 1
    assert hostile.asked[0].body.decode().split("&") == [
        "resource=r", "grant_type=client_credentials", "client_id=client", "client_secret=s3cret-of-the-client",
        "scope=https%3A%2F%2Fapi.example%2F.default",
    ]  # fmt: skip
    assert hostile.asked[-1].headers["authorization"] == "Bearer t0k3n-of-the-client"
    passing.at += 3539
    await web.call("GET", f"{out.origin()}/")
    assert hostile.targets().count("/token") == 1
    passing.at += 1
    await web.call("GET", f"{out.origin()}/")
    assert hostile.asked[-1].headers["authorization"] == "Bearer second"


async def test_a_token_that_is_not_honoured_is_renewed_once(out: Out, hostile: Hostile) -> None:
    hostile.on("/token", told(GOOD), told({**GOOD, "access_token": "second"}), told({**GOOD, "access_token": "third"}))
    hostile.on("/", answer(401, b"no"), answer(200, b"yes"), answer(401, b"t0k3n"))
    web = out.web(access=out.credentials())
    assert (await web.call("GET", f"{out.origin()}/")).body == b"yes"
    assert (await web.call("GET", f"{out.origin()}/")).status == 401
    assert hostile.targets() == ["/token", "/", "/token", "/", "/", "/token", "/"]


async def test_what_a_product_sends_back_can_be_masked(out: Out, hostile: Hostile) -> None:
    hostile.on("/token", told(GOOD))
    hostile.on("/", answer(400, b"your token t0k3n-of-the-client, your secret s3cret-of-the-client"))
    web = out.web(access=out.credentials())
    reply = await web.call("GET", f"{out.origin()}/")
    with pytest.raises(CallFailed) as failed:
        reply.good()
    assert web.masked(str(failed.value)) == "answered 400: your token ***, your secret ***"


async def test_the_token_s_address_is_guarded_too(out: Out, hostile: Hostile) -> None:
    out.private = (API,)
    with pytest.raises(CallFailed, match=r"login\.example leads to 127\.0\.0\.1, which is not public"):
        await out.web(access=out.credentials()).call("GET", f"{out.origin()}/")
    assert hostile.connections == 0
