"""Campaigns that come to machines. Each says what ties its stages together, and what makes that hard to see."""

from __future__ import annotations

from itertools import pairwise

from bench.campaigns.identities import lured, taken_over
from bench.campaigns.organisation import Device, Person, identifier
from bench.campaigns.scribe import DAY, HOUR, Scribe
from bench.campaigns.things import Address, Connection, File, Link, Principal, Process, Repository, Resource, file, host


def beacon(story: Scribe, device: Device, control: Address, name: Link) -> None:
    """A device talks to its master: the network sees two addresses, and half the time the nearer one is the proxy's."""
    proxy = story.chance.random() < 0.5
    source = story.place.address(story.pick(story.place.of("proxy")) if proxy else device, story.now)
    seen = (Connection(source, control.text), name)
    if story.chance.random() < 0.5:
        story.saw("open", ("ET MALWARE Command and control beacon", "CommandAndControl", "T1071.001", "medium"), *seen, last=60)
    else:
        story.saw("endpoint open", ("Connection to a suspicious address", "CommandAndControl", "T1071.001", "medium"), device,
                  (name, "commandAndControl"), *seen[:1], last=60)  # fmt: skip


def dumped(story: Scribe, device: Device, tool: File, account: Person) -> None:
    """Credentials are read from a device's memory."""
    story.saw("endpoint open", ("Suspicious access to LSASS", "CredentialAccess", "T1003.001", "high"), (device, "compromised"),
              Process(tool, f"{tool.name} -p lsass", device, account), (account, "compromised"))  # fmt: skip


def moved(story: Scribe, source: Device, target: Device, account: Person) -> None:
    """An account goes from one device to another: the directory knows both by name, the device only itself."""
    if story.chance.random() < 0.6:
        story.saw("identity endpoint", ("Suspected pass-the-hash", "LateralMovement", "T1550.002", "high"),
                  (account, "compromised"), (source, "source"), (target, "destination"))  # fmt: skip
    else:
        talk = Connection(story.place.address(target, story.now), story.place.address(source, story.now), 445)
        story.saw("endpoint identity", ("Remote service creation", "LateralMovement", "T1021.002", "medium"),
                  (target, "attacked"), account, talk)  # fmt: skip


def ransomware(story: Scribe) -> None:
    r"""Phish, token theft, lateral movement, ransomware.

    Hard: the mailbox's owner, the sign-in and the first server have a person in common who is called by UPN, by object id and
    by DOMAIN\name; the way in is a VPN gateway through which everybody comes; the last stage, days later, is tied to the
    movement before it by a stolen service account and one server, and to itself by one file.
    """
    targets = story.people(story.many(3, 8))
    first = targets[0]
    lured(story, targets, 1 + (story.chance.random() < 0.4))
    story.wait(20, 10 * HOUR)
    attacker = story.outside()
    taken_over(story, first, attacker)
    story.wait(2 * HOUR, 2 * DAY)
    gateway = story.place.of("vpn")[0]
    story.saw("open identity", ("VPN sign-in from an unusual place", "InitialAccess", "T1133", "low"), first,
              (attacker, "attacker"), gateway)  # fmt: skip
    story.wait(20, 5 * HOUR)
    here = story.place.laptops[first] if story.chance.random() < 0.6 else story.pick(story.place.of("terminal"))
    story.saw("identity", ("User and group membership reconnaissance (SAM-R)", "Discovery", "T1087.002", "medium"),
              (first, "compromised"), (here, "source"), (story.pick(story.place.of("controller")), "destination"))  # fmt: skip
    tool, control, name = file(story.chance, "upd.exe"), story.outside(), Link(host(story.chance), "a")
    story.wait(20, 12 * HOUR)
    story.saw("endpoint", ("Suspicious PowerShell command line", "Execution", "T1059.001", "medium"), here,
              (first, "compromised"), Process(tool, "powershell -enc SQBFAFgA", here, first),
              (name, "commandAndControl"))  # fmt: skip
    servers = story.chance.sample(story.place.of("server"), story.many(2, 5) + 1)
    account = story.pick(story.place.services)
    beacon(story, here, control, name)
    dumped(story, here, tool, account)
    _walk(story, [here, *servers], account, tool, (control, name))
    _encrypt(story, servers[-1], account)


def _walk(story: Scribe, way: list[Device], account: Person, tool: File, master: tuple[Address, Link]) -> None:
    """From device to device."""
    for source, target in pairwise(way):
        story.wait(HOUR, 1.5 * DAY)
        moved(story, source, target, account)
        story.wait(5, 3 * HOUR)
        if story.chance.random() < 0.75:
            beacon(story, target, *master)
        if story.chance.random() < 0.5:
            dumped(story, target, tool, account)


