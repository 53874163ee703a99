"""An ordinary month: what products report although nobody attacks, or although nothing comes of it.

The same people, machines and servers as in the campaigns are in it, those of campaigns no less than others; some of them make
far more noise than others. Scanners, gateways, proxies and administrators' accounts stand in a great many alerts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate

from bench.campaigns.organisation import BEGIN, DAYS, Device, Organisation, Person, dice
from bench.campaigns.scribe import DAY, HOUR, Scribe, Sighting
from bench.campaigns.things import (
    APPLICATIONS,
    Address,
    Connection,
    Consent,
    File,
    Link,
    Mailbox,
    Process,
    Thing,
    file,
    host,
    message,
)

PROBES = ("ET SCAN Suspicious inbound to a database port", "ET SCAN Service probe", "ET SCAN Exploit attempt")
UNWANTED = ("toolbar.exe", "cleaner.exe", "keygen.exe")
EICAR = File("eicar.com", "c:\\temp", "eicar")


class Background:
    """Noise of one organisation."""

    def __init__(self, place: Organisation) -> None:
        self.place = place
        self.chance = dice(place.seed, "noise")
        self._sums = list(accumulate(place.weights))
        # Those that come back: scanners of the internet, and addresses behind which many people are.
        self.crawlers = [self._address() for _ in range(40)]
        self.carriers = [self._address() for _ in range(12)]
        self.sharing = Link("share.example", "f")
        self.unwanted = [file(self.chance, name, "c:\\users\\downloads") for name in UNWANTED]
        self.kinds = [(kind, share * self.chance.uniform(0.4, 1.8)) for kind, share in KINDS]

    def _address(self) -> Address:
        return Scribe(self.place, self.chance, BEGIN).outside()

    def person(self) -> Person:
        """Somebody; those who make much noise more often."""
        return self.chance.choices(self.place.people, cum_weights=self._sums)[0]

    def sightings(self, many: int) -> list[Sighting]:
        """That many, in no order."""
        found: list[Sighting] = []
        kinds, shares = [kind for kind, _ in self.kinds], [share for _, share in self.kinds]
        while len(found) < many:
            scribe = Scribe(self.place, self.chance, self._moment())
            self.chance.choices(kinds, shares)[0](self, scribe)
            found += scribe.seen
        return found[:many]

    def _moment(self) -> datetime:
        """Mostly on working days, mostly by day."""
        while True:
            when = BEGIN + timedelta(days=self.chance.randrange(DAYS), hours=self.chance.gauss(12.5, 3.5))
            if when.weekday() < 5 or self.chance.random() < 0.25:
                return when


def scan(_around: Background, scribe: Scribe) -> None:
    """The organisation's own scanner, at night, along many servers and some desks."""
    scribe.wait(10 * HOUR, 16 * HOUR)
    scanner = scribe.pick(scribe.place.of("scanner"))
    source = scribe.place.address(scanner, scribe.now)
    if scribe.chance.random() < 0.3:
        scribe.saw("identity", ("Network mapping reconnaissance (DNS)", "Discovery", "T1046", "medium"), scanner,
                   scribe.pick(scribe.place.of("controller")), last=120)  # fmt: skip
    for target in scribe.chance.sample(scribe.place.devices, 4) + scribe.chance.sample(scribe.place.of("server"), 8):
        talk = Connection(source, scribe.place.address(target, scribe.now), scribe.pick((22, 80, 443, 445, 3389)))
        what = scribe.pick(PROBES)
        if scribe.chance.random() < 0.8:
            scribe.saw("open", (what, "Discovery", "T1046", "low"), talk)
        else:
            scribe.saw("endpoint", ("Port scan was blocked", "Discovery", "T1046", "low"), target,
                       (Address(source, "DE"), "attacker"))  # fmt: skip
        scribe.wait(0.2, 8)


def crawl(around: Background, scribe: Scribe) -> None:
    """Somebody on the internet tries every public server."""
    source = scribe.pick(around.crawlers) if scribe.chance.random() < 0.6 else scribe.outside()
    title = scribe.pick(("ET EXPLOIT Remote code execution attempt in a web framework", "ET SCAN Zgrab user agent",
                         "ET WEB_SERVER Path traversal attempt", "ET EXPLOIT Router command injection"))  # fmt: skip
    for server in scribe.chance.sample(scribe.place.of("web"), scribe.many(1, 5)):
        scribe.saw("open", (title, "InitialAccess", "T1190", scribe.pick(("low", "medium", "high"))),
                   Connection(source.text, scribe.place.address(server, scribe.now)), server)  # fmt: skip
        scribe.wait(0.1, 15)


def spray(_around: Background, scribe: Scribe) -> None:
    """One password for everybody, from a few addresses; nothing comes of it."""
    sources = [scribe.outside() for _ in range(scribe.many(1, 3))]
    for _ in range(scribe.many(3, 12)):
        people = scribe.people(scribe.many(1, 8))
        gravity = scribe.pick(("low", "medium", "high"))
        scribe.saw("cloud identity", ("Password spray", "CredentialAccess", "T1110.003", gravity),
                   *((one, "attacked") for one in people), (scribe.pick(sources), "attacker"), last=30)  # fmt: skip
        scribe.wait(2, 3 * HOUR)


