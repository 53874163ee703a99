"""Real payloads, where they are at hand: every record is taken or refused with a reason.

They stay outside this repository: SECGRAPH_SHARED names the folder that holds `samples/<source>/`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from secgraph.extend import Connector, NotAnAlert, Raw, Unusable
from secgraph.sources.cef import CommonEventFormat
from secgraph.sources.entra import EntraIdProtection
from secgraph.sources.graph import Graph
from secgraph.sources.mcas import DefenderForCloudApps
from secgraph.sources.mde import DefenderForEndpoint
from secgraph.sources.mdo import DefenderForOffice
from secgraph.sources.suricata import Suricata
from secgraph.sources.xdr import DefenderXdr

SHARED = os.environ.get("SECGRAPH_SHARED")
FOLDERS: list[tuple[str, Connector, str]] = [
    ("graph", Graph(), "*.json"),
    ("mde", DefenderForEndpoint(), "*.json"),
    ("entra", EntraIdProtection(), "*.json"),
    ("m365d", DefenderXdr(), "*json"),
    ("suricata", Suricata(), "*.ndjson"),
    ("cef", CommonEventFormat(), "*.log"),
    ("mdi", CommonEventFormat(), "*.log"),
    ("mdo", DefenderForOffice(), "*json"),
    ("mcas", DefenderForCloudApps(), "*.json"),
    ("mcas", CommonEventFormat(), "*.log"),
]


def records(path: Path) -> list[Any]:
    text = path.read_text("utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if path.suffix == ".log":
        return list(lines)
    if path.suffix == ".ndjson":
        return [json.loads(line) for line in lines]
    value = json.loads(text)
    for name in ("value", "data"):
        if isinstance(value, dict) and isinstance(value.get(name), list):
            return list(value[name])
    return value if isinstance(value, list) else [value]


@pytest.mark.skipif(SHARED is None, reason="SECGRAPH_SHARED is not set")
@pytest.mark.parametrize(("folder", "source", "pattern"), FOLDERS, ids=[folder for folder, _, _ in FOLDERS])
def test_every_sample_is_taken_or_refused(
    folder: str, source: Connector, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    for path in sorted(Path(SHARED or "", "samples", folder).glob(pattern)):
        for line, value in enumerate(records(path), 1):
            raw = Raw(line=line, data=b"", value=value, received=17_707_248_000_000_000)
            try:
                counts["taken" if list(source.normalise(raw)) else "lost"] += 1
            except (NotAnAlert, Unusable) as refusal:
                counts[type(refusal).__name__ if str(refusal) else "lost"] += 1
    assert counts["taken"]
    assert not counts["lost"]
    with capsys.disabled():
        print(f"\n{folder}: {dict(+counts)}")  # noqa: T201 -- what a person runs this for
