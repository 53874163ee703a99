"""One spelling for each value that names something: text, host, address, URL, hash, SID, resource.

Every function takes what a record holds and gives the normal form, or None where that names nothing. None of them raises:
a value that is too long or too odd to be understood is told by its digest, and one that cannot be what it claims is left out.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

LONGEST = 200
"""Most characters of a key."""

SHOWN = 120
"""Most characters of a name as it is shown."""

READ = 4096
"""Most characters of a value that are looked at for more than its digest."""

REMEMBERED = 8192
"""Most normal forms that are kept: an alert repeats what the one before it named."""

EMPTY_GUID = "00000000-0000-0000-0000-000000000000"

_NOTHING = frozenset({"", "-", "--", "n/a", "na", "none", "null", "unknown", "undefined", "(null)", "not available"})
_GUID = re.compile(r"\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?")
_SID = re.compile(r"s-1-\d{1,15}(?:-\d{1,10}){1,15}")
_HASH = re.compile(r"[0-9a-f]+")
_ASCII_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]{0,30}):(?://)?", re.IGNORECASE)
_PERCENT = re.compile(r"%([0-9a-fA-F]{2})")
_PORT = re.compile(r":(\d{0,5})\Z")
_V4_PORT = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_WRITTEN = "".join(map(chr, range(0x21, 0x7F)))
_PORTS = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}

HASHES = {32: "md5", 40: "sha1", 64: "sha256"}
"""Which hash has how many digits."""

_NO_HASH = frozenset({
    "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
})  # fmt: skip
"""What an empty file hashes to: it is in every place where something was emptied."""


def digest(*parts: str) -> str:
    """A short text in place of longer ones; the same for the same ones."""
    return "#" + hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def key(kind: str, value: str) -> str:
    """The key that a value is found by, of at most `LONGEST` characters."""
    made = f"{kind}:{value}"
    return made if len(made) <= LONGEST else f"{kind}:{digest(value)}"


def text(value: Any) -> str | None:
    """A text without regard to case, to blanks around it, or to characters that are not seen."""
    if not isinstance(value, str):
        return None
    if value.isascii() and value.isprintable() and len(value) <= READ:
        folded = value.strip().lower()
    elif len(value) > READ:
        return digest(value)
    else:
        folded = _seen(unicodedata.normalize("NFKC", _seen(value))).casefold().strip()
    return None if folded in _NOTHING else folded


def _seen(value: str) -> str:
    """The characters that are seen; every kind of blank is one."""
    return "".join(" " if one.isspace() else one for one in value if one.isspace() or not _unseen(one))


def _unseen(one: str) -> bool:
    """Whether it is a control, a mark of direction, a lone surrogate or the like."""
    return unicodedata.category(one)[0] == "C"


def shown(given: Any) -> str:
    """A value as a sentence may hold it: one line, nothing unseen, not long."""
    if not isinstance(given, str):
        return ""
    value = given[: SHOWN + 1]
    if not value.isprintable():
        value = _seen(value)
    value = value.strip()
    return value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"


def guid(value: Any) -> str | None:
    """An object id: a GUID in lower case; any other id as a text."""
    found = text(value)
    if found is None:
        return None
    match = _GUID.fullmatch(found)
    if match:
        found = match[1]
    return None if found == EMPTY_GUID else found


def sid(value: Any) -> str | None:
    """A security identifier."""
    found = text(value)
    return found if found is not None and _SID.fullmatch(found) else None


def address(value: Any) -> str | None:
    """A mail address or user principal name; one of another kind is none."""
    found = text(value)
    if found is None or "@" not in found:
        return None
    found = found.removeprefix("smtp:").strip("<>")
    local, _, domain = found.rpartition("@")
    named = host(domain)
    return f"{local}@{named}" if local and named else None


def hashed(value: Any, name: str | None = None) -> str | None:
    """A hash in lower case, where it can be one of that name."""
    found = text(value)
    if found is None or not _HASH.fullmatch(found) or found in _NO_HASH or not found.strip("0"):
        return None
    kind = HASHES.get(len(found))
    return found if kind is not None and (name is None or kind == name) else None


def path(value: Any) -> str | None:
    """A path of either kind of system, written with `/`, without a `/` at its end."""
    found = text(value)
    return found.replace("\\", "/").rstrip("/") or None if found is not None else None


# --- hosts and addresses ------------------------------------------------------------------------------------------------


def host(value: Any) -> str | None:
    """A host or domain name in lower case, as it stands in the DNS, without the dot at its end."""
    if not isinstance(value, str) or len(value) > READ:
        return None
    return _host(value)


@lru_cache(REMEMBERED)
def _host(value: str) -> str | None:
    found = text(value)
    if found is None:
        return None
    found = found.replace("[.]", ".").replace("\u3002", ".").strip(".")
    if _ASCII_HOST.fullmatch(found):
        return found
    if not found or len(found) > 253 or found.isascii():
        return None
    try:
        found = found.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return found if _ASCII_HOST.fullmatch(found) else None


class Address(NamedTuple):
    """An IP address and the range it is from."""

    text: str
    range: str
    """`public`, `private`, `documentation` (and what is for measuring networks), or one that names nobody: `loopback`,
    `linkLocal`, `multicast`, `unspecified`, `reserved`.
    """


_DOCUMENTATION = tuple(map(ipaddress.ip_network, (
    "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32", "3fff::/20",
)))  # fmt: skip
_PRIVATE = tuple(map(ipaddress.ip_network, (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
)))  # fmt: skip


def ip(value: Any) -> Address | None:
    """An IP address: the short form of IPv6, an IPv4 address in an IPv6 one as itself, no zone, no port."""
    if not isinstance(value, str) or not 2 <= len(value) <= 120:
        return None
    return _ip(value)


@lru_cache(REMEMBERED)
def _ip(value: str) -> Address | None:
    found = value.strip().replace("[.]", ".")
    if found.startswith("["):
        found = found[1:].partition("]")[0]
    elif match := _V4_PORT.fullmatch(found):
        found = match[1]
    found = found.partition("%")[0]
    if not found.isascii():
        return None
    try:
        one = ipaddress.ip_address(found)
    except ValueError:
        return None
    if isinstance(one, ipaddress.IPv6Address) and one.ipv4_mapped is not None:
        one = one.ipv4_mapped
    return Address(str(one), _range(one))


def _range(one: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if any(one.version == net.version and one in net for net in _DOCUMENTATION):
        return "documentation"
    for name, holds in (
        ("unspecified", one.is_unspecified), ("loopback", one.is_loopback), ("linkLocal", one.is_link_local),
        ("multicast", one.is_multicast), ("reserved", one.is_reserved),
    ):  # fmt: skip
        if holds:
            return name
    return "private" if any(one.version == net.version and one in net for net in _PRIVATE) else "public"


class Url(NamedTuple):
    """A URL in normal form, and the host in it: a name or an address."""

    text: str
    host: str | None
    address: Address | None


def url(value: Any) -> Url | None:
    """A URL: scheme and host in lower case, the host as in the DNS, no default port, no user, no fragment, only those
    characters escaped that have to be. One without a scheme is read as `http`.
    """
    if not isinstance(value, str) or len(value) > READ:
        return None
    return _url(value)


@lru_cache(REMEMBERED)
def _url(value: str) -> Url | None:
    found = value.strip()
    if not found.isprintable() or not found.isascii():
        found = _seen(found).strip()
    match = _SCHEME.match(found)
    if match is not None and ("://" in match[0] or not found[match.end() :][:1].isdigit()):
        scheme, rest = match[1].lower().replace("hxxp", "http"), found[match.end() :]
    else:
        scheme, rest = "http", found.lstrip("/")
    if scheme not in _PORTS and "://" not in found:
        return None  # `mailto:`, `data:` and the like lead to no host
    end = min((place for place in map(rest.find, "/?#") if place >= 0), default=len(rest))
    authority, tail = rest[:end].rpartition("@")[2], rest[end:].partition("#")[0]
    named, port = authority.replace("[.]", "."), ""
    if (match := _PORT.search(named)) and (named.count(":") == 1 or named.startswith("[")):
        named, port = named[: match.start()], match[1].lstrip("0")
    number, name = ip(named), None
    if number is None and (name := host(named)) is None:
        return None
    shown_host = name or (f"[{number.text}]" if number is not None and ":" in number.text else number.text if number else "")
    if port and port != _PORTS.get(scheme):
        shown_host += f":{port}"
    tail = _PERCENT.sub(_escaped, tail if tail.isascii() and " " not in tail else quote(tail, safe=_WRITTEN))
    return Url(f"{scheme}://{shown_host}{tail if tail.startswith('/') else '/' + tail}", name, number)


def _escaped(match: re.Match[str]) -> str:
    one = chr(int(match[1], 16))
    return one if one in _UNRESERVED else f"%{match[1].upper()}"
