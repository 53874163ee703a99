"""The Prefer header: what a client would like (RFC 7240), read liberally, and what the grammar of OData 4.01 calls right."""

from __future__ import annotations

import re

_BLANK = r"[ \t]*"
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ITEM = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)+')
"""A part of a list; a comma inside quotes parts nothing."""

_PREFERENCE = re.compile(
    rf"{_BLANK}(?P<name>{_WORD}){_BLANK}(?:={_BLANK}(?P<value>{_WORD}|{_QUOTED})?{_BLANK})?(?:;.*)?", re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)")


def preferences(text: str) -> dict[str, str]:
    """Preferences by their lower-case name without `odata.`, each to its value (empty when it has none). Of one that is
    there twice the first counts; parameters are left out, and parts that are none are passed over.
    """
    found: dict[str, str] = {}
    for part in _ITEM.findall(text):
        match = _PREFERENCE.fullmatch(part)
        if match is None:
            continue
        value = match["value"] or ""
        if value.startswith('"'):
            value = _ESCAPED.sub(r"\1", value[1:-1])
        found.setdefault(match["name"].lower().removeprefix("odata."), value)
    return found


def page_size(found: dict[str, str]) -> int:
    """The page size that is preferred; 0 for none, and for one that is no whole number above it."""
    text = found.get("maxpagesize", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def applied(given: str, name: str, value: object) -> str:
    """A preference as Preference-Applied tells it: under the name that the client used."""
    return f"{'odata.' if f'odata.{name}' in given.lower() else ''}{name}={value}"


# --- the grammar --------------------------------------------------------------------------------------------------------

_EQUALS = rf"{_BLANK}={_BLANK}"
_ODATA = r"(?:odata\.)?"

_NAME = r"[^\W\d]\w{0,127}"
_TERM = rf"-?(?:(?:\*|%2A)|{_NAME}(?:\.{_NAME})*\.(?:{_NAME}|\*|%2A))(?:\#{_NAME})?"

_CHARACTER = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_AUTHORITY = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*(?:\[[0-9A-Fa-f:.v]+\](?::\d*)?)?"
_PATH = rf"(?://{_AUTHORITY}(?:/{_CHARACTER}*)*|/(?:{_CHARACTER}+(?:/{_CHARACTER}*)*)?|{_CHARACTER}+(?:/{_CHARACTER}*)*)"
_URI = rf"[A-Za-z][A-Za-z0-9+\-.]*:{_PATH}(?:\?(?:{_CHARACTER}|[/?])*)?(?:\#(?:{_CHARACTER}|[/?])*)?"

_WELL_FORMED = re.compile(
    "|".join((
        rf"{_ODATA}allow-entityreferences",
        rf'{_ODATA}callback{_BLANK};{_BLANK}url{_EQUALS}"{_URI}"',
        rf"{_ODATA}continue-on-error(?:{_EQUALS}(?:true|false))?",
        rf'{_ODATA}include-annotations{_EQUALS}"{_TERM}(?:,{_TERM})*"',
        rf"{_ODATA}maxpagesize{_EQUALS}[1-9][0-9]*",
        rf"omit-values{_EQUALS}(?:nulls|defaults)",
        r"respond-async",
        rf"return{_EQUALS}(?-i:representation|minimal)",
        rf"{_ODATA}track-changes",
        rf"wait{_EQUALS}[0-9]+",
    )),
    re.IGNORECASE,
)  # fmt: skip


def well_formed(text: str) -> bool:
    """Whether a preference, or each of a list of them, is one of OData 4.01 and written by its grammar. Blanks may stand at
    the front, as behind the name of the header, and around the commas of a list.
    """
    parts = _ITEM.findall(text)
    if len(_ITEM.sub("", text)) != len(parts) - 1:
        return False  # what is left are the commas: each parts two
    *others, last = parts
    return all(_WELL_FORMED.fullmatch(part) for part in (*(other.strip(" \t") for other in others), last.lstrip(" \t")))
