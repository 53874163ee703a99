"""The sources of a tenant: what each is told, how it fares, and what is asked of it once more."""

from __future__ import annotations

import getpass
import json
import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from secgraph import clock
from secgraph.app import Core
from secgraph.cli.ingest import retried
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, confirm, err, out, show, table_of, with_core
from secgraph.errors import UsageError
from secgraph.extend import Pulls, Told, Unwraps, WritesBack
from secgraph.ingest.back import COMMENTS, STATES
from secgraph.ingest.feeds.declared import Applied, apply, declared
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Said
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.ingest.feeds.standing import Standing, as_data, standings

source_app = typer.Typer(no_args_is_help=True, help="Sources: the products whose records a tenant takes in.")

Told_ = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", help="NAME=VALUE, NAME=@file, or NAME=- to be asked for it. May be repeated."),
]
Every = Annotated[int | None, typer.Option("--every", help="Seconds from one pull to the next.")]
Silence = Annotated[int | None, typer.Option("--silence", help="Seconds without a record until it is silent; 0 for never.")]


def _opened(value: str, name: str) -> str:
    """What a value says: itself, what a file holds, or what somebody is asked for."""
    if value.startswith("@"):
        try:
            return Path(value[1:]).read_text("utf-8").strip()
        except OSError as fault:
            raise UsageError(f"The file {value[1:]} for {name} cannot be read: {fault.strerror}.") from None
        except UnicodeDecodeError:
            raise UsageError(f"The file {value[1:]} for {name} is not text.") from None
    if value == "-":
        return getpass.getpass(f"{name}: ").strip() if sys.stdin.isatty() else sys.stdin.readline().strip()
    return value


def _options(given: list[str] | None) -> tuple[dict[str, str], set[str]]:
    """Options by name, and which of them stand on the command line as they are."""
    found: dict[str, str] = {}
    bare: set[str] = set()
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            # What is written here may be a secret: it is not said back.
            raise UsageError("An option is written NAME=VALUE, NAME=@file or NAME=-.")
        if name in found:
            raise UsageError(f"The option {name} is given twice.")
        found[name] = _opened(value, name)
        if value and found[name] == value:
            bare.add(name)
    return found, bare


def told_options(given: list[str] | None) -> dict[str, str]:
    """Options by name, as they are written on the command line."""
    return _options(given)[0]


def _expect_hidden(feed_options: dict[str, Any], bare: set[str]) -> None:
    for name in sorted(bare):
        if name in feed_options and feed_options[name].secret:
            raise UsageError(f"{name} is secret, and others could read it on the command line. Give it in a file, --option"
                             f" {name}=@file, or be asked for it: --option {name}=-.")  # fmt: skip


def _data(feed: Feed) -> dict[str, Any]:
    return {"name": feed.name, "kind": feed.kind, "road": feed.road, "options": feed.masked(), "every": feed.every,
            "silence": feed.silence, "paused": feed.paused, "hook": f"/ingest/{feed.hook}" if feed.hook else None}  # fmt: skip


def _show(feed: Feed, said: str, *, as_json: bool, **more: str) -> None:
    data = {**_data(feed), **more}

    def human() -> None:
        if said:
            out.print(said, markup=False)
        rows = [(name, value) for name, value in data.items() if value is not None and name != "options"]
        rows += [(f"option {name}", value) for name, value in feed.masked().items()]
        table_of(("", ""), [(name, escape(str(value))) for name, value in rows])
        if feed.fault:
            err.print(feed.fault, markup=False)
        if "secret" in more:
            err.print("The secret is shown this once. Keep it now.")

    show(data, as_json=as_json, human=human)


@source_app.command("kinds")
def source_kinds(as_json: AsJson = False) -> None:
    """List what is installed: what each kind can do, and what it is told."""
    kinds = Kinds()
    found: list[dict[str, Any]] = []
    for name in kinds:
        made = kinds.source(name)
        options = made.options if isinstance(made, Told) else ()
        found.append({
            "kind": name, "roads": list(kinds.roads(name)),
            "pulls": isinstance(made, Pulls), "writesBack": isinstance(made, WritesBack),
            "framing": made.framing, "unwraps": isinstance(made, Unwraps),
            "options": [{"name": one.name, "says": one.says, "default": one.default, "secret": one.secret} for one in options],
        })  # fmt: skip

    def human() -> None:
        table_of(("kind", "asked", "changes", "options"), [
            (one["kind"], "yes" if one["pulls"] else "no", "yes" if one["writesBack"] else "no",
             ", ".join(option["name"] + ("" if option["default"] is not None else " (needed)") for option in one["options"]))
            for one in found
        ])  # fmt: skip

    show(found, as_json=as_json, human=human)


