"""The server process: its sockets, its lock on the data, its certificate, its first start and its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

import uvicorn

from secgraph import quickstart
from secgraph.app import core, edge
from secgraph.edge import tls
from secgraph.edge.origin import own_hosts
from secgraph.errors import UsageError
from secgraph.observe import CertificateFailed, CertificateRenewed, ServerStarted, ServerStopped, observe
from secgraph.settings import Settings
from secgraph.settled import settle

RENEW_SECONDS = 3600
STOP_SECONDS = 5
"""How long requests under way, and idle TLS peers that do not answer the goodbye, may hold up the end; well below the ten
seconds after which container runtimes kill."""
BACKLOG = 2048


@contextlib.contextmanager
def only_server(folder: Path) -> Iterator[None]:
    """Holds the data folder for this server; a UsageError names the process that holds it already."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise UsageError(f"The data folder {folder} cannot be used: {fault.strerror}.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise UsageError(f"Another secgraph server (process {holder}) serves the data folder {folder}."
                         " Stop it first, or choose another folder with --data.") from None  # fmt: skip
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def listen(host: str, port: int) -> list[socket.socket]:
    """Bound sockets; by default on 127.0.0.1 and, where the machine has it, ::1."""
    wanted = [host] if host else ["127.0.0.1", "::1"]
    sockets: list[socket.socket] = []
    for name in wanted:
        try:
            family, _, _, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            made = socket.socket(family, socket.SOCK_STREAM)
        except OSError as fault:
            if not host and sockets:
                continue
            raise UsageError(f"Cannot listen on {name}: {fault.strerror or fault}.") from None
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if name == "::" else 1)
        try:
            made.bind(address)
        except OSError as fault:
            made.close()
            if not host and sockets and fault.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                continue
            for other in sockets:
                other.close()
            if fault.errno == errno.EADDRINUSE:
                raise UsageError(
                    f"Port {port} on {name} is taken. Stop what uses it, or choose another: --port {port + 1}."
                ) from None
            raise UsageError(f"Cannot listen on {name} port {port}: {fault.strerror}.") from None
        sockets.append(made)
    return sockets


def base_url(settings: Settings) -> str:
    """The origin that a client on this machine, or behind the proxy, uses."""
    scheme = "http" if settings["allow_plain_http"] else "https"
    name = settings["host"] if settings["host"] not in {"", "0.0.0.0", "::", "127.0.0.1", "::1"} else "localhost"  # noqa: S104 -- compared, not bound
    written = f"[{name}]" if ":" in name else name
    return settings["public_url"] or f"{scheme}://{written}:{settings['port']}"


class _Server(uvicorn.Server):
    """uvicorn that tells when its sockets answer, and ends by returning: its own way is to raise the signal once more,
    which would end the process before the store is closed.
    """

    def __init__(self, config: uvicorn.Config, answers: asyncio.Event) -> None:
        super().__init__(config)
        self._answers = answers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._answers.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stops on SIGINT and SIGTERM; a second one no longer waits for requests under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


Progress = Callable[[], contextlib.AbstractContextManager[Callable[[int], None]]]
"""Shows how the examples are taken in; told of each batch."""