def _encrypt(story: Scribe, source: Device, account: Person) -> None:
    """The end: one locker on many devices within an hour or two."""
    story.wait(6 * HOUR, 2.5 * DAY)
    controller = story.pick(story.place.of("controller"))
    story.saw("identity", ("Suspected DCSync attack", "CredentialAccess", "T1003.006", "high"), (account, "compromised"),
              (source, "source"), (controller, "destination"))  # fmt: skip
    admin = story.pick(story.place.admins)
    locker = file(story.chance, "lock64.exe", "c:\\windows\\temp")
    story.wait(HOUR, DAY)
    story.saw("endpoint", ("Security software was switched off", "DefenseEvasion", "T1562.001", "high"),
              (source, "compromised"), admin, Process(locker, "sc stop sense", source, account))  # fmt: skip
    for _ in range(story.many(4, 14)):
        story.wait(1, 12)
        pool = story.place.of("server") if story.chance.random() < 0.5 else story.place.of("workstation")
        device = story.pick(pool)
        if story.chance.random() < 0.35:
            story.saw("endpoint", ("Shadow copies were deleted", "Impact", "T1490", "high"), (device, "attacked"), admin,
                      Process(locker, "vssadmin delete shadows", device, admin))  # fmt: skip
        else:
            story.saw("endpoint open", ("Ransomware behaviour was detected", "Impact", "T1486", "high"), (device, "attacked"),
                      (locker, "suspicious"), Process(locker, f"{locker.name} --all", device, admin))  # fmt: skip


def supply_chain(story: Scribe) -> None:
    """Supply chain: an update of ordinary software brings a loader to many devices, and two of them are used days later.

    Hard: the devices have nothing in common but a file and the name it calls home to, which the network sees from the proxy's
    address only; every process runs as SYSTEM; between the update and the hands on the keyboard lie quiet days.
    """
    update = file(story.chance, f"{story.pick(('viewer', 'agent', 'reports'))}-update.dll", "c:\\program files\\vendor")
    control, name = story.outside("US"), Link(host(story.chance), "v2/check")
    devices = story.chance.sample(story.place.of("server"), story.many(2, 5)) + [
        story.place.laptops[one] for one in story.people(story.many(4, 10))
    ]
    for device in devices:
        story.wait(5, 5 * HOUR)
        process = Process(update, "rundll32 update.dll,Start", device)
        story.saw("endpoint open", ("Signed file with suspicious behaviour", "Persistence", "T1195.002", "medium"), device,
                  update, process)  # fmt: skip
        if story.chance.random() < 0.5:
            story.wait(5, 2 * HOUR)
            beacon(story, device, control, name)
    story.wait(1 * DAY, 4 * DAY)
    loader, account = file(story.chance, "svchelper.exe"), story.pick(story.place.services)
    used = devices[: story.many(1, 2) + 1]
    for device in used:
        story.saw("endpoint", ("Process started by a signed file behaves like a loader", "Execution", "T1055", "high"),
                  (device, "compromised"), Process(loader, "svchelper -k", device), update)  # fmt: skip
        story.wait(HOUR, 10 * HOUR)
        dumped(story, device, loader, account)
        beacon(story, device, control, name)
        story.wait(HOUR, DAY)
    for target in story.chance.sample(story.place.of("server"), story.many(1, 3)):
        moved(story, used[0], target, account)
        story.wait(HOUR, DAY)
    drop = story.outside("NL")
    source = Connection(story.place.address(used[0], story.now), drop.text)
    story.saw("open endpoint", ("Large upload to an unusual address", "Exfiltration", "T1048", "medium"), source, used[0])


def web_shell(story: Scribe) -> None:
    """A web shell on a public server, the service account behind it, a database, and data out.

    Hard: that server is scanned from everywhere all day long, so that the one attempt that worked is an alert among hundreds
    with the same target; from outside it is an address, from inside a host name; the attacker comes back from another address.
    """
    server = story.pick(story.place.of("web"))
    attacker, other = story.outside(), story.outside()
    here = story.place.address(server, story.now)
    for _ in range(story.many(1, 4)):
        story.saw("open", ("ET EXPLOIT Remote code execution attempt in a web framework", "InitialAccess", "T1190", "high"),
                  Connection(attacker.text, here, 443), server)  # fmt: skip
        story.wait(1, 40)
    shell = file(story.chance, "help.aspx", "c:\\inetpub\\wwwroot")
    account = story.place.accounts["svc-web"]
    story.saw("endpoint open", ("Web shell was written", "Persistence", "T1505.003", "high"), (server, "compromised"), shell)
    for _ in range(story.many(2, 5)):
        story.wait(30, 1.2 * DAY)
        story.saw("endpoint open", ("Web server process started a shell", "Execution", "T1059.003", "high"),
                  (server, "compromised"), Process(shell, "cmd /c whoami /all", server, account))  # fmt: skip
        if story.chance.random() < 0.6:
            story.saw("open", ("ET WEB_SERVER Request to a known web shell", "CommandAndControl", "T1505.003", "medium"),
                      Connection(other.text, here), Link(f"www.{story.place.name}.com", "help"))  # fmt: skip
    tool, database = file(story.chance, "p.exe"), story.pick(story.place.of("server"))
    story.wait(HOUR, DAY)
    dumped(story, server, tool, account)
    owner = story.pick(story.place.services)
    for target in [database, *story.chance.sample(story.place.of("server"), story.many(1, 4))]:
        story.wait(2 * HOUR, 1.5 * DAY)
        moved(story, server, target, owner if target is database else account)
        if story.chance.random() < 0.5:
            story.wait(10, 3 * HOUR)
            dumped(story, target, tool, owner)
    story.wait(2 * HOUR, 2 * DAY)
    for _ in range(story.many(1, 3)):
        story.saw("open endpoint", ("Large upload to an unusual address", "Exfiltration", "T1048", "medium"),
                  Connection(story.place.address(database, story.now), other.text), database, last=90)  # fmt: skip
        story.wait(HOUR, 10 * HOUR)


