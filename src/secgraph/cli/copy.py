"""Moving everything to another database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from secgraph import clock
from secgraph.app import FILE, SEAL, driver
from secgraph.cli.terminal import AsJson, bar, err, out, show
from secgraph.errors import UsageError
from secgraph.model.edm import load
from secgraph.serve import is_served, only_server
from secgraph.store.copying.copy import Copy, Side
from secgraph.store.sqlite import side as sides
from secgraph.store.sqlite.alone import alone

SERVERS = ("postgresql://", "postgres://")


def copy_command(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A data folder, a SQLite file, or postgresql://... (@file).")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same; new, empty, or begun by such a copy.")],
    discard: Annotated[bool, typer.Option("--discard", help="Begin a copy anew that was broken off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy everything into another database, and compare both. Broken off, it goes on where it stopped. Stop servers first."""
    begun = clock.now()

    async def work() -> tuple[str, str, dict[str, int]]:
        async with _source(_place(source)) as one, _target(_place(target)) as other:
            with bar("Copying and comparing") as tick:
                return one.name, other.name, await Copy(one, other, tick).run(begun, discard=discard)

    if _place(source) == _place(target):
        raise UsageError("FROM and TO are the same database.")
    origin, made, found = asyncio.run(work())

    def human() -> None:
        out.print(f"{made} holds all of {origin} as of {clock.text(begun)[:19]}Z: {sum(found.values())} rows of {len(found)}"
                  " tables, compared one by one.", markup=False)  # fmt: skip
        err.print(f"The key that opens what is sealed in it was not copied: take {SEAL} of the former folder along, or set"
                  " seal_key as it is there. Not copied either: keys, ca.pem, quickstart.env and secgraph.toml.")  # fmt: skip

    show({"from": origin, "to": made, "asOfDateTime": clock.text(begun), "rows": found}, as_json=as_json, human=human)


def _place(word: str) -> str | Path:
    """What a word means: the address of a server, a file, or the file of a data folder."""
    if word.startswith("@"):
        try:
            word = Path(word[1:]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise UsageError(f"The file {word[1:]} with the address of a database cannot be read: {fault}.") from None
    if word.startswith(SERVERS):
        return word
    path = Path(word).expanduser().resolve()
    return path if path.is_file() or path.suffix == ".db" else path / FILE


@contextlib.asynccontextmanager
async def _source(place: str | Path) -> AsyncIterator[Side]:
    if isinstance(place, Path):
        if place.name == FILE and is_served(place.parent):
            err.print(f"A server is running on {place.parent}. What it writes from now on is not in the copy.", markup=False)
        with sides.copied_from(place) as side:
            yield side
        return
    with driver():
        from secgraph.store.postgres import side as sides_postgres  # noqa: PLC0415 -- its driver is an extra
    async with sides_postgres.copied_from(place) as side:
        yield side


@contextlib.asynccontextmanager
async def _target(place: str | Path) -> AsyncIterator[Side]:
    if isinstance(place, Path):
        with contextlib.ExitStack() as held:
            if place.name == FILE:
                held.enter_context(only_server(place.parent))
                held.enter_context(alone(place.parent))
            elif not place.parent.is_dir():
                raise UsageError(f"There is no folder {place.parent}. Make it first.")
            with sides.copied_into(place, load()) as side:
                yield side
        return
    with driver():
        from secgraph.store.postgres import side as sides_postgres  # noqa: PLC0415 -- its driver is an extra
    async with sides_postgres.copied_into(place, load()) as side:
        yield side
