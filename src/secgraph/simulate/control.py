"""The hand of whoever runs the simulator: its clock, its faults, what is true, what was asked and what was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from secgraph import clock
from secgraph.clock import SECOND
from secgraph.errors import UsageError
from secgraph.simulate import audit, cloudapps, graph_shapes, identities, identity, mde, scores, xdr
from secgraph.simulate.ask import Reply, json_reply
from secgraph.simulate.cast import Organisation
from secgraph.simulate.detections import CLOUD_APPS, ENDPOINT
from secgraph.simulate.faults import PRESETS, Faults
from secgraph.simulate.truth import View
from secgraph.simulate.world import World

if TYPE_CHECKING:
    from secgraph.simulate.simulator import Simulator

Item = dict[str, Any]


def refused(status: int, message: str) -> Reply:
    """A refusal of the simulator itself."""
    return json_reply({"error": message}, status)


def answer(simulator: Simulator, method: str, path: str, query: str, body: bytes) -> Reply:
    """What one of the calls under /_simulate/ gives."""
    name = path.removeprefix("/_simulate/").strip("/")
    call = CALLS.get((method, name))
    if call is None:
        return refused(404, f"There is no {method} {name[:40]} here. There are: {', '.join(' '.join(one) for one in CALLS)}.")
    try:
        told = msgspec.json.decode(body) if body else {}
        if not isinstance(told, dict):
            return refused(400, "The body must be an object.")
        return json_reply(call(simulator, {name: values[-1] for name, values in parse_qs(query).items()}, told))
    except (UsageError, msgspec.DecodeError) as fault:
        return refused(400, str(fault))


def instant(text: Any) -> int:
    """An instant that somebody wrote; UsageError where it is none."""
    found = clock.ticks(text) if isinstance(text, str) else None
    if found is None:
        raise UsageError(f"{str(text)[:40]!r} is no instant. Give one such as 2026-03-02T08:00:00Z.")
    return found


def summary(view: View) -> Item:
    """An alert without any product's words: what a test compares with."""
    told = view.alert
    product = told.detection.product
    ids = {"graph": told.graph_id, "xdr": told.graph_id} if told.unified else {}
    own = {ENDPOINT: "mde", CLOUD_APPS: "cloudapps"}.get(product, "riskDetections" if told.detection.risk else "")
    ids |= {own: told.native_id} if own else {}
    ids |= {"office": told.audit_id} if told.audit_id else {}
    return {
        "product": product, "nativeId": told.native_id, "ids": ids, "title": told.detection.title, "severity": view["severity"],
        "status": view["status"], "classification": view["classification"], "determination": view["determination"],
        "assignedTo": view["assignedTo"], "comments": [one.text for one in view.state.comments], "incident": view["incident"],
        "created": clock.text(told.created), "updated": clock.text(view.updated), "riskState": view["riskState"],
    }  # fmt: skip


def truth_of(world: World, org: Organisation, at: int) -> Item:
    """Everything that is true of a tenant, in the form of each API, whatever the faults show."""
    views, cases = world.alerts(org.id, at, true=True), world.cases(org.id, at, true=True)
    unified, risks = [view for view in views if view.alert.unified], [view for view in views if view.alert.detection.risk]
    return {
        "summary": [summary(view) for view in views],
        "graph": {"alerts": [graph_shapes.alert(view) for view in unified],
                  "incidents": [graph_shapes.incident(case, expanded=False) for case in cases]},
        "mde": [mde.alert(view, expanded=True) for view in views if view.alert.detection.product == ENDPOINT],
        "xdr": [xdr.incident(case) for case in cases],
        "office": [entry.record for entry in audit.entries(world, org, at)],
        "cloudapps": [cloudapps.alert(view, read=view.alert.native_id in world.read) for view in views
                      if view.alert.detection.product == CLOUD_APPS],
        "riskDetections": [identity.detection(view) for view in risks],
        "riskyUsers": identity.users_of(risks),
        "identityAccounts": identities.accounts_of(world, org, at),
        "healthIssues": identities.issues_of(world, org, at, true=True),
        "sensors": identities.sensors_of(world, org, at, true=True),
        "secureScores": scores.scores_of(world, org, at),
        "secureScoreControlProfiles": scores.profiles_of(org),
    }  # fmt: skip


