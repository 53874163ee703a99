"""Every setting as one row, and the only reader of the environment.

A flag wins over the environment (`SECGRAPH_` and the name in capitals), that over the file `secgraph.toml` in the data
folder, that over the default. A secret may be given as `@path`. `secgraph settings` prints what is in force.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from secgraph.errors import UsageError


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set."""

    name: str
    default: Any
    read: Callable[[str], Any]
    says: str
    secret: bool = False
    shown: Callable[[str], str] = lambda _: "***"
    """A secret as it may be printed."""


def _truth(text: str) -> bool:
    known = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    if text.strip().lower() not in known:
        raise ValueError("must be true or false")
    return known[text.strip().lower()]


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError("must be a port from 1 to 65535")
    return int(text)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError("must be a number above 0")
    return number


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError("must be a whole number above 0")
    return int(text)


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("must be a whole number, 0 or more")
    return int(text)


def _percent(text: str) -> int:
    number = _natural(text)
    if number > 100:
        raise ValueError("must be a percentage from 0 to 100")
    return number


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("must be an origin such as https://graph.example.org:8443, without a path")
    return f"{parts.scheme}://{parts.netloc}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[str, ...]:
    found = _names(text)
    for name in found:
        try:
            ip_network(name, strict=False)
        except ValueError:
            raise ValueError(f"must be addresses or networks such as 10.0.0.0/8, not '{name}'") from None
    return found


def _origins(text: str) -> tuple[str, ...]:
    return tuple(name if name == "*" else _bare_port(_origin(name)) for name in _names(text))


def _bare_port(origin: str) -> str:
    """The origin as browsers write it: without the port that its scheme has anyway."""
    scheme, _, host = origin.partition("://")
    return f"{scheme}://{host.removesuffix(':443' if scheme == 'https' else ':80')}"


