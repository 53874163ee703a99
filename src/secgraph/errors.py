"""Every error that can leave the building.

A `Refusal` is the caller's to fix: it says what was wrong, where, and what to do instead, and is never logged as an
error. A `Fault` is ours: logged whole, shown to the caller as a request id only. `edge.envelope` turns either into the
contract's error shape. Status and code pairs follow the published tables of Microsoft Graph.
"""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A request that cannot be carried out as it stands; the caller can change it."""

    status = 400
    code = "BadRequest"

    def __init__(self, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadOption(Refusal):
    """A query option is unknown or has a value it cannot have."""

    def __init__(self, option: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{option}: {reason}", hint=hint)
        self.option = option


class BadFilter(Refusal):
    """An expression cannot be understood or cannot be meant about this type; names the place."""

    def __init__(self, reason: str, *, at: int | None = None, text: str = "", hint: str = "") -> None:
        place = "" if at is None else f" at position {at + 1}"
        near = f" (near '{text[at : at + 24]}')" if at is not None and text[at : at + 24].strip() else ""
        if len(reason) > 400:  # it quotes what was sent, which may be of any length
            reason = f"{reason[:400]}..."
        super().__init__(f"{reason}{place}{near}.", hint=hint)
        self.reason = reason
        self.at = at


class BadBody(Refusal):
    """A request body, or a source's record, does not fit the model; names the path to the fault."""

    def __init__(self, path: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason, hint=hint)
        self.path = path
        self.reason = reason


class BadLink(Refusal):
    """A paging link was changed, belongs to another request, or was signed by somebody else."""


class BadHost(Refusal):
    """The Host header names a host this server does not answer for."""


class Unauthenticated(Refusal):
    """The bearer token is missing or cannot be used. Carries the challenge of the published contract."""

    status = 401
    code = "InvalidAuthenticationToken"


class Forbidden(Refusal):
    """The token is good but carries none of the permissions that open the operation."""

    status = 403
    code = "accessDenied"


class NotFound(Refusal):
    """No such resource, or no object with that id in the caller's tenant."""

    status = 404
    code = "itemNotFound"


class NotAllowed(Refusal):
    """The resource exists but does not answer this method."""

    status = 405
    code = "notAllowed"


class NotAcceptable(Refusal):
    """The client asks for a format that is not served."""

    status = 406
    code = "notSupported"


class Conflict(Refusal):
    """What is asked for stands against the present state."""

    status = 409
    code = "nameAlreadyExists"


class Redirected(Refusal):
    """The incident was merged into another one, which is to be changed in its place."""

    status = 409
    code = "notAllowed"


class Stale(Refusal):
    """If-Match names a version that is no longer the present one."""

    status = 412
    code = "resourceModified"


class TooSlowPeer(Refusal):
    """The body stopped coming."""

    status = 408
    code = "invalidRequest"


class SyncStateLost(Refusal):
    """A delta link is older than it is good for, or tells of commits that this server does not have; start over."""

    status = 410
    code = "syncStateNotFound"


class TooLarge(Refusal):
    """The body is larger than the server takes."""

    status = 413
    code = "invalidRequest"


class UnsupportedMedia(Refusal):
    """The body is in a format that is not read here."""

    status = 415
    code = "notSupported"


class Unserved(Refusal):
    """A published operation that this server does not answer."""

    status = 501
    code = "notSupported"


class TooSlow(Refusal):
    """A query went past its deadline; names the properties that no index answers."""

    status = 503
    code = "serviceNotAvailable"


class Busy(Refusal):
    """The server cannot do this at the moment and says when to come back."""

    status = 503
    code = "serviceNotAvailable"


class Superseded(Refusal):
    """A write belongs to periodic work that another process has taken over meanwhile; nothing of it is stored."""

    status = 503
    code = "serviceNotAvailable"


class OAuthRefusal(Refusal):
    """A token request that the authority refuses, in the words of OAuth 2.0 and with the platform's AADSTS number."""

    def __init__(self, error: str, number: int, text: str, *, status: int = 0) -> None:
        super().__init__(text)
        self.error = error
        self.number = number
        self.status = status or (401 if error == "invalid_client" else 400)


class UsageError(Exception):
    """Something the person at the command line or in the settings can put right; shown as one plain message."""


class Fault(Exception):
    """Something broke on our side."""
