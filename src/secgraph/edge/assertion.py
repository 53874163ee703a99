"""Client assertions: a JWT by which an application proves itself with its certificate instead of a secret.

Liberal where clients differ: RS256 and PS256, either thumbprint, `=` at the end of thumbprints and of the JWT's own
segments, times with a fraction, no nbf. Exact where it matters: the key is that of a certificate registered for this very
application, and the header only says which one. Whatever else a header may carry (x5c, kid, jwk, jku, x5u) is not looked
at, so no key ever comes in with the assertion.

The signature is checked over the segments as they came: a client that pads them signs the padding too.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from secgraph import clock
from secgraph.errors import OAuthRefusal
from secgraph.store.certificate import Certificate
from secgraph.store.registry import Tenant

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 32 * 1024
"""Longest assertion: a chain of certificates in x5c takes most of it."""

SKEW = 300 * clock.SECOND
"""How far a client's clock may be off."""

LONGEST_LIFE = clock.DAY
"""How far ahead an assertion may end."""

PATHS = (("oauth2", "v2.0", "token"), ("oauth2", "token"), ("v2.0",), ())
"""What may follow the tenant in an audience: the token endpoints, and the issuers of both versions."""

_SEGMENT = re.compile(r"[A-Za-z0-9_\-]*={0,2}", re.ASCII)
_ALGORITHMS = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
}


class _Head(msgspec.Struct):
    alg: str
    x5t: str = ""
    x5t_s256: str = msgspec.field(default="", name="x5t#S256")
    crit: msgspec.Raw | None = None


class _Claims(msgspec.Struct):
    aud: str | list[str]
    iss: str
    sub: str
    jti: str
    exp: float
    nbf: float | None = None
    iat: float | None = None


_head = msgspec.json.Decoder(_Head)
_claims = msgspec.json.Decoder(_Claims)


@dataclass(frozen=True, slots=True)
class Audience:
    """The names of one tenant's token endpoint: by the origin that links are written with, and by the one that was typed."""

    tenant: Tenant
    origins: tuple[str, ...]

    @property
    def endpoint(self) -> str:
        """The name to use."""
        return f"{self.origins[0]}/{self.tenant.id}/oauth2/v2.0/token"

    def holds(self, url: str) -> bool:
        """Whether the URL is one of the names. The scheme may be either one: a proxy may have added TLS."""
        try:
            parts = urlsplit(url)
            path = _path(parts)
        except ValueError:
            return False
        if parts.scheme not in {"https", "http"}:
            return False
        for origin in map(urlsplit, self.origins):
            front = _path(origin)  # what a proxy takes away
            rest = path[len(front) :]
            if (
                _place(parts) == _place(origin)
                and path[: len(front)] == front
                and rest[:1] in ((self.tenant.id,), (self.tenant.name.casefold(),))
                and rest[1:] in PATHS
            ):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that was taken apart; nothing of it is proven yet."""

    algorithm: str
    sha1: str
    """The thumbprints it names, in hexadecimal; empty when it names none of that kind."""
    sha256: str
    signed: bytes
    signature: bytes
    payload: bytes

    def names(self, certificate: Certificate) -> bool:
        """Whether it says that this certificate's key signed it."""
        return (
            bool(self.sha1 or self.sha256) and self.sha1 in {"", certificate.sha1} and self.sha256 in {"", certificate.sha256}
        )


@dataclass(frozen=True, slots=True)
class Proven:
    """What a good assertion leaves to be asked: whether it was used before."""

    jti: str
    ends: int
    """When it can no longer be used at all."""


