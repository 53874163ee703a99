"""Running and looking: serve, migrate, settings, version, token."""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import Annotated, Any

import typer

from secgraph import __version__, observe, quickstart, serve
from secgraph import workers as workers_
from secgraph.app import migrated
from secgraph.cli.terminal import AsJson, Data, Database, bar, out, show, table_of
from secgraph.errors import UsageError
from secgraph.settings import gather, table
from secgraph.store.postgres.partitions import FEWEST, MOST

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="A self-hosted security graph that speaks the Microsoft Graph Security API.")  # fmt: skip


@app.command("serve")
def serve_command(
    data: Data = None,
    database: Database = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1 and ::1).")] = None,
    port: Annotated[str | None, typer.Option(help="Port to listen on (default 8443).")] = None,
    public_url: Annotated[str | None, typer.Option(help="Origin that clients use when a proxy stands in front.")] = None,
    tls_cert: Annotated[str | None, typer.Option(help="Certificate chain (PEM) instead of the local one.")] = None,
    tls_key: Annotated[str | None, typer.Option(help="Its key (PEM).")] = None,
    workers: Annotated[str | None, typer.Option(help="How many processes answer (default 1).")] = None,
    role: Annotated[str | None, typer.Option(help="all (default), api (answers requests) or worker (periodic work).")] = None,
    allow_plain_http: Annotated[bool | None, typer.Option("--allow-plain-http", help="Serve without TLS.")] = None,
    log_format: Annotated[str | None, typer.Option(help="plain or json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Leave the examples out of a first start.")] = False,
) -> None:
    """Run the server. A first start makes a certificate, a tenant, an application and examples."""
    settings = gather({"data": data, "database": database, "host": host, "port": port, "public_url": public_url,
                       "tls_cert": tls_cert, "tls_key": tls_key, "workers": workers, "role": role,
                       "allow_plain_http": allow_plain_http,
                       "log_format": log_format, "log_level": log_level})  # fmt: skip
    observe.log_to_stderr(level=settings["log_level"], form=settings["log_format"])
    start = workers_.run if settings["workers"] > 1 else serve.run
    start(settings, empty=empty, progress=lambda: bar("Taking in the examples"))


@app.command("serve-worker", hidden=True)
def serve_worker_command() -> None:
    """One of several processes that answer; `serve --workers` starts it."""
    settings, sockets = workers_.told()
    observe.log_to_stderr(level=settings["log_level"], form=settings["log_format"])
    workers_.work(settings, sockets)


@app.command("migrate")
def migrate_command(
    data: Data = None,
    database: Database = None,
    partitions: Annotated[
        int, typer.Option(help="Make the large tables of an empty PostgreSQL database with so many partitions (2 to 512).")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Bring the tables of the database up to this version. A server does so by itself when it starts."""
    if partitions and not FEWEST <= partitions <= MOST:
        raise UsageError(f"--partitions {partitions} is not from {FEWEST} to {MOST}. Leave it out for tables of one piece.")
    done = asyncio.run(migrated(gather({"data": data, "database": database}), partitions=partitions))

    def human() -> None:
        out.print("\n".join(done) if done else "Nothing was to be done.", markup=False)

    show({"done": done}, as_json=as_json, human=human)


@app.command("settings")
def settings_command(data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """Print every setting in force, where it came from, and what it does. Secrets are masked."""
    rows = table(gather({"data": data, "database": database}))
    named = [dict(zip(("name", "value", "origin", "says"), row, strict=True)) for row in rows]
    show(named, as_json=as_json, human=lambda: table_of(("setting", "value", "from", "what it does"), rows))


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
    return ssl.create_default_context(cafile=file) if file else True
