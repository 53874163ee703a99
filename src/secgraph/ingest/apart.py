"""Incidents that a person keeps apart: facts → decision. It is how a suggested merge is refused; a merge accepts it.

- From then on the machine never makes the named incident one with any of the others. A person still may.
- An incident that was merged stands for where it went. What is one incident already cannot be kept apart: alerts are moved
  out of it first.
- Each incident that is kept apart from one more is written once, with who said so; its event tells `apart` among what changed.
  What was kept apart before changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from secgraph.errors import BadBody
from secgraph.ingest.cases import Cases
from secgraph.ingest.desk import Desk
from secgraph.ingest.regroup import Call, ends, present
from secgraph.model.choices import INCIDENTS
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Deciding, Decision


def apart_needs(incident: str, others: Sequence[str]) -> Needs:
    """What `keep_apart` has to see first: the incidents, and where they lead."""
    return Needs(rows=tuple((INCIDENTS, key) for key in (incident, *others)))


def keep_apart(facts: Facts, incident: str, others: Sequence[str], call: Call) -> Deciding[tuple[str, list[str]]]:
    """Keeps an incident apart from others; the answer is where it is now and all that it is kept apart from. NotFound names
    those that are not there, BadBody one that is the same incident.
    """
    present(facts, INCIDENTS, [incident, *others], "incident")
    [here] = ends(facts, [incident])
    there = ends(facts, others)
    if here in there:
        same = next(key for key in others if ends(facts, [key]) == [here])
        raise BadBody("incidentIds", f"{same} and {incident} are one incident.",
                      hint="Move alerts out of it with moveAlerts; keep the incident that they come into apart.")  # fmt: skip
    yield Needs(cases=(here, *there))
    case = facts.cases[here]
    new = [key for key in there if key not in case.apart]
    answer = here, sorted(case.apart.union(new), key=int)
    if not new:
        return Decision((), answer)
    desk, cases = Desk(facts, call.cause, f"API-App:{call.name}"), Cases(facts)
    for key in new:
        desk.part(key)
        cases.keep_apart(here, key)
    desk.part(here)
    return Decision([*desk.changes(last=here), *cases.changes()], answer)