def travel(around: Background, scribe: Scribe) -> None:
    """People travel, and telephones have addresses of many people."""
    person, address = around.person(), scribe.pick(around.carriers) if scribe.chance.random() < 0.6 else scribe.outside()
    title = scribe.pick(("Impossible travel activity", "Unfamiliar sign-in properties", "Atypical travel",
                         "Activity from infrequent country", "Activity from anonymous IP addresses"))  # fmt: skip
    for _ in range(1 + (scribe.chance.random() < 0.3)):
        # The place they come from otherwise is the office.
        usual: list[Thing] = []
        if scribe.chance.random() < 0.5:
            usual = [scribe.pick(APPLICATIONS), Address(scribe.place.egress, "DE")]
        scribe.saw("cloud", (title, "InitialAccess", "T1078.004", scribe.pick(("low", "medium"))), (person, "compromised"),
                   address, *usual, last=60)  # fmt: skip
        scribe.wait(HOUR, DAY)


def policy(around: Background, scribe: Scribe) -> None:
    """A policy about data fires for somebody who does their work."""
    person = around.person()
    one = file(scribe.chance, f"{scribe.pick(('report', 'list', 'offer', 'contract'))}.xlsx", "c:\\users\\documents")
    for _ in range(1 + (scribe.chance.random() < 0.25)):
        kind = scribe.chance.randrange(4)
        if kind == 0:
            scribe.saw("office", ("DLP policy match: message to a private address", "Exfiltration", "T1048", "low"), person,
                       Mailbox(person), one)  # fmt: skip
        elif kind == 1:
            scribe.saw("cloud", ("DLP policy match: file shared outside", "Exfiltration", "T1567.002", "low"), person, one,
                       APPLICATIONS[0], Address(scribe.place.egress, "DE"))  # fmt: skip
        elif kind == 2:
            scribe.saw("endpoint", ("Files copied to removable media", "Exfiltration", "T1052.001", "low"),
                       scribe.place.laptops[person], person, one, last=30)  # fmt: skip
        else:
            scribe.saw("cloud", ("Mass download by a single user", "Collection", "T1213.002", "medium"), person,
                       scribe.pick(APPLICATIONS), Address(scribe.place.egress, "DE"), last=60)  # fmt: skip
        scribe.wait(20, 2 * DAY)


def junk(_around: Background, scribe: Scribe) -> None:
    """A wave of bad messages that is taken away in time; some of them are reported."""
    link, origin, sender = Link(host(scribe.chance), "p"), scribe.outside(), f"news@{host(scribe.chance)}"
    for person in scribe.people(scribe.many(1, 14)):
        mail = message(scribe.chance, sender, origin, "You have won", person, link)
        title = ("Email messages containing malicious URL removed after delivery" if scribe.chance.random() < 0.7
                 else "Email reported by user as malware or phish")  # fmt: skip
        scribe.saw("office", (title, "InitialAccess", "T1566.002", scribe.pick(("informational", "low", "medium"))), mail,
                   Mailbox(person), link)  # fmt: skip
        scribe.wait(1, 40)


def unwanted(around: Background, scribe: Scribe) -> None:
    """Unwanted software, a test of the virus scanner, a hit of the heuristics."""
    person = around.person()
    device = scribe.place.laptops[person]
    one = scribe.pick((EICAR, *around.unwanted)) if scribe.chance.random() < 0.6 else file(scribe.chance, "setup.exe")
    title = scribe.pick(("Unwanted software was blocked", "Malware was prevented on a device"))
    title = "EICAR test file was prevented" if one is EICAR else title
    scribe.saw("endpoint", (title, "Malware", "", scribe.pick(("informational", "low", "medium"))), device, one,
               *([person] if scribe.chance.random() < 0.6 else []),
               *([Process(one, one.name, device)] if scribe.chance.random() < 0.5 else []))  # fmt: skip


def administration(_around: Background, scribe: Scribe) -> None:
    """Administrators and their tools go from device to device."""
    admin, chance = scribe.pick(scribe.place.admins), scribe.chance
    jump = scribe.pick(scribe.place.of("jump"))
    tool = File("psexec.exe", "c:\\tools", "psexec")
    pool = scribe.place.of("server") if chance.random() < 0.7 else scribe.place.devices
    for device in chance.sample(pool, scribe.many(1, 5)):
        talk = Connection(scribe.place.address(device, scribe.now), scribe.place.address(jump, scribe.now), 445)
        if chance.random() < 0.5:
            scribe.saw("identity", ("Remote code execution attempt", "LateralMovement", "T1021.002", "medium"), admin, jump,
                       device)  # fmt: skip
        else:
            scribe.saw("endpoint", ("Suspicious remote service", "LateralMovement", "T1569.002", "medium"), device, admin,
                       Process(tool, "psexec -s cmd", device, admin), talk)  # fmt: skip
        scribe.wait(2, 90)


