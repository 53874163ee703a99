"""The JSON behind a syslog head, as products send it."""

from __future__ import annotations

import pytest

from secgraph.listen.syslog import json_of


@pytest.mark.parametrize(("message", "found"), [
    (b'{"a":1}', b'{"a":1}'),
    (b' {"a":1}', b'{"a":1}'),
    (b"[1]", b"[1]"),
    (b'\xef\xbb\xbf{"a":1}', b'{"a":1}'),
    (b'<132>Dec  1 10:00:00 manager ossec: {"rule":{"level":7}}', b'{"rule":{"level":7}}'),
    (b'ossec: {"a":1}', b'{"a":1}'),
    (b'<13>Dec  1 10:00:00 sensor suricata[42]: {"event_type":"alert"}', b'{"event_type":"alert"}'),
    (b'<13>Dec  1 10:00:00 host app: @cee: {"a":1}', b'{"a":1}'),
    (b'<13>1 2026-12-01T10:00:00.1Z host app 1 - - {"a":1}', b'{"a":1}'),
    (b'<13>1 2026-12-01T10:00:00.1Z host app 1 id [x@1 a="{no}" b="\\]\\""][y@1] {"a":1}', b'{"a":1}'),
    (b'<13>1 2026-12-01T10:00:00.1Z host app 1 id [x@1 a="{no}"] \xef\xbb\xbf{"a":1}', b'{"a":1}'),
    (b"<13>Dec  1 10:00:00 host app: no braces", None),
    (b"", None),
])  # fmt: skip
def test_the_json_of_a_message(message: bytes, found: bytes | None) -> None:
    assert json_of(message) == found
