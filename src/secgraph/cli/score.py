"""The secure score: how it stands, what gains most, why a control stands as it does, and what a change would bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from secgraph import clock
from secgraph.app import Core
from secgraph.cli.terminal import AsJson, Data, Database, InTenant, out, show, with_core
from secgraph.errors import UsageError
from secgraph.ingest.scored import Reading, findings, reading
from secgraph.score.explained import as_data, explained, lines, named
from secgraph.score.improvements import Improvement, improvements
from secgraph.score.scoring import Limits, Score, as_record, scored
from secgraph.score.simulated import Brought, changes, simulated
from secgraph.score.telling import number
from secgraph.store.found import Found

WORST = 20
"""Findings that are shown of a control."""
BAR = 30
"""Characters of the bar of a whole category."""
NOTHING = (
    "Nothing was found yet. Hand a report in, such as:\n"
    "  secgraph ingest --source scubagear ScubaResults.json\n"
    "  secgraph ingest --source lynis /var/log/lynis-report.dat"
)


def score_command(
    why: Annotated[str, typer.Option("--why", metavar="CONTROL", help="Why a control stands as it does.")] = "",
    simulate: Annotated[
        list[str] | None,
        typer.Option("--simulate", metavar="CONTROL=WHAT",
                     help="What a change would bring: pass, fail, 50%, ignored, thirdparty. May be repeated."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many improvements are listed.")] = 10,
    tenant: InTenant = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show the secure score as it stands now, and the improvements that gain most for least cost."""
    if why and simulate:
        raise UsageError("--why and --simulate answer two questions: ask one after the other.")

    async def work(inner: Core) -> tuple[str, Reading, Limits, int, list[Found]]:
        owner = await inner.registry.tenant(tenant)
        limits, now = inner.door.scorer.limits, inner.now()
        known = await reading(inner.store, owner.number, limits, now)
        pieces = await findings(inner.store, owner.number, named(known.profiles, why).id, WORST) if why else []
        return owner.id, known, limits, now, pieces

    owner, known, limits, now, pieces = with_core(data, database, work)
    if why:
        _why(known, why, limits, now, pieces, as_json=as_json)
    elif simulate:
        brought = simulated(known.profiles, known.held, changes(known.profiles, simulate), now, limits)
        show(_brought_data(brought), as_json=as_json, human=lambda: _brought(brought))
    else:
        score = scored(known.profiles.values(), known.held, now, limits, average=known.average, users=known.users)
        found = improvements(score, top)
        answer = {**as_record(score, owner), "improvements": [_improvement(one) for one in found]}
        show(answer, as_json=as_json, human=lambda: _standing(score, found))


# --- as it stands ------------------------------------------------------------------------------------------------------


def _standing(score: Score, found: Sequence[Improvement]) -> None:
    if not score.entries:
        out.print(NOTHING, markup=False)
        return
    out.print(f"Secure score: {_of(score.current, score.most)}, {len(score.entries)} controls")
    if score.average is not None:
        out.print(f"All tenants here have {number(score.average)} % on average.")
    out.print()
    for name in sorted({one.control.category for one in score.entries}):
        mine = [one for one in score.entries if one.control.category == name]
        has, most = sum(one.score for one in mine), sum(one.control.max_score for one in mine)
        full = round(BAR * has / most)
        out.print(f"  {name:<15}{'█' * full}{'░' * (BAR - full)}  {_of(has, most)}", markup=False)
    stale = sorted(one.control.id for one in score.entries if one.stale)
    if stale:
        out.print(
            f"\nNot seen for long, and soon not counted: {', '.join(stale[:5])}{' …' if len(stale) > 5 else ''}", markup=False
        )
    if not found:
        out.print("\nNothing that was found is left to put right.")
        return
    out.print("\nWhat gains most for least cost:")
    for one in found:
        control = one.entry.control
        gain, cost = f"+{number(round(one.gain, 2))}", control.implementation_cost or "?"
        out.print(f"  {gain:<7}{cost:<10}{control.id}", markup=False)
        out.print(f"{'':<19}{control.title}", markup=False)
    out.print(f"\nWhy one stands so: secgraph score --why {found[0].entry.control.id}", markup=False)


def _of(has: float, most: float) -> str:
    return f"{number(round(has, 2))} of {number(round(most, 2))} points ({100 * has / most:.0f} %)"


def _improvement(one: Improvement) -> dict[str, Any]:
    control = one.entry.control
    return {
        "control": control.id, "title": control.title, "gain": round(one.gain, 2), "cost": one.cost,
        "implementationCost": control.implementation_cost or None, "userImpact": control.user_impact or None, "why": one.why,
        "remediation": control.remediation or None, "actionUrl": control.action_url or None,
    }  # fmt: skip


# --- why ---------------------------------------------------------------------------------------------------------------


def _why(known: Reading, why: str, limits: Limits, now: int, pieces: list[Found], *, as_json: bool) -> None:
    one = explained(named(known.profiles, why), known.profiles, known.held, now, limits)
    worst = [piece for piece in pieces if piece.share is None or piece.share < 1]
    told = [
        {"scanner": piece.scanner, "check": piece.check, "subject": piece.subject or None, "details": piece.details or None,
         "scoreInPercentage": None if piece.share is None else round(100 * piece.share, 2),
         "checkedDateTime": clock.text(piece.at)}
        for piece in worst
    ]  # fmt: skip

    def human() -> None:
        for line in lines(one, [_piece(piece) for piece in worst]):
            out.print(line, markup=False)

    show(as_data(one, told), as_json=as_json, human=human)


def _piece(piece: Found) -> str:
    where = f" on {piece.subject}" if piece.subject else ""
    return f"{piece.check}{where} ({piece.scanner}){': ' if piece.details else ''}{piece.details}"


# --- what a change would bring ---------------------------------------------------------------------------------------


def _brought(brought: Brought) -> None:
    for one, gained, more in brought.changes:
        what = one.state if one.share is None else f"{number(100 * one.share)} %"
        most = f", of {number(round(more, 2))} more" if more > 0 else f", of {number(round(-more, 2))} less" if more < 0 else ""
        out.print(f"{one.control.id} at {what}: {gained:+.4g} points{most}", markup=False)
    before, after = brought.before, brought.after
    was = _of(before.current, before.most) if before.most else "nothing"
    will = _of(after.current, after.most) if after.most else "nothing"
    out.print(f"From {was} to {will}.")


def _brought_data(brought: Brought) -> dict[str, Any]:
    return {
        **{
            name: {"currentScore": round(one.current, 2), "maxScore": round(one.most, 2)}
            for name, one in (("before", brought.before), ("after", brought.after))
        },
        "changes": [
            {"control": one.control.id, "state": one.state,
             "scoreInPercentage": None if one.share is None else round(100 * one.share, 2),
             "gain": round(gained, 2), "maxGain": round(more, 2)}
            for one, gained, more in brought.changes
        ],
    }  # fmt: skip
