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

from secgraph import quickstart, tls
from secgraph.app import Core, core, edge
from secgraph.chores import do_chores
from secgraph.edge.joined import JoinedProtocol
from secgraph.edge.origin import own_hosts
from secgraph.errors import UsageError
from secgraph.listening import listen_for
from secgraph.observe import CertificateFailed, CertificateRead, CertificateRenewed, ServerStarted, ServerStopped, observe
from secgraph.settings import Settings
from secgraph.settled import settle
from secgraph.sourcing import do_pulls

RENEW_SECONDS = 3600
REREAD_SECONDS = 60
STOP_SECONDS = 5
"""How long requests under way, and idle TLS peers that do not answer the goodbye, may hold up the end; well below the ten
seconds after which container runtimes kill."""
BACKLOG = 2048


@contextlib.contextmanager
def only_server(folder: Path, role: str = "all") -> Iterator[None]:
    """Holds the data folder for this server, which others may share only where none of them does everything; a UsageError names
    the process that holds it already.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise UsageError(f"The data folder {folder} cannot be used: {fault.strerror}.") from None
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if role == "all" else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise UsageError(f"Another secgraph server (process {holder}) serves the data folder {folder}."
                         " Stop it first, or choose another folder with --data. Several may serve one folder where each has a"
                         " --role, api or worker.") from None  # fmt: skip
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def is_served(folder: Path) -> bool:
    """Whether a server holds a data folder at this moment."""
    try:
        handle = os.open(folder / "server.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


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
    with only_server(settings.folder, settings["role"]), asyncio.Runner(loop_factory=loop()) as runner:
        runner.run(_work(settings) if settings["role"] == "worker" else _serve(settings, empty=empty, progress=progress))


def loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it exists; asyncio's own loop elsewhere."""
    try:
        import uvloop  # noqa: PLC0415 -- not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings, *, empty: bool, progress: Progress) -> None:
    context, local = tls_of(settings)
    sockets = listen(settings["host"], settings["port"])
    async with core(settings) as inner:
        await inner.keys.open()
        settle()
        answers = asyncio.Event()

        async def greet() -> None:
            await answers.wait()
            with progress() as tick:
                fresh = await first_start(settings, inner, local, empty=empty, tick=tick)
            observe(ServerStarted(base_url(settings), str(settings.folder)))
            say_hello(settings, local, fresh=fresh)

        renewed = [_keep_renewed(settings, context)] if context else []
        await answer(settings, inner, sockets, context, answers, greet(), *renewed)
    observe(ServerStopped())


async def first_start(
    settings: Settings, inner: Core, local: tls.Files | None, *, empty: bool, tick: Callable[[int], None]
) -> bool:
    """Makes what a first start makes; whether this was one."""
    trusted = local.authority if local else None
    return await quickstart.first_start(
        inner, settings.folder, base_url(settings), authority_file=trusted, empty=empty, tick=tick
    )


async def answer(
    settings: Settings, inner: Core, sockets: list[socket.socket], context: ssl.SSLContext | None, answers: asyncio.Event,
    *others: Coroutine[None, None, None],
) -> None:  # fmt: skip
    """Answers at the sockets until the process is told to stop; sets the event once it does. The others go on beside it, and so
    does periodic work where the role is to do everything.
    """
    config = uvicorn.Config(
        edge(settings, inner), log_config=None, access_log=False, lifespan="off", http=JoinedProtocol, loop="none",
        server_header=False, backlog=BACKLOG, timeout_keep_alive=75, timeout_graceful_shutdown=STOP_SECONDS,
        ws="none", proxy_headers=False,
    )  # fmt: skip
    config.load()
    config.ssl = context
    server = _Server(config, answers)
    serving = asyncio.create_task(server.serve(sockets=sockets))
    chores = [do_chores(inner), do_pulls(inner), listen_for(inner, settings)] if settings["role"] == "all" else []
    async with _beside(serving, inner.disk.watch(), inner.health.keep(), *others, *chores):
        await serving


async def _work(settings: Settings) -> None:
    """Does periodic work until the process is told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with core(settings) as inner:
        waiting = asyncio.create_task(_told(stop))
        working = (do_chores(inner), do_pulls(inner), listen_for(inner, settings))
        async with _beside(waiting, inner.disk.watch(), inner.health.keep(), *working):
            observe(ServerStarted("", str(settings.folder)))
            print(f"\nsecgraph does the periodic work of {settings.folder}.\n\nStop with Ctrl-C.\n", flush=True)  # noqa: T201 -- this is what a person reads
            await waiting
    observe(ServerStopped())


async def _told(stop: asyncio.Event) -> None:
    await stop.wait()


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


def tls_of(settings: Settings) -> tuple[ssl.SSLContext | None, tls.Files | None]:
    """What connections are secured with, and the local authority's files where they are used. Made when they are missing."""
    if settings["allow_plain_http"]:
        return None, None
    if settings["tls_cert"]:
        return tls.context(Path(settings["tls_cert"]), Path(settings["tls_key"])), None
    files = tls.Files(settings.folder)
    tls.ensure(files, _names(settings))
    return tls.context(files.chain, files.key), files


def _names(settings: Settings) -> frozenset[str]:
    return own_hosts(settings["public_url"], settings["host"], settings["allowed_hosts"])


async def _keep_renewed(settings: Settings, context: ssl.SSLContext) -> None:
    """Renews the local certificate, and takes a renewed one into use."""
    if settings["tls_cert"]:
        await reread(settings, context)
    async with asyncio.TaskGroup() as group:
        group.create_task(renew(settings))
        group.create_task(reread(settings, context))


async def renew(settings: Settings) -> None:
    """Looks every hour whether the local certificate has to be made anew."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            until = await asyncio.to_thread(tls.ensure, tls.Files(settings.folder), _names(settings))
        except Exception as fault:  # noqa: BLE001 -- the present certificate goes on; the next hour tries again
            observe(CertificateFailed(str(fault)))
        else:
            if until is not None:
                observe(CertificateRenewed(until.isoformat()))


async def reread(settings: Settings, context: ssl.SSLContext) -> None:
    """Looks every minute whether the certificate's file is another one; new connections get the new one."""
    files = tls.Files(settings.folder)
    chain, key = files.chain, files.key
    if settings["tls_cert"]:
        chain, key = Path(settings["tls_cert"]), Path(settings["tls_key"])
    seen = chain.stat().st_mtime_ns
    while True:
        await asyncio.sleep(REREAD_SECONDS)
        try:
            found = chain.stat().st_mtime_ns
            if found != seen:
                context.load_cert_chain(chain, key)
                seen = found
                observe(CertificateRead(str(chain)))
        except Exception as fault:  # noqa: BLE001 -- the present certificate goes on; the next minute tries again
            observe(CertificateFailed(str(fault)))


def say_hello(settings: Settings, local: tls.Files | None, *, fresh: bool) -> None:
    """Prints where the server is, where the credentials are, and a line to paste."""
    base = base_url(settings)
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
