"""Whatever is reported, moved, merged and changed in whatever order: no alert is lost, and every one is in an open incident.

Asked over HTTP, as clients see it, and compared with a model that knows nothing but which alerts are together.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from secgraph.testing import Clock, Graph, graph_alert, running

LIST = "security/alerts_v2"
INCIDENTS = "security/incidents"
SEVERITIES = st.sampled_from(["informational", "low", "medium", "high"])
NATIVES = st.sampled_from(["", "n1", "n2", "n3"])


class Server:
    """A server, and a fresh tenant for every example."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.graph: Graph = self.run(self.stack.enter_async_context(running(folder, Clock())))
        self.names = itertools.count(1)

    def run(self, work: Any) -> Any:
        async def waited() -> Any:
            return await work

        return self.runner.run(waited())

    def start(self) -> None:
        registry = self.graph.core.registry
        tenant = self.run(registry.create_tenant(f"example {next(self.names)}"))
        application = self.run(registry.create_application(tenant, "example", self.graph.core.model.served_permissions()))
        self.run(self.graph.sign_in(application[0], application[1], tenant))

    def ask(self, method: str, path: str, body: Any) -> Any:
        return self.run(self.graph.ask(method, path, json=body))

    def rows(self, path: str) -> dict[str, dict[str, Any]]:
        body = self.run(self.graph.get(path, top="1000"))
        assert "@odata.nextLink" not in body
        found = {item["id"]: item for item in body["value"]}
        assert len(found) == len(body["value"]), "an object is listed twice"
        return found

    def close(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("regroup") / "data")
    yield made
    made.close()