def _database(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ValueError("must be an address such as postgresql://user:password@host:5432/secgraph")
    return text


def masked(address: str) -> str:
    """The address of a database as it may be printed: without its password."""
    parts = urlsplit(address)
    head, at, host = parts.netloc.rpartition("@")
    user, colon, _ = head.partition(":")
    query = [
        f"{name}=***" if "password" in name.lower() else f"{name}{sign}{value}"
        for name, sign, value in (one.partition("=") for one in parts.query.split("&"))
    ]
    asked = f"?{'&'.join(query)}" if parts.query else ""
    return f"{parts.scheme}://{user}{':***' if colon else ''}{at}{host}{parts.path}{asked}"


def _choice(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return read


SETTINGS = (
    Setting("data", Path("data"), Path, "Folder of the database, the keys and the certificates."),
    Setting("database", "", _database, "PostgreSQL database, such as postgresql://user:password@host/secgraph, or @file with"
            " that in it. Empty means SQLite's file in the data folder.", secret=True, shown=masked),
    Setting("host", "", str, "Address to listen on; empty means 127.0.0.1 and ::1."),
    Setting("port", 8443, _port, "Port to listen on."),
    Setting("workers", 1, _whole, "How many processes answer; one that dies is replaced, and on SQLite one writes for all."),
    Setting("role", "all", _choice("all", "api", "worker"), "What this process does: api answers requests, worker does periodic"
            " work, all does both."),
    Setting("public_url", "", _origin, "Origin that clients use, when a proxy stands in front; every link is written with it."),
    Setting("allowed_hosts", (), _names, "Further host names this server answers for, separated by commas."),
    Setting("trusted_proxies", (), _networks, "Addresses or networks of proxies whose X-Forwarded headers are believed,"
            " separated by commas."),
    Setting("cors_origins", (), _origins, "Origins of web pages that may call this server from a browser, separated by commas;"
            " * for any."),
    Setting("compress", "auto", _choice("auto", "on", "off"), "Whether answers are compressed with gzip: auto (for clients"
            " elsewhere, from 4 KiB), on or off."),
    Setting("tls_cert", "", str, "Certificate chain file (PEM) instead of the local one."),
    Setting("tls_key", "", str, "Key file (PEM) of tls_cert."),
    Setting("allow_plain_http", False, _truth, "Serve without TLS. Only for loopback or behind a proxy that adds it."),
    Setting("token_seconds", 3599, _whole, "Life of an access token, in seconds."),
    Setting("seal_key", "", str, "Key that seals what is secret in the database: 32 random bytes in hexadecimal or base64, or"
            " @file. Empty means seal.key in the data folder, which a first start makes.", secret=True),
    Setting("assertion_reuse_seconds", 600, _natural, "How long after its first use a client's certificate assertion is taken"
            " again, in seconds: MSAL sends the same one for nine minutes. 0 takes each once."),
    Setting("delta_days", 30, _whole, "How long a link of delta() is good for, in days."),
    Setting("score_stale_days", 30, _whole, "After how many days evidence for a control is marked as stale."),
    Setting("score_evidence_days", 90, _whole, "After how many days evidence for a control does not count any more."),
    Setting("score_days", 400, _whole, "How long the scores of days are kept, in days."),
    Setting("query_seconds", 10.0, _positive, "Deadline of a query that no index answers, in seconds."),
    Setting("body_bytes", 1024 * 1024, _whole, "Largest body of an API call, in bytes."),
    Setting("page_bytes", 1024 * 1024, _whole, "What a page of alerts or incidents stays under, in bytes: it has fewer rows"
            " instead, but never less than one."),
    Setting("ingest_bytes", 32 * 1024 * 1024, _whole, "Largest body of a delivery to /ingest, in bytes."),
    Setting("legacy_skip_limit", 0, _natural, "Most rows that $skip may pass over on /security/alerts: 500 in the published"
            " API, 0 for no limit."),
    Setting("legacy_vendor_required", False, _truth, "Refuse a change of an older alert that names no vendor and provider, as"
            " the published API does."),
    Setting("outbound_private", (), _names, "Hosts that sources may call though their addresses are not public, and by plain"
            " http, separated by commas."),
    Setting("outbound_ca", "", str, "File with further certificate authorities (PEM) that are believed when products are"
            " called."),
    Setting("disk_free_percent", 5, _percent, "How much of the data's disk is to stay free, in percent: below it, below 2 GiB"
            " and when it will be full within a day, a warning is logged. 0 for no warning."),
    Setting("log_format", "plain", _choice("plain", "json"), "How log lines are written: plain or json."),
    Setting("log_level", "info", _choice("debug", "info", "warning", "error"), "The least a fact must weigh to be logged."),
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in SETTINGS}
REMOVED: Mapping[str, str] = {}
"""Settings of the past: a name and the sentence that says what to do instead."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force, and where each value came from."""

    values: Mapping[str, Any]
    origins: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def folder(self) -> Path:
        """The data folder, absolute."""
        return Path(self.values["data"]).expanduser().absolute()

    def texts(self) -> dict[str, str]:
        """Every value as a flag has it: what another process needs in order to have the same settings."""
        return {name: _written(value) for name, value in self.values.items()}


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def gather(flags: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force; a UsageError names what cannot be read. Flags that are None were not given."""
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def take(name: str, given: Any, origin: str) -> None:
        if name in REMOVED:
            raise UsageError(f"The setting '{name}' ({origin}) is gone. {REMOVED[name]}")
        setting = BY_NAME.get(name)
        if setting is None:
            raise UsageError(f"There is no setting '{name}' ({origin}). Known: {', '.join(BY_NAME)}.")
        text = ",".join(given) if isinstance(given, list | tuple) else str(given)
        try:
            if setting.secret and text.startswith("@"):
                text = Path(text[1:]).read_text("utf-8").strip()
            values[name] = setting.default if text == "" else setting.read(text)
        except (ValueError, OSError) as fault:
            raise UsageError(f"The setting '{name}' ({origin}) {fault}.") from None
        origins[name] = origin

    for setting in SETTINGS:
        values[setting.name], origins[setting.name] = setting.default, "default"
    given = {name: value for name, value in flags.items() if value is not None}
    folder = given.get("data") or environment.get("SECGRAPH_DATA") or values["data"]
    file = Path(folder).expanduser() / "secgraph.toml"
    if file.is_file():
        try:
            lines = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            raise UsageError(f"{file} cannot be read: {fault}.") from None
        for name, value in lines.items():
            take(name, value, str(file))
    for setting in SETTINGS:
        variable = f"SECGRAPH_{setting.name.upper()}"
        if variable in environment:
            take(setting.name, environment[variable], variable)
    for name, value in given.items():
        take(name, value, f"--{name.replace('_', '-')}")
    if bool(values["tls_cert"]) != bool(values["tls_key"]):
        raise UsageError("tls_cert and tls_key belong together: give both or neither.")
    return Settings(values, origins)


def table(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Name, value (secrets masked), where it came from, and what it does, of every setting."""
    rows = []
    for setting in SETTINGS:
        value = settings[setting.name]
        shown = ", ".join(value) if isinstance(value, tuple) else str(value)
        rows.append(
            (
                setting.name,
                setting.shown(shown) if setting.secret and value else shown,
                settings.origins[setting.name],
                setting.says,
            )
        )
    return rows
