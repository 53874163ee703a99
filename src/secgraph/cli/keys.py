"""The keys that sign access tokens: which there are, and a new one."""

from __future__ import annotations

from typing import Any

import typer

from secgraph import clock
from secgraph.cli.terminal import AsJson, Data, out, show, table_of
from secgraph.edge import keys as key_files
from secgraph.errors import UsageError
from secgraph.settings import Settings, gather

keys_app = typer.Typer(no_args_is_help=True, help="Keys that sign access tokens.")

HEADS = ("id", "state", "until", "file")


def _data(found: list[key_files.Held], now: int) -> list[dict[str, Any]]:
    """One object a key, the one that signs first."""
    return [{
        "id": one.key.id,
        "state": "signs" if one is found[0] else "honoured" if one.ends is None or now < one.ends else "over",
        "startDateTime": clock.text(one.key.since) if one.key.since is not None else None,
        "endDateTime": clock.text(one.ends) if one.ends is not None else None,
        "file": one.key.file.name,
    } for one in found]  # fmt: skip


def _rows(shown: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [(one["id"], one["state"], (one["endDateTime"] or "")[:19], one["file"]) for one in shown]


@keys_app.command("list")
def keys_list(data: Data = None, as_json: AsJson = False) -> None:
    """List the keys: which one signs, and until when those before it are honoured."""
    settings = gather({"data": data})
    shown = _data(key_files.held(settings.folder / "keys", settings["token_seconds"]), clock.now())
    show(shown, as_json=as_json, human=lambda: table_of(HEADS, _rows(shown)))


@keys_app.command("rotate")
def keys_rotate(data: Data = None, as_json: AsJson = False) -> None:
    """Make a new key that signs from now on. Tokens issued before stay good; a running server notices by itself."""
    settings = gather({"data": data})
    shown = _data(_rotated(settings), clock.now())

    def human() -> None:
        out.print(f"The key {shown[0]['id']} signs from now on.")
        table_of(HEADS, _rows(shown))

    show(shown, as_json=as_json, human=human)


def _rotated(settings: Settings) -> list[key_files.Held]:
    try:
        return key_files.rotate(settings.folder / "keys", clock.now(), settings["token_seconds"])
    except OSError as fault:
        raise UsageError(f"No key could be made in {settings.folder / 'keys'}: {fault.strerror}.") from None