def deployment(_around: Background, scribe: Scribe) -> None:
    """Software is rolled out by scripts that look like an attack."""
    source, account = scribe.place.of("deployment")[0], scribe.place.accounts["svc-deploy"]
    script = File("inventory.ps1", "c:\\windows\\ccmcache", "inventory")
    for device in scribe.chance.sample(scribe.place.devices, scribe.many(2, 8)):
        scribe.saw("endpoint", ("Suspicious PowerShell command line", "Execution", "T1059.001", scribe.pick(("low", "medium"))),
                   device, Process(script, "powershell -ep bypass inventory.ps1", device, account),
                   *([Address(scribe.place.address(source, scribe.now), "DE")] if scribe.chance.random() < 0.3 else []))
        scribe.wait(1, 30)


def wrong_password(_around: Background, scribe: Scribe) -> None:
    """A service with an old password, or an account many people share."""
    name = scribe.pick(("svc-print", "svc-scan", "svc-monitor", "kiosk-lobby", "kiosk-plant", "lab-shared", "svc-backup"))
    where = scribe.pick(scribe.place.of("kiosk") if name.startswith("kiosk") else scribe.place.of("server"))
    for _ in range(scribe.many(1, 4)):
        scribe.saw("identity open", ("Suspected brute force attack (Kerberos, NTLM)", "CredentialAccess", "T1110", "medium"),
                   scribe.place.accounts[name], where, scribe.pick(scribe.place.of("controller")), last=180)  # fmt: skip
        scribe.wait(3 * HOUR, 2 * DAY)


def through_proxy(around: Background, scribe: Scribe) -> None:
    """The network sees somebody's browser, and it sees it as the proxy."""
    source = scribe.place.address(scribe.pick(scribe.place.of("proxy")), scribe.now)
    title = scribe.pick(("ET POLICY External address look-up", "ET INFO Dynamic DNS query", "ET ADWARE User agent",
                         "ET MALWARE Possible beacon"))  # fmt: skip
    link = around.sharing if scribe.chance.random() < 0.2 else Link(host(scribe.chance), "")
    scribe.saw("open", (title, "CommandAndControl", "T1071.001", scribe.pick(("informational", "low", "medium"))),
               Connection(source, scribe.outside("US").text), link, last=60)  # fmt: skip


def terminal(around: Background, scribe: Scribe) -> None:
    """Somebody on a terminal server."""
    server: Device = scribe.pick(scribe.place.of("terminal"))
    person = around.person()
    scribe.saw("endpoint identity", scribe.pick((
        ("Suspicious script was started", "Execution", "T1059", "low"),
        ("Unwanted software was blocked", "Malware", "", "low"),
        ("Unusual number of sign-ins", "InitialAccess", "T1078", "low"))), server, person)  # fmt: skip


def gateway(around: Background, scribe: Scribe) -> None:
    """Sign-ins at the VPN gateway."""
    scribe.saw("open", ("VPN sign-in from an unusual place", "InitialAccess", "T1133", "low"), around.person(),
               scribe.pick(around.carriers) if scribe.chance.random() < 0.5 else scribe.outside(),
               scribe.place.of("vpn")[0])  # fmt: skip


def consent(around: Background, scribe: Scribe) -> None:
    """Somebody gives rights to an application that many use."""
    number = scribe.chance.randrange(8)
    app = Consent(f"Calendar helper {number}", f"{number:032x}", f"{number + 64:032x}")
    scribe.saw("cloud", ("Suspicious OAuth app consent", "Persistence", "T1098.003", "low"), around.person(), app)


def alone(around: Background, scribe: Scribe) -> None:
    """One thing that looks grave and is none: a false alarm on somebody's device."""
    person, one = around.person(), file(scribe.chance, "tool.exe")
    device = scribe.place.laptops[person]
    scribe.saw("endpoint", scribe.pick((
        ("Suspicious access to LSASS", "CredentialAccess", "T1003.001", "medium"),
        ("Suspicious PowerShell command line", "Execution", "T1059.001", "medium"),
        ("Connection to a suspicious address", "CommandAndControl", "T1071.001", "medium"),
        ("Ransomware behaviour was detected", "Impact", "T1486", "high"))), device, Process(one, one.name, device, person),
        *([scribe.outside()] if scribe.chance.random() < 0.5 else []), one)  # fmt: skip


Kind = Callable[[Background, Scribe], None]

KINDS: tuple[tuple[Kind, float], ...] = (
    (scan, 0.5), (crawl, 1.5), (spray, 0.5), (travel, 4.0), (policy, 4.5), (junk, 0.7), (unwanted, 3.0), (administration, 0.8),
    (deployment, 0.5), (wrong_password, 0.6), (through_proxy, 3.0), (terminal, 0.9), (gateway, 1.2), (consent, 0.4),
    (alone, 1.6),
)  # fmt: skip
"""How often each happens, before an organisation's own habits."""
