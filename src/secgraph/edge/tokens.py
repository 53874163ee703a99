"""Bearer token → caller. Whatever is not plainly good is refused.

A verified token is kept by the header it came in, so that the signature is checked once. Beside it stands the generation of its
application: it is read anew every two seconds, and a token of an older generation gets a 401 with a claims challenge,
which unmodified clients answer by fetching a new token.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import jwt

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge.keys import KeyRing
from secgraph.errors import Unauthenticated
from secgraph.store.registry import Registry, Tenant

AUDIENCES = ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000")
GENERATION = "secgraph_generation"
KEPT = 10_000
"""Most verified tokens kept."""

LONGEST = 16_384
LEEWAY = 60


@dataclass(slots=True)
class _Verified:
    kid: str
    caller: Caller
    tenant: Tenant
    generation: int
    not_before: int
    expires: int


class Tokens:
    """Checks bearer tokens."""

    def __init__(self, keys: KeyRing, registry: Registry, now: clock.Now) -> None:
        self._keys = keys
        self._registry = registry
        self._now = now
        self._kept: dict[bytes, _Verified] = {}

    async def caller(self, authorization: bytes, base: str) -> Caller:
        """Who the Authorization header proves to be asking. Unauthenticated says what is wrong with it."""
        seconds = self._now() // clock.SECOND
        verified = self._kept.get(authorization)
        if verified is None:
            verified = await self._verify(_bearer(authorization, base), base)
            if len(self._kept) >= KEPT:
                self._kept = {header: one for header, one in self._kept.items() if one.expires > seconds}
                if len(self._kept) >= KEPT:
                    self._kept.clear()
            self._kept[authorization] = verified
        if seconds >= verified.expires:
            self._kept.pop(authorization, None)
            raise _refused("The access token has expired.", base, tenant=verified.tenant.id)
        if seconds + LEEWAY < verified.not_before:
            raise _refused("The access token is not valid yet.", base, tenant=verified.tenant.id)
        if self._keys.stale():  # asked here, for it is asked with every request
            await self._keys.fresh()
        if self._keys.public(verified.kid) is None:
            raise challenge("The key that signed this token was withdrawn.", base, verified.tenant.id, seconds)
        application = await self._registry.known_application(verified.caller.tenant, verified.caller.app_id)
        if application is None:
            raise _refused("The application of this token no longer exists.", base, tenant=verified.tenant.id)
        if application.generation != verified.generation:
            raise challenge("The permissions or the secret of this application changed after the token was issued.",
                            base, verified.tenant.id, seconds)  # fmt: skip
        return verified.caller

    async def could(self, caller: Caller, needed: tuple[str, ...]) -> bool:
        """Whether a fresh token of the caller's application would open what this one does not."""
        application = await self._registry.known_application(caller.tenant, caller.app_id)
        held = application.permissions if application is not None else frozenset()
        return any(set(entry.split(" + ")) <= held for entry in needed if entry)

    async def _verify(self, token: str, base: str) -> _Verified:
        try:
            head = jwt.get_unverified_header(token)
            kid = str(head.get("kid"))
            key = await self._keys.find(kid) if head.get("alg") == "RS256" else None
            if key is None:
                raise _refused("The access token is not signed by this server.", base)
            claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], options={
                "verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False, "verify_iss": False,
            })  # fmt: skip
            tenant_id, app, name = claims["tid"], claims["appid"], claims["app_displayname"]
            generation, starts, expires = int(claims[GENERATION]), int(claims["nbf"]), int(claims["exp"])
            permissions = frozenset(str(role) for role in claims["roles"])
            good = claims["aud"] in AUDIENCES and str(claims["iss"]).endswith(f"/{tenant_id}/v2.0")
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise _refused("The access token cannot be read or its signature is wrong.", base) from None
        tenant = await self._registry.known_tenant(str(tenant_id)) if good else None
        if tenant is None:
            raise _refused("The access token is for another audience or tenant.", base)
        caller = Caller(tenant.number, tenant.id, str(app), str(name), permissions)
        return _Verified(kid, caller, tenant, generation, starts, expires)


def _bearer(authorization: bytes, base: str) -> str:
    """The token in an Authorization header."""
    if not authorization:
        raise _refused("Access token is empty.", base, hint="Send Authorization: Bearer <token>.")
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or len(authorization) > LONGEST:
        raise _refused("The Authorization header holds no bearer token.", base)
    return token.strip()


def _refused(reason: str, base: str, *, tenant: str = "common", hint: str = "") -> Unauthenticated:
    challenge_text = f'Bearer realm="", authorization_uri="{base}/{tenant}/oauth2/v2.0/authorize", error="invalid_token"'
    return Unauthenticated(reason, hint=hint or f"Fetch a new token from {base}/{{tenant}}/oauth2/v2.0/token.",
                           headers={"WWW-Authenticate": challenge_text})  # fmt: skip


def challenge(reason: str, base: str, tenant: str, seconds: int) -> Unauthenticated:
    """The refusal that asks the client for one new token, issued not before now (continuous access evaluation)."""
    wanted = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(seconds)}}}).encode()
    text = (f'Bearer realm="", authorization_uri="{base}/{tenant}/oauth2/v2.0/authorize",'
            f' error="insufficient_claims", claims="{base64.b64encode(wanted).decode()}"')  # fmt: skip
    return Unauthenticated(reason, hint="Fetch a new token.", headers={"WWW-Authenticate": text})
