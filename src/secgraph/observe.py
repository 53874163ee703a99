"""Facts worth knowing. Code says what happened, typed; logging decides what to make of it.

No fact carries a secret, a token or a body.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

_log = logging.getLogger("secgraph")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened."""


@dataclass(frozen=True, slots=True)
class ServerStarted(Fact):
    """The port answers."""

    address: str
    data: str


@dataclass(frozen=True, slots=True)
class ServerStopped(Fact):
    """Everything under way was finished and the files are closed."""


@dataclass(frozen=True, slots=True)
class CertificateRenewed(Fact):
    """The local certificate was made anew."""

    until: str


@dataclass(frozen=True, slots=True)
class CertificateRead(Fact):
    """The certificate's file was read again; new connections get what stands in it."""

    file: str


@dataclass(frozen=True, slots=True)
class CertificateFailed(Fact):
    """The certificate in use could not be renewed or read again."""

    reason: str


@dataclass(frozen=True, slots=True)
class RequestFailed(Fact):
    """A fault of ours answered a request."""

    request_id: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class TokenRefused(Fact):
    """A token request was refused."""

    tenant: str
    client: str
    error: str
    number: int
    """The AADSTS number."""


@dataclass(frozen=True, slots=True)
class TokenIssued(Fact):
    """An application got a token."""

    tenant: str
    client: str
    proof: str
    """What it proved itself with: secret or certificate."""


@dataclass(frozen=True, slots=True)
class KeysChanged(Fact):
    """The key that signs tokens, or the older ones that are still honoured, changed."""

    signer: str
    honoured: int


@dataclass(frozen=True, slots=True)
class KeysFailed(Fact):
    """The keys in the database, or one of them, cannot be read now; those read before go on."""

    reason: str


@dataclass(frozen=True, slots=True)
class KeysImported(Fact):
    """The keys that an earlier version kept in a folder were taken into the database."""

    folder: str
    keys: int


@dataclass(frozen=True, slots=True)
class KeysLeft(Fact):
    """Files of keys lie in a folder where nothing reads them any more."""

    folder: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordsTaken(Fact):
    """A delivery went through the door."""

    source: str
    taken: int
    unchanged: int
    rejected: int


@dataclass(frozen=True, slots=True)
class PullFailed(Fact):
    """A source could not be asked for what is new, or not to the end; it is asked again from where it came to."""

    tenant: int
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class PullIncomplete(Fact):
    """A source was asked for what is new, and something of it may not be read; the rest was."""

    tenant: int
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class SourceBroke(Fact):
    """A source failed as no source should: the fault is its own. It is asked again."""

    tenant: int
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangesRefused(Fact):
    """A product did not take changes of an alert. They stand here all the same; `secgraph source writes` lists them."""

    tenant: int
    source: str
    alert: str
    members: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangesDelayed(Fact):
    """A product could not be told of changes of an alert, or did not say what became of them; it is tried again."""

    tenant: int
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClockAhead(Fact):
    """A tenant's clock runs ahead of the wall clock, which was set back; stamps go on by a microsecond each."""

    tenant: int
    seconds: int


@dataclass(frozen=True, slots=True)
class DiskFills(Fact):
    """Little is free on the disk of the data, or it will be full within a day; on a full disk every change is refused."""

    folder: str
    free_mib: int
    free_percent: int
    full_in_hours: int | None
    """At the rate of the last hours; None where it is not known, or no room was used up."""


@dataclass(frozen=True, slots=True)
class RowsPruned(Fact):
    """Retention took away what a tenant keeps no longer."""

    tenant: int
    alerts: int
    incidents: int
    originals: int
    events: int
    finished: bool
    """Whether that was all of it; the next run goes on."""


@dataclass(frozen=True, slots=True)
class PruningFailed(Fact):
    """Retention could not take away what a tenant keeps no longer; it is tried again."""

    tenant: int
    reason: str


@dataclass(frozen=True, slots=True)
class SnapshotPublished(Fact):
    """It was counted what the alerts of a tenant name; from now on they are judged by that."""

    tenant: int
    v: int
    total: int
    """How many alerts were counted."""
    keys: int
    """How many keys are named often enough to be kept."""


@dataclass(frozen=True, slots=True)
class CountingFailed(Fact):
    """It could not be counted what the alerts of a tenant name; it is tried again."""

    tenant: int
    reason: str


@dataclass(frozen=True, slots=True)
class AlertsRead(Fact):
    """All alerts of a tenant from an earlier version were read for what they name; new ones find them."""

    tenant: int
    alerts: int
    """How many were read since this process took it up."""


@dataclass(frozen=True, slots=True)
class ReadingFailed(Fact):
    """Alerts from an earlier version could not be read for what they name; it is tried again."""

    tenant: int
    reason: str


@dataclass(frozen=True, slots=True)
class SettlingFailed(Fact):
    """It could not be told of a tenant which incidents have settled; it is tried again."""

    tenant: int
    reason: str


