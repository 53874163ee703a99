"""The built-in token authority, shaped like the Microsoft identity platform so that its clients work unmodified.

`/{tenant}/v2.0/.well-known/openid-configuration`, `/{tenant}/discovery/v2.0/keys`, `/{tenant}/oauth2/v2.0/token` with
the client credentials grant by secret. Liberal in what it takes: unknown form members and headers are ignored, a missing
Content-Type is read as a form, the scope may name any host this server answers for.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import jwt

from secgraph import clock
from secgraph.edge.exchange import PLAIN_JSON, Answer, Asked
from secgraph.edge.keys import Keys
from secgraph.edge.tokens import AUDIENCES, GENERATION
from secgraph.errors import NotAllowed, NotFound, OAuthRefusal, Refusal
from secgraph.observe import TokenIssued, TokenRefused, observe
from secgraph.store.registry import Registry, Tenant

MOST_FORM = 64 * 1024

NO_STORE = b"no-store"


class Authority:
    """Answers the identity paths of a tenant."""

    def __init__(self, keys: Keys, registry: Registry, now: clock.Now, hosts: frozenset[str], seconds: int) -> None:
        self._keys = keys
        self._registry = registry
        self._now = now
        self._hosts = hosts
        self._seconds = seconds

    async def answer(self, asked: Asked) -> Answer:
        """The answer to a path whose first segment is a tenant."""
        word, path = asked.segments[0], "/".join(asked.segments[1:]).lower()
        if path in {"oauth2/v2.0/token", "oauth2/token"}:
            return await self._token(asked, word)
        tenant = await self._tenant(word)
        documents = {
            "v2.0/.well-known/openid-configuration": self._discovery,
            ".well-known/openid-configuration": self._discovery,
            "discovery/v2.0/keys": self._jwks,
            "discovery/keys": self._jwks,
        }
        if path not in documents:
            raise NotFound(f"Nothing is served at /{'/'.join(asked.segments)[:80]}.",
                           hint="The API is under /v1.0 and /beta.")  # fmt: skip
        if asked.method not in {"GET", "HEAD"}:
            raise NotAllowed("This document is read with GET.", headers={"Allow": "GET, HEAD"})
        if tenant is None:
            raise OAuthRefusal("invalid_tenant", 90002, f"Tenant '{word[:60]}' not found.")
        return _json(documents[path](asked.base, tenant))

    async def _tenant(self, word: str) -> Tenant | None:
        """The tenant by its id or its name."""
        found = await self._registry.known_tenant(word.lower())
        if found is not None:
            return found
        return next((one for one in await self._registry.tenants() if one.name.casefold() == word.casefold()), None)

    def _discovery(self, base: str, tenant: Tenant) -> dict[str, Any]:
        root = f"{base}/{tenant.id}"
        return {
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "jwks_uri": f"{root}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{root}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{base}/oidc/userinfo",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{root}/oauth2/v2.0/logout",
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nbf", "tid", "oid", "ver", "roles", "appid"],
            "tenant_region_scope": None,
            "cloud_instance_name": urlsplit(base).hostname,
            "msgraph_host": urlsplit(base).netloc,
        }

    def _jwks(self, base: str, tenant: Tenant) -> dict[str, Any]:
        return {"keys": [{**key.jwk, "issuer": f"{base}/{tenant.id}/v2.0"} for key in self._keys.tokens]}

    async def _token(self, asked: Asked, word: str) -> Answer:
        client = ""
        try:
            if asked.method != "POST":
                raise OAuthRefusal("invalid_request", 900561, "The endpoint only accepts POST requests.")  # noqa: TRY301
            form = await self._form(asked)
            client = form.get("client_id", "")
            tenant = await self._tenant(word)
            if tenant is None:
                raise OAuthRefusal("invalid_request", 90002, f"Tenant '{word[:60]}' not found.")  # noqa: TRY301
            return await self._client_credentials(asked.base, tenant, form)
        except OAuthRefusal as refused:
            observe(TokenRefused(word[:60], client[:60], refused.error))
            raise
        except Refusal as refused:
            raise OAuthRefusal("invalid_request", 9002313, str(refused), status=refused.status) from None

    async def _form(self, asked: Asked) -> dict[str, str]:
        body = await asked.body(MOST_FORM)
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
        except ValueError:
            raise OAuthRefusal("invalid_request", 9002313, "The request body is not a form.") from None
        form = dict(pairs)
        scheme, _, coded = asked.header(b"authorization").partition(" ")
        if scheme.lower() == "basic":
            try:
                name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
            except ValueError:
                raise OAuthRefusal("invalid_client", 7000215, "The Basic credentials cannot be read.", status=401) from None
            form = {**form, "client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
        return form

    async def _client_credentials(self, base: str, tenant: Tenant, form: dict[str, str]) -> Answer:
        grant = form.get("grant_type")
        if not grant:
            raise OAuthRefusal("invalid_request", 900144,
                               "The request body must contain the following parameter: 'grant_type'.")  # fmt: skip
        if grant != "client_credentials":
            raise OAuthRefusal("unsupported_grant_type", 70003, f"The grant type '{grant[:60]}' is not served.")
        client = form.get("client_id", "")
        if not client:
            raise OAuthRefusal("invalid_request", 900144,
                               "The request body must contain the following parameter: 'client_id'.")  # fmt: skip
        self._check_scope(form.get("scope", "") or f"{form.get('resource', '').rstrip('/')}/.default")
        application = await self._registry.known_application(tenant.number, client.lower(), fresh=True)
        if application is None:
            raise OAuthRefusal("unauthorized_client", 700016,
                               f"Application '{client[:60]}' was not found in the tenant '{tenant.name}'.")  # fmt: skip
        secret = form.get("client_secret", "")
        if not secret:
            raise OAuthRefusal("invalid_client", 7000218, "The request body must contain the parameter 'client_secret'.",
                               status=401)  # fmt: skip
        if not await self._registry.proves(tenant, application.id, secret):
            raise OAuthRefusal("invalid_client", 7000215, f"Invalid client secret provided for app '{application.id}'."
                               " Send the secret itself, not its id.", status=401)  # fmt: skip
        now = self._now() // clock.SECOND
        signer = self._keys.signer
        claims = {
            "aud": AUDIENCES[0], "iss": f"{base}/{tenant.id}/v2.0", "iat": now, "nbf": now, "exp": now + self._seconds,
            "app_displayname": application.name, "appid": application.id, "azp": application.id, "appidacr": "1",
            "idtyp": "app", "oid": application.id, "sub": application.id, "tid": tenant.id, "uti": clock.new_id(),
            "ver": "1.0", "roles": sorted(application.permissions), GENERATION: application.generation,
        }  # fmt: skip
        token = jwt.encode(claims, signer.private, algorithm="RS256", headers={"kid": signer.id, "x5t": signer.id})
        observe(TokenIssued(tenant.id, application.id))
        return _json({"token_type": "Bearer", "expires_in": self._seconds, "ext_expires_in": self._seconds,
                      "access_token": token})  # fmt: skip

    def _check_scope(self, scope: str) -> None:
        """One resource, and that one us: by the published audience or by any of our own names."""
        words = scope.split()
        if not words or words == ["/.default"]:
            raise OAuthRefusal("invalid_request", 900144,
                               "The request body must contain the following parameter: 'scope'.")  # fmt: skip
        if len(words) > 1:
            raise OAuthRefusal("invalid_scope", 700022, "The scope names several resources; ask for one.")
        if not words[0].endswith("/.default"):
            raise OAuthRefusal("invalid_scope", 70011, f"The scope '{words[0][:80]}' is not valid: client credentials take"
                               f" {AUDIENCES[0]}/.default.")  # fmt: skip
        resource = words[0].removesuffix("/.default").rstrip("/").removeprefix("api://")
        try:
            parts = urlsplit(resource)
            host = (parts.hostname or "") if parts.scheme in {"https", "http"} else ""
        except ValueError:
            host = ""
        if resource not in AUDIENCES and host not in self._hosts:
            raise OAuthRefusal("invalid_resource", 500011, f"The resource '{resource[:80]}' was not found in the tenant.")


def _json(value: dict[str, Any]) -> Answer:
    return Answer(body=json.dumps(value).encode(), content_type=PLAIN_JSON, cache=NO_STORE)
