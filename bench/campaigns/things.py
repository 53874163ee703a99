"""What attacks and accidents leave behind besides people and devices: the things that evidence is about."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from bench.campaigns.organisation import Device, Person, identifier

COUNTRIES = ("RU", "CN", "NG", "BR", "RO", "VN", "US", "NL", "IR", "MD")


@dataclass(frozen=True, slots=True)
class Address:
    """An address on the internet."""

    text: str
    country: str


@dataclass(frozen=True, slots=True)
class Connection:
    """Two addresses that talk, as the network sees it: the device's own, or a proxy's in its place."""

    source: str
    target: str
    port: int = 443


@dataclass(frozen=True, slots=True)
class File:
    """A file; its hashes follow from `seed`."""

    name: str
    folder: str
    seed: str

    def digest(self, kind: str) -> str:
        """The hash of that kind."""
        return hashlib.new(kind, self.seed.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Link:
    """A link."""

    host: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as one recipient has it. One from within has a sender of the organisation."""

    network_id: str
    internet_id: str
    sender: str
    sender_address: str
    subject: str
    recipient: Person
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A person's mailbox."""

    owner: Person


@dataclass(frozen=True, slots=True)
class Process:
    """A process on a device."""

    image: File
    command: str
    device: Device
    account: Person | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session in the cloud, which a stolen token shares with the one it was stolen from."""

    key: str
    owner: Person


@dataclass(frozen=True, slots=True)
class Application:
    """A cloud application that everybody uses."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Consent:
    """An application somebody gave rights to."""

    name: str
    app_id: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Principal:
    """An application's own identity."""

    name: str
    app_id: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Resource:
    """Something in the cloud, by its path."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of source code."""

    owner: str
    name: str


Thing = (
    Person | Device | Address | Connection | File | Link | Message | Mailbox | Process | Session | Application | Consent
    | Principal | Resource | Repository
)  # fmt: skip

APPLICATIONS = (
    Application("Microsoft SharePoint Online", 20892), Application("Microsoft Exchange Online", 20893),
    Application("Microsoft OneDrive for Business", 15600), Application("Microsoft Teams", 28375), Application("Salesforce",
                                                                                                              11114),
)  # fmt: skip
"""Those that stand in nearly every alert about the cloud, and tell nothing."""

WORDS = ("alpine", "border", "cobalt", "delta", "ember", "fjord", "granite", "harbor", "indigo", "juniper", "kepler", "lumen",
         "meadow", "nickel", "orchid", "prism", "quartz", "ripple", "saffron", "tundra", "umber", "velvet", "willow")


def outside(chance: random.Random, country: str | None = None) -> Address:
    """An address on the internet: from the range reserved for benchmarks, or the one reserved for documentation."""
    country = country or chance.choice(COUNTRIES)
    if chance.random() < 0.08:
        return Address(f"2001:db8:{chance.randrange(1, 9999):x}::{chance.randrange(1, 9999):x}", country)
    return Address(f"198.{chance.choice((18, 19))}.{chance.randrange(256)}.{chance.randrange(1, 255)}", country)


def host(chance: random.Random) -> str:
    """A name on the internet."""
    return f"{chance.choice(WORDS)}-{chance.choice(WORDS)}{chance.randrange(100)}.example"


def file(chance: random.Random, name: str, folder: str = "c:\\users\\public") -> File:
    """A file nobody else has."""
    return File(name, folder, f"{chance.getrandbits(128):032x}")


def message(chance: random.Random, sender: str, origin: Address, subject: str, to: Person, link: Link | None = None) -> Message:
    """A message to a person."""
    return Message(identifier(chance), f"<{chance.getrandbits(96):024x}@{sender.partition('@')[2]}>", sender, origin.text,
                   subject, to, link)  # fmt: skip