def truth(simulator: Simulator, query: dict[str, str], _told: Item) -> Item:
    """`at`: another instant than now. `tenant` and `only`: one tenant, one part."""
    world = simulator.world
    at = instant(query["at"]) if "at" in query else world.now()
    wanted = [one for one in world.scenario.organisations if query.get("tenant", one.id) in (one.id, one.domain)]
    if not wanted:
        raise UsageError(f"There is no tenant {query['tenant'][:60]!r}.")
    found = {one.id: truth_of(world, one, at) for one in wanted}
    if (only := query.get("only")) is not None:
        if any(only not in parts for parts in found.values()):
            raise UsageError(f"There is no part {only[:40]!r}. There are: {', '.join(next(iter(found.values())))}.")
        found = {tenant: {only: parts[only]} for tenant, parts in found.items()}
    return {"at": clock.text(at), "tenants": found}


def read_clock(simulator: Simulator, _query: dict[str, str], _told: Item) -> Item:
    """The time, the time the products take it for, its pace, and the scenario's span."""
    return {
        "now": clock.text(simulator.clock.now()),
        "products": clock.text(simulator.world.now()),
        "pace": simulator.clock.pace,
        "begin": clock.text(simulator.scenario.start),
        "end": clock.text(simulator.scenario.end),
    }


def move_clock(simulator: Simulator, query: dict[str, str], told: Item) -> Item:
    """`set`: an instant. `advance`: seconds. `pace`: simulated seconds in each second."""
    unknown = told.keys() - {"set", "advance", "pace"}
    if unknown or not told:
        raise UsageError("Say one or more of set (an instant), advance (seconds) and pace (simulated seconds in each second).")
    numbers = {name: told[name] for name in ("advance", "pace") if name in told}
    for name, value in numbers.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1e9:
            raise UsageError(f"{name} must be a number from 0 to 1000000000.")
    if "set" in told:
        simulator.clock.set(instant(told["set"]))
    if "advance" in told:
        simulator.clock.advance(int(told["advance"] * SECOND))
    if "pace" in told:
        simulator.clock.run(told["pace"])
    return read_clock(simulator, query, told)


def read_faults(simulator: Simulator, _query: dict[str, str], _told: Item) -> Item:
    """The faults in force."""
    return msgspec.structs.asdict(simulator.world.faults)


def set_faults(simulator: Simulator, query: dict[str, str], told: Item) -> Item:
    """Rates by name; those not named stay. `preset`: none, mild or wild first."""
    name = told.get("preset")
    if name is not None and name not in PRESETS:
        raise UsageError(f"There is no preset {str(name)[:40]!r}. There are: {', '.join(PRESETS)}.")
    begun: Faults = simulator.world.faults if name is None else PRESETS[name]
    simulator.world.faults = begun.told({key: value for key, value in told.items() if key != "preset"})
    return read_faults(simulator, query, told)


def calls(simulator: Simulator, _query: dict[str, str], _told: Item) -> Item:
    """How often each call was made, each status was answered, and each fault was thrown."""
    asked = {name: count for name, count in simulator.calls.items() if "/" in name}
    statuses = {name: count for name, count in simulator.calls.items() if "/" not in name}
    return {"calls": asked, "statuses": statuses, "faults": dict(simulator.injected)}


def writes(simulator: Simulator, _query: dict[str, str], _told: Item) -> Item:
    """Every change that a client made, in order."""
    return {"writes": [{**one, "at": clock.text(one["at"])} for one in simulator.world.writes]}


def tenants(simulator: Simulator, _query: dict[str, str], _told: Item) -> Item:
    """The tenants and what is needed to ask about them."""
    return {"tenants": [{
        "id": one.id, "name": one.name, "domain": one.domain, "clientId": one.client_id, "clientSecret": one.client_secret,
        "readerId": one.reader_id, "readerSecret": one.reader_secret, "key": one.key,
    } for one in simulator.scenario.organisations]}  # fmt: skip


CALLS: dict[tuple[str, str], Callable[[Simulator, dict[str, str], Item], Item]] = {
    ("GET", "clock"): read_clock,
    ("POST", "clock"): move_clock,
    ("GET", "truth"): truth,
    ("GET", "faults"): read_faults,
    ("POST", "faults"): set_faults,
    ("GET", "calls"): calls,
    ("GET", "writes"): writes,
    ("GET", "tenants"): tenants,
}
