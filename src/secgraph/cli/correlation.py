"""How a tenant's alerts are put together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from secgraph.app import Core
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, show, table_of, with_core
from secgraph.errors import BadBody, UsageError
from secgraph.ingest.adjust import adjust, adjusted, values_of
from secgraph.model.correlation import WORDS, named, outward, shown

correlation_app = typer.Typer(no_args_is_help=True, help="How a tenant's alerts are put into incidents.")

CAUSE = "command correlation"
"""What the events name that are caused here."""


def said(words: Iterable[str]) -> dict[str, Any]:
    """Settings given as NAME=VALUE; keys to be ignored may be given one by one. UsageError for what is none."""
    found: dict[str, Any] = {}
    for word in words:
        name, mark, value = word.partition("=")
        if not mark:
            raise UsageError(f"'{word[:80]}' is no setting and its value: write NAME=VALUE, such as window=36h.")
        field = named(name.strip())
        if WORDS[field].kind == "keys":
            found.setdefault(field, []).extend([value.strip()] if value.strip() else [])
        elif field in found:
            raise UsageError(f"{outward(field)} is said twice.")
        else:
            found[field] = value.strip()
    return found


def read(file: Path) -> dict[str, Any]:
    """Settings of a file. UsageError where it holds none."""
    try:
        found = msgspec.json.decode(file.read_bytes())
    except OSError as fault:
        raise UsageError(f"{file} cannot be read: {fault.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise UsageError(f"{file} is not JSON: {fault}.") from None
    if not isinstance(found, dict):
        raise UsageError(f'{file} is to hold a JSON object of settings, such as {{"window": "36h"}}.')
    return found


def _work(given: dict[str, Any] | None, tenant: str | None, data: Path | None, database: str | None, *, as_json: bool) -> None:
    async def work(inner: Core) -> dict[str, Any]:
        number = (await inner.registry.tenant(tenant)).number
        if given is None:
            return await adjusted(inner.store, number)
        return await adjust(inner.store, number, given, CAUSE)

    found = with_core(data, database, work)
    usual = shown(values_of({}))

    def human() -> None:
        rows = [
            (outward(name), _text(found[outward(name)]), "" if found[outward(name)] == usual[outward(name)] else "changed",
             word.says) for name, word in WORDS.items()
        ]  # fmt: skip
        table_of(("setting", "is", "", "what it says"), rows)

    show(found, as_json=as_json, human=human)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


@correlation_app.command("show")
def correlation_show(tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """Show the settings that hold in a tenant."""
    _work(None, tenant, data, database, as_json=as_json)


@correlation_app.command("set")
def correlation_set(
    words: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE...", help="Such as window=36h or ignored=ip.public:198.51.100.7.")
    ],
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Change settings of a tenant. Alerts that come from then on go by them; those that are there stay where they are."""
    _work(said(words), tenant, data, database, as_json=as_json)


@correlation_app.command("reset")
def correlation_reset(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="All of them where none is named.")] = None,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Let settings of a tenant be what they are by default."""
    _work(dict.fromkeys(map(named, names) if names else WORDS), tenant, data, database, as_json=as_json)


@correlation_app.command("import")
def correlation_import(
    file: Annotated[Path, typer.Argument(help="A JSON object of settings, as show --json prints it.")],
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Change settings of a tenant to what a file says; what it does not name stays."""
    try:
        _work(read(file), tenant, data, database, as_json=as_json)
    except BadBody as fault:
        raise UsageError(f"{file}: {fault}") from None
