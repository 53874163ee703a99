"""The identity platform: tokens for client credentials, and refusals in its words."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from secgraph.clock import SECOND
from secgraph.simulate.ask import Api, Ask, Refused, Reply, Route, json_reply
from secgraph.simulate.words import plain

LIFE = 3599
"""Seconds for which a token is good."""

ROLES: dict[str, tuple[str, ...]] = {
    "https://graph.microsoft.com": (
        "SecurityAlert.ReadWrite.All",
        "SecurityIncident.ReadWrite.All",
        "SecurityEvents.ReadWrite.All",
        "IdentityRiskEvent.Read.All",
        "IdentityRiskyUser.ReadWrite.All",
        "SecurityIdentitiesAccount.Read.All",
        "SecurityIdentitiesHealth.Read.All",
        "SecurityIdentitiesSensors.Read.All",
    ),
    "https://api.securitycenter.microsoft.com": ("Alert.ReadWrite.All", "Machine.Read.All"),
    "https://api.security.microsoft.com": ("Incident.ReadWrite.All",),
    "https://manage.office.com": ("ActivityFeed.Read",),
    "05a65629-4c1b-48c1-a78b-804c4abdd4af": ("Investigation.manage",),
}
"""The resources there are tokens for, and what the application was granted at each."""

_STATUS = {"invalid_client": 401}


class OAuthRefused(Refused):
    """A token request that is refused: an OAuth 2.0 error with the platform's number."""

    def __init__(self, error: str, number: int, message: str) -> None:
        super().__init__(_STATUS.get(error, 400), error, message)
        self.number = number


def token(ask: Ask) -> Reply:
    """A token of the application for one resource."""
    form = dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
    grant = form.get("grant_type")
    if not grant:
        raise OAuthRefused("invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.")
    if grant != "client_credentials":
        raise OAuthRefused("unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'.")
    named = ask.keys["tenant"]
    organisation = ask.world.organisation(named)
    if organisation is None:
        raise OAuthRefused(
            "invalid_request", 90002, f"Tenant '{named}' not found. Check to make sure you have the correct tenant ID."
        )
    client = form.get("client_id", "")
    if not client:
        raise OAuthRefused("invalid_request", 900144, "The request body must contain the following parameter: 'client_id'.")
    secret = {organisation.client_id: organisation.client_secret, organisation.reader_id: organisation.reader_secret}.get(
        client
    )
    if secret is None:
        raise OAuthRefused(
            "unauthorized_client",
            700016,
            f"Application with identifier '{client}' was not found in the directory '{organisation.name}'.",
        )
    if not form.get("client_secret"):
        raise OAuthRefused(
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    if not hmac.compare_digest(form["client_secret"].encode(), secret.encode()):
        raise OAuthRefused(
            "invalid_client",
            7000215,
            f"Invalid client secret provided. Ensure the secret being sent in the request "
            f"is the client secret value, for a secret added to app '{client}'.",
        )
    resource = _resource(form, ask.path)
    held = ROLES.get(resource)
    if held is None:
        raise OAuthRefused(
            "invalid_resource",
            500011,
            f"The resource principal named {resource} was not found in the tenant named {organisation.name}.",
        )
    if client == organisation.reader_id:
        held = tuple(role.replace("ReadWrite.All", "Read.All").replace("manage", "read") for role in held)
    made = sign(ask, organisation.id, client, resource, held)
    return json_reply(
        {"token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE, "access_token": made},
        headers={"cache-control": "no-store, no-cache"},
    )


def _resource(form: dict[str, str], path: str) -> str:
    """What the token is to be for: `resource` at the older endpoint, else the one resource of the scope."""
    if "/v2.0/" not in path and form.get("resource"):
        return form["resource"].rstrip("/")
    scope = form.get("scope", "")
    if not scope:
        raise OAuthRefused("invalid_request", 900144, "The request body must contain the following parameter: 'scope'.")
    if not scope.endswith("/.default") or " " in scope:
        raise OAuthRefused(
            "invalid_scope",
            1002012,
            f"The provided value for scope {scope} is not valid. Client credential flows "
            "must have a scope value with /.default suffixed to the resource identifier "
            "(application ID URI).",
        )
    return scope.removesuffix("/.default").rstrip("/")


def sign(ask: Ask, tenant: str, client: str, resource: str, roles: tuple[str, ...]) -> str:
    """A token that only this simulator can make, in the form of a JWT."""
    now = ask.world.now() // SECOND
    claims = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{tenant}/",
        "iat": now,
        "nbf": now,
        "exp": now + LIFE,
        "appid": client,
        "tid": tenant,
        "roles": roles,
        "jti": ask.call_id,
        "since": ask.world.steady(),
    }
    text = ".".join(_packed(msgspec.json.encode(part)) for part in ({"typ": "JWT", "alg": "HS256"}, claims))
    return f"{text}.{_packed(_seal(ask, text))}"


def read(ask: Ask, text: str) -> dict[str, Any] | None:
    """What a token of ours says; None for any other."""
    head, _, signature = text.rpartition(".")
    if not head or not hmac.compare_digest(_packed(_seal(ask, head)), signature):
        return None
    part = head.partition(".")[2]
    claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _seal(ask: Ask, text: str) -> bytes:
    """It proves nothing to anybody but this simulator, whose key everybody with the seed can work out."""
    return hmac.digest(f"simulated {ask.world.scenario.seed}".encode(), text.encode(), hashlib.sha256)


def error(ask: Ask, fault: Refused) -> Reply:
    """A refusal as the platform words it."""
    now = plain(ask.world.now()).replace("T", " ") + "Z"
    number = fault.number if isinstance(fault, OAuthRefused) else 90033
    name = fault.code if isinstance(fault, OAuthRefused) else "temporarily_unavailable"
    said = ask.headers.get("client-request-id", ask.call_id)
    return json_reply({
        "error": name,
        "error_description": f"AADSTS{number}: {fault.message} Trace ID: {ask.call_id} Correlation ID: {said} Timestamp: {now}",
        "error_codes": [number], "timestamp": now, "trace_id": ask.call_id, "correlation_id": said,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }, fault.status, fault.headers)  # fmt: skip


def ended(ask: Ask, claims: dict[str, Any]) -> bool:
    """Whether a token is past its life, in seconds that really pass: a caller's clock is not the simulated one."""
    return bool(claims["since"] + LIFE <= ask.world.steady())


LOGIN = Api("login", "/login", (), (
    Route("POST", "/{tenant}/oauth2/v2.0/token", token),
    Route("POST", "/{tenant}/oauth2/token", token),
), error)  # fmt: skip
