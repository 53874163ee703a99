"""Certificates of applications: what proves an application instead of a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from secgraph import clock
from secgraph.app import Core
from secgraph.cli.access import application_named
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, err, out, show, with_core
from secgraph.errors import UsageError
from secgraph.store.certificate import LONGEST_FILE, Certificate

certificate_app = typer.Typer(no_args_is_help=True, help="Certificates by which an application proves itself.")


def _data(one: Certificate) -> dict[str, Any]:
    return {"thumbprint": one.sha1.upper(), "thumbprintSha256": one.sha256.upper(), "subject": one.subject,
            "startDateTime": clock.text(one.starts), "endDateTime": clock.text(one.ends),
            "createdDateTime": clock.text(one.created)}  # fmt: skip


def _lines(found: list[Certificate]) -> None:
    """One line each: a thumbprint is for copying, so it must not be folded as a table would fold it."""
    for one in found:
        out.print(
            f"{one.sha1.upper()}  {clock.text(one.starts)[:10]} to {clock.text(one.ends)[:10]}  {one.subject}", markup=False
        )


@certificate_app.command("add")
def certificate_add(
    application: str,
    file: Annotated[Path, typer.Argument(help="The certificate, PEM or DER; its private key stays with the application.")],
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Register a certificate. Several may be registered at a time, so that one takes over from the other."""
    content = _content(file)

    async def work(inner: Core) -> Certificate:
        return await inner.registry.add_certificate(*await application_named(inner, tenant, application), content)

    made = with_core(data, database, work)

    def human() -> None:
        _lines([made])
        out.print(f"SHA-256  {made.sha256.upper()}")
        if b"PRIVATE KEY" in content:
            err.print("The file holds a private key too. It was left alone: it belongs to the application only.")

    show(_data(made), as_json=as_json, human=human)


@certificate_app.command("list")
def certificate_list(
    application: str, tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False
) -> None:
    """List the certificates of an application."""

    async def work(inner: Core) -> list[Certificate]:
        owner, found = await application_named(inner, tenant, application)
        return await inner.registry.certificates(owner, found.id)

    found = with_core(data, database, work)
    show([_data(one) for one in found], as_json=as_json, human=lambda: _lines(found))


@certificate_app.command("remove")
def certificate_remove(
    application: str,
    thumbprint: Annotated[str, typer.Argument(help="SHA-1 or SHA-256, or its first eight digits or more.")],
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Remove a certificate. All tokens of the application issued so far end within seconds."""

    async def work(inner: Core) -> Certificate:
        return await inner.registry.remove_certificate(*await application_named(inner, tenant, application), thumbprint)

    gone = with_core(data, database, work)
    show(_data(gone), as_json=as_json, human=lambda: out.print(f"The certificate {gone.sha1.upper()} is gone."))


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST_FILE + 1)
    except OSError as fault:
        raise UsageError(f"The file {file} cannot be read: {fault.strerror}.") from None
