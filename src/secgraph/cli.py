"""The command line: Typer verbs over the same functions the server uses.

Every message a person can act on is one plain line on standard error and exit status 2. `--json` prints data for
scripts, with stable names.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
import zlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from secgraph import __version__, clock, observe, quickstart, serve
from secgraph.app import Core, core
from secgraph.errors import Refusal, UsageError
from secgraph.extend import source as source_named
from secgraph.extend import sources
from secgraph.ingest.door import Report, as_data
from secgraph.settings import gather, table
from secgraph.store.registry import Application, Tenant

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="A self-hosted security graph that speaks the Microsoft Graph Security API.")  # fmt: skip
tenant_app = typer.Typer(no_args_is_help=True, help="Tenants: organisations whose data never meet.")
app_app = typer.Typer(no_args_is_help=True, help="Applications: clients of a tenant, their secrets and permissions.")
app.add_typer(tenant_app, name="tenant")
app.add_typer(app_app, name="app")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data folder (default ./data).")]
InTenant = Annotated[str | None, typer.Option("--tenant", help="Tenant by name or id; may be left out when there is one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class _FilesOrCommand(typer.core.TyperGroup):
    """A group whose arguments are files unless the first one names a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = ["files", *args]
        return super().parse_args(ctx, args)


ingest_app = typer.Typer(cls=_FilesOrCommand, no_args_is_help=True, help="Take in records: secgraph ingest --source S FILE...")
rejected_app = typer.Typer(no_args_is_help=True, help="Records that could not be taken in.")
ingest_app.add_typer(rejected_app, name="rejected")
app.add_typer(ingest_app, name="ingest")


def _with_core(data: Path | None, work: Callable[[Core], Awaitable[Any]]) -> Any:
    settings = gather({"data": data})

    async def run() -> Any:
        async with core(settings) as inner:
            return await work(inner)

    return asyncio.run(run())


def _print(value: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    if as_json:
        sys.stdout.write(json.dumps(value, indent=2) + "\n")
    else:
        human()


# --- serve ----------------------------------------------------------------------------------------------------------


@app.command("serve")
def serve_command(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1 and ::1).")] = None,
    port: Annotated[str | None, typer.Option(help="Port to listen on (default 8443).")] = None,
    public_url: Annotated[str | None, typer.Option(help="Origin that clients use when a proxy stands in front.")] = None,
    tls_cert: Annotated[str | None, typer.Option(help="Certificate chain (PEM) instead of the local one.")] = None,
    tls_key: Annotated[str | None, typer.Option(help="Its key (PEM).")] = None,
    allow_plain_http: Annotated[bool | None, typer.Option("--allow-plain-http", help="Serve without TLS.")] = None,
    log_format: Annotated[str | None, typer.Option(help="plain or json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Leave the examples out of a first start.")] = False,
) -> None:
    """Run the server. A first start makes a certificate, a tenant, an application and examples."""
    settings = gather({"data": data, "host": host, "port": port, "public_url": public_url, "tls_cert": tls_cert,
                       "tls_key": tls_key, "allow_plain_http": allow_plain_http, "log_format": log_format,
                       "log_level": log_level})  # fmt: skip
    observe.log_to_stderr(level=settings["log_level"], form=settings["log_format"])
    serve.run(settings, empty=empty, progress=lambda: _bar("Taking in the examples"))


