"""The documents that ours holds, read through its own API: one a line in a file, from which the other sides are filled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.processes import Failed
from bench.sides import ALERTS, Client
from bench.tables import Columns, decode_columns


class _Page(msgspec.Struct):
    value: list[msgspec.Raw]
    link: str | None = msgspec.field(name="@odata.nextLink", default=None)


read_page = msgspec.json.Decoder(_Page).decode


def target(link: str) -> str:
    """The path and query of an absolute link."""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def write(client: Client, file: Path, size: int) -> None:
    """Writes every alert's document, oldest first. Failed when there are not `size` of them."""
    path: str | None = f"{ALERTS}?$orderby=createdDateTime&$top=1000"
    written = 0
    with file.open("wb") as out:
        while path is not None:
            page = read_page(client.ask("GET", path))
            out.writelines(bytes(document) + b"\n" for document in page.value)
            written += len(page.value)
            path = target(page.link) if page.link else None
    if written != size:
        raise Failed(f"Of {size} alerts that were taken in a list shows {written}.")


def lines(file: Path) -> Iterator[str]:
    """The documents."""
    with file.open(encoding="utf-8", newline="\n") as found:
        for line in found:
            yield line.rstrip("\n")


def columns(file: Path) -> list[Columns]:
    """What questions are made of, oldest first."""
    return [decode_columns(line) for line in lines(file)]
