"""The simulated products: `simulate` serves them on this machine until it is told to stop."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from secgraph import clock, tls
from secgraph.cli.terminal import Data, out
from secgraph.clock import DAY
from secgraph.errors import UsageError
from secgraph.private import write_private
from secgraph.serve import listen
from secgraph.settings import gather
from secgraph.simulate import PRESETS, Hand, Scenario, Simulator
from secgraph.simulate.cast import Organisation
from secgraph.simulate.simulator import APIS

PACES = {"real": 1.0, "fast": 3600.0, "still": 0.0}
"""How many simulated seconds each second has; fast until it has run up to the present."""
KINDS = {
    "graph": "/graph/v1.0",
    "entra": "/graph/v1.0",
    "mde": "/mde",
    "xdr": "/xdr",
    "mdo": "/office/api/v1.0",
    "mcas": "/cloudapps/api/v1",
}
"""The kinds of source that ask these products, and where each finds its API."""
MOST_DAYS = 200


def simulate_command(
    data: Data = None,
    host: Annotated[str, typer.Option(help="Address to listen on (default 127.0.0.1 and ::1).")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 9443,
    seed: Annotated[int, typer.Option(help="The same seed and --begin give the same world.")] = 1,
    days: Annotated[float, typer.Option(help="Days of history; as many more are to come.")] = 7,
    begin: Annotated[str, typer.Option(help="First instant of the history (default: so many days before today).")] = "",
    tenants: Annotated[int, typer.Option(help="How many organisations there are.")] = 2,
    faults: Annotated[str, typer.Option(help=f"What goes wrong: {', '.join(PRESETS)}.")] = "none",
    clock_: Annotated[str, typer.Option("--clock", help="real, fast (an hour a second up to the present) or still.")] = "real",
    page: Annotated[int, typer.Option(help="Items on a page where the caller names no number (0: as the products do).")] = 0,
    throttles: Annotated[bool, typer.Option("--throttles", help="Hold callers to the documented ceilings.")] = False,
) -> None:
    """Serve the Microsoft products' APIs as they are documented, with invented alerts, to try and to test against."""
    for given, known, option in ((faults, PRESETS, "--faults"), (clock_, PACES, "--clock")):
        if given not in known:
            raise UsageError(f"{option} {given} is none of {', '.join(known)}.")
    if not 0 < days <= MOST_DAYS:
        raise UsageError(f"--days {days:g} is not from 0 to {MOST_DAYS}.")
    present = clock.now()
    first = begin or clock.text(present - present % DAY - int(days * DAY))
    scenario = Scenario(seed, first, days * 2, tenants)
    start = present if clock_ == "real" and not begin else scenario.start
    if clock_ == "still":
        start = scenario.start + int(days * DAY)
    hand = Hand(start, steady=time.monotonic, pace=PACES[clock_], present=clock.now if not begin else None)
    simulator = Simulator(scenario, hand=hand, faults=PRESETS[faults], throttles=throttles, page=page or None)
    folder = gather({"data": data}).folder / "simulate"
    files = tls.Files(folder)
    tls.ensure(files, frozenset({"localhost", "127.0.0.1", "::1", *([host] if host else [])}))
    sockets = listen(host, port)
    for one in sockets:
        one.listen()  # who is told of the address may call at once
    declared = {one.name: _declare(one, folder, f"https://localhost:{port}") for one in scenario.organisations}
    _say_hello(declared, f"https://localhost:{port}", files.authority)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    config = uvicorn.Config(
        simulator.app, interface="asgi3", log_config=None, log_level="error", access_log=False, lifespan="off",
        server_header=False, date_header=False, ws="none", timeout_graceful_shutdown=1,
    )  # fmt: skip
    config.load()
    config.ssl = tls.context(files.chain, files.key)
    uvicorn.Server(config).run(sockets=sockets)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's tells something: an answer that is cut on purpose is, to it, one that went wrong."""
    return record.exc_info is None or "shorter than Content-Length" not in str(record.exc_info[1])


def _declare(one: Organisation, folder: Path, base: str) -> Path:
    """A file that declares a source of each kind for an organisation; its secrets stand beside it."""
    short = one.domain.partition(".")[0]
    client_secret, key = folder / f"{short}.secret", folder / f"{short}.key"
    write_private(client_secret, one.client_secret.encode())
    write_private(key, one.key.encode())
    lines = [f"# The simulated products of {one.name}."]
    for kind, path in KINDS.items():
        told = {"url": base + path, "login_url": f"{base}/login", "tenant_id": one.id, "client_id": one.client_id,
                "client_secret": f"@{client_secret}"}  # fmt: skip
        if kind == "mcas":
            told = {"url": base + path, "token": f"@{key}"}
        lines += ["", f"[source.{short}-{kind}]", f'kind = "{kind}"', "every = 60", f"[source.{short}-{kind}.options]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in told.items()]
    file = folder / f"{short}.toml"
    write_private(file, ("\n".join(lines) + "\n").encode())
    return file


def _say_hello(declared: dict[str, Path], base: str, authority: Path) -> None:
    """Where it is, and how a server is told to ask it."""
    lines = ["", f"The simulated products answer at {base}", f"  trust        {authority}"]
    lines += [f"  {api.name:<12} {base}{api.base}" for api in APIS]
    lines += [f"  {'control':<12} {base}/_simulate/clock, truth, faults, calls, writes, tenants"]
    lines += ["", "A server trusts that authority, and may call this machine, where it is started so:", "",
              f"  SECGRAPH_OUTBOUND_PRIVATE=localhost SECGRAPH_OUTBOUND_CA='{authority}' secgraph serve"]  # fmt: skip
    for name, file in declared.items():
        lines += ["", f"To have it ask for {name}:", "", f"  secgraph source apply '{file}'"]
    lines += ["", "Stop with Ctrl-C.", ""]
    out.print("\n".join(lines), markup=False, soft_wrap=True)