def shared_host(story: Scribe) -> None:
    """A terminal server: one lured person, and then whoever was signed in there at the same time.

    Hard: dozens of people work on that server, and their noise has it as its device; the stolen accounts are tied to the
    first one by that server alone, and are used elsewhere from new addresses.
    """
    server = story.pick(story.place.of("terminal"))
    targets = story.people(story.many(2, 5))
    lured(story, targets, 1)
    story.wait(10, 6 * HOUR)
    loader, control, name = file(story.chance, "invoice.js"), story.outside(), Link(host(story.chance), "t")
    first = targets[0]
    story.saw("endpoint", ("Script host started a downloaded script", "Execution", "T1059.007", "medium"), server,
              (first, "compromised"), Process(loader, "wscript invoice.js", server, first), (name, "commandAndControl"))
    beacon(story, server, control, name)
    story.wait(HOUR, DAY)
    stolen = story.people(story.many(2, 5))
    tool = file(story.chance, "m64.exe")
    for person in stolen:
        dumped(story, server, tool, person)
        story.wait(5, 2 * HOUR)
    for person in stolen:
        story.wait(2 * HOUR, DAY)
        if story.chance.random() < 0.5:
            taken_over(story, person, control if story.chance.random() < 0.4 else story.outside())
        else:
            target = story.pick(story.place.of("server"))
            moved(story, server, target, person)
            if story.chance.random() < 0.6:
                story.wait(30, 5 * HOUR)
                dumped(story, target, tool, person)


def cloud_key(story: Scribe) -> None:
    """A key leaks from a repository; it is used in the cloud, and machines there begin to mine.

    Hard: nobody's account and no device of the offices is in it. The leak names a repository and a principal, the sign-in the
    principal by its other id, the machine's own product a device that the cloud calls a resource.
    """
    principal = Principal(f"sp-{story.pick(('build', 'deploy', 'data'))}-{story.chance.randrange(99)}",
                          identifier(story.chance), identifier(story.chance))  # fmt: skip
    repository = Repository(story.place.name, f"{story.pick(('shop', 'infra', 'api'))}-{story.chance.randrange(99)}")
    attacker, pool = story.outside(), story.outside("NL")
    story.saw("cloud open", ("Secret was found in a public repository", "CredentialAccess", "T1552.001", "medium"), repository,
              (principal, "compromised"))  # fmt: skip
    story.wait(HOUR, 2.5 * DAY)
    for _ in range(story.many(1, 3)):
        story.saw("cloud", ("Unusual sign-in of a service principal", "InitialAccess", "T1078.004", "medium"),
                  (principal, "compromised"), (attacker, "attacker"))  # fmt: skip
        story.wait(20, 10 * HOUR)
    group = f"/subscriptions/{story.place.name}-prod/resourceGroups/rg"
    for number in range(story.many(1, 4)):
        vault = Resource(f"{group}/providers/Microsoft.KeyVault/vaults/kv-{number}-{story.chance.randrange(999)}", "Key vault")
        story.saw("cloud", ("Unusual application accessed a key vault", "CredentialAccess", "T1555.006", "medium"), principal,
                  vault, *([(attacker, "attacker")] if story.chance.random() < 0.6 else []))  # fmt: skip
        story.wait(20, 14 * HOUR)
    miner, name = file(story.chance, "xmrig", "/tmp"), Link(host(story.chance), "")  # noqa: S108 -- a path in an alert
    for device in story.chance.sample(story.place.of("cloud"), min(12, story.many(2, 6))):
        story.wait(20, 14 * HOUR)
        story.saw("cloud", ("Suspicious invocation of a run command", "Execution", "T1651", "medium"), principal, device,
                  *([(attacker, "attacker")] if story.chance.random() < 0.5 else []))  # fmt: skip
        story.wait(5, 2 * HOUR)
        story.saw("endpoint open", ("Coin miner was started", "Impact", "T1496", "high"), (device, "compromised"),
                  Process(miner, f"xmrig -o {name.host}:443", device), miner)  # fmt: skip
        story.saw("open", ("ET COINMINER Connection to a mining pool", "Impact", "T1496", "medium"),
                  Connection(story.place.address(device, story.now), pool.text), name, last=120)  # fmt: skip
