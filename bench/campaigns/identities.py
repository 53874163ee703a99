"""Campaigns against people and their accounts. Each says what ties its stages together, and what makes that hard to see."""

from __future__ import annotations

from bench.campaigns.organisation import Person
from bench.campaigns.scribe import DAY, HOUR, Scribe
from bench.campaigns.things import APPLICATIONS, Connection, Consent, Link, Mailbox, Session, file, host, message
from bench.campaigns.things import Address as Outside

LURES = ("Your invoice is overdue", "Shared document: Q2 plan", "Action needed: mailbox quota", "Delivery failed",
         "Salary review")


def lured(story: Scribe, targets: list[Person], clicked: int) -> None:
    """Messages with one link go to several people, and some of them follow it.

    Recipients are tied to each other by sender and link only: every message has an id of its own.
    """
    link, origin = Link(host(story.chance), f"s/{story.chance.getrandbits(32):08x}"), story.outside()
    sender, subject = f"{story.pick(('billing', 'hr', 'docs', 'it'))}@{host(story.chance)}", story.pick(LURES)
    for place, person in enumerate(targets):
        mail = message(story.chance, sender, origin, subject, person, link)
        if place >= clicked and place % 2:
            continue
        story.saw("office", ("Email messages containing malicious URL removed after delivery", "InitialAccess", "T1566.002",
                             "medium"), mail, Mailbox(person), (link, "suspicious"))  # fmt: skip
        story.wait(1, 20)
    story.wait(5, 3 * HOUR)
    for person in targets[:clicked]:
        story.saw("office endpoint", ("A potentially malicious URL click was detected", "InitialAccess", "T1566.002", "high"),
                  (person, "compromised"), (link, "suspicious"), story.place.laptops[person])  # fmt: skip
        story.wait(2, 40)


def taken_over(story: Scribe, person: Person, attacker: Outside) -> None:
    """A stolen token is used: tied to the person by object id, and by the session where the product tells it."""
    session = Session(f"{story.chance.getrandbits(96):024x}", person)
    story.saw("cloud", ("Anomalous token", "CredentialAccess", "T1528", "high"), (person, "compromised"),
              (attacker, "attacker"), session)  # fmt: skip
    story.wait(5, 2 * HOUR)
    story.saw("cloud", ("Unfamiliar sign-in properties", "InitialAccess", "T1078.004", "medium"), (person, "compromised"),
              (attacker, "attacker"), session, story.pick(APPLICATIONS))  # fmt: skip


def business_mail(story: Scribe) -> None:
    """Business e-mail compromise: a mailbox is taken over, and its trust is used on colleagues days later.

    Hard: the mail system tells mail addresses and UPNs, the cloud object ids; the attacker's address changes between visits;
    the second victim is tied to the first by a message from one to the other and nothing else.
    """
    first, *others = story.people(1 + story.many(2, 5))
    lured(story, [first, *others], 1)
    story.wait(10, 8 * HOUR)
    attacker = story.outside()
    taken_over(story, first, attacker)
    story.wait(10, 5 * HOUR)
    rule = ("Suspicious inbox manipulation rule", "Persistence", "T1564.008", "medium")
    story.saw("cloud office", rule, (first, "compromised"), Mailbox(first), (attacker, "attacker"))
    app = Consent(f"Mail {story.pick(('Archive', 'Sync', 'Backup'))} {story.chance.randrange(99)}", *_ids(story))
    if story.chance.random() < 0.6:
        story.wait(10, 10 * HOUR)
        story.saw("cloud", ("Suspicious OAuth app consent", "Persistence", "T1098.003", "medium"), (first, "compromised"), app)
        story.wait(4 * HOUR, 2 * DAY)
        story.saw("cloud", ("OAuth app reads an unusual number of messages", "Collection", "T1114.002", "medium"), app,
                  Mailbox(first))  # fmt: skip
    victim, later = first, attacker
    for person in others[: max(1, story.many(1, 3))]:
        story.wait(6 * HOUR, 3 * DAY)
        later = story.outside(attacker.country)
        link = Link(host(story.chance), "signin")
        mail = message(story.chance, str(victim.mail), later, f"RE: {story.pick(LURES)}", person, link)
        story.saw("office", ("Phishing message from an internal sender", "LateralMovement", "T1534", "medium"), mail,
                  Mailbox(victim), Mailbox(person))  # fmt: skip
        story.wait(20, 6 * HOUR)
        taken_over(story, person, later)
        if story.chance.random() < 0.7:
            story.wait(10, 8 * HOUR)
            story.saw("cloud office", rule, (person, "compromised"), Mailbox(person), (later, "attacker"))
        victim = person
    for _ in range(story.many(1, 3)):
        story.wait(HOUR, DAY)
        fraud = message(story.chance, str(victim.mail), later, "New account details", story.people(1)[0])
        story.saw("office", ("Suspected payment fraud in a message", "Impact", "T1657", "high"), fraud, Mailbox(victim),
                  (victim, "compromised"))  # fmt: skip