class Queue(RuleBasedStateMachine):
    """The alerts and incidents of one tenant."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server
        server.start()
        self.numbers = itertools.count(1)
        self.alerts: dict[str, dict[str, Any]] = {}
        self.incidents: dict[str, dict[str, Any]] = {}
        self.changed = False

    # -- what happens

    @rule(native=NATIVES, severity=SEVERITIES)
    def report(self, native: str, severity: str) -> None:
        number = next(self.numbers)
        self.server.run(self.server.graph.hand_in("graph", graph_alert(number, severity=severity, incidentId=native or None)))
        before = self.alerts
        self.look()
        [fresh] = self.alerts.keys() - before.keys()
        self.same_places(before, except_for={fresh})

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), severity=SEVERITIES, native=NATIVES)
    def report_again(self, data: st.DataObject, severity: str, native: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.alerts)))
        record = graph_alert(int(key[2:10]), severity=severity, incidentId=native or None, lastUpdateDateTime=None)
        self.server.run(self.server.graph.hand_in("graph", record))
        before = self.alerts
        self.look()
        self.same_places(before, except_for=set())

    @precondition(lambda self: self.alerts)
    @rule(data=st.data(), to_new=st.booleans())
    def move(self, data: st.DataObject, to_new: bool) -> None:
        moved = data.draw(st.lists(st.sampled_from(sorted(self.alerts)), min_size=1, max_size=4))
        named = None if to_new else data.draw(st.sampled_from(sorted(self.incidents)))
        answer = self.server.ask("POST", f"{LIST}/moveAlerts", {"alertIds": moved, "incidentId": named})
        assert answer.status_code == 200, answer.text
        target = answer.json()["targetIncidentId"]
        before, known = self.alerts, self.incidents
        self.look()
        assert {self.alerts[key]["incidentId"] for key in moved} == {target}
        self.same_places(before, except_for=set(moved))
        if named is None:
            assert target not in known
        else:
            assert target in self.way(named, known)
        assert self.server.ask("POST", f"{LIST}/moveAlerts", {"alertIds": moved, "incidentId": target}).json()["targetIncidentId"] == target
        self.nothing_changed()

    @precondition(lambda self: len(self.incidents) > 1)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        ids = data.draw(st.lists(st.sampled_from(sorted(self.incidents)), min_size=2, max_size=4, unique=True))
        body = {"incidentIds": ids, "incidentComment": "together"}
        answer = self.server.ask("POST", f"{INCIDENTS}/mergeIncidents", body)
        assert answer.status_code == 200, answer.text
        ends = {self.way(key, self.incidents)[-1] for key in ids}
        assert answer.json()["targetIncidentId"] == self.way(ids[0], self.incidents)[-1]
        target = answer.json()["targetIncidentId"]
        before = self.alerts
        self.look()
        joined = {key for key, alert in before.items() if alert["incidentId"] in ends}
        assert all(self.alerts[key]["incidentId"] == target for key in joined)
        self.same_places(before, except_for=joined)
        assert all(self.way(key, self.incidents)[-1] == target for key in ids)
        assert self.server.ask("POST", f"{INCIDENTS}/mergeIncidents", body).json()["targetIncidentId"] == target
        self.nothing_changed()

    @precondition(lambda self: self.incidents)
    @rule(data=st.data(), severity=SEVERITIES, status=st.sampled_from(["active", "inProgress", "resolved"]))
    def patch(self, data: st.DataObject, severity: str, status: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.incidents)))
        row = self.incidents[key]
        answer = self.server.ask("PATCH", f"{INCIDENTS}/{key}", {"severity": severity, "status": status})
        assert answer.status_code == (409 if row["redirectIncidentId"] else 200), answer.text
        before = self.alerts
        self.look()
        self.same_places(before, except_for=set())

    # -- what must hold

    def way(self, incident: str, known: dict[str, dict[str, Any]]) -> list[str]:
        """The incidents a redirect leads through, the last one open."""
        way = [incident]
        while known[way[-1]]["redirectIncidentId"]:
            way.append(known[way[-1]]["redirectIncidentId"])
            assert len(way) <= len(known), "a circle"
        return way

    def look(self) -> None:
        """Reads everything again; a row that differs has a later version, and one that does not has the same."""
        for name, path in (("alerts", LIST), ("incidents", INCIDENTS)):
            before, after = getattr(self, name), self.server.rows(path)
            assert before.keys() <= after.keys(), "something is lost"
            for key, old in before.items():
                new = after[key]
                if bare(new) == bare(old) and new["@odata.etag"] == old["@odata.etag"]:
                    assert new == old
                else:
                    assert new["lastUpdateDateTime"] > old["lastUpdateDateTime"]
                    assert version(new) > version(old)
            setattr(self, name, after)

    def same_places(self, before: dict[str, dict[str, Any]], *, except_for: set[str]) -> None:
        for key, old in before.items():
            if key not in except_for:
                assert self.alerts[key]["incidentId"] == old["incidentId"], "an alert that nobody moved is elsewhere"

    def nothing_changed(self) -> None:
        assert (self.server.rows(LIST), self.server.rows(INCIDENTS)) == (self.alerts, self.incidents)

    @invariant()
    def every_alert_is_in_an_open_incident(self) -> None:
        for alert in self.alerts.values():
            assert self.incidents[alert["incidentId"]]["redirectIncidentId"] is None

    @invariant()
    def redirects_end(self) -> None:
        for key, incident in self.incidents.items():
            assert (incident["status"] == "redirected") == (incident["redirectIncidentId"] is not None)
            self.way(key, self.incidents)

    @invariant()
    def no_two_rows_share_an_instant(self) -> None:
        for rows in (self.alerts, self.incidents):
            assert len({row["lastUpdateDateTime"] for row in rows.values()}) == len(rows)


def bare(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if "@" not in name and name != "lastUpdateDateTime"}


def version(row: dict[str, Any]) -> int:
    return int(row["@odata.etag"].strip('W/"'))


def test_the_queue_holds_together(server: Server) -> None:
    class Here(Queue):
        def __init__(self) -> None:
            super().__init__(server)

    run_state_machine_as_test(Here, settings=settings(stateful_step_count=20))