def read(text: str) -> Assertion:
    """The parts of an assertion. OAuthRefusal when it is none."""
    if len(text) > LONGEST:
        raise _invalid(f"It is longer than {LONGEST} characters")
    segments = text.split(".")
    if len(segments) != 3 or not all(segments):
        raise _invalid("It is not a JWT of three segments")
    header, payload, signature = (_decoded(segment) for segment in segments)
    try:
        head = _head.decode(header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _invalid("Its header cannot be read") from None
    if head.alg not in _ALGORITHMS:
        raise OAuthRefusal("invalid_client", 700027, "The client assertion must be signed with PS256 or RS256.")
    if head.crit is not None:
        raise _invalid("Its header demands extensions that are not understood here")
    sha1, sha256 = _thumbprint(head.x5t, 20), _thumbprint(head.x5t_s256, 32)
    signed = text.rpartition(".")[0].encode()
    return Assertion(head.alg, sha1, sha256, signed, signature, payload)


def prove(assertion: Assertion, certificates: Iterable[Certificate], now: int) -> None:
    """Passes when the key of one of these certificates made the signature. OAuthRefusal says what is wrong."""
    certificate = next((one for one in certificates if assertion.names(one)), None)
    if certificate is None:
        named = (assertion.sha1 or assertion.sha256).upper()
        raise _certificate(f"The certificate with the thumbprint {named} is not registered for this application." if named else
                           "The header of the client assertion names none: it must hold x5t or x5t#S256.")  # fmt: skip
    if not certificate.starts <= now < certificate.ends:
        raise _certificate(f"The certificate {certificate.sha1.upper()} is valid from {clock.text(certificate.starts)} to"
                           f" {clock.text(certificate.ends)}, and so not now.")  # fmt: skip
    try:
        certificate.key().verify(assertion.signature, assertion.signed, _ALGORITHMS[assertion.algorithm], hashes.SHA256())
    except InvalidSignature:
        raise OAuthRefusal("invalid_client", 700027, "The signature of the client assertion was not made by the key of the"
                           f" certificate {certificate.sha1.upper()}.") from None  # fmt: skip


def judge(assertion: Assertion, client: str, audience: Audience, now: int) -> Proven:
    """What the claims of a proven assertion come to. OAuthRefusal when it is not for this client, this place or this time."""
    try:
        claims = _claims.decode(assertion.payload)
    except msgspec.ValidationError as fault:
        raise OAuthRefusal("invalid_request", 90014, f"A required claim of the client assertion is missing or of the wrong"
                           f" kind: {str(fault)[:200]}.") from None  # fmt: skip
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _invalid("Its claims cannot be read") from None
    if not claims.iss.lower() == claims.sub.lower() == client:
        raise _invalid("Its iss and sub must both be the client id")
    given = claims.aud if isinstance(claims.aud, str) else claims.aud[0] if len(claims.aud) == 1 else ""
    if not audience.holds(given):
        raise _invalid(f"Its aud '{given[:200]}' is not this token endpoint, which is {audience.endpoint}")
    if not claims.jti:
        raise OAuthRefusal("invalid_request", 90014, "The client assertion needs a jti, another one each time.")
    ends, *starts = (clock.from_seconds(one) for one in (claims.exp, claims.nbf, claims.iat) if one is not None)
    if ends is None or None in starts:
        raise _outside("Its times must be seconds since 1970")
    if ends + SKEW <= now:
        raise _outside("It has expired")
    if ends - SKEW > now + LONGEST_LIFE:
        raise _outside(f"It ends more than {LONGEST_LIFE // clock.SECOND // 3600} hours ahead; ten minutes are enough")
    if any(one is not None and one > now + SKEW for one in starts):
        raise _outside("It is not valid yet; the clock of the client may be wrong")
    return Proven(claims.jti, ends + SKEW)


def _place(url: SplitResult) -> str:
    return url.netloc.lower().removesuffix({"https": ":443", "http": ":80"}.get(url.scheme, ":"))


def _path(url: SplitResult) -> tuple[str, ...]:
    return tuple(unquote(part).casefold() for part in url.path.split("/") if part)


def _decoded(segment: str) -> bytes:
    if not _SEGMENT.fullmatch(segment):
        raise _invalid("It is not written in base64url")
    bare = segment.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        raise _invalid("It is not written in base64url") from None


def _thumbprint(text: str, size: int) -> str:
    """A thumbprint of the header, in hexadecimal; the refusal when it is none of that size."""
    if not text:
        return ""
    try:
        found = _decoded(text.strip().replace("+", "-").replace("/", "_"))
    except OAuthRefusal:
        found = b""
    if len(found) != size:
        raise _certificate("The thumbprint in the header of the client assertion cannot be read: x5t is the base64url of a"
                           " SHA-1, x5t#S256 that of a SHA-256.")  # fmt: skip
    return found.hex()


def _certificate(why: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_client", 50012, f"Certificate authentication failed. {why}")


def _invalid(why: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", 50013, f"The client assertion is not valid. {why}.")


def _outside(why: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_grant", 500133, f"The client assertion is not within its valid time range. {why}.")
