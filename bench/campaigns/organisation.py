r"""Who and what exists in a made-up organisation: people and accounts, devices and the addresses they have for a while.

Everything has several names, as in real life: a person is an object id in the cloud, a UPN in the mail system, a SID in the
directory and DOMAIN\name on a device; the mail address is for some people another text than the UPN. A workstation's
address belongs to another workstation after the next lease.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

PEOPLE = 2000
DAYS = 30
SYSTEM = "system"
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday. Everything begins in the thirty days from it."""
LONGER = 15
"""Days after which the last campaign has come to its end."""

ENDPOINT, IDENTITY, OFFICE, CLOUD, OPEN = PRODUCTS = ("endpoint", "identity", "office", "cloud", "open")
TOOLS = ("suricata", "wazuh", "cef")

FIRST = (
    "Anna", "Ben", "Carla", "David", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Karin", "Liam", "Mina", "Noor",
    "Omar", "Paula", "Quentin", "Rosa", "Samir", "Tara", "Uwe", "Vera", "Wim", "Xenia", "Yusuf", "Zoe", "Asha", "Bruno",
    "Chloe", "Diego", "Ewa", "Femi", "Gita", "Hana", "Igor", "Jana", "Kofi", "Lena", "Marta", "Nils",
)  # fmt: skip
LAST = (
    "Abel", "Bauer", "Costa", "Dorn", "Eriksen", "Fischer", "Garcia", "Haas", "Ito", "Jansen", "Kaul", "Lopez", "Meyer",
    "Novak", "Okafor", "Petit", "Quist", "Rossi", "Sato", "Tanaka", "Ullmann", "Vogel", "Weber", "Xu", "Yilmaz", "Zhang",
    "Ahlers",
    "Brandt", "Conti", "Dubois", "Engel", "Frank", "Greco", "Holm", "Ivanov", "Jung", "Keller", "Lang", "Mori", "Nair", "Olsen",
    "Park", "Reyes", "Silva", "Thys", "Urban", "Vrba", "Wolff", "Yang", "Ziegler", "Adler", "Berg", "Castro", "Diaz", "Ek",
    "Fuchs", "Gomez", "Hahn", "Ilic", "Joshi",
)  # fmt: skip
NAMES = ("contoso", "fabrikam", "adatum", "woodgrove", "litware", "northwind")
TEAMS = ("FIN", "ENG", "HR", "SAL", "LEG", "OPS", "MKT", "LAB")
HOMES = {"DE": 60, "FR": 14, "NL": 12, "US": 8, "JP": 6}
"""Where people are, of a hundred."""
SERVERS = ("SQL", "FILE", "APP", "PRINT", "BACKUP", "ERP", "BUILD", "WEB")


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody, or an account that is nobody's: `object_id`, `upn` and `mail` are None for one that is on the premises only."""

    name: str
    display: str
    domain: str
    forest: str
    sid: str
    object_id: str | None = None
    upn: str | None = None
    mail: str | None = None
    country: str = "DE"
    team: str = "OPS"


@dataclass(frozen=True, slots=True, eq=False)
class Device:
    """A machine. `address` is None for one that gets an address by DHCP; `directory_id` where it is known in the cloud."""

    name: str
    dns: str
    endpoint_id: str
    kind: str
    net: int
    directory_id: str | None = None
    address: str | None = None
    owner: Person | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """Which device had an address, from when until when."""

    address: str
    device: Device
    since: datetime
    until: datetime


@dataclass(slots=True)
class Organisation:
    """The whole of it. Two with the same seed are the same."""

    seed: int
    name: str
    products: tuple[str, ...]
    tool: str
    """Which open tool it has: `suricata` knows addresses only, `wazuh` hosts and accounts, `cef` a bit of both."""
    egress: str
    """The address that the internet sees, whoever of the organisation comes."""
    people: list[Person] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    """How much noise each of the people makes."""
    laptops: dict[Person, Device] = field(default_factory=dict)
    accounts: dict[str, Person] = field(default_factory=dict)
    admins: list[Person] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    lease: timedelta = timedelta(days=3)
    _tables: dict[tuple[int, int], dict[Device, str]] = field(default_factory=dict)

    @property
    def services(self) -> list[Person]:
        """The accounts under which servers' programs run."""
        return [one for name, one in self.accounts.items() if name.startswith("svc-") and name != "svc-deploy"]

    def of(self, kind: str) -> list[Device]:
        """The devices of a kind."""
        return [one for one in self.devices if one.kind == kind]

    def address(self, device: Device, when: datetime) -> str:
        """The address that the device has then."""
        return device.address or self._leased(device.net, self._period(when))[device]

    def leases(self) -> Iterator[Lease]:
        """Every address by DHCP, as the server's log would have it."""
        for period in range(self._period(BEGIN) - 1, self._period(BEGIN + timedelta(days=DAYS + LONGER)) + 1):
            since = BEGIN + self.lease * period
            for net in range(len(TEAMS)):
                for device, address in self._leased(net, period).items():
                    yield Lease(address, device, since, since + self.lease)

    def _period(self, when: datetime) -> int:
        return (when - BEGIN) // self.lease

    def _leased(self, net: int, period: int) -> dict[Device, str]:
        """The net's addresses in that period, drawn anew for each."""
        found = self._tables.get((net, period))
        if found is None:
            chance = dice(self.seed, f"lease {net} {period}")
            devices = [one for one in self.devices if one.net == net and one.address is None]
            hosts = chance.sample(range(2, 2 + int(len(devices) * 1.4)), len(devices))
            found = {one: f"10.{20 + net}.{host // 250}.{host % 250 + 1}" for one, host in zip(devices, hosts, strict=True)}
            self._tables[net, period] = found
        return found


