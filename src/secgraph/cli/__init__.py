"""The command line: Typer verbs over the same functions the server uses.

Every message a person can act on is one plain line on standard error and exit status 2. `--json` prints data for
scripts, with stable names.
"""

from __future__ import annotations

import os
import sys

from secgraph.cli.access import app_app, tenant_app
from secgraph.cli.assets import asset_app
from secgraph.cli.backup import backup_command, restore_command
from secgraph.cli.certificates import certificate_app
from secgraph.cli.copy import copy_command
from secgraph.cli.correlate import correlate_command
from secgraph.cli.correlation import correlation_app
from secgraph.cli.ingest import ingest_app
from secgraph.cli.keys import keys_app
from secgraph.cli.retention import retention_app
from secgraph.cli.run import app
from secgraph.cli.score import score_command
from secgraph.cli.simulate import simulate_command
from secgraph.cli.source import source_app
from secgraph.cli.terminal import err
from secgraph.cli.trying import source_try
from secgraph.errors import Refusal, UsageError

app.add_typer(tenant_app, name="tenant")
app_app.add_typer(certificate_app, name="certificate")
app.add_typer(app_app, name="app")
app.add_typer(ingest_app, name="ingest")
source_app.command("try")(source_try)
app.add_typer(source_app, name="source")
app.add_typer(asset_app, name="asset")
app.add_typer(keys_app, name="keys")
app.command("backup")(backup_command)
app.command("restore")(restore_command)
app.command("copy")(copy_command)
app.add_typer(retention_app, name="retention")
app.add_typer(correlation_app, name="correlation")
app.command("correlate")(correlate_command)
app.command("score")(score_command)
app.command("simulate")(simulate_command)


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
