"""One call as a handler sees it, what it answers, and how an API is described: routes, roles, ceilings, its errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec

from secgraph.simulate.cast import Organisation
from secgraph.simulate.world import World


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer in JSON."""
    said = {"content-type": "application/json; charset=utf-8", **(headers or {})}
    return Reply(status, msgspec.json.encode(value), said)


class Refused(Exception):
    """The product does not do it; its API says so in a shape of its own."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


@dataclass
class Ask:
    """A call to an API."""

    world: World
    method: str
    path: str
    """Below the base of the API."""
    query_string: str
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes
    root: str
    """Scheme, host and base, as the caller wrote them: what links begin with."""
    call_id: str
    page: int | None = None
    """Items on a page where the caller names no number; None for what the product does."""
    organisation: Organisation | None = None
    app: str = ""
    roles: frozenset[str] = frozenset()
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        """The id of the caller's tenant."""
        assert self.organisation is not None, "asked before the token was looked at"  # noqa: S101
        return self.organisation.id

    @cached_property
    def query(self) -> dict[str, str]:
        """The query options; `$` may be left out, and letter case is nothing."""
        return {name.lower(): value for name, value in parse_qsl(self.query_string, keep_blank_values=True)}

    def option(self, name: str) -> str | None:
        """An OData option by its name without `$`."""
        return self.query.get(f"${name}", self.query.get(name))

    def whole(self, name: str, least: int = 0) -> int | None:
        """An option that is a whole number."""
        text = self.option(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and int(text) >= least):
            raise Refused(400, "BadRequest", f"Invalid value '{text}' for ${name} query option found. The ${name} query option "
                                             f"requires a non-negative integer value.")  # fmt: skip
        return int(text)

    def json(self) -> dict[str, Any]:
        """The body, which has to be an object."""
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = None
        if not isinstance(value, dict):
            raise Refused(400, "InvalidRequestBody", "Request body is incorrect")
        return value

    def link(self, **changed: str) -> str:
        """This call's address with other options."""
        options = dict(parse_qsl(self.query_string, keep_blank_values=True))
        for name, value in changed.items():
            for known in [known for known in options if known.lower().lstrip("$") == name]:
                del options[known]
            options[f"${name}"] = value
        said = "&".join(f"{quote(name, safe='$')}={quote(value, safe='')}" for name, value in options.items())
        return f"{self.root}{self.path}?{said}"


Handler = Callable[[Ask], Reply]


@dataclass(frozen=True)
class Route:
    """A call that an API has."""

    method: str
    path: str
    """With `{name}` for what differs."""
    answer: Handler
    roles: tuple[str, ...] = ()
    """Any one of them is enough."""
    counted: str = ""
    """The name under which its calls are counted by themselves, and not with those of its API."""
    ceilings: tuple[tuple[int, float], ...] = ()
    """What is allowed under that name."""
    tells_when: bool = True
    """Whether its 429 carries Retry-After."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What its paths look like: letter case is nothing, and neither is a slash at the end."""
        named = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path.rstrip("/")))
        return re.compile(f"{named}/?", re.IGNORECASE)


@dataclass(frozen=True)
class Api:
    """A product's API."""

    name: str
    base: str
    audiences: tuple[str, ...]
    """What its tokens are for."""
    routes: Sequence[Route]
    error: Callable[[Ask, Refused], Reply]
    ceilings: tuple[tuple[int, float], ...] = ()
    """So many calls in so many seconds, of one application in one tenant."""
    unauthenticated: str = "Unauthorized"
    forbidden: str = "Forbidden"
    keyed: bool = False
    """Whether it takes `Token` with the organisation's key, too."""
