"""The keys of this server: which there are, new ones, and the key that seals them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from secgraph import clock
from secgraph.app import SEAL, Core
from secgraph.cli.terminal import AsJson, Data, Database, confirm, out, show, table_of, with_core
from secgraph.edge.signing import Held, Kind
from secgraph.errors import UsageError
from secgraph.private import write_private
from secgraph.seal import Seal, key_of, new_key
from secgraph.settings import gather

keys_app = typer.Typer(no_args_is_help=True, help="Keys that sign access tokens and links, and the key that seals them.")

OfLinks = Annotated[bool, typer.Option("--links", help="The keys that sign links, not those that sign tokens.")]
HEADS = ("id", "state", "until", "name")


def _kind(links: bool) -> Kind:
    return "links" if links else "token"


def _data(found: list[Held], now: int) -> list[dict[str, Any]]:
    """One object a key, the one that signs first."""
    return [{
        "id": one.key.id if one.key is not None else None,
        "state": "damaged" if one.key is None else "signs" if one is found[0]
                 else "honoured" if one.ends is None or now < one.ends else "over",
        "startDateTime": clock.text(one.since) if one.since is not None else None,
        "endDateTime": clock.text(one.ends) if one.ends is not None else None,
        "name": one.name,
    } for one in found]  # fmt: skip


def _rows(shown: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [(one["id"] or "", one["state"], (one["endDateTime"] or "")[:19], one["name"]) for one in shown]


def _show(found: list[Held], said: str, *, as_json: bool) -> None:
    shown = _data(found, clock.now())

    def human() -> None:
        if said:
            out.print(said.format(id=shown[0]["id"] if shown else ""))
        table_of(HEADS, _rows(shown))

    show(shown, as_json=as_json, human=human)


@keys_app.command("list")
def keys_list(links: OfLinks = False, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the keys: which one signs, and until when those before it are honoured."""
    _show(with_core(data, database, lambda inner: inner.keys.held(_kind(links))), "", as_json=as_json)


@keys_app.command("rotate")
def keys_rotate(links: OfLinks = False, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """Make a new key that signs from now on. What was signed before stays good; running servers notice by themselves."""
    found = with_core(data, database, lambda inner: inner.keys.rotate(_kind(links)))
    _show(found, "The key {id} signs from now on.", as_json=as_json)


@keys_app.command("add")
def keys_add(file: Path, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """Take in an RSA key of your own (PEM) that signs tokens from now on. Tokens issued before stay good."""
    try:
        pem = file.read_bytes()
    except OSError as fault:
        raise UsageError(f"The file {file} cannot be read: {fault.strerror}.") from None
    found = with_core(data, database, lambda inner: inner.keys.add(pem, f"in {file}"))
    _show(found, "The key {id} signs from now on.", as_json=as_json)


# An id may begin with a dash.
@keys_app.command("remove", context_settings={"ignore_unknown_options": True})
def keys_remove(
    key: str, links: OfLinks = False, data: Data = None, database: Database = None, as_json: AsJson = False
) -> None:
    """Remove a key, by its name or id. What it signed ends within seconds."""
    found = with_core(data, database, lambda inner: inner.keys.remove(_kind(links), key))
    _show(found, "The key is gone.", as_json=as_json)


@keys_app.command("discard")
def keys_discard(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Remove all keys, for when the key that seals them is lost. Stop the servers first; the next start makes new ones."""

    async def work(inner: Core) -> int:
        confirm("Remove all keys, and end every token and link handed out?", yes=yes)
        return await inner.keys.discard()

    count = with_core(data, database, work)
    show({"removed": count}, as_json=as_json, human=lambda: out.print(f"{count} keys are gone."))


@keys_app.command("seal-key")
def keys_seal_key() -> None:
    """Print a new key for the setting seal_key."""
    sys.stdout.write(new_key() + "\n")


@keys_app.command("reseal")
def keys_reseal(
    new: Annotated[str, typer.Option("--new", help="@file with the new key: see seal-key.")],
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Seal what is secret with another key. Then give it to every node, and start them again."""
    settings = gather({"data": data, "database": database})
    if not new.startswith("@"):
        raise UsageError("Give the new key in a file: --new @file. On the command line others could read it.")
    try:
        text = Path(new[1:]).read_text("utf-8").strip()
        seal = Seal(key_of(text))
    except OSError as fault:
        raise UsageError(f"The file {new[1:]} cannot be read: {fault.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The key in {new[1:]} is not text.") from None
    except ValueError as fault:
        raise UsageError(f"The key in {new[1:]} {fault}.") from None

    async def work(inner: Core) -> int:
        # Keys last: as long as one is sealed with the former key, a run that was broken off can be repeated.
        return await inner.feeds.reseal(seal) + await inner.keys.reseal(seal)

    count = with_core(data, database, work)
    file = settings.folder / SEAL
    if not settings["seal_key"] and file.exists():
        write_private(file, f"{text}\n".encode())
        said = f"{file} holds the new key. Start the server again."
    else:
        said = "Set SECGRAPH_SEAL_KEY to it on every node, and start them again."
    show({"sealed": count}, as_json=as_json,
         human=lambda: out.print(f"{count} keys and secrets are sealed with the new key. {said}"))  # fmt: skip
