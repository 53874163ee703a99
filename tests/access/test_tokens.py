"""Bearer tokens: whatever is not plainly one of ours, for this tenant and this moment, is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from secgraph import clock as times
from secgraph.edge.signing import TokenKey
from secgraph.testing import Clock, Graph

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1.0/security/alerts_v2"


def encoded(value: Any) -> str:
    """A JSON value as a token's segment."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segments(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, payload, signature = token.split(".")
    opened = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, payload)]
    return opened[0], opened[1], signature


class Forger:
    """Who knows everything but the private key: the public key, a good token, and the format."""

    def __init__(self, graph: Graph, jwk: dict[str, Any]) -> None:
        self.head, self.claims, self.signature = segments(graph.token)
        self.token = graph.token
        self.jwk = jwk
        key = RSAAlgorithm.from_jwk(json.dumps(jwk))
        assert isinstance(key, rsa.RSAPublicKey)
        self.public = key
        self.foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def signed(self, key: Any, algorithm: str, **head: Any) -> str:
        return jwt.encode(self.claims, key, algorithm=algorithm, headers={**self.head, "alg": algorithm, **head})

    def hmac_with_public(self, form: str) -> str:
        """HS256 with the public key as its secret, in the forms in which it lies about."""
        spki = self.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        der = self.public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        secret = {
            "pem": spki,
            "pem stripped": spki.strip(),
            "der": der,
            "jwk": json.dumps(self.jwk).encode(),
            "n": self.jwk["n"].encode(),
        }
        body = f"{encoded({**self.head, 'alg': 'HS256'})}.{encoded(self.claims)}"
        return f"{body}.{encoded(hmac.digest(secret[form], body.encode(), hashlib.sha256))}"

    def resealed(self, **claims: Any) -> str:
        """Other claims under the old signature."""
        return f"{encoded(self.head)}.{encoded({**self.claims, **claims})}.{self.signature}"


