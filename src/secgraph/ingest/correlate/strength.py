"""How much it means that two alerts name the same thing: one table, by what it is and what part it has."""

from __future__ import annotations

from typing import Literal, NamedTuple

from secgraph.ingest.entities.entity import GRADES, KINDS, WEAK, kind_of, rank

Alone = Literal["yes", "seldom", "never"]
"""Whether such a thing alone may hold two alerts together, given that it weighs enough: yes; only where both detections are
seldom; or never, whatever speaks for it besides.
"""


class Line(NamedTuple):
    """A line of the table: the strength in each grade, the family, whether it is enough by itself, and why."""

    central: float
    involved: float
    aside: float
    family: str
    alone: Alone
    reason: str


TABLE: dict[str, Line] = {
    # who
    "user": Line(1.35, 1.1, 0.3, "people", "yes", "one person, of whom other things are reported by chance"),
    "accountName": Line(0.85, 0.6, 0.15, "people", "seldom", "two directories may have an account of that name"),
    "gitHubUser": Line(1.35, 0.9, 0.3, "people", "yes", "a person, as a user is"),
    "session": Line(1.2, 1.2, 0.6, "sessions", "yes", "a session is one sign-in by one person"),
    "signIn": Line(1.2, 1.2, 0.6, "sessions", "yes", "a request to sign in is made once"),
    "mailbox": Line(0.0, 0.0, 0.0, "people", "never", "whose it is stands beside it and counts"),
    "mailboxRule": Line(1.2, 1.0, 0.5, "mail", "yes", "a rule is made once, by one who wants something hidden"),
    "securityGroup": Line(0.4, 0.3, 0.1, "people", "never", "many are in it"),
    "activeDirectoryDomain": Line(0.1, 0.1, 0.0, "people", "never", "everybody is in it"),
    # where
    "device": Line(0.85, 0.65, 0.3, "devices", "yes", "one device, of which other things are reported by chance"),
    "hostName": Line(0.82, 0.62, 0.25, "devices", "seldom", "two networks may have a host of that name"),
    "privateAddress": Line(0.75, 0.75, 0.25, "devices", "seldom", "an inner address is given to another device tomorrow"),
    "ip": Line(0.9, 0.7, 0.3, "network", "yes", "an address may be shared by many behind it"),
    "domain": Line(0.9, 0.5, 0.2, "network", "yes", "a domain that is not known as bad may be anybody's"),
    "url": Line(1.1, 0.7, 0.3, "network", "yes", "a whole URL leads to one page"),
    # what
    "file": Line(1.1, 0.5, 0.1, "artefacts", "yes", "the same bytes; those of a good program are everywhere"),
    "filePath": Line(0.4, 0.2, 0.0, "artefacts", "never", "a path says where, not what"),
    "process": Line(1.2, 1.2, 0.3, "artefacts", "yes", "one process, started once"),
    "commandLine": Line(0.7, 0.5, 0.1, "artefacts", "never", "administrators type the same lines again"),
    "malware": Line(0.6, 0.5, 0.2, "artefacts", "never", "a family of malware has many victims who share nothing else"),
    "registry": Line(0.8, 0.6, 0.2, "artefacts", "never", "the same value is set by every installation of a program"),
    "registryKey": Line(0.3, 0.2, 0.0, "artefacts", "never", "the keys for starting with the system are the same everywhere"),
    # mail
    "mail": Line(1.2, 1.2, 0.7, "mail", "yes", "one message"),
    "mailCluster": Line(1.1, 1.1, 0.7, "mail", "yes", "messages that were found to be of one sending"),
    "teamsMessage": Line(1.2, 1.2, 0.7, "mail", "yes", "one message"),
    "subject": Line(0.7, 0.7, 0.3, "mail", "never", "one sender and one subject, perhaps in two sendings"),
    # the cloud
    "application": Line(1.1, 0.8, 0.2, "applications", "yes", "an application by its id; those of everybody are not rare"),
    "cloudApplication": Line(0.1, 0.1, 0.0, "cloud", "never", "everybody uses it"),
    "azureResource": Line(0.8, 0.6, 0.2, "cloud", "seldom", "a resource that several may use"),
    "amazonResource": Line(0.8, 0.6, 0.2, "cloud", "seldom", "a resource that several may use"),
    "googleResource": Line(0.8, 0.6, 0.2, "cloud", "seldom", "a resource that several may use"),
    "blobContainer": Line(0.7, 0.5, 0.2, "cloud", "seldom", "a place that several may use"),
    "blob": Line(0.8, 0.6, 0.2, "cloud", "seldom", "one object that several may use"),
    "sasToken": Line(1.1, 0.9, 0.3, "cloud", "yes", "one signature, handed to one party"),
    "container": Line(1.1, 0.9, 0.3, "containers", "yes", "one container"),
    "containerImage": Line(0.6, 0.4, 0.1, "containers", "never", "many containers are made from it"),
    "containerRegistry": Line(0.1, 0.1, 0.0, "containers", "never", "all images come from there"),
    "kubernetesCluster": Line(0.6, 0.4, 0.2, "containers", "never", "much runs in a cluster"),
    "kubernetesObject": Line(0.7, 0.5, 0.2, "containers", "seldom", "an object of a cluster, perhaps one that all share"),
    "gitHubOrganization": Line(0.2, 0.2, 0.0, "cloud", "never", "everybody is in it"),
    "gitHubRepo": Line(0.7, 0.5, 0.2, "cloud", "seldom", "a repository that several use"),
    "aiAgent": Line(0.7, 0.5, 0.2, "cloud", "seldom", "an agent that several use"),
    "label": Line(0.2, 0.2, 0.0, "cloud", "never", "a name that anything may have"),
}
"""What a thing is, or by which weak key it was known, to what sharing it means. What weighs 1 is enough."""

STEADY = frozenset({"people", "devices", "cloud", "containers"})
"""Families of what is there all day, whatever happens: the longer ago, and the more ordinary the alert, the less they say."""


class Part(NamedTuple):
    """What a key says, in the role in which an alert names it."""

    strength: float
    family: str
    alone: Alone
    steady: bool
    weak: bool
    rank: int


def _parts() -> dict[tuple[str, str], Part]:
    parts = {}
    for kind, words in KINDS.items():
        for word in words:
            name = f"{kind}.{word}"
            line = TABLE[sort_of(name)]
            for role, grade in GRADES.items():
                strength: float = getattr(line, grade)
                parts[name, role] = Part(strength, line.family, line.alone, line.family in STEADY, name in WEAK, rank(name))
    return parts


def sort_of(key: str) -> str:
    """The line of the table that a key is judged by."""
    kind = kind_of(key)
    return WEAK.get(kind) or kind.partition(".")[0]


PARTS = _parts()
"""What it means that an alert names a thing by a key of that kind, in that role."""