def stuffing(story: Scribe) -> None:
    """Credential stuffing: leaked passwords are tried from many addresses, and a few of them are right.

    Hard: no address and no person stands in all of it: each address tries several people, so that only the chain of both ties
    it together; an ordinary password spray of the same days looks the same and hits the same people.
    """
    addresses = [story.outside() for _ in range(story.many(3, 7))]
    victims = story.people(story.many(8, 22))
    agreed = ("Sign-in attempts with leaked credentials", "CredentialAccess", "T1110.004", "medium")
    for place, person in enumerate(victims):
        # An address serves neighbours in the list; its first and its last are tried from the address before and after it too.
        before, own, after = (max(0, min(one, len(victims) - 1)) * len(addresses) // len(victims)
                              for one in (place - 1, place, place + 1))  # fmt: skip
        tried = [addresses[one] for one in sorted({before, own, after})]
        tried += [story.pick(addresses)] if story.chance.random() < 0.2 else []
        story.saw("cloud", agreed, (person, "attacked"), *((one, "attacker") for one in tried), last=40)
        story.wait(2, 90)
    for person in victims[:: max(3, len(victims) // 4)]:
        story.wait(HOUR, DAY)
        own = victims.index(person) * len(addresses) // len(victims)
        taken_over(story, person, addresses[own] if story.chance.random() < 0.6 else story.outside())
        story.wait(20, 6 * HOUR)
        story.saw("cloud", ("Mass download", "Exfiltration", "T1530", "medium"), (person, "compromised"),
                  story.pick(APPLICATIONS), addresses[own], last=60)  # fmt: skip
        if story.chance.random() < 0.5:
            story.wait(20, 6 * HOUR)
            story.saw("office cloud", ("Suspicious email sending patterns", "Impact", "T1534", "medium"),
                      (person, "compromised"), Mailbox(person))  # fmt: skip


def insider(story: Scribe) -> None:
    """An insider carries data away over one or two weeks.

    Hard: there is no attacker's address and no malware. Only the person and a few files tie the steps together; the person's
    device has another address every few days; each step by itself is what policies report about honest people all the time.
    """
    person = story.people(1)[0]
    device = story.place.laptops[person]
    files = [file(story.chance, f"{story.pick(('design', 'customers', 'prices', 'source'))}-{number}.zip", "d:\\projects")
             for number in range(story.many(2, 5))]  # fmt: skip
    drive = Link(f"drive.{host(story.chance)}", "upload")
    target = story.outside("US")
    for _ in range(story.many(4, 9)):
        story.wait(2 * HOUR, 2 * DAY)
        one = story.pick(files)
        step = story.chance.randrange(6)
        if step == 0:
            story.saw("cloud", ("Mass download by a single user", "Collection", "T1213.002", "medium"),
                      (person, "policyViolator"), story.pick(APPLICATIONS), one, Outside(story.place.egress, "DE"),
                      last=90)  # fmt: skip
        elif step == 1:
            story.saw("endpoint", ("Files copied to removable media", "Exfiltration", "T1052.001", "low"), device, person, one,
                      last=60)  # fmt: skip
        elif step == 2:
            talk = Connection(story.place.address(device, story.now), target.text)
            story.saw("open endpoint", ("Large upload to personal cloud storage", "Exfiltration", "T1567.002", "medium"), talk,
                      drive, device, last=120)  # fmt: skip
        elif step == 3:
            story.saw("office", ("DLP policy match: message to a private address", "Exfiltration", "T1048", "low"), person,
                      Mailbox(person), one)  # fmt: skip
        elif step == 4:
            story.saw("cloud endpoint", ("Access to a sensitive site outside of working hours", "Collection", "T1213", "low"),
                      person, one, device)  # fmt: skip
        else:
            story.saw("endpoint open", ("Archive made of many documents", "Collection", "T1560.001", "low"), device, person,
                      one, drive)  # fmt: skip


def _ids(story: Scribe) -> tuple[str, str]:
    return (f"{story.chance.getrandbits(128):032x}", f"{story.chance.getrandbits(128):032x}")