FORGED: dict[str, Callable[[Forger], str]] = {
    "none": lambda f: f"{encoded({**f.head, 'alg': 'none'})}.{encoded(f.claims)}.",
    "none with the signature": lambda f: f"{encoded({**f.head, 'alg': 'none'})}.{encoded(f.claims)}.{f.signature}",
    "None": lambda f: f"{encoded({**f.head, 'alg': 'None'})}.{encoded(f.claims)}.",
    "no alg": lambda f: f"{encoded({'typ': 'JWT', 'kid': f.head['kid']})}.{encoded(f.claims)}.{f.signature}",
    "alg null": lambda f: f"{encoded({**f.head, 'alg': None})}.{encoded(f.claims)}.{f.signature}",
    "HS256 with the PEM": lambda f: f.hmac_with_public("pem"),
    "HS256 with the PEM without line feed": lambda f: f.hmac_with_public("pem stripped"),
    "HS256 with the DER": lambda f: f.hmac_with_public("der"),
    "HS256 with the JWK": lambda f: f.hmac_with_public("jwk"),
    "HS256 with the modulus": lambda f: f.hmac_with_public("n"),
    "HS256 with nothing": lambda f: f"{encoded({**f.head, 'alg': 'HS256'})}.{encoded(f.claims)}.{encoded(b'')}",
    "a foreign key": lambda f: f.signed(f.foreign, "RS256"),
    "a foreign key of its own name": lambda f: f.signed(f.foreign, "RS256", kid="another"),
    "a foreign key in the header": lambda f: f.signed(
        f.foreign, "RS256", jwk=json.loads(RSAAlgorithm.to_jwk(f.foreign.public_key()))
    ),
    "a foreign key by URL": lambda f: f.signed(
        f.foreign, "RS256", jku="https://evil.example/keys", x5u="https://evil.example/c"
    ),
    "no kid": lambda f: f"{encoded({'typ': 'JWT', 'alg': 'RS256'})}.{encoded(f.claims)}.{f.signature}",
    "kid a path": lambda f: f.signed(f.foreign, "RS256", kid="../../../dev/null"),
    "kid a list": lambda f: f"{encoded({**f.head, 'kid': [f.head['kid']]})}.{encoded(f.claims)}.{f.signature}",
    "PS256": lambda f: f.signed(f.foreign, "PS256"),
    "RS512": lambda f: f.signed(f.foreign, "RS512"),
    "more roles": lambda f: f.resealed(roles=[*f.claims["roles"], "SecurityData.Manage.All"]),
    "another tenant": lambda f: f.resealed(tid="00000000-0000-0000-0000-000000000000"),
    "longer life": lambda f: f.resealed(exp=f.claims["exp"] + 3600),
    "another application": lambda f: f.resealed(appid="00000000-0000-0000-0000-000000000000"),
    "one bit of the signature": lambda f: f.token[:-10] + ("A" if f.token[-10] != "A" else "B") + f.token[-9:],
    "no signature": lambda f: f.token.rpartition(".")[0] + ".",
    "cut off": lambda f: f.token[:-1],
    "cut in half": lambda f: f.token[: len(f.token) // 2],
    "two parts": lambda f: f.token.rpartition(".")[0],
    "four parts": lambda f: f.token + "." + f.signature,
    "five parts": lambda f: f.token + "..",
    "20 KB of claims": lambda f: f"{encoded(f.head)}.{encoded({**f.claims, 'x': 'y' * 15_000})}.{f.signature}",
    "20 KB of letters": lambda _: "x" * 20_000,
    "20 KB of dots": lambda _: "." * 20_000,
    "twice": lambda f: f"{f.token} {f.token}",
    "with a comma": lambda f: f"{f.token},{f.token}",
    "deep header": lambda f: f"{encoded(b'[' * 6000)}.{encoded(f.claims)}.{f.signature}",
    "deep claims": lambda f: f"{encoded(f.head)}.{encoded(b'[' * 6000)}.{f.signature}",
    "header no object": lambda f: f"{encoded([1])}.{encoded(f.claims)}.{f.signature}",
    "claims no object": lambda f: f"{encoded(f.head)}.{encoded([1])}.{f.signature}",
    "nothing": lambda _: "",
    "three dots": lambda _: "...",
    "letters": lambda _: "letmein",
    "not ASCII": lambda f: f.token[:-1] + "\u00e9",
}


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 401, answer.text
    error = answer.json()["error"]
    assert error["code"] == "InvalidAuthenticationToken"
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="invalid_token"' in challenge
    assert len(answer.text) < 3000
    message: str = error["message"]
    return message


@pytest.mark.parametrize("make", FORGED.values(), ids=list(FORGED))
async def test_a_forged_token_is_refused(gate: Graph, make: Callable[[Forger], str]) -> None:
    keys = (await gate.http.get(f"/{gate.tenant.id}/discovery/v2.0/keys")).json()["keys"]
    token = make(Forger(gate, keys[0]))
    refused(await gate.http.get(PATH, headers=[(b"authorization", b"Bearer " + token.encode("latin-1"))]))
    assert (await gate.ask("GET", PATH)).status_code == 200


@pytest.mark.parametrize("value", ["{}", "bearer {}x", "Basic {}", "Token {}", "Bearer{}", "Bearer\t{}x", "Negotiate {}"])
async def test_another_scheme_is_refused(gate: Graph, value: str) -> None:
    refused(await gate.http.get(PATH, headers={"authorization": value.format(gate.token)}))


@pytest.mark.parametrize("value", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {}  "])
async def test_the_word_bearer_has_no_case(gate: Graph, value: str) -> None:
    assert (await gate.http.get(PATH, headers={"authorization": value.format(gate.token)})).status_code == 200


@pytest.mark.parametrize("second", ["Bearer {}", "Bearer nonsense", "Basic YTpi", ""])
@pytest.mark.parametrize("first", [True, False])
async def test_two_authorization_headers_are_none(gate: Graph, second: str, first: bool) -> None:
    good, other = f"Bearer {gate.token}", second.format(gate.token)
    values = (good, other) if first else (other, good)
    answer = await gate.http.get(PATH, headers=[("authorization", value) for value in values])
    if second:
        refused(answer)
    else:
        assert answer.status_code in {200, 401}  # an empty second one may count as none


async def test_a_token_in_the_query_is_none(gate: Graph) -> None:
    refused(await gate.http.get(f"{PATH}?access_token={gate.token}"))


# --- what the key itself signed, but not for here or now: made with the key that nobody else can read


async def minted(gate: Graph, claims: dict[str, Any], drop: str = "") -> str:
    """A token signed by the server's own key, with some claims of another kind."""
    [held] = await gate.core.keys.held("token")
    assert isinstance(held.key, TokenKey)
    head, good, _ = segments(gate.token)
    body = {name: value for name, value in {**good, **claims}.items() if name != drop}
    return jwt.encode(body, held.key.private, algorithm="RS256", headers={"kid": head["kid"]})


MINTED: list[tuple[str, dict[str, Any], str]] = [
    ("expired", {"exp": -1}, "has expired"),
    ("expires now", {"exp": 0}, "has expired"),
    ("not yet valid", {"nbf": 3600, "exp": 7200}, "not valid yet"),
    ("another audience", {"aud": "https://management.azure.com"}, "another audience"),
    ("an audience that begins alike", {"aud": "https://graph.microsoft.com.evil.example"}, "another audience"),
    ("no audience", {"aud": None}, "another audience"),
    ("a list of audiences", {"aud": ["https://evil.example"]}, "another audience"),
    ("an unknown tenant", {"tid": "00000000-0000-0000-0000-000000000000"}, "another audience or tenant"),
    ("a tenant that is none", {"tid": None}, "another audience or tenant"),
    ("another issuer", {"iss": "https://evil.example/v2.0"}, "another audience or tenant"),
    ("an application that is gone", {"appid": "00000000-0000-0000-0000-000000000000"}, "no longer exists"),
    ("times as words", {"exp": "tomorrow"}, "cannot be read"),
]


@pytest.mark.parametrize(
    ("claims", "said"), [(claims, said) for _, claims, said in MINTED], ids=[word for word, _, _ in MINTED]
)
async def test_a_token_for_elsewhere_or_another_time_is_refused(gate: Graph, claims: dict[str, Any], said: str) -> None:
    now = gate.clock() // times.SECOND
    moved = {name: value + now if isinstance(value, int) else value for name, value in claims.items()}
    assert said in refused(await gate.http.get(PATH, headers={"authorization": f"Bearer {await minted(gate, moved)}"}))


@pytest.mark.parametrize("claim", ["aud", "iss", "tid", "appid", "exp", "nbf", "roles", "secgraph_generation"])
async def test_a_token_that_lacks_a_claim_is_refused(gate: Graph, claim: str) -> None:
    refused(await gate.http.get(PATH, headers={"authorization": f"Bearer {await minted(gate, {}, drop=claim)}"}))


async def test_a_token_of_one_tenant_does_not_open_another(graph: Graph) -> None:
    other = await graph.core.registry.create_tenant("fabrikam")
    moved = await minted(graph, {"tid": other.id, "iss": f"https://localhost:8443/{other.id}/v2.0"})
    refused(await graph.http.get(PATH, headers={"authorization": f"Bearer {moved}"}))


async def test_both_audiences_of_the_published_api_are_good(gate: Graph) -> None:
    for audience in ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"):
        answer = await gate.http.get(PATH, headers={"authorization": f"Bearer {await minted(gate, {'aud': audience})}"})
        assert answer.status_code == 200, answer.text


async def test_a_token_ends_when_its_time_is_over(graph: Graph, clock: Clock) -> None:
    _, claims, _ = segments(graph.token)
    assert claims["exp"] - claims["iat"] == 3599
    clock.forward(3598)
    assert (await graph.ask("GET", PATH)).status_code == 200
    clock.forward(1)
    assert "has expired" in refused(await graph.ask("GET", PATH))
    await graph.sign_in()
    assert (await graph.ask("GET", PATH)).status_code == 200


async def test_a_token_says_what_clients_look_for(gate: Graph) -> None:
    head, claims, _ = segments(gate.token)
    assert (head["typ"], head["alg"]) == ("JWT", "RS256")
    assert claims["aud"] == "https://graph.microsoft.com"
    assert claims["tid"] == gate.tenant.id
    assert claims["appid"] == gate.application.id
    assert claims["idtyp"] == "app"
    assert set(claims["roles"]) == gate.application.permissions
    assert "scp" not in claims