@contextlib.contextmanager
def _bar(words: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; nothing anywhere else."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(words, total=total)
        yield lambda done: progress.advance(task, done)


@app.command("settings")
def settings_command(data: Data = None, as_json: AsJson = False) -> None:
    """Print every setting in force, where it came from, and what it does. Secrets are masked."""
    rows = table(gather({"data": data}))
    named = [dict(zip(("name", "value", "origin", "says"), row, strict=True)) for row in rows]
    _print(named, as_json=as_json, human=lambda: _table(("setting", "value", "from", "what it does"), rows))


@app.command("version")
def version_command() -> None:
    """Print the version."""
    out.print(__version__)


@app.command("token")
def token_command(data: Data = None) -> None:
    """Print an access token of the quickstart application, for a curl line."""
    import httpx  # noqa: PLC0415 -- takes as long to import as all the rest, and only this verb needs it

    folder = gather({"data": data}).folder
    members = quickstart.read(folder)
    form = {"grant_type": "client_credentials", "client_id": members["CLIENT_ID"], "client_secret": members["CLIENT_SECRET"],
            "scope": "https://graph.microsoft.com/.default"}  # fmt: skip
    url = f"{members['AUTHORITY']}/{members['TENANT']}/oauth2/v2.0/token"
    try:
        answer = httpx.post(url, data=form, verify=_trust(members.get("CA_FILE", "")), timeout=10, trust_env=False)
        value = answer.json()
    except (httpx.HTTPError, ValueError, OSError) as fault:
        raise UsageError(f"No token from {url}: {fault}. Is the server running?") from None
    if "access_token" not in value:
        raise UsageError(f"No token: {str(value.get('error_description', value)).splitlines()[0]}")
    sys.stdout.write(value["access_token"] + "\n")


def _trust(file: str) -> Any:
    import ssl  # noqa: PLC0415 -- only this verb needs it

    return ssl.create_default_context(cafile=file) if file else True


# --- tenants and applications -----------------------------------------------------------------------------------------


def _table(heads: tuple[str, ...], rows: list[Any]) -> None:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        made.add_column(head, overflow="fold")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    out.print(made)


def _tenant_data(tenant: Tenant) -> dict[str, Any]:
    return {"id": tenant.id, "name": tenant.name, "createdDateTime": clock.text(tenant.created)}


def _app_data(application: Application) -> dict[str, Any]:
    return {"id": application.id, "name": application.name, "createdDateTime": clock.text(application.created),
            "permissions": sorted(application.permissions)}  # fmt: skip


@tenant_app.command("create")
def tenant_create(name: str, data: Data = None, as_json: AsJson = False) -> None:
    """Make a tenant."""
    made = _with_core(data, lambda inner: inner.registry.create_tenant(name))
    _print(_tenant_data(made), as_json=as_json, human=lambda: out.print(f"Tenant '{made.name}' has the id {made.id}."))


@tenant_app.command("list")
def tenant_list(data: Data = None, as_json: AsJson = False) -> None:
    """List the tenants."""
    found = [_tenant_data(one) for one in _with_core(data, lambda inner: inner.registry.tenants())]
    _print(found, as_json=as_json, human=lambda: _table(("id", "name", "created"), [tuple(one.values()) for one in found]))


@tenant_app.command("delete")
def tenant_delete(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Delete a tenant with all its alerts, incidents and applications."""

    async def work(inner: Core) -> Tenant:
        tenant = await inner.registry.tenant(name)
        _confirm(f"Delete tenant '{tenant.name}' with everything in it?", yes=yes)
        await inner.registry.delete_tenant(tenant)
        return tenant

    gone = _with_core(data, work)
    _print(_tenant_data(gone), as_json=as_json, human=lambda: out.print(f"Tenant '{gone.name}' is gone."))


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Say so with --yes.")
    if not typer.confirm(question):
        raise UsageError("Nothing was changed.")


async def _application(inner: Core, tenant: str | None, word: str) -> tuple[Tenant, Application]:
    found = await inner.registry.tenant(tenant)
    return found, await inner.registry.application(found, word)


def _show_app(application: Application, secret: str | None, *, as_json: bool) -> None:
    value = _app_data(application) | ({"secret": secret} if secret else {})

    def human() -> None:
        rows = [("id", application.id), ("name", application.name), ("created", clock.text(application.created)),
                ("permissions", ", ".join(sorted(application.permissions)) or "none")]  # fmt: skip
        _table(("", ""), rows)
        if secret:
            out.print(f"secret  {secret}")
            err.print("The secret is shown this once. Keep it now.")

    _print(value, as_json=as_json, human=human)


@app_app.command("create")
def app_create(
    name: str,
    permission: Annotated[list[str] | None, typer.Option("--permission", "-p", help="May be repeated.")] = None,
    tenant: InTenant = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make an application and print its secret, once."""

    async def work(inner: Core) -> tuple[Application, str]:
        return await inner.registry.create_application(await inner.registry.tenant(tenant), name, permission or [])

    _show_app(*_with_core(data, work), as_json=as_json)


@app_app.command("list")
def app_list(tenant: InTenant = None, data: Data = None, as_json: AsJson = False) -> None:
    """List the applications of a tenant."""

    async def work(inner: Core) -> list[Application]:
        return await inner.registry.applications(await inner.registry.tenant(tenant))

    found = [_app_data(one) for one in _with_core(data, work)]
    rows = [(one["id"], one["name"], one["createdDateTime"], ", ".join(one["permissions"])) for one in found]
    _print(found, as_json=as_json, human=lambda: _table(("id", "name", "created", "permissions"), rows))


@app_app.command("show")
def app_show(application: str, tenant: InTenant = None, data: Data = None, as_json: AsJson = False) -> None:
    """Show one application, by name or id."""
    _, found = _with_core(data, lambda inner: _application(inner, tenant, application))
    _show_app(found, None, as_json=as_json)


@app_app.command("grant")
def app_grant(
    application: str, permissions: list[str], tenant: InTenant = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Grant permissions. The application's next token carries them."""

    async def work(inner: Core) -> Application:
        return await inner.registry.grant(*await _application(inner, tenant, application), permissions)

    _show_app(_with_core(data, work), None, as_json=as_json)


@app_app.command("revoke")
def app_revoke(
    application: str, permissions: list[str], tenant: InTenant = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Take permissions away. Tokens already issued end within seconds."""

    async def work(inner: Core) -> Application:
        return await inner.registry.revoke(*await _application(inner, tenant, application), permissions)

    _show_app(_with_core(data, work), None, as_json=as_json)


@app_app.command("rotate")
def app_rotate(application: str, tenant: InTenant = None, data: Data = None, as_json: AsJson = False) -> None:
    """Make a new secret. The old one and all tokens issued with it end within seconds."""

    async def work(inner: Core) -> tuple[Application, str]:
        owner, found = await _application(inner, tenant, application)
        secret = await inner.registry.rotate(owner, found)
        return found, secret

    _show_app(*_with_core(data, work), as_json=as_json)


@app_app.command("delete")
def app_delete(
    application: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    tenant: InTenant = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Delete an application. Its tokens end within seconds."""

    async def work(inner: Core) -> Application:
        owner, found = await _application(inner, tenant, application)
        _confirm(f"Delete application '{found.name}'?", yes=yes)
        await inner.registry.delete_application(owner, found)
        return found

    gone = _with_core(data, work)
    _print(_app_data(gone), as_json=as_json, human=lambda: out.print(f"Application '{gone.name}' is gone."))


# --- ingest -----------------------------------------------------------------------------------------------------------


@ingest_app.command("files")
def ingest_files(
    files: Annotated[list[str], typer.Argument(help="Files, or - for standard input.")],
    source: Annotated[str, typer.Option("--source", "-s", help="Which product the records are of.")] = "",
    tenant: InTenant = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Take in files of one source; the word may be left out: secgraph ingest --source S FILE..."""
    if not source:
        raise UsageError(f"Say which source the records are of: --source NAME. Known sources: {', '.join(sources())}.")
    connector = source_named(source)
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise UsageError(f"There is no file {name}.")

    async def work(inner: Core) -> list[tuple[str, Report]]:
        found = await inner.registry.tenant(tenant)
        reports = []
        with _bar("Taking in") as tick:
            for name in files:
                with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as stream:  # noqa: ASYNC230 -- read in a thread, batch by batch
                    reports.append((name, await inner.door.take(found.number, connector, stream, tick=tick)))
        return reports

    reports = _with_core(data, work)
    _print([{"file": name, **as_data(report)} for name, report in reports], as_json=as_json,
           human=lambda: _say_reports(reports))  # fmt: skip
    if any(problem.kept for _, report in reports for problem in report.problems):
        raise typer.Exit(1)


def _say_reports(reports: list[tuple[str, Report]]) -> None:
    for name, report in reports:
        _say_report(name, report)


def _say_report(name: str, report: Report) -> None:
    out.print(f"{name}: {report.taken} taken, {report.unchanged} unchanged, {report.rejected} rejected")
    by_reason: dict[str, list[int]] = {}
    for problem in report.problems:
        by_reason.setdefault(problem.reason + ("" if problem.kept else " (not kept)"), []).append(problem.line)
    for reason, lines in by_reason.items():
        shown = ", ".join(map(str, lines[:10])) + (f" and {len(lines) - 10} more" if len(lines) > 10 else "")
        out.print(f"  {reason}: line {shown}", markup=False)
    for note, times in report.notes.most_common(20):
        out.print(f"  note: {note} ({times} times)", markup=False)


@rejected_app.command("list")
def rejected_list(tenant: InTenant = None, data: Data = None, as_json: AsJson = False) -> None:
    """List the records that could not be taken in, with the reason."""
    rows = _with_core(data, lambda inner: _rejected(inner, tenant))
    found = [{"number": row["number"], "source": row["source"], "line": row["line"], "reason": row["reason"],
              "receivedDateTime": clock.text(row["received"]),
              "record": zlib.decompress(row["data"]).decode("utf-8", "replace")} for row in rows]  # fmt: skip
    heads = ("number", "source", "line", "received", "reason")
    _print(found, as_json=as_json, human=lambda: _table(
        heads, [(one["number"], one["source"], one["line"], one["receivedDateTime"], one["reason"]) for one in found],
    ))  # fmt: skip


async def _rejected(inner: Core, tenant: str | None) -> list[dict[str, Any]]:
    found = await inner.registry.tenant(tenant)
    rows: list[dict[str, Any]] = []
    while more := await inner.store.fetch("rejected", tenant=found.number, after=rows[-1]["number"] if rows else 0, most=500):
        rows += more
    return rows


@rejected_app.command("retry")
def rejected_retry(tenant: InTenant = None, data: Data = None, as_json: AsJson = False) -> None:
    """Take the rejected records in once more; those that fail again are kept with their new reason."""

    async def work(inner: Core) -> Report:
        found = await inner.registry.tenant(tenant)
        whole = Report()
        for row in await _rejected(inner, tenant):
            report = await inner.door.take(found.number, source_named(row["source"]), io.BytesIO(zlib.decompress(row["data"])))
            await inner.store.run(("rejected_delete", {"tenant": found.number, "number": row["number"]}))
            whole.taken += report.taken
            whole.unchanged += report.unchanged
            for problem in report.problems:
                whole.reject(row["line"], problem.reason, kept=problem.kept)
        return whole

    report = _with_core(data, work)
    _print(as_data(report), as_json=as_json, human=lambda: _say_report("retried", report))


def main() -> None:
    """The entry point: plain messages for what a person can put right."""
    os.umask(0o077)  # whatever is written here is for its owner, in a data folder of any mode
    try:
        app()
    except (UsageError, Refusal) as fault:
        err.print(f"secgraph: {fault}", style="red", markup=False)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(1)
