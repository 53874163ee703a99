"""The built-in token authority, shaped like the Microsoft identity platform so that its clients work unmodified.

`/{tenant}/v2.0/.well-known/openid-configuration`, `/{tenant}/discovery/v2.0/keys`, `/{tenant}/oauth2/v2.0/token`, and the
older forms of each without `v2.0`. Who gets a token stands in `grants.py`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from secgraph.edge.exchange import PLAIN_JSON, Answer, Asked
from secgraph.edge.grants import Grants, form_of
from secgraph.edge.keys import KeyRing
from secgraph.errors import NotAllowed, NotFound, OAuthRefusal, Refusal
from secgraph.observe import TokenRefused, observe
from secgraph.store.registry import Registry, Tenant

NO_STORE = b"no-store"


class Authority:
    """Answers the identity paths of a tenant."""

    def __init__(self, keys: KeyRing, registry: Registry, grants: Grants) -> None:
        self._keys = keys
        self._registry = registry
        self._grants = grants

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
        await self._keys.fresh()
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
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "token_endpoint_auth_signing_alg_values_supported": ["PS256", "RS256"],
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
        return {"keys": [{**key.jwk, "issuer": f"{base}/{tenant.id}/v2.0"} for key in self._keys.tokens()]}

    async def _token(self, asked: Asked, word: str) -> Answer:
        client = ""
        try:
            form = await form_of(asked)
            client = form.get("client_id", "")
            return _json(await self._grants.token(asked, word, await self._tenant(word), form))
        except OAuthRefusal as refused:
            observe(TokenRefused(word[:60], client[:60], refused.error, refused.number))
            raise
        except Refusal as refused:
            error, number = ("temporarily_unavailable", 90033) if refused.status >= 500 else ("invalid_request", 9002313)
            raise OAuthRefusal(error, number, str(refused), status=refused.status) from None


def _json(value: dict[str, Any]) -> Answer:
    return Answer(body=json.dumps(value).encode(), content_type=PLAIN_JSON, cache=NO_STORE)
