"""`secgraph source try`: what a mapping, or a kind, would make of a sample. Nothing is stored, and no server is needed."""

from __future__ import annotations

import io
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from secgraph import clock
from secgraph.cli.source import told_options
from secgraph.cli.terminal import AsJson, out, show
from secgraph.errors import UsageError
from secgraph.extend import Connector, Told
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.ingest.trial import Tried, as_json, evidence_shown, shown, trial

LARGEST = 64 * 1024 * 1024
"""Most bytes of a sample."""


def source_try(
    what: Annotated[str, typer.Argument(metavar="MAPPING|KIND", help="A mapping (a .toml file), or a kind that is installed.")],
    sample: Annotated[str, typer.Argument(help="A file with records as they come, or - for standard input.")],
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="NAME=VALUE or NAME=@file, as for source add.")
    ] = None,
    json_wanted: AsJson = False,
) -> None:
    """Print what a source makes of a sample: the alerts as they would be served, the evidence for controls, the
    notes, and what it could not place.
    """
    connector = _connector(what, told_options(option))
    data = _sample(sample)
    found = list(trial(connector, io.BytesIO(data), clock.now()))
    if not found:
        raise UsageError(f"There is no record in {sample}.")
    show([_as_data(one) for one in found], as_json=json_wanted, human=lambda: _say(found))
    if any(one.outcome in {"rejected", "unreadable"} for one in found):
        raise typer.Exit(1)


def _connector(what: str, options: dict[str, str]) -> Connector:
    kinds = Kinds()
    if what in kinds:
        found = kinds.source(what)
        if isinstance(found, Told) and options:
            return kinds.told(what, "push", options)
        if what == "generic":
            raise UsageError("Give the mapping in its place: secgraph source try MAPPING.toml SAMPLE.")
        if options:
            raise UsageError(f"Sources of the kind {what} are told nothing.")
        return found
    path = Path(what)
    if path.suffix != ".toml" and not path.is_file():
        raise UsageError(f"'{what[:80]}' is neither a mapping (a .toml file) nor a kind. Kinds: {', '.join(kinds)}.")
    if options:
        raise UsageError("A mapping says everything itself: it takes no --option.")
    return kinds.told("generic", "push", {"mapping": _read(path, "mapping").decode("utf-8", "replace")})


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(LARGEST + 1)
    except OSError as fault:
        raise UsageError(f"The {what} {path} cannot be read: {fault.strerror}.") from None
    if len(found) > LARGEST:
        raise UsageError(f"The {what} {path} is larger than {LARGEST // 1024 // 1024} MiB: try a part of it.")
    return found


def _sample(name: str) -> bytes:
    return sys.stdin.buffer.read(LARGEST) if name == "-" else _read(Path(name), "sample")


def _as_data(one: Tried) -> dict[str, Any]:
    return {**asdict(one), "unplaced": dict(one.unplaced)}


def _say(found: list[Tried]) -> None:
    for one in found:
        out.print(shown(one), markup=False)
        for served in (*one.alerts, *one.objects):
            out.print(as_json(served), markup=False)
        for piece in one.evidence:
            out.print(evidence_shown(piece), markup=False, soft_wrap=True)
        for note in one.notes:
            out.print(f"note: {note}", markup=False)
        if one.unplaced:
            out.print("kept only in the original:")
            for name, value in one.unplaced:
                out.print(f"  {name}: {value if len(value) <= 100 else value[:97] + '...'}", markup=False)
    counts = {word: sum(one.outcome == word for one in found) for word in ("taken", "passed over", "rejected", "unreadable")}
    out.print(", ".join(f"{count} {word}" for word, count in counts.items() if count))