@dataclass(frozen=True, slots=True)
class ScoringFailed(Fact):
    """The score of a tenant could not be computed; it is tried again."""

    tenant: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChoreClaimed(Fact):
    """This process does a piece of periodic work from now on."""

    chore: str
    fence: int


@dataclass(frozen=True, slots=True)
class ChoreLost(Fact):
    """Another process has taken over a piece of periodic work that this one did."""

    chore: str
    fence: int


@dataclass(frozen=True, slots=True)
class ChoreFailed(Fact):
    """A piece of periodic work could not be done this time; it is tried again."""

    chore: str
    reason: str


@dataclass(frozen=True, slots=True)
class WorkerEnded(Fact):
    """A worker process ended without being told to; another one takes its place."""

    worker: int
    status: int
    """Its exit status; the number of a signal below zero."""
    seconds: float
    """Until the next one starts."""


@dataclass(frozen=True, slots=True)
class ListenerStarted(Fact):
    """This process takes a source's records from an address or a file."""

    source: str
    place: str


@dataclass(frozen=True, slots=True)
class ListenerStopped(Fact):
    """What came to an address or a file was stored, and it is let go."""

    source: str
    place: str


@dataclass(frozen=True, slots=True)
class ListenerWaits(Fact):
    """A source's address or file cannot be had by this process now; it is tried again every few seconds."""

    source: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class ListenerFailed(Fact):
    """Something of a source that sends to an address, or of its file, does not work; it is tried again."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class DatagramsDropped(Fact):
    """The kernel dropped datagrams of a source, which came faster than they were read."""

    source: str
    dropped: int
    since_bound: int


@dataclass(frozen=True, slots=True)
class HandshakesFailed(Fact):
    """TLS handshakes with senders of a source failed; told at most every five minutes."""

    source: str
    since_bound: int
    reason: str


@dataclass(frozen=True, slots=True)
class DatabaseGone(Fact):
    """The database server could not do what was asked; whoever asked was told to come back."""

    reason: str


@dataclass(frozen=True, slots=True)
class SourceSilent(Fact):
    """Nothing was heard of a configured source for longer than it may be silent."""

    tenant: int
    source: str
    since: str


@dataclass(frozen=True, slots=True)
class SourceHeard(Fact):
    """A source that was silent is heard again."""

    tenant: int
    source: str
    seconds: int
    """How long it was silent."""


@dataclass(frozen=True, slots=True)
class HealthFailed(Fact):
    """How the sources fare could not be written down; it is tried again."""

    reason: str


LEVELS = {
    ChoreFailed: logging.ERROR,
    ChoreLost: logging.WARNING,
    WorkerEnded: logging.ERROR,
    CertificateFailed: logging.ERROR,
    CountingFailed: logging.ERROR,
    DatabaseGone: logging.ERROR,
    HealthFailed: logging.ERROR,
    KeysFailed: logging.ERROR,
    ListenerFailed: logging.ERROR,
    PruningFailed: logging.ERROR,
    ReadingFailed: logging.ERROR,
    RequestFailed: logging.ERROR,
    ScoringFailed: logging.ERROR,
    SettlingFailed: logging.ERROR,
    SourceBroke: logging.ERROR,
    PullFailed: logging.WARNING,
    PullIncomplete: logging.WARNING,
    ChangesRefused: logging.WARNING,
    ChangesDelayed: logging.WARNING,
    ClockAhead: logging.WARNING,
    DatagramsDropped: logging.WARNING,
    DiskFills: logging.WARNING,
    HandshakesFailed: logging.WARNING,
    KeysLeft: logging.WARNING,
    SourceSilent: logging.WARNING,
    TokenRefused: logging.WARNING,
    TokenIssued: logging.DEBUG,
}


def observe(fact: Fact, *, failure: BaseException | None = None) -> None:
    """Makes a fact known. `failure` adds the traceback, which stays in the log."""
    _log.log(LEVELS.get(type(fact), logging.INFO), type(fact).__name__, extra={"fact": fact}, exc_info=failure)


class _Lines(logging.Formatter):
    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        fact = getattr(record, "fact", None)
        when = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        members = asdict(fact) if isinstance(fact, Fact) else {}
        trace = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
        if self.as_json:
            line = {"time": when, "level": record.levelname.lower(), "fact": record.getMessage(), **members}
            return json.dumps({**line, "trace": trace} if trace else line)
        said = " ".join(f"{name}={json.dumps(value) if ' ' in str(value) else value}" for name, value in members.items())
        line_text = f"{when} {record.levelname.lower():7} {record.getMessage()} {said}".rstrip()
        # A value with a line feed in it must not look like a second fact.
        return line_text.replace("\r", "\\r").replace("\n", "\\n") + (f"\n{trace}" if trace else "")


def log_to_stderr(*, level: str, form: str) -> None:
    """Sends facts to standard error as lines, plain or JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(as_json=form == "json"))
    for name in ("secgraph", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level.upper() if name == "secgraph" else "WARNING")
