"""Certificate assertions: every form in which clients send them is good, and only the registered key proves anything."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm

from secgraph import clock as times
from secgraph.edge.assertion import Audience
from secgraph.store.registry import Tenant
from secgraph.testing import Clock, Graph, running

if TYPE_CHECKING:
    from tests.access.conftest import Holder, Holders, Present

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1.0/security/alerts_v2"
READ = "SecurityAlert.Read.All"
GUID = "11111111-2222-3333-4444-555555555555"


def segment(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def issued(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def refused(answer: httpx.Response, error: str, number: int, said: str = "") -> None:
    assert answer.status_code == (401 if error == "invalid_client" else 400), answer.text
    body = answer.json()
    assert (body["error"], body["error_codes"]) == (error, [number]), body
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert said in body["error_description"]
    assert len(answer.text) < 2000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def holder(gate: Graph, holders: Holders) -> Holder:
    """The holder of the certificate that is registered for the application of `gate`."""
    made = holders(0)
    await gate.core.registry.add_certificate(gate.tenant, gate.application, made.pem)
    return made


# --- what clients send ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padded", [True, False], ids=["padded segments", "bare segments"])
@pytest.mark.parametrize("thumb_padded", [True, False], ids=["padded thumbprint", "bare thumbprint"])
@pytest.mark.parametrize("kinds", [["x5t"], ["x5t#S256"], ["x5t", "x5t#S256"]], ids="+".join)
@pytest.mark.parametrize("alg", ["RS256", "PS256"])
async def test_every_form_of_the_jwt_is_taken(
    gate: Graph, holder: Holder, present: Present, alg: str, kinds: list[str], thumb_padded: bool, padded: bool
) -> None:
    head = {"alg": alg, "typ": "JWT", **{kind: holder.thumbprint(kind, padded=thumb_padded) for kind in kinds}}
    made = holder.signed(head, holder.claims(gate), padded=padded)
    assert made.endswith("=") == padded  # 256 bytes leave a rest
    token = issued(await present(gate, made))
    claims = claims_of(token)
    assert (claims["appid"], claims["appidacr"], claims["idtyp"]) == (gate.application.id, "2", "app")
    assert (await gate.http.get(PATH, headers={"authorization": f"Bearer {token}"})).status_code == 200


@pytest.mark.parametrize("changed", [
    {"nbf": None},
    {"nbf": None, "iat": None},
    {"exp": 600.25, "iat": 0.75, "nbf": None},
    {"exp": 1800, "nbf": 0},
    {"exp": 86_400},
    {"exp": -299, "iat": -900, "nbf": -900},
    {"nbf": 299, "iat": 299},
    {"nbf": -10_000_000},
    {"iss": "upper", "sub": "upper"},
    {"extra": {"deep": [1, {"er": None}]}, "tid": "x"},
], ids=str)  # fmt: skip
async def test_claims_as_clients_write_them(gate: Graph, holder: Holder, present: Present, changed: dict[str, Any]) -> None:
    now = gate.clock() // times.SECOND
    moved: dict[str, Any] = {name: value + now if isinstance(value, int | float) else value for name, value in changed.items()}
    moved = {name: gate.application.id.upper() if value == "upper" else value for name, value in moved.items()}
    issued(await present(gate, holder.assertion(gate, **moved)))


async def test_a_chain_with_line_feeds_does_no_harm(gate: Graph, holder: Holder, holders: Holders, present: Present) -> None:
    wrapped = ["\n".join(textwrap.wrap(base64.b64encode(one.der).decode(), 64)) for one in (holder, holders(1))]
    head = {"alg": "PS256", "x5t#S256": holder.thumbprint("x5t#S256"), "x5c": wrapped}
    issued(await present(gate, holder.assertion(gate, head=head)))


@pytest.mark.parametrize("extra", [
    {"kid": "../../../../etc/passwd"},
    {"kid": ["a"]},
    {"typ": "at+jwt"},
    {"typ": None},
    {"jku": "https://evil.example/keys", "x5u": "https://evil.example/c"},
    {"x5c": "no list"},
    {"x5c": ["not base64"]},
    {"nothing": {"that": ["we", "know"]}},
], ids=str)  # fmt: skip
async def test_the_rest_of_the_header_is_not_looked_at(
    gate: Graph, holder: Holder, present: Present, extra: dict[str, Any]
) -> None:
    head = {"alg": "PS256", "typ": "JWT", "x5t#S256": holder.thumbprint("x5t#S256"), **extra}
    issued(await present(gate, holder.assertion(gate, head=head)))


# --- the audience ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aud", [
    "https://localhost:8443/{id}/oauth2/v2.0/token",
    "https://localhost:8443/{ID}/oauth2/v2.0/token",
    "https://localhost:8443/{name}/oauth2/v2.0/token",
    "https://localhost:8443/{NAME}/oauth2/v2.0/token",
    "https://LocalHost:8443/{id}/OAuth2/v2.0/Token",
    "https://localhost:8443/{id}/oauth2/v2.0/token/",
    "https://localhost:8443/{id}/oauth2/v2.0/token?slice=1",
    "https://localhost:8443/{id}/oauth2/token",
    "https://localhost:8443/{id}/v2.0",
    "https://localhost:8443/{id}/v2.0/",
    "https://localhost:8443/{id}/",
    "https://localhost:8443/{id}",
    "http://localhost:8443/{id}/oauth2/v2.0/token",
    ["https://localhost:8443/{id}/oauth2/v2.0/token"],
], ids=str)  # fmt: skip
@pytest.mark.parametrize("path", ["/{id}/oauth2/v2.0/token", "/{name}/oauth2/token?a=b"])
async def test_every_name_of_the_endpoint_is_an_audience(
    gate: Graph, holder: Holder, present: Present, aud: Any, path: str
) -> None:
    tenant = gate.tenant
    names = {"id": tenant.id, "ID": tenant.id.upper(), "name": tenant.name, "NAME": tenant.name.upper()}
    said = [one.format(**names) for one in aud] if isinstance(aud, list) else aud.format(**names)
    issued(await present(gate, holder.assertion(gate, aud=said), path=path.format(**names)))


@pytest.mark.parametrize("host", ["127.0.0.1:8443", "[::1]:9443", "localhost", "LOCALHOST:1"])
async def test_the_audience_is_the_address_that_was_typed(gate: Graph, holder: Holder, present: Present, host: str) -> None:
    made = holder.assertion(gate, aud=f"https://{host}/{gate.tenant.id}/oauth2/v2.0/token")
    issued(await present(gate, made, headers={"host": host}))
    again = holder.assertion(gate, aud=f"https://{host}/{gate.tenant.id}/oauth2/v2.0/token")
    refused(await present(gate, again, headers={"host": "localhost:4711"}), "invalid_grant", 50013)


@pytest.mark.parametrize("aud", [
    "https://localhost:8444/{id}/oauth2/v2.0/token",
    "https://localhost/{id}/oauth2/v2.0/token",
    "https://login.microsoftonline.com/{id}/oauth2/v2.0/token",
    "https://localhost:8443.evil.example/{id}/oauth2/v2.0/token",
    "https://localhost:8443@evil.example/{id}/oauth2/v2.0/token",
    "https://x@localhost:8443/{id}/oauth2/v2.0/token",
    "https://localhost:8443/{id}/oauth2/v2.0/authorize",
    "https://localhost:8443/{id}/oauth2/v2.0/token/more",
    "https://localhost:8443/other/oauth2/v2.0/token",
    "https://localhost:8443/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token",
    "https://localhost:8443/common/oauth2/v2.0/token",
    "https://localhost:8443/oauth2/v2.0/token",
    "https://localhost:8443/",
    "https://localhost:8443",
    "/{id}/oauth2/v2.0/token",
    "//localhost:8443/{id}/oauth2/v2.0/token",
    "ftp://localhost:8443/{id}/oauth2/v2.0/token",
    "https://[/{id}/oauth2/v2.0/token",
    "https://graph.microsoft.com",
    "{id}",
    "",
    [],
    ["https://localhost:8443/{id}/oauth2/v2.0/token", "https://evil.example/"],
], ids=str)  # fmt: skip
async def test_an_assertion_for_elsewhere_is_refused(gate: Graph, holder: Holder, present: Present, aud: Any) -> None:
    said = [one.format(id=gate.tenant.id) for one in aud] if isinstance(aud, list) else aud.format(id=gate.tenant.id)
    answer = await present(gate, holder.assertion(gate, aud=said))
    refused(answer, "invalid_grant", 50013, f"https://localhost:8443/{gate.tenant.id}/oauth2/v2.0/token")


@pytest.mark.parametrize(("url", "good"), [
    ("https://graph.example.org/{id}/oauth2/v2.0/token", True),
    ("https://graph.example.org:443/{id}/oauth2/v2.0/token", True),
    ("http://graph.example.org:80/{id}/oauth2/v2.0/token", True),
    ("https://graph.example.org:80/{id}/oauth2/v2.0/token", False),
    ("https://graph.example.org:8443/{id}/oauth2/v2.0/token", False),
    ("http://inside:8443/{id}/oauth2/v2.0/token", True),
    ("https://inside:8443/{id}/oauth2/v2.0/token", True),
    ("https://inside/{id}/oauth2/v2.0/token", False),
    ("https://graph.example.org/N%C3%A4her%20am%20Ziel/oauth2/v2.0/token", True),
    ("https://graph.example.org/näher am ziel/v2.0", True),
    ("https://front.example.org/sec/graph/{id}/oauth2/v2.0/token", True),
    ("https://front.example.org/{id}/oauth2/v2.0/token", False),
    ("https://front.example.org/sec/{id}/oauth2/v2.0/token", False),
    ("https://graph.example.org/sec/graph/{id}/oauth2/v2.0/token", False),
])  # fmt: skip
async def test_behind_a_proxy_every_name_is_good(url: str, good: bool) -> None:
    tenant = Tenant(1, GUID, "Näher am Ziel", 0)
    audience = Audience(tenant, ("https://graph.example.org", "http://inside:8443", "https://front.example.org/sec/graph"))
    assert audience.holds(url.format(id=GUID)) == good
    assert audience.endpoint == f"https://graph.example.org/{GUID}/oauth2/v2.0/token"


async def test_what_a_trusted_proxy_was_called_is_an_audience_and_a_resource(
    tmp_path: Path, clock: Clock, holders: Holders, present: Present, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, trusted_proxies="127.0.0.1", **on) as graph:
        holder = holders(0)
        await registered(graph, holder)
        told = {"x-forwarded-host": "graph.example.org", "x-forwarded-proto": "https", "x-forwarded-prefix": "/sec"}
        found = (await graph.http.get(f"/{graph.tenant.id}/v2.0/.well-known/openid-configuration", headers=told)).json()
        endpoint = found["token_endpoint"]
        assert endpoint == f"https://graph.example.org/sec/{graph.tenant.id}/oauth2/v2.0/token"
        issued(await present(graph, holder.assertion(graph, aud=endpoint), headers=told))
        refused(await present(graph, holder.assertion(graph, aud=endpoint)), "invalid_grant", 50013)
        form = {"grant_type": "client_credentials", "client_id": graph.application.id, "client_secret": graph.secret}
        for headers, good in ((told, True), ({}, False)):
            data = {**form, "scope": "https://graph.example.org/.default"}
            answer = await graph.http.post(f"/{graph.tenant.id}/oauth2/v2.0/token", data=data, headers=headers)
            assert answer.status_code == (200 if good else 400)


# --- what proves nothing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changed", "error", "number"), [
    ({"exp": -300}, "invalid_grant", 500133),
    ({"exp": -300.5}, "invalid_grant", 500133),
    ({"exp": -10_000}, "invalid_grant", 500133),
    ({"exp": 86_400 + 301}, "invalid_grant", 500133),
    ({"exp": 10 * 365 * 86_400}, "invalid_grant", 500133),
    ({"nbf": 301}, "invalid_grant", 500133),
    ({"iat": 301.5, "nbf": None}, "invalid_grant", 500133),
    ({"exp": None}, "invalid_request", 90014),
    ({"exp": True}, "invalid_request", 90014),
    ({"exp": "tomorrow"}, "invalid_request", 90014),
    ({"exp": [1]}, "invalid_request", 90014),
    ({"nbf": "x"}, "invalid_request", 90014),
    ({"aud": None}, "invalid_request", 90014),
    ({"aud": 7}, "invalid_request", 90014),
    ({"jti": None}, "invalid_request", 90014),
    ({"jti": ""}, "invalid_request", 90014),
    ({"jti": 7}, "invalid_request", 90014),
    ({"iss": None}, "invalid_request", 90014),
    ({"sub": None}, "invalid_request", 90014),
    ({"iss": GUID}, "invalid_grant", 50013),
    ({"sub": GUID}, "invalid_grant", 50013),
    ({"iss": GUID, "sub": GUID}, "invalid_grant", 50013),
    ({"iss": ""}, "invalid_grant", 50013),
], ids=str)  # fmt: skip
async def test_claims_that_do_not_hold(
    gate: Graph, holder: Holder, present: Present, changed: dict[str, Any], error: str, number: int
) -> None:
    now = gate.clock() // times.SECOND
    moved = {
        name: value + now if name in {"exp", "nbf", "iat"} and type(value) in {int, float} else value
        for name, value in changed.items()
    }
    refused(await present(gate, holder.assertion(gate, **moved)), error, number)


@pytest.mark.parametrize("payload", [
    b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b"[" * 10_000, b'{"exp":' * 3000,
    b'{"exp":NaN}', b'{"exp":Infinity}', b'{"exp":1e999}', b'{"exp":' + b"9" * 5000 + b"}", b'{"exp":-1e300}',
], ids=lambda data: repr(data[:12]))  # fmt: skip
async def test_payloads_that_are_no_claims(gate: Graph, holder: Holder, present: Present, payload: bytes) -> None:
    """Each of them properly signed: an application must not be able to hurt the server either."""
    head = {"alg": "PS256", "x5t#S256": holder.thumbprint("x5t#S256")}
    whole = payload
    if payload.startswith(b'{"exp":') and payload.endswith(b"}"):
        good = {name: value for name, value in holder.claims(gate).items() if name != "exp"}
        whole = payload[:-1] + b"," + json.dumps(good).encode()[1:]
    answer = await present(gate, holder.signed(head, whole))
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_request", "invalid_grant"}


class Forger:
    """Who knows the certificate, a good assertion and the format, and has a key of its own."""

    def __init__(self, graph: Graph, victim: Holder, own: Holder) -> None:
        self.victim, self.own = victim, own
        self.good = victim.assertion(graph)
        self.claims = victim.claims(graph)
        self.head = {"alg": "PS256", "typ": "JWT", "x5t#S256": victim.thumbprint("x5t#S256")}

    def by_own_key(self, **head: Any) -> str:
        return self.own.signed({**self.head, **head}, self.claims)

    def unsigned(self, signature: str = "", **head: Any) -> str:
        return f"{segment({**self.head, **head})}.{segment(self.claims)}.{signature}"

    def headed(self, header: bytes) -> str:
        return f"{segment(header)}.{segment(self.claims)}.AAAA"

    def by_public_key(self, form: serialization.Encoding) -> str:
        """HS256 with what everybody may know as its secret."""
        public = self.victim.key.public_key().public_bytes(form, serialization.PublicFormat.SubjectPublicKeyInfo)
        body = f"{segment({**self.head, 'alg': 'HS256'})}.{segment(self.claims)}"
        return f"{body}.{segment(hmac.digest(public, body.encode(), hashlib.sha256))}"

    def by_certificate(self, data: bytes) -> str:
        body = f"{segment({**self.head, 'alg': 'HS256'})}.{segment(self.claims)}"
        return f"{body}.{segment(hmac.digest(data, body.encode(), hashlib.sha256))}"

    def resealed(self, **claims: Any) -> str:
        """Other claims under the old signature."""
        head, payload, signature = self.good.split(".")
        old = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return f"{head}.{segment({**old, **claims})}.{signature}"

    @property
    def x5c(self) -> list[str]:
        return [base64.b64encode(self.own.der).decode()]


BAD_SIGNATURE = ("invalid_client", 700027)
NOT_REGISTERED = ("invalid_client", 50012)
NO_JWT = ("invalid_grant", 50013)
FORGED: dict[str, tuple[Callable[[Forger], str], tuple[str, int]]] = {
    "alg none": (lambda f: f.unsigned(alg="none", signature="AAAA"), BAD_SIGNATURE),
    "alg none, no signature": (lambda f: f.unsigned(alg="none"), NO_JWT),
    "alg None": (lambda f: f.unsigned(alg="NONE", signature="AAAA"), BAD_SIGNATURE),
    "alg none, the old signature": (lambda f: f.unsigned(f.good.rpartition(".")[2], alg="none"), BAD_SIGNATURE),
    "alg missing": (lambda f: f"{segment({'x5t#S256': f.head['x5t#S256']})}.{segment(f.claims)}.AAAA", NO_JWT),
    "alg null": (lambda f: f.unsigned(alg=None, signature="AAAA"), NO_JWT),
    "alg lower case": (lambda f: f.by_own_key(alg="ps256"), BAD_SIGNATURE),
    "HS256 with the PEM of the key": (lambda f: f.by_public_key(serialization.Encoding.PEM), BAD_SIGNATURE),
    "HS256 with the DER of the key": (lambda f: f.by_public_key(serialization.Encoding.DER), BAD_SIGNATURE),
    "HS256 with the certificate": (lambda f: f.by_certificate(f.victim.pem), BAD_SIGNATURE),
    "HS256 with the certificate's DER": (lambda f: f.by_certificate(f.victim.der), BAD_SIGNATURE),
    "RS512": (lambda f: f.by_own_key(alg="RS512"), BAD_SIGNATURE),
    "ES256": (lambda f: f.by_own_key(alg="ES256"), BAD_SIGNATURE),
    "PS256 signed as RS256": (
        lambda f: f.unsigned(f.victim.signed({**f.head, "alg": "RS256"}, f.claims).rpartition(".")[2]), BAD_SIGNATURE,
    ),
    "a foreign key": (lambda f: f.by_own_key(), BAD_SIGNATURE),
    "a foreign certificate": (lambda f: f.own.signed({"alg": "PS256", "x5t#S256": f.own.thumbprint("x5t#S256")}, f.claims), NOT_REGISTERED),
    "a foreign certificate, RS256": (lambda f: f.own.signed({"alg": "RS256", "x5t": f.own.thumbprint("x5t")}, f.claims), NOT_REGISTERED),
    "a foreign certificate in x5c": (lambda f: f.by_own_key(x5c=f.x5c), BAD_SIGNATURE),
    "x5c alone": (lambda f: f.own.signed({"alg": "PS256", "x5c": f.x5c}, f.claims), NOT_REGISTERED),
    "the registered certificate in x5c, a foreign thumbprint": (
        lambda f: f.own.signed(
            {"alg": "PS256", "x5t#S256": f.own.thumbprint("x5t#S256"), "x5c": [base64.b64encode(f.victim.der).decode()]}, f.claims
        ),
        NOT_REGISTERED,
    ),
    "one thumbprint of each": (
        lambda f: f.own.signed({**f.head, "x5t": f.own.thumbprint("x5t")}, f.claims), NOT_REGISTERED,
    ),
    "a key in the header": (
        lambda f: f.by_own_key(jwk=json.loads(RSAAlgorithm.to_jwk(f.own.key.public_key()))), BAD_SIGNATURE,
    ),
    "a key by URL": (lambda f: f.by_own_key(jku="https://evil.example/k", x5u="https://evil.example/c"), BAD_SIGNATURE),
    "kid alone": (lambda f: f.victim.signed({"alg": "PS256", "kid": f.victim.sha1}, f.claims), NOT_REGISTERED),
    "kid a path": (lambda f: f.own.signed({"alg": "PS256", "kid": "../keys/token-0001.pem"}, f.claims), NOT_REGISTERED),
    "kid SQL": (lambda f: f.own.signed({"alg": "PS256", "kid": "' OR 1=1 --"}, f.claims), NOT_REGISTERED),
    "an empty thumbprint": (lambda f: f.by_own_key(**{"x5t#S256": ""}), NOT_REGISTERED),
    "a thumbprint cut short": (lambda f: f.by_own_key(**{"x5t#S256": f.head["x5t#S256"][:16]}), NOT_REGISTERED),
    "a thumbprint of a wild card": (lambda f: f.by_own_key(**{"x5t#S256": "%"}), NOT_REGISTERED),
    "a thumbprint in hexadecimal": (lambda f: f.by_own_key(**{"x5t#S256": "00" * 32}), NOT_REGISTERED),
    "a thumbprint of the other kind": (lambda f: f.by_own_key(**{"x5t#S256": f.victim.thumbprint("x5t")}), NOT_REGISTERED),
    "a thumbprint that is none": (lambda f: f.by_own_key(**{"x5t#S256": ["a"]}), NO_JWT),
    "a huge thumbprint": (lambda f: f.by_own_key(**{"x5t#S256": "A" * 20_000}), NOT_REGISTERED),
    "an extension that is demanded": (lambda f: f.victim.signed({**f.head, "crit": ["exp"]}, f.claims), NO_JWT),
    "an unencoded payload": (lambda f: f.victim.signed({**f.head, "b64": False, "crit": ["b64"]}, f.claims), NO_JWT),
    "later end under the old signature": (lambda f: f.resealed(exp=f.claims["exp"] + 60), BAD_SIGNATURE),
    "another id under the old signature": (lambda f: f.resealed(jti="another"), BAD_SIGNATURE),
    "one bit": (lambda f: f.good[:-10] + ("A" if f.good[-10] != "A" else "B") + f.good[-9:], BAD_SIGNATURE),
    "no signature": (lambda f: f.good.rpartition(".")[0] + ".", NO_JWT),
    "two segments": (lambda f: f.good.rpartition(".")[0], NO_JWT),
    "four segments": (lambda f: f.good + ".AAAA", NO_JWT),
    "five segments": (lambda f: f.good + "..", NO_JWT),
    "three dots": (lambda _: "...", NO_JWT),
    "letters": (lambda _: "letmein", NO_JWT),
    "a blank in it": (lambda f: f.good.replace(".", ". "), NO_JWT),
    "a line feed after it": (lambda f: f.good + "\n", NO_JWT),
    "not ASCII": (lambda f: f.good[:-1] + "é", NO_JWT),
    "too much padding": (lambda f: f.good + "===", NO_JWT),
    "padding in the middle": (lambda f: f.good[:-4] + "=" + f.good[-4:], NO_JWT),
    "33 KB": (lambda f: f.victim.signed({**f.head, "x": "y" * 24_000}, f.claims), NO_JWT),
    "33 KB of dots": (lambda _: "." * 33_000, NO_JWT),
    "a deep header": (lambda f: f.headed(b"[" * 10_000), NO_JWT),
    "a deep member": (lambda f: f.headed(b'{"a":' * 3000), NO_JWT),
    "header no object": (lambda f: f.headed(b"[1]"), NO_JWT),
    "header not UTF-8": (lambda f: f.headed(b"\xff\xfe"), NO_JWT),
}


@pytest.mark.parametrize(("make", "told"), FORGED.values(), ids=list(FORGED))
async def test_a_forged_assertion_is_refused(
    gate: Graph, holder: Holder, holders: Holders, present: Present, make: Callable[[Forger], str], told: tuple[str, int]
) -> None:
    forger = Forger(gate, holder, holders(1))
    refused(await present(gate, make(forger)), *told)
    issued(await present(gate, forger.good))


async def test_an_assertion_larger_than_a_form_may_be(gate: Graph, holder: Holder, present: Present) -> None:
    answer = await present(gate, holder.signed({"alg": "PS256", "x": "y" * 100_000}, {}))
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


async def test_our_own_key_signs_no_assertion(gate: Graph, holder: Holder, present: Present) -> None:
    """An access token is a JWT for this server too."""
    refused(await present(gate, gate.token), "invalid_client", 50012)
    assert holder


@pytest.mark.parametrize(("form", "error", "number"), [
    ({"client_assertion_type": None}, "invalid_request", 900144),
    ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "invalid_request", 9002313),
    ({"client_assertion": None}, "invalid_client", 7000218),
    ({"client_assertion": ""}, "invalid_client", 7000218),
    ({"client_id": None}, "invalid_request", 900144),
    ({"client_id": GUID}, "unauthorized_client", 700016),
    ({"client_secret": "wrong"}, "invalid_client", 7000215),
    ({"scope": "https://vault.azure.net/.default"}, "invalid_resource", 500011),
])  # fmt: skip
async def test_a_form_around_a_good_assertion(
    gate: Graph, holder: Holder, form: dict[str, str | None], error: str, number: int
) -> None:
    good = {"grant_type": "client_credentials", "client_id": gate.application.id, "scope": "https://localhost/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": holder.assertion(gate)}  # fmt: skip
    data = {name: value for name, value in {**good, **form}.items() if value is not None}
    refused(await gate.http.post(f"/{gate.tenant.id}/oauth2/v2.0/token", data=data), error, number)


# --- whose certificate ----------------------------------------------------------------------------------------------------


async def test_the_certificate_of_another_application_proves_nothing(graph: Graph, holders: Holders, present: Present) -> None:
    ours, theirs = holders(0), holders(1)
    other, _ = await graph.application_with(READ, name="other")
    await graph.core.registry.add_certificate(graph.tenant, graph.application, ours.pem)
    await graph.core.registry.add_certificate(graph.tenant, other, theirs.pem)
    issued(await present(graph, theirs.assertion(graph, other), other))
    refused(await present(graph, theirs.assertion(graph)), "invalid_client", 50012)
    refused(await present(graph, theirs.assertion(graph, other)), "invalid_client", 50012)
    refused(await present(graph, ours.assertion(graph), other), "invalid_client", 50012)


async def test_two_applications_may_share_a_certificate_but_not_an_assertion(
    graph: Graph, holders: Holders, present: Present
) -> None:
    shared = holders(0)
    other, _ = await graph.application_with(READ, name="other")
    for application in (graph.application, other):
        await graph.core.registry.add_certificate(graph.tenant, application, shared.pem)
    refused(await present(graph, shared.assertion(graph), other), "invalid_grant", 50013)
    for application in (graph.application, other):
        made = shared.assertion(graph, application, jti="the same in both")
        assert claims_of(issued(await present(graph, made, application)))["appid"] == application.id


async def test_the_certificate_of_another_tenant_proves_nothing(graph: Graph, holders: Holders, present: Present) -> None:
    shared = holders(0)
    await graph.core.registry.add_certificate(graph.tenant, graph.application, shared.pem)
    tenant = await graph.core.registry.create_tenant("fabrikam")
    theirs, _ = await graph.core.registry.create_application(tenant, "theirs", [READ])
    refused(await present(graph, shared.assertion(graph, theirs), theirs, tenant=tenant), "invalid_client", 50012)
    refused(await present(graph, shared.assertion(graph), tenant=tenant), "unauthorized_client", 700016)
    await graph.core.registry.add_certificate(tenant, theirs, shared.pem)
    # Made for the endpoint of the other tenant, though by a key that both know.
    refused(await present(graph, shared.assertion(graph, theirs), theirs, tenant=tenant), "invalid_grant", 50013)
    aud = f"https://localhost:8443/{tenant.id}/oauth2/v2.0/token"
    issued(await present(graph, shared.assertion(graph, theirs, aud=aud), theirs, tenant=tenant))


@pytest.mark.parametrize(("starts", "ends", "forward", "good"), [
    (-times.DAY, times.DAY, 0, True),
    (-times.DAY, times.DAY, 86_399, True),
    (-times.DAY, times.DAY, 86_400, False),
    (-times.DAY, times.DAY, 86_400 * 30, False),
    (times.DAY, 2 * times.DAY, 0, False),
    (times.DAY, 2 * times.DAY, 86_399, False),
    (times.DAY, 2 * times.DAY, 86_400, True),
])  # fmt: skip
async def test_a_certificate_proves_only_in_its_time(
    graph: Graph, clock: Clock, holders: Holders, present: Present, starts: int, ends: int, forward: int, good: bool
) -> None:
    made = holders(0, starts=starts, ends=ends)
    await graph.core.registry.add_certificate(graph.tenant, graph.application, made.pem)
    clock.forward(forward)
    answer = await present(graph, made.assertion(graph))
    if good:
        issued(answer)
    else:
        refused(answer, "invalid_client", 50012, "not now")


async def test_one_certificate_takes_over_from_the_other(graph: Graph, clock: Clock, holders: Holders, present: Present) -> None:
    registry, old, new = graph.core.registry, holders(0), holders(1)
    await registry.add_certificate(graph.tenant, graph.application, old.pem)
    token = issued(await present(graph, old.assertion(graph)))
    await registry.add_certificate(graph.tenant, graph.application, new.der)
    clock.forward(5)
    assert (await graph.http.get(PATH, headers={"authorization": f"Bearer {token}"})).status_code == 200
    issued(await present(graph, old.assertion(graph)))
    issued(await present(graph, new.assertion(graph)))
    await registry.remove_certificate(graph.tenant, graph.application, old.sha1)
    clock.forward(5)
    for ended in (token, graph.token):  # every token of the application, as a new secret does it
        answer = await graph.http.get(PATH, headers={"authorization": f"Bearer {ended}"})
        assert answer.status_code == 401
        assert 'error="insufficient_claims"' in answer.headers["www-authenticate"]
    refused(await present(graph, old.assertion(graph)), "invalid_client", 50012, "is not registered for this application")
    token = issued(await present(graph, new.assertion(graph)))
    assert (await graph.http.get(PATH, headers={"authorization": f"Bearer {token}"})).status_code == 200
    await graph.sign_in()  # the secret is another matter


async def test_a_new_secret_leaves_the_certificates(graph: Graph, holders: Holders, present: Present) -> None:
    made = holders(0)
    await graph.core.registry.add_certificate(graph.tenant, graph.application, made.pem)
    await graph.core.registry.rotate(graph.tenant, graph.application)
    issued(await present(graph, made.assertion(graph)))


async def test_a_deleted_application_takes_its_certificates_along(graph: Graph, holders: Holders, present: Present) -> None:
    made = holders(0)
    await graph.core.registry.add_certificate(graph.tenant, graph.application, made.pem)
    await graph.core.registry.delete_application(graph.tenant, graph.application)
    refused(await present(graph, made.assertion(graph)), "unauthorized_client", 700016)
    assert await graph.core.registry.certificates(graph.tenant, graph.application.id) == []


# --- used again -----------------------------------------------------------------------------------------------------------


async def registered(graph: Graph, holder: Holder) -> None:
    await graph.core.registry.add_certificate(graph.tenant, graph.application, holder.pem)


async def test_an_assertion_is_taken_again_for_ten_minutes_and_then_no_more(
    graph: Graph, clock: Clock, holders: Holders, present: Present
) -> None:
    """MSAL keeps one for nine minutes and sends it with every request in that time."""
    holder = holders(0)
    await registered(graph, holder)
    made = holder.assertion(graph, exp=graph.clock() // times.SECOND + 1800)
    for _ in range(3):
        issued(await present(graph, made))
    clock.forward(540)
    issued(await present(graph, made))
    clock.forward(60)
    refused(await present(graph, made), "invalid_grant", 50013, "used before")
    issued(await present(graph, holder.assertion(graph)))
    clock.forward(1400)
    refused(await present(graph, made), "invalid_grant", 50013, "used before")
    clock.forward(100)
    refused(await present(graph, made), "invalid_grant", 500133)


async def test_each_is_taken_once_where_the_setting_says_so(
    tmp_path: Path, clock: Clock, holders: Holders, present: Present, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, assertion_reuse_seconds=0, **on) as graph:
        holder = holders(0)
        await registered(graph, holder)
        made = holder.assertion(graph)
        issued(await present(graph, made))
        refused(await present(graph, made), "invalid_grant", 50013, "used before")
        # Nor with a signature written otherwise, by the name of the tenant, or by the older route.
        refused(await present(graph, made + "=" * (-len(made.rpartition(".")[2]) % 4)), "invalid_grant", 50013, "used before")
        refused(await present(graph, made, path="/contoso/oauth2/token"), "invalid_grant", 50013, "used before")
        issued(await present(graph, holder.assertion(graph)))


async def test_of_many_at_once_one_is_taken(tmp_path: Path, clock: Clock, holders: Holders, present: Present, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, assertion_reuse_seconds=0, **on) as graph:
        holder = holders(0)
        await registered(graph, holder)
        made = holder.assertion(graph)
        answers = await asyncio.gather(*(present(graph, made) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


async def test_a_restart_forgets_no_assertion(tmp_path: Path, clock: Clock, holders: Holders, present: Present) -> None:
    holder, folder = holders(0), tmp_path / "data"
    async with running(folder, clock, assertion_reuse_seconds=0) as graph:
        await registered(graph, holder)
        application, made = graph.application, holder.assertion(graph)
        issued(await present(graph, made, application))
    async with running(folder, clock, assertion_reuse_seconds=0) as graph:
        refused(await present(graph, made, application), "invalid_grant", 50013, "used before")


async def test_an_id_belongs_to_one_assertion(graph: Graph, holders: Holders, present: Present) -> None:
    holder = holders(0)
    await registered(graph, holder)
    issued(await present(graph, holder.assertion(graph, jti="once")))
    refused(await present(graph, holder.assertion(graph, jti="once", iat=1)), "invalid_grant", 50013, "used before")
    issued(await present(graph, holder.assertion(graph, jti="Once")))  # case counts


async def test_a_refused_assertion_uses_up_no_id(graph: Graph, holders: Holders, present: Present) -> None:
    holder = holders(0)
    await registered(graph, holder)
    refused(await present(graph, holder.assertion(graph, jti="x", aud="https://evil.example")), "invalid_grant", 50013)
    refused(await present(graph, holders(1).assertion(graph, jti="x")), "invalid_client", 50012)
    issued(await present(graph, holder.assertion(graph, jti="x")))


@pytest.mark.sqlite
async def test_an_id_of_any_length_costs_the_same(graph: Graph, clock: Clock, holders: Holders, present: Present) -> None:
    holder = holders(0)
    await registered(graph, holder)
    made = holder.assertion(graph, jti="j" * 10_000)
    issued(await present(graph, made))
    refused(await present(graph, holder.assertion(graph, jti="j" * 10_000, iat=1)), "invalid_grant", 50013, "used before")
    issued(await present(graph, holder.assertion(graph, jti="j" * 9_999)))
    for odd in ("\x00", "' OR 1=1 --", "é\U0001f600"):
        issued(await present(graph, holder.assertion(graph, jti=odd)))
    path = graph.core.store.path  # type: ignore[attr-defined]
    with closing(apsw.Connection(str(path))) as connection:
        rows = connection.execute("SELECT length(jti) + length(content), ends FROM assertions").fetchall()
    assert [row[0] for row in rows] == [128] * 5
    clock.forward(901)
    issued(await present(graph, holder.assertion(graph)))
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("SELECT count(*) FROM assertions").fetchall() == [(1,)]  # what is over is forgotten
