"""Who lives in a simulated organisation: its people, its machines, and the application that may ask about them."""

from __future__ import annotations

from dataclasses import dataclass, field

from secgraph.simulate.chance import chance, guid, hexadecimal

GIVEN = ("Ada", "Bela", "Chidi", "Dana", "Emre", "Freya", "Goran", "Hana", "Imre", "Jun", "Kaya", "Liv", "Malik", "Noor")
FAMILY = ("Adeyemi", "Brandt", "Castro", "Dvorak", "Eklund", "Farouk", "Garcia", "Horvat", "Ito", "Jansen", "Kowal", "Lund")
NAMES = ("Northwind Bakery", "Harbour Logistics", "Cedar Clinic", "Summit Tools")
PLATFORMS = (
    ("Windows11", 22631, "23H2"),
    ("Windows10", 19045, "22H2"),
    ("WindowsServer2022", 20348, "21H2"),
    ("macOS", 0, "14.5"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    id: str
    account: str
    name: str
    upn: str
    sid: str
    domain: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A device that the endpoint product watches."""

    id: str
    dns_name: str
    platform: str
    build: int
    version: str
    address: str
    outside: str
    directory_id: str
    group: str
    owner: Person


@dataclass(frozen=True, slots=True)
class Organisation:
    """A tenant and what is needed to ask about it."""

    id: str
    name: str
    domain: str
    client_id: str
    client_secret: str = field(repr=False)
    reader_id: str
    """A second application, which may read everything and change nothing."""
    reader_secret: str = field(repr=False)
    key: str = field(repr=False)
    """What the older way into the cloud-application product wants behind `Token`."""
    people: tuple[Person, ...] = ()
    machines: tuple[Machine, ...] = ()
    analysts: tuple[str, ...] = ()


def organisation(seed: int, number: int, people: int, machines: int) -> Organisation:
    """The tenant of that number in the world of that seed."""
    throw = chance(seed, "organisation", number)
    name = NAMES[number % len(NAMES)] + (f" {number // len(NAMES) + 1}" if number >= len(NAMES) else "")
    domain = f"{name.split()[0].lower()}{number or ''}.example"
    staff = tuple(_person(seed, number, each, domain) for each in range(people))
    return Organisation(
        id=guid(throw), name=name, domain=domain, client_id=guid(throw), client_secret=hexadecimal(throw, 32),
        reader_id=guid(throw), reader_secret=hexadecimal(throw, 32), key=hexadecimal(throw, 64), people=staff,
        machines=tuple(_machine(seed, number, each, domain, staff[each % len(staff)]) for each in range(machines)),
        analysts=tuple(f"{who}@{domain}" for who in ("analyst", "lead", "night.desk")),
    )  # fmt: skip


def _person(seed: int, organisation: int, number: int, domain: str) -> Person:
    throw = chance(seed, "person", organisation, number)
    given, family = throw.choice(GIVEN), throw.choice(FAMILY)
    account = f"{given}.{family}{number}".lower()
    head = f"S-1-5-21-{1000000000 + organisation}-{throw.randrange(10**9)}-{throw.randrange(10**9)}"
    return Person(guid(throw), account, f"{given} {family}", f"{account}@{domain}", f"{head}-{1100 + number}",
                  domain.partition(".")[0].upper())  # fmt: skip


def _machine(seed: int, organisation: int, number: int, domain: str, owner: Person) -> Machine:
    throw = chance(seed, "machine", organisation, number)
    platform, build, version = throw.choice(PLATFORMS)
    kind = "srv" if "Server" in platform else "pc"
    return Machine(
        id=hexadecimal(throw, 40), dns_name=f"{kind}-{number:03}.{domain}", platform=platform, build=build, version=version,
        address=f"10.{organisation + 1}.{number // 250}.{number % 250 + 2}", outside=f"203.0.113.{organisation % 250 + 1}",
        directory_id=guid(throw), group=throw.choice(("Offices", "Servers", "Travel")), owner=owner,
    )  # fmt: skip
