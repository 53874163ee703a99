"""The named statements: those of `statements.sql`, and what erases the rows of a set."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from secgraph.errors import Fault
from secgraph.store.erasing import of_sets

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_VALUE = re.compile(r"(?<!:):(\w+)")


@cache
def statements(database: str = "") -> dict[str, str]:
    """Statement texts by name, without their comments; values are written `:name`. Where a database says some in its own
    words (`statements-{database}.sql`), those come in place of the common ones.
    """
    if database:
        return {**statements(), **_named(f"statements-{database}.sql"), **of_sets(database)}
    return {**_named("statements.sql"), **of_sets()}


def _named(file: str) -> dict[str, str]:
    text = files("secgraph.store").joinpath(file).read_text("utf-8")
    parts = _NAME.split(text)[1:]
    found: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in found:
            raise Fault(f"{file} has two statements named {name}.")
        lines = (line for line in body.splitlines() if not line.startswith("--"))
        found[name] = "\n".join(lines).strip().rstrip(";")
    return found


@cache
def statement(name: str, database: str = "") -> tuple[str, tuple[str, ...]]:
    """The statement of that name with a `?` for each value, and the names of the values in that order."""
    text = statements(database)[name]
    return _VALUE.sub("?", text), tuple(_VALUE.findall(text))


@cache
def migrations() -> dict[int, list[str]]:
    """The numbered migrations in order, each as its statements."""
    folder = files("secgraph.store").joinpath("migrations")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return {int(name.partition("-")[0]): _parts(folder.joinpath(name).read_text("utf-8")) for name in names}


def _parts(text: str) -> list[str]:
    """The statements of a file, each of which ends with its line."""
    plain = re.sub(r"--.*$", "", text, flags=re.MULTILINE)
    return [part.strip() for part in re.split(r";\s*$", plain, flags=re.MULTILINE) if part.strip()]
