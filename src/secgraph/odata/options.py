"""The query string taken apart: option names in every spelling that clients use, each to its text."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from secgraph.errors import BadOption

KNOWN = (
    "$filter", "$search", "$orderby", "$select", "$expand", "$top", "$skip", "$count", "$skiptoken", "$deltatoken", "$format",
    "$compute", "$index", "$id", "$schemaversion",
)  # fmt: skip
"""Every option of the grammar; which of them a request may have is decided where it is answered."""

_BARE = {name[1:]: name for name in KNOWN if name != "$id"}  # `id` without its mark is a client's own
_USUAL = {spelled.encode(): name for name in KNOWN for spelled in (name, f"%24{name[1:]}")}
"""The two spellings that nearly every client uses, so that they need not be taken apart."""

_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def options(query: bytes) -> dict[str, str]:
    """Options by their `$` name, parameters by their `@` name. Names may come with `$`, `%24` or bare, in any letter case;
    the last of several wins; an unknown name without `$` is ignored and one with it is a BadOption.
    """
    found: dict[str, str] = {}
    for part in query.split(b"&"):
        if not part:
            continue
        raw_name, _, raw_value = part.partition(b"=")
        name = _USUAL.get(raw_name) or _name(raw_name)
        if name:
            value = _text(raw_value, name)
            found[name] = _storable(decoded(value), name) if "%" in value else value
    return found


def _name(raw: bytes) -> str:
    """The name of an option or a parameter in its own spelling; empty for what is ignored."""
    name = _text(raw, "name").strip().lower()
    if name.startswith("$"):
        if name not in KNOWN:
            raise BadOption(name[:40], "is not an option of this server.", hint=f"Options: {', '.join(KNOWN)}.")
        return name
    return _BARE.get(name) or (name if name.startswith("@") else "")


def nested(text: str, what: str) -> dict[str, str]:
    """The options in the brackets behind an item of `$expand` or `$select`, parted by `;`."""
    found: dict[str, str] = {}
    for part in split(text, ";"):
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        name = _BARE.get(name, name)
        if name == "levels":
            name = "$levels"
        if not equals or (name not in KNOWN and name != "$levels" and not name.startswith("@")):
            raise BadOption(what, f"'{part.strip()[:40]}' is no option of an item.",
                            hint="Write options as in (select=id,title;top=5).")  # fmt: skip
        found[name] = value
    return found


def decoded(text: str) -> str:
    """The text, decoded once more where a client encoded it twice: no `%20` stands outside quotes by itself."""
    return unquote_to_bytes(text).decode(errors="replace") if _ENCODED.search(_QUOTED.sub("", text)) else text


def split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand outside quotes and brackets."""
    if mark not in text:
        return [text]
    parts, depth, start, quote = [], 0, 0, ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == mark and depth <= 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return parts


def _text(raw: bytes, what: str) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise BadOption(what, "is not UTF-8.", hint="Percent-encode the value as UTF-8.") from None
    return _storable(text, what)


def _storable(text: str, what: str) -> str:
    if "\x00" in text:
        raise BadOption(what, "holds a NUL, which no value can hold.", hint="Leave it out.")
    return text


def whole(found: dict[str, str], name: str) -> int | None:
    """A whole number that is not negative, or None when the option is absent."""
    text = found.get(name)
    if text is None:
        return None
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadOption(name, f"{text[:20]!r} is not a whole number.", hint="Give a whole number, such as 50.")
    return int(text)


def truth(found: dict[str, str], name: str) -> bool:
    """true or false; absent means false."""
    text = found.get(name, "").strip().lower()
    if text not in {"", "true", "false"}:
        raise BadOption(name, f"{text[:20]!r} is neither true nor false.", hint=f"Write {name}=true.")
    return text == "true"