@source_app.command("add")
def source_add(
    kind: str,
    name: Annotated[str, typer.Option("--name", help="What it is called; the kind's name where it is left out.")] = "",
    option: Told_ = None,
    listen: Annotated[str, typer.Option("--listen", help="It sends to this address, such as tcp://0.0.0.0:5514.")] = "",
    file: Annotated[str, typer.Option("--file", help="It writes this file, which is read as it grows.")] = "",
    webhook: Annotated[bool, typer.Option("--webhook", help="It calls an address of its own.")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="It is asked. So it is where its kind can be.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Its records are handed in with a token.")] = False,
    every: Every = None,
    silence: Silence = None,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Configure a source of a tenant."""
    options, bare = _options(option)
    roads = {"listen": bool(listen), "file": bool(file), "webhook": webhook, "pull": pull, "push": push}
    chosen = [road for road, wanted in roads.items() if wanted]
    if len(chosen) > 1:
        raise UsageError(f"Records come one way: --{' or --'.join(chosen)}, not both.")
    options |= {word: value for word, value in (("listen", listen), ("file", file)) if value}
    made_here = {}
    if webhook and not options.get("hook_secret"):
        made_here["secret"] = options["hook_secret"] = secrets.token_urlsafe(32)

    async def work(inner: Core) -> Feed:
        kinds = inner.feeds.kinds
        _expect_hidden(kinds.options(kind, kinds.expect_road(kind, chosen[0] if chosen else None)), bare)
        said = Said(options, chosen[0] if chosen else None, every, silence)
        return await inner.feeds.add(await inner.registry.tenant(tenant), kind, name or kind, said)

    made = with_core(data, database, work)
    _show(made, f"The source '{made.name}' is there.", as_json=as_json, **made_here)


@source_app.command("change")
def source_change(
    name: str,
    option: Told_ = None,
    every: Every = None,
    silence: Silence = None,
    new_hook: Annotated[bool, typer.Option("--new-hook", help="Give a webhook another address.")] = False,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Change what a source is told; an empty option (NAME=) is taken back. Running servers notice within seconds."""
    options, bare = _options(option)

    async def work(inner: Core) -> Feed:
        owner = await inner.registry.tenant(tenant)
        found = await inner.feeds.feed(owner.number, name)
        _expect_hidden(inner.feeds.kinds.options(found.kind, found.road), bare)
        changed = await inner.feeds.change(owner, name, Said(options, None, every, silence))
        return await inner.feeds.hook_anew(owner, name) if new_hook else changed

    _show(with_core(data, database, work), "", as_json=as_json)


@source_app.command("show")
def source_show(
    name: str, tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False
) -> None:
    """Show what a source is told. What is secret is masked."""

    async def work(inner: Core) -> Feed:
        return await inner.feeds.feed((await inner.registry.tenant(tenant)).number, name)

    _show(with_core(data, database, work), "", as_json=as_json)


