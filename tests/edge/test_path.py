"""The segments of a path: each decoded by itself, so that an encoded slash parts nothing."""

from __future__ import annotations

import pytest

from secgraph.edge.exchange import path_segments
from secgraph.errors import NotFound


@pytest.mark.parametrize(("raw", "segments"), [
    (b"/v1.0/security/alerts_v2/a1", ["v1.0", "security", "alerts_v2", "a1"]),
    (b"//v1.0//security/", ["v1.0", "security"]),
    (b"/", []),
    (b"/a%2Fb/c", ["a/b", "c"]),
    (b"/a%20b/c%", ["a b", "c%"]),
    (b"/a?b/c", ["a"]),
    (b"/a?b=%2F", ["a"]),
    ("/\u00e9/%C3%A9".encode(), ["\u00e9", "\u00e9"]),
])  # fmt: skip
def test_segments(raw: bytes, segments: list[str]) -> None:
    assert path_segments(raw) == segments


@pytest.mark.parametrize(("raw", "reason"), [
    (b"/a%FFb", "UTF-8"), (b"/a\xffb", "UTF-8"), (b"/a%2/\xc3", "UTF-8"), (b"/a%00b", "NUL"), (b"/a/\x00", "NUL"),
])  # fmt: skip
def test_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(NotFound, match=reason):
        path_segments(raw)
