"""The JSON behind a syslog head: how Wazuh, Suricata and others send records whose source reads JSON."""

from __future__ import annotations

import re

_HEAD = re.compile(rb"<[0-9]{1,3}>1(?: [!-~]{1,255}){5} ")
"""Of RFC 5424: version, time, host, name, process and kind; each of them may be a dash."""
_ELEMENT = re.compile(rb'\[[!-~]{1,64}(?: [!-~]{1,64}?="(?:[^"\\]++|\\.)*+")*\]', re.DOTALL)
"""An element of its structured data, in whose values braces may stand."""
_BOM = b"\xef\xbb\xbf"


def json_of(message: bytes) -> bytes | None:
    """The JSON of a message, with or without a head of RFC 5424, of RFC 3164 or of neither (`ossec: {...}`); None where there
    is none.
    """
    if message.lstrip(_BOM + b" ")[:1] in {b"{", b"["}:
        return message.lstrip(_BOM + b" ")
    place = 0
    head = _HEAD.match(message)
    if head is not None:
        place = head.end()
        while (element := _ELEMENT.match(message, place)) is not None:
            place = element.end()
    begin = message.find(b"{", place)
    return message[begin:] if begin >= 0 else None
