"""Real payloads, where they are at hand: every record is taken or refused with a reason, and what became of its members is printed.

They stay outside this repository: SECGRAPH_SHARED names the folder that holds `samples/<source>/`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from secgraph.extend import AlertDraft, Connector, Draft, EvidenceDraft, NotAnAlert, Unusable, Unwraps
from secgraph.sources.cef import CommonEventFormat
from secgraph.sources.cef_grammar import take_apart
from secgraph.sources.crowdstrike import CrowdStrike
from secgraph.sources.entra import EntraIdProtection
from secgraph.sources.falco import Falco
from secgraph.sources.graph import Graph
from secgraph.sources.guardduty import GuardDuty
from secgraph.sources.mcas import DefenderForCloudApps
from secgraph.sources.mde import DefenderForEndpoint
from secgraph.sources.mdo import DefenderForOffice
from secgraph.sources.ocsf import Ocsf
from secgraph.sources.prowler import Prowler
from secgraph.sources.scubagear import ScubaGear
from secgraph.sources.suricata import Suricata
from secgraph.sources.wazuh import Wazuh
from secgraph.sources.xdr import DefenderXdr
from secgraph.testing.hostile import raw_of

SHARED = os.environ.get("SECGRAPH_SHARED")
FOLDERS: list[tuple[str, Connector, str]] = [
    ("graph", Graph(), "*.json"),
    ("mde", DefenderForEndpoint(), "*.json"),
    ("entra", EntraIdProtection(), "*.json"),
    ("m365d", DefenderXdr(), "*json"),
    ("suricata", Suricata(), "*.ndjson"),
    ("wazuh", Wazuh(), "*.*[gn]"),
    ("falco", Falco(), "*.ndjson"),
    ("ocsf", Ocsf(), "*.json"),
    ("prowler", Ocsf(), "*.json"),
    ("cef", CommonEventFormat(), "*.log"),
    ("mdi", CommonEventFormat(), "*.log"),
    ("mdo", DefenderForOffice(), "*json"),
    ("mcas", DefenderForCloudApps(), "*.json"),
    ("mcas", CommonEventFormat(), "*.log"),
    ("crowdstrike", CrowdStrike(), "*.ndjson"),
    ("guardduty", GuardDuty(), "*.*json"),
    ("prowler", Prowler(), "*.json"),
    ("scubagear", ScubaGear(), "*.json"),
]


def records(path: Path, source: Connector) -> list[Any]:
    if source.framing == "whole":
        return [path.read_bytes()]
    text = path.read_text("utf-8", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if path.suffix == ".log":
        return list(lines)
    if path.suffix == ".ndjson":
        return [json.loads(line) for line in lines]
    value = json.loads(text)
    if isinstance(source, Unwraps) and (inside := source.unwrap(value)) is not None:
        return list(inside)
    for name in ("value", "data"):
        if isinstance(value, dict) and isinstance(value.get(name), list):
            return list(value[name])
    return value if isinstance(value, list) else [value]


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every text and number in a record, under the name of its member; what says nothing is left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{name}[]")
    elif value not in (None, "", "N/A", "<NA>") and not isinstance(value, bool):
        yield name, value


def members(value: Any) -> Iterable[tuple[str, Any]]:
    """The members of a record; of a line, those of its extension, or of the JSON in it."""
    if isinstance(value, bytes):
        return leaves(json.loads(value.decode("utf-8-sig")))
    if not isinstance(value, str):
        return leaves(value)
    start = value.find("{")
    if "ossec: {" in value:
        return leaves(json.loads(value[start:]))
    return take_apart(value).fields.items()


def told(draft: Draft) -> Any:
    """What is served of a draft."""
    if isinstance(draft, EvidenceDraft):
        return asdict(draft)
    return draft.alert if isinstance(draft, AlertDraft) else draft.record


def placed(value: Any, drafts: list[Draft]) -> tuple[set[str], set[str]]:
    """The names of members whose value stands somewhere in the alert, and of those that only the original keeps."""
    texts = [str(found).casefold() for draft in drafts for _, found in leaves(told(draft))]
    whole, long = set(texts), "\x1f".join(texts)
    there: set[str] = set()
    kept: set[str] = set()
    for name, found in members(value):
        word = str(found).casefold()
        # A time, a path or a list of words is taken apart; a number as short as a flag stands somewhere by chance.
        stands = word in whole or (len(word) > 3 and (word in long or word[:19].replace(" ", "t") in long))
        (there if stands else kept).add(name)
    return there, kept - there


@pytest.mark.skipif(SHARED is None, reason="SECGRAPH_SHARED is not set")
@pytest.mark.parametrize(("folder", "source", "pattern"), FOLDERS, ids=[folder for folder, _, _ in FOLDERS])
def test_every_sample_is_taken_or_refused(
    folder: str, source: Connector, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    counts: Counter[str] = Counter()
    there: set[str] = set()
    kept: set[str] = set()
    for path in sorted(Path(SHARED or "", "samples", folder).glob(pattern)):
        for line, value in enumerate(records(path, source), 1):
            raw = raw_of(value, line)
            try:
                drafts = list(source.normalise(raw))
                counts["taken" if drafts else "lost"] += 1
                if drafts:
                    found, left = placed(value, drafts)
                    there |= found
                    kept |= left
            except (NotAnAlert, Unusable) as refusal:
                counts["rejected" if str(refusal) else "lost"] += 1
    kept -= there
    assert counts["taken"]
    assert not counts["lost"]
    assert len(there) > 5
    with capsys.disabled():
        said = f"{counts['taken']} taken, {counts['rejected']} rejected, {len(there)} members placed"
        print(f"\n{folder} -> {said}, {len(kept)} kept only in the original: {', '.join(sorted(kept))[:900]}")  # noqa: T201 -- what a person runs this for