def dice(seed: int, name: str) -> random.Random:
    """Chance for one purpose: more throws for another do not change it."""
    return random.Random(f"{seed} {name}")  # noqa: S311 -- made-up data, the same for the same seed


def identifier(chance: random.Random) -> str:
    """A GUID."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def founded(seed: int) -> Organisation:
    """The organisation of that seed."""
    chance = dice(seed, "organisation")
    without = chance.choice((None, None, IDENTITY, OFFICE, OPEN))
    made = Organisation(
        seed, chance.choice(NAMES), tuple(one for one in PRODUCTS if one != without), chance.choice(TOOLS),
        f"203.0.113.{chance.randrange(1, 255)}", lease=timedelta(days=chance.choice((1, 2, 4, 7))),
    )  # fmt: skip
    _people(made, chance)
    _machines(made, chance)
    return made


def _people(made: Organisation, chance: random.Random) -> None:
    style = chance.choice(("{first}.{last}", "{f}{last}", "{last}{f}", "u{number}"))
    prefix = f"S-1-5-21-{chance.randrange(10**9)}-{chance.randrange(10**9)}-{chance.randrange(10**9)}"
    domain, forest, suffix = made.name.upper(), f"corp.{made.name}.com", f"{made.name}.com"
    taken: set[str] = set()
    pairs = [(first, last) for first in FIRST for last in LAST]
    for number, (first, last) in enumerate(chance.sample(pairs, PEOPLE)):
        name = style.format(first=first.lower(), f=first[0].lower(), last=last.lower(), number=10000 + number * 7)
        name = name if name not in taken else f"{name}{number}"
        taken.add(name)
        upn = f"{name}@{suffix}"
        mail = upn if chance.random() < 0.7 else f"{first.lower()}.{last.lower()}.{number}@{suffix}"
        made.people.append(Person(
            name, f"{first} {last}", domain, forest, f"{prefix}-{1200 + number}", identifier(chance), upn, mail,
            chance.choices([*HOMES], [*HOMES.values()])[0], TEAMS[number % len(TEAMS)],
        ))  # fmt: skip
        made.weights.append(min(chance.paretovariate(1.3), 25.0))
    local = ("svc-backup", "svc-sql", "svc-print", "svc-deploy", "svc-web", "svc-scan", "svc-monitor", "svc-erp",
             "kiosk-lobby", "kiosk-plant", "lab-shared", *(f"svc-app-{number:02}" for number in range(24)))  # fmt: skip
    for place, name in enumerate(local):
        made.accounts[name] = Person(name, name, domain, forest, f"{prefix}-{500 + place}")
    made.accounts[SYSTEM] = Person(SYSTEM, "SYSTEM", "nt authority", "nt authority", "S-1-5-18")
    for place, person in enumerate(chance.sample(made.people, 14)):
        name = f"adm-{person.name}"
        admin = Person(name, f"{person.display} (admin)", domain, forest, f"{prefix}-{600 + place}", identifier(chance),
                       f"{name}@{suffix}", None, person.country, "OPS")  # fmt: skip
        made.admins.append(admin)


def _machines(made: Organisation, chance: random.Random) -> None:
    forest = f"corp.{made.name}.com"

    def add(name: str, kind: str, net: int, address: str | None, owner: Person | None = None, known: bool = False) -> Device:
        device = Device(name, f"{name.lower()}.{forest}", f"{chance.getrandbits(160):040x}", kind, net,
                        identifier(chance) if known else None, address, owner)  # fmt: skip
        made.devices.append(device)
        return device

    for number, person in enumerate(made.people):
        name = f"WKS-{person.team}-{1000 + number}"
        made.laptops[person] = add(name, "workstation", TEAMS.index(person.team), None, person, known=chance.random() < 0.85)
    for number in range(90):
        kind = "web" if (role := SERVERS[number % len(SERVERS)]) == "WEB" else "server"
        add(f"SRV-{role}-{number:02}", kind, 90, f"10.1.{number // 40}.{number % 40 * 5 + 10}")
    for number in range(12):
        add(f"VM-{chance.choice(('CI', 'SHOP', 'DATA'))}-{number:02}", "cloud", 91, f"10.60.0.{number + 10}")
    fixed = (("DC", "controller", 3), ("RDS", "terminal", 3), ("SRV-JUMP", "jump", 2), ("SRV-SCAN", "scanner", 2),
             ("VPN", "vpn", 1), ("PROXY", "proxy", 2), ("SRV-CM", "deployment", 1))  # fmt: skip
    for row, (name, kind, many) in enumerate(fixed):
        for number in range(many):
            add(f"{name}-{number + 1:02}", kind, 92, f"10.0.{row}.{number + 10}")
    for number in range(4):
        add(f"KIOSK-{number + 1:02}", "kiosk", 92, f"10.0.40.{number + 10}")
