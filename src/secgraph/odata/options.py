"""The query string taken apart: option names in every spelling that clients use, each to its text."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from secgraph.errors import BadOption

KNOWN = ("$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$count", "$skiptoken", "$format")
_BARE = {name[1:]: name for name in KNOWN}


def options(query: bytes) -> dict[str, str]:
    """Options by their `$` name. Names may come with `$`, `%24` or bare, in any letter case; the last of several wins;
    an unknown name without `$` is ignored and one with it is a BadOption.
    """
    found: dict[str, str] = {}
    for part in query.split(b"&"):
        if not part:
            continue
        raw_name, _, raw_value = part.partition(b"=")
        name = _text(raw_name, "name").strip().lower()
        if name.startswith("$"):
            if name not in KNOWN:
                raise BadOption(name[:40], "is not an option of this server.", hint=f"Options: {', '.join(KNOWN)}.")
        elif name in _BARE:
            name = _BARE[name]
        else:
            continue
        found[name] = _text(raw_value, name)
    return found


def _text(raw: bytes, what: str) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise BadOption(what, "is not UTF-8.", hint="Percent-encode the value as UTF-8.") from None
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
