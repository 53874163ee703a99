"""What only ours is asked, because the other sides do not know it: expanded incidents, what changed, words, tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from bench.documents import target
from bench.processes import Failed
from bench.sides import ALERTS, Client, form
from bench.tables import PAGE
from bench.workload import Workload

INCIDENTS = "/v1.0/security/incidents"
INCIDENTS_OF_A_PAGE = 20
CHANGES = 100
CHANGES_OF_A_LINK = 5
FORM = "application/x-www-form-urlencoded"


class _Rows(msgspec.Struct):
    value: list[msgspec.Raw]
    link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    later: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class _Account(msgspec.Struct):
    accountName: str = ""  # noqa: N815 -- the contract's word


class _Item(msgspec.Struct):
    userAccount: _Account | None = None  # noqa: N815 -- the same


class _Evidence(msgspec.Struct):
    evidence: list[_Item]


class _Evident(msgspec.Struct):
    value: list[_Evidence]


class _Expanded(msgspec.Struct):
    alerts: list[msgspec.Raw]


read_rows = msgspec.json.Decoder(_Rows).decode


class Alone:
    """Makes workloads of one side."""

    def __init__(self, client: Client, credentials: Mapping[str, str], *, aside: list[str], many: int) -> None:
        self._client = client
        self._credentials = credentials
        self._aside = aside
        self._many = many

    def named(self, name: str) -> Workload:
        """The workload of that name."""
        made: dict[str, Callable[[], Workload]] = {
            "expand": self._expand, "delta": self._delta, "search": self._search, "token": self._token,
        }  # fmt: skip
        return made[name]()

    def _expand(self) -> Workload:
        path: str | None = f"{INCIDENTS}?$expand=alerts&$top={INCIDENTS_OF_A_PAGE}"
        paths: list[str] = []
        while path is not None and len(paths) < self._many:
            paths.append(path)
            link = read_rows(self._client.ask("GET", path)).link
            path = target(link) if link else None
        says = f"a page of {INCIDENTS_OF_A_PAGE} incidents with their alerts; {len(paths)} links of one list"
        return Workload("expand", says, {"ours": paths}, _expanded)

    def _delta(self) -> Workload:
        """Links from before some changes, all of them made now: what an answer holds stays as long while it is measured."""
        link = self._later(f"{ALERTS}/delta?$deltatoken=latest")
        links = []
        for number, key in enumerate((self._aside * CHANGES)[:CHANGES]):
            if number % CHANGES_OF_A_LINK == 0:
                links.append(link)
            self._client.ask("PATCH", f"{ALERTS}/{key}", f'{{"assignedTo":"changed{number}@contoso.example"}}')
            if number % CHANGES_OF_A_LINK == CHANGES_OF_A_LINK - 1:
                link = self._later(link)
        says = f"a round of delta from a link that is {CHANGES_OF_A_LINK} to {CHANGES} changes old; {len(links)} links"
        return Workload("delta", says, {"ours": links}, _some_rows, beside=False)

    def _later(self, path: str) -> str:
        found = read_rows(self._client.ask("GET", path)).later
        if found is None:
            raise Failed(f"A round of delta did not end with a deltaLink: {path[:200]}")
        return target(found)

    def _search(self) -> Workload:
        """People who are named: every search finds something."""
        found = msgspec.json.decode(self._client.ask("GET", f"{ALERTS}?$top={self._many}"), type=_Evident).value
        people = sorted(
            {item.userAccount.accountName for one in found for item in one.evidence if item.userAccount is not None}
        )
        paths = [f"{ALERTS}?$search=%22{person}%22&$top={PAGE}" for person in people]
        return Workload("search", f"at most {PAGE} alerts that name a person, newest first; {len(paths)} people",
                        {"ours": paths}, _found)  # fmt: skip

    def _token(self) -> Workload:
        path, body = form(self._credentials)
        return Workload("token", "an access token for an application with a secret", {"ours": [path, body]}, _token,
                        "form", "POST", body, FORM, beside=False)  # fmt: skip


def _found(answer: bytes) -> object:
    found = read_rows(answer).value
    if not found:
        raise Failed("A search for somebody who is named finds nothing.")
    return len(found)


def _some_rows(answer: bytes) -> object:
    found = read_rows(answer)
    if not found.value or found.later is None:
        raise Failed(f"A round of delta has {len(found.value)} rows and the link {found.later}.")
    return len(found.value)


def _expanded(answer: bytes) -> object:
    found = [msgspec.json.decode(one, type=_Expanded) for one in read_rows(answer).value]
    if not found or not all(one.alerts for one in found):
        raise Failed("An incident has no alerts.")
    return len(found)


def _token(answer: bytes) -> object:
    if not msgspec.json.decode(answer).get("access_token"):
        raise Failed(f"There is no token in {answer[:200]!r}.")
    return None