def run(settings: Settings, *, empty: bool, progress: Progress) -> None:
    """Serves until the process is told to stop. UsageError when it cannot start."""
    with only_server(settings.folder), asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(_serve(settings, empty=empty, progress=progress))


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it exists; asyncio's own loop elsewhere."""
    try:
        import uvloop  # noqa: PLC0415 -- not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings, *, empty: bool, progress: Progress) -> None:
    names = own_hosts(settings["public_url"], settings["host"], settings["allowed_hosts"])
    context, local = _tls(settings, names)
    sockets = listen(settings["host"], settings["port"])
    async with core(settings) as inner:
        await inner.keys.open()
        settle()
        config = uvicorn.Config(
            edge(settings, inner), log_config=None, access_log=False, lifespan="off", http="httptools", loop="none",
            server_header=False, backlog=BACKLOG, timeout_keep_alive=75, timeout_graceful_shutdown=STOP_SECONDS,
            ws="none", proxy_headers=False,
        )  # fmt: skip
        config.load()
        config.ssl = context
        answers = asyncio.Event()
        server = _Server(config, answers)

        async def greet() -> None:
            await answers.wait()
            base = base_url(settings)
            with progress() as tick:
                fresh = await quickstart.first_start(
                    inner, settings.folder, base, authority_file=local.authority if local else None, empty=empty, tick=tick
                )
            observe(ServerStarted(base, str(settings.folder)))
            say_hello(settings, base, local, fresh=fresh)

        serving = asyncio.create_task(server.serve(sockets=sockets))
        async with _beside(serving, greet(), *([_keep_renewed(settings, names, context)] if context else [])):
            await serving
    observe(ServerStopped())


@contextlib.asynccontextmanager
async def _beside(main: asyncio.Task[None], *others: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs tasks beside the main one; a failure of one stops it and is raised."""
    tasks = [asyncio.create_task(other) for other in others]

    def failed(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            main.cancel()

    for task in tasks:
        task.add_done_callback(failed)
    try:
        yield
    except asyncio.CancelledError:
        for task in tasks:
            if task.done() and not task.cancelled() and (failure := task.exception()) is not None:
                raise failure from None
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tls(settings: Settings, names: frozenset[str]) -> tuple[ssl.SSLContext | None, tls.Files | None]:
    if settings["allow_plain_http"]:
        return None, None
    if settings["tls_cert"]:
        return tls.context(Path(settings["tls_cert"]), Path(settings["tls_key"])), None
    files = tls.Files(settings.folder)
    tls.ensure(files, names)
    return tls.context(files.chain, files.key), files


async def _keep_renewed(settings: Settings, names: frozenset[str], context: ssl.SSLContext) -> None:
    """Looks every hour whether the certificate has to be made or read anew; new connections get the new one."""
    files = tls.Files(settings.folder)
    given = Path(settings["tls_cert"]) if settings["tls_cert"] else None
    seen = given.stat().st_mtime if given else 0.0
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            if given is None:
                until = await asyncio.to_thread(tls.ensure, files, names)
                if until is not None:
                    context.load_cert_chain(files.chain, files.key)
                    observe(CertificateRenewed(until.isoformat()))
            elif given.stat().st_mtime != seen:
                context.load_cert_chain(given, settings["tls_key"])
                seen = given.stat().st_mtime
                observe(CertificateRenewed(str(given)))
        except Exception as fault:  # noqa: BLE001 -- the present certificate goes on; the next hour tries again
            observe(CertificateFailed(str(fault)))


def say_hello(settings: Settings, base: str, local: tls.Files | None, *, fresh: bool) -> None:
    """Prints where the server is, where the credentials are, and a line to paste."""
    credentials = settings.folder / quickstart.FILE
    lines = ["", f"secgraph answers at {base}"]
    if credentials.is_file():
        command = Path(sys.prefix) / "bin" / "secgraph"
        name = str(command) if command.is_file() else "secgraph"
        list_url = f"{base}/v1.0/security/alerts_v2?$top=3&$select=title,severity,createdDateTime"
        trust = f"--cacert '{local.authority}' " if local else ""
        lines += [
            f"  credentials  {credentials}" + ("  (a tenant 'quickstart' with examples to try)" if fresh else ""),
            *([f"  trust        {local.authority}"] if local else []),
            "",
            "Three alerts, newest first:",
            f"  curl -s {trust}-H \"Authorization: Bearer $('{name}' token --data '{settings.folder}')\" '{list_url}'",
        ]  # fmt: skip
    else:
        lines += ["  Make an application: secgraph app create NAME --permission SecurityAlert.Read.All"]
    print("\n".join([*lines, "", "Stop with Ctrl-C.", ""]), flush=True)  # noqa: T201 -- this is what a person reads
