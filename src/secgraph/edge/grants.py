"""The token endpoint: the client credentials grant, proven by a secret or by a certificate.

Liberal in what it takes: unknown form members and headers are ignored, a missing Content-Type is read as a form, a query on
the URL is not looked at (a secret in an address would stand in every log on the way), and a GET that carries a form is taken
for a POST. The scope may name any host this server answers for. Refusals are exact: the published number and `error`.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import jwt

from secgraph import clock
from secgraph.edge import assertion
from secgraph.edge.exchange import Asked
from secgraph.edge.keys import KeyRing
from secgraph.edge.tokens import AUDIENCES, GENERATION
from secgraph.errors import OAuthRefusal
from secgraph.observe import TokenIssued, observe
from secgraph.store.registry import Application, Registry, Tenant

MOST_FORM = 64 * 1024
EVERYBODYS = frozenset({"common", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"})
"""Words that stand for many tenants; the last is the tenant of personal accounts."""

_DEFAULT = "/.default"
_OPENID = frozenset({"openid", "profile", "email", "offline_access"})
_SECRET, _CERTIFICATE = "1", "2"  # as the claim appidacr writes them


class Grants:
    """Issues access tokens."""

    def __init__(
        self, keys: KeyRing, registry: Registry, now: clock.Now, hosts: frozenset[str], *, life: int, reuse: int
    ) -> None:
        self._keys = keys
        self._registry = registry
        self._now = now
        self._hosts = hosts
        self._life = life
        self._reuse = reuse * clock.SECOND

    async def token(self, asked: Asked, word: str, tenant: Tenant | None, form: dict[str, str]) -> dict[str, Any]:
        """The members of a good answer; an OAuthRefusal otherwise."""
        grant = _member(form, "grant_type")
        if grant != "client_credentials":
            raise OAuthRefusal("unsupported_grant_type", 70003, f"The grant type '{grant[:60]}' is not served; there is"
                               " client_credentials.")  # fmt: skip
        if tenant is None:
            raise _no_tenant(word)
        client = _member(form, "client_id")
        older = len(asked.segments) == 3  # {tenant}/oauth2/token, without v2.0
        resource = self._resource(form, asked.base, older=older)
        application = await self._registry.known_application(tenant.number, client.lower(), fresh=True)
        if application is None:
            raise OAuthRefusal("unauthorized_client", 700016,
                               f"Application '{client[:60]}' was not found in the tenant '{tenant.name}'.")  # fmt: skip
        proof = await self._proof(asked, tenant, application, form)
        await self._keys.fresh()
        token, now = self._signed(asked.base, tenant, application, proof)
        observe(TokenIssued(tenant.id, application.id, "secret" if proof == _SECRET else "certificate"))
        answer = {"token_type": "Bearer", "expires_in": self._life, "ext_expires_in": self._life}
        if older:
            answer |= {"not_before": str(now), "expires_on": str(now + self._life), "resource": resource}
        return {**answer, "access_token": token}

    # -- who asks

    async def _proof(self, asked: Asked, tenant: Tenant, application: Application, form: dict[str, str]) -> str:
        """How the client proved to be the application. The generation was read before: what is removed from now on ends the
        token.
        """
        secret = form.get("client_secret", "")
        if secret:
            if not await self._registry.proves(tenant, application.id, secret):
                raise OAuthRefusal("invalid_client", 7000215, f"Invalid client secret provided for app '{application.id}'."
                                   " Send the secret itself, not its id.")  # fmt: skip
            return _SECRET
        given = form.get("client_assertion", "")
        if not given:
            raise OAuthRefusal("invalid_client", 7000218,
                               "The request body must contain 'client_assertion' or 'client_secret'.")  # fmt: skip
        if _member(form, "client_assertion_type") != assertion.TYPE:
            raise OAuthRefusal("invalid_request", 9002313, f"The client_assertion_type must be {assertion.TYPE}.")
        made, now = assertion.read(given), self._now()
        assertion.prove(made, await self._registry.certificates(tenant, application.id), now)
        proven = assertion.judge(made, application.id, assertion.Audience(tenant, self._origins(asked)), now)
        key = (tenant, application.id, proven.jti, made.signed)
        if not await self._registry.admits(*key, ends=proven.ends, reuse=self._reuse):
            raise OAuthRefusal("invalid_grant", 50013, "The client assertion, or another one with its jti, was used before."
                               " Make a new one.")  # fmt: skip
        return _CERTIFICATE

    def _origins(self, asked: Asked) -> tuple[str, ...]:
        """What this server is called: the origin of links, and what the client itself typed when that is a name of ours."""
        typed = f"{asked.base.partition('://')[0]}://{asked.header(b'host')}"
        return (asked.base, typed) if _host(typed) in self._hosts else (asked.base,)

    # -- for what

    def _resource(self, form: dict[str, str], base: str, *, older: bool) -> str:
        """The resource asked for: one, and that one us, by the published audience or by any of our own names."""
        scope, resource = form.get("scope"), form.get("resource", "").strip()
        if resource and (older or scope is None):
            return self._known(resource.removesuffix(_DEFAULT), base)
        if scope is None:
            raise _missing("resource" if older else "scope")
        words = {word for word in scope.split() if word not in _OPENID}
        if not scope.strip():
            raise OAuthRefusal("invalid_scope", 28003, f"The scope is empty; ask for {AUDIENCES[0]}{_DEFAULT}.")
        if not words or not words.isdisjoint({_DEFAULT, _DEFAULT[1:]}):
            raise OAuthRefusal("invalid_scope", 700023, f"The scope names no resource; ask for {AUDIENCES[0]}{_DEFAULT}.")
        if len(words) > 1:
            raise OAuthRefusal("invalid_scope", 700022, "The scope names several resources; ask for one.")
        word = words.pop()
        if not word.lower().endswith(_DEFAULT):
            raise OAuthRefusal("invalid_scope", 70011, f"The scope '{word[:80]}' is not valid: client credentials take"
                               f" {AUDIENCES[0]}{_DEFAULT}.")  # fmt: skip
        return self._known(word[: -len(_DEFAULT)], base)

    def _known(self, resource: str, base: str) -> str:
        name = resource.lower().rstrip("/").removeprefix("api://")
        host = _host(name)
        if name not in AUDIENCES and not (host and host in self._hosts | {_host(base)}):
            raise OAuthRefusal("invalid_resource", 500011, f"The resource '{resource[:80]}' was not found in the tenant.")
        return resource

    # -- the token

    def _signed(self, base: str, tenant: Tenant, application: Application, proof: str) -> tuple[str, int]:
        """The token, and the second in which it was made."""
        now = self._now() // clock.SECOND
        signer = self._keys.signer
        claims = {
            "aud": AUDIENCES[0], "iss": f"{base}/{tenant.id}/v2.0", "iat": now, "nbf": now, "exp": now + self._life,
            "app_displayname": application.name, "appid": application.id, "azp": application.id, "appidacr": proof,
            "idtyp": "app", "oid": application.id, "sub": application.id, "tid": tenant.id, "uti": clock.new_id(),
            "ver": "1.0", "roles": sorted(application.permissions), GENERATION: application.generation,
        }  # fmt: skip
        return jwt.encode(claims, signer.private, algorithm="RS256", headers={"kid": signer.id, "x5t": signer.id}), now


async def form_of(asked: Asked) -> dict[str, str]:
    """The members of a token request. The header's credentials, where there are some, win over those of the form."""
    if asked.method not in {"POST", "GET"}:
        raise _not_post()
    body = await asked.body(MOST_FORM)
    if asked.method == "GET" and not body:
        raise _not_post()
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise OAuthRefusal("invalid_request", 9002313, "The request body is not a form.") from None
    scheme, _, coded = asked.header(b"authorization").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
        except ValueError:
            raise OAuthRefusal("invalid_client", 7000215, "The Basic credentials cannot be read.") from None
        form = {**form, "client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
    return form


def _host(url: str) -> str:
    """The host of a web address; empty when it is none, or carries more than a host should."""
    try:
        parts = urlsplit(url.lower())
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in {"https", "http"} and parts.username is None else ""


def _member(form: dict[str, str], name: str) -> str:
    """A member that must be there."""
    if not form.get(name):
        raise _missing(name)
    return form[name]


def _missing(name: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")


def _no_tenant(word: str) -> OAuthRefusal:
    if word.lower() in EVERYBODYS:
        return OAuthRefusal("invalid_request", 9001023, f"This grant is not served for all tenants at once ('{word}')."
                            " Name the tenant in the address.")  # fmt: skip
    return OAuthRefusal("invalid_request", 90002, f"Tenant '{word[:60]}' not found.")


def _not_post() -> OAuthRefusal:
    return OAuthRefusal("invalid_request", 900561, "The endpoint only accepts POST requests, with the form in the body.")
