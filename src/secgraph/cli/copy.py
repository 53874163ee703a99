"""Moving everything to another database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from secgraph import clock
from secgraph.app import FILE, SEAL
from secgraph.cli.terminal import AsJson, bar, err, out, show
from secgraph.errors import UsageError
from secgraph.model.edm import load
from secgraph.serve import is_served, only_server
from secgraph.store.alone import alone
from secgraph.store.copying import Copy, Tick
from secgraph.store.sides import copied_from, copied_into


def copy_command(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A data folder, or a SQLite file.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same; new, empty, or begun by such a copy.")],
    discard: Annotated[bool, typer.Option("--discard", help="Begin a copy anew that was broken off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy everything into another database, and compare both. Broken off, it goes on where it stopped. Stop servers first."""
    origin, file = _file(source), _file(target)
    if origin.exists() and file.exists() and origin.samefile(file):
        raise UsageError("FROM and TO are the same database.")
    if origin.name == FILE and is_served(origin.parent):
        err.print(f"A server is running on {origin.parent}. What it writes from now on is not in the copy.", markup=False)
    begun = clock.now()
    with copied_from(origin) as one, _held(file), copied_into(file, load()) as other, _ticking() as tick:
        found = asyncio.run(Copy(one, other, tick).run(begun, discard=discard))

    def human() -> None:
        out.print(f"{file} holds all of {origin} as of {clock.text(begun)[:19]}Z: {sum(found.values())} rows of {len(found)}"
                  " tables, compared one by one.", markup=False)  # fmt: skip
        err.print(f"The key that opens what is sealed in it was not copied: take {SEAL} of the former folder along, or set"
                  " seal_key as it is there. Not copied either: keys, ca.pem, quickstart.env and secgraph.toml.")  # fmt: skip

    show({"from": str(origin), "to": str(file), "asOfDateTime": clock.text(begun), "rows": found}, as_json=as_json, human=human)


def _file(word: str) -> Path:
    """The file that a word means: itself, or the database of a data folder."""
    path = Path(word).expanduser().absolute()
    return path if path.is_file() or path.suffix == ".db" else path / FILE


@contextlib.contextmanager
def _held(file: Path) -> Iterator[None]:
    """Holds the folder of a database for this command, as a server does."""
    if file.name == FILE:
        with only_server(file.parent), alone(file.parent):
            yield
    elif file.parent.is_dir():
        yield
    else:
        raise UsageError(f"There is no folder {file.parent}. Make it first.")


@contextlib.contextmanager
def _ticking() -> Iterator[Tick]:
    with bar("Copying and comparing") as tick:
        yield tick