@source_app.command("list")
def source_list(tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the sources of a tenant and how each fares."""

    async def work(inner: Core) -> list[Standing]:
        found = await inner.registry.tenant(tenant)
        return await standings(inner.store, inner.feeds, found.number, inner.now())

    found: list[Standing] = with_core(data, database, work)
    show([as_data(one) for one in found], as_json=as_json, human=lambda: _listed(found, clock.now()))


def _listed(found: list[Standing], now: int) -> None:
    """A line for each source, and below them why some fail, or what is changed here does not get there."""
    heads = ("name", "kind", "road", "state", "answered", "lag", "an hour", "rejected", "pending", "refused")
    table_of(heads, [
        tuple(map(escape, (
            one.name, one.feed.kind if one.feed else "", one.feed.road if one.feed else "", one.state,
            "" if one.succeeded is None else f"{_span((now - one.succeeded) // clock.SECOND)} ago",
            "" if one.lag is None else _span(one.lag), str(one.last_hour), str(one.rejected), str(one.back.pending),
            str(one.back.refused),
        ))) for one in found
    ])  # fmt: skip
    for one in found:
        if one.failures:
            out.print(f"{one.name}, {one.failures} in a row: {one.reason}", markup=False, soft_wrap=True)
        if one.back.delay:
            out.print(f"{one.name}, {one.back.pending} changes wait: {one.back.delay}", markup=False, soft_wrap=True)
        if one.back.refused:
            out.print(f"{one.name}, {one.back.refused} changes refused: {one.back.refusal}", markup=False, soft_wrap=True)


def _span(seconds: int) -> str:
    """So many seconds in the largest unit of which there are two or more."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


@source_app.command("remove")
def source_remove(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Remove a source with its secrets, its place and its health. What it delivered stays."""

    async def work(inner: Core) -> Feed:
        owner = await inner.registry.tenant(tenant)
        found = await inner.feeds.feed(owner.number, name)
        confirm(f"Remove the source '{found.name}' of tenant '{owner.name}'?", yes=yes)
        return await inner.feeds.remove(owner, name)

    gone = with_core(data, database, work)
    show(_data(gone), as_json=as_json, human=lambda: out.print(f"The source '{gone.name}' is gone."))


def _pause(name: str, tenant: str | None, data: Path | None, database: str | None, *, paused: bool) -> Feed:
    async def work(inner: Core) -> Feed:
        return await inner.feeds.pause(await inner.registry.tenant(tenant), name, paused=paused)

    found: Feed = with_core(data, database, work)
    return found


@source_app.command("pause")
def source_pause(
    name: str, tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False
) -> None:
    """Let a source rest: it is not asked, and what calls or hands in is told to come again."""
    found = _pause(name, tenant, data, database, paused=True)
    show(_data(found), as_json=as_json, human=lambda: out.print(f"The source '{found.name}' rests."))


@source_app.command("resume")
def source_resume(
    name: str, tenant: InTenant = None, data: Data = None, database: Database = None, as_json: AsJson = False
) -> None:
    """Let a source go on where it was."""
    found = _pause(name, tenant, data, database, paused=False)
    show(_data(found), as_json=as_json, human=lambda: out.print(f"The source '{found.name}' goes on."))


@source_app.command("replay")
def source_replay(
    name: str,
    since: Annotated[str, typer.Option("--since", help="An instant, such as 2026-11-01 or 2026-11-01T08:00:00Z.")] = "",
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Ask a source once more for everything since an instant, and try again what it delivered and could not be taken. What is
    there already is not changed by it. A source that is not asked sends nothing again: of it only the latter is done.
    """
    at = clock.ticks(since)
    if at is None:
        raise UsageError("Say since when: --since 2026-11-01, or 2026-11-01T08:00:00Z.")

    async def work(inner: Core) -> dict[str, Any]:
        owner = await inner.registry.tenant(tenant)
        found = await inner.feeds.feed(owner.number, name)
        if at > inner.now():
            raise UsageError(f"{since} has not come yet.")
        asked = found.road == "pull"
        if asked:
            await inner.feeds.replay(owner, name, {"since": clock.text(at)})
        report = await retried(inner, owner.number, name)
        return {"name": name, "since": clock.text(at) if asked else None, "retried": report.records, "taken": report.taken,
                "rejected": report.rejected}  # fmt: skip

    done = with_core(data, database, work)

    def human() -> None:
        if done["since"]:
            out.print(f"'{name}' is asked again for everything since {done['since']}.", markup=False)
        else:
            out.print(f"'{name}' is not asked for its records: have the product send again what is missing.", markup=False)
        out.print(f"{done['retried']} rejected records were tried again: {done['taken']} taken.")

    show(done, as_json=as_json, human=human)


MOST_SHOWN = 1000


@source_app.command("writes")
def source_writes(
    name: str,
    finished: Annotated[bool, typer.Option("--all", help="Also those that were accepted or superseded.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what was refused, or given up.")] = False,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the changes of alerts that are carried back to a source's product, the latest first: those that wait, and those that
    were refused, with the reason.
    """

    async def work(inner: Core) -> list[dict[str, Any]]:
        owner = await inner.registry.tenant(tenant)
        feed = await inner.feeds.feed(owner.number, name)
        of = {"tenant": owner.number, "source": feed.name}
        if retry:
            if not inner.feeds.writes_back(feed):
                raise UsageError(f"{feed.name} carries no changes back: nothing can be tried again.")
            await inner.store.run(("write_backs_retry", {**of, "now": inner.now(), "comments": COMMENTS}))
        return await inner.store.fetch("write_backs_by", **of, finished=int(finished), most=MOST_SHOWN)

    rows = with_core(data, database, work)
    found = [{
        "alert": row["alert"], "member": row["member"], "value": json.loads(row["value"]), "state": STATES[row["state"]],
        "reason": row["reason"] or None, "attempts": row["attempts"], "changed": clock.text(row["made"]),
        "ended": clock.text(row["done"]) if row["done"] else None,
    } for row in rows]  # fmt: skip

    def human() -> None:
        table_of(("changed", "alert", "member", "value", "state", "attempts", "reason"), [
            tuple(map(escape, (one["changed"][:19], one["alert"], one["member"], str(one["value"] or "")[:60], one["state"],
                               str(one["attempts"]), one["reason"] or "")))
            for one in found
        ])  # fmt: skip

    show(found, as_json=as_json, human=human)


@source_app.command("apply")
def source_apply(
    file: Path,
    prune: Annotated[bool, typer.Option("--prune", help="Remove sources that the file does not name.")] = False,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make the sources of a tenant those that a TOML file declares. Secrets are written "@file"."""
    wanted = declared(_opened(f"@{file}", "the sources"), lambda value: _opened(value, "an option") if value != "-" else value)

    async def work(inner: Core) -> Applied:
        return await apply(inner.feeds, await inner.registry.tenant(tenant), wanted, prune=prune)

    done = with_core(data, database, work)

    def human() -> None:
        for what, names in asdict(done).items():
            if names:
                out.print(f"{what}: {', '.join(names)}", markup=False)

    show(asdict(done), as_json=as_json, human=human)
