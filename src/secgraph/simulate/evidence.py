"""What an alert names, invented from its person, its machine and chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from secgraph.clock import SECOND
from secgraph.simulate.cast import Machine, Organisation, Person
from secgraph.simulate.chance import guid, hexadecimal
from secgraph.simulate.truth import Evidence

FILES = ("invoice.js", "update_helper.exe", "loader.dll", "toolbar.msi", "reader.scr")
COMMANDS = ("powershell.exe -enc SQBmACgA", "rundll32.exe loader.dll,Start", "wscript.exe invoice.js", "cmd.exe /c whoami /all")
APPS = ((11161, "Office Online"), (20893, "Mail Online"), (15600, "File Drive"), (26055, "Code Forge"))
CITIES = (("Oslo", "Oslo", "NO"), ("Lagos", "Lagos", "NG"), ("Lima", "Lima", "PE"), ("Osaka", "Osaka", "JP"))


def address(throw: random.Random) -> str:
    """An address out of the ranges that are kept for documentation."""
    return f"{throw.choice(('198.51.100', '203.0.113'))}.{throw.randrange(1, 255)}"


def evidence(
    kind: str, at: int, throw: random.Random, org: Organisation, person: Person, machine: Machine, ip: str
) -> Evidence:
    """One thing of that kind."""
    return {"kind": kind, "at": at, **_MADE[kind](throw, org, person, machine, ip, at)}


def _file(throw: random.Random) -> dict[str, Any]:
    return {"fileName": throw.choice(FILES), "filePath": f"C:\\Users\\Public\\{hexadecimal(throw, 6)}",
            "fileSize": throw.randrange(2_000, 9_000_000), "sha1": hexadecimal(throw, 40),
            "sha256": hexadecimal(throw, 64)}  # fmt: skip


def _process(throw: random.Random, at: int) -> dict[str, Any]:
    command = throw.choice(COMMANDS)
    began = at - throw.randrange(1, 90) * SECOND
    return {"file": {**_file(throw), "fileName": command.split()[0], "filePath": "C:\\Windows\\System32"},
            "processId": throw.randrange(400, 30_000), "command": command, "began": began,
            "parentId": throw.randrange(400, 30_000), "parentBegan": began - 4 * SECOND,
            "parent": {"fileName": "explorer.exe", "filePath": "C:\\Windows"}}  # fmt: skip


def _mail(throw: random.Random, person: Person) -> dict[str, Any]:
    sender = f"{throw.choice(('billing', 'parcel', 'hr'))}@{throw.choice(('sender', 'post', 'shop'))}.example"
    return {
        "networkMessageId": guid(throw),
        "internetMessageId": f"<{hexadecimal(throw, 20)}@mail.example>",
        "sender": sender,
        "senderIp": address(throw),
        "recipient": person.upn,
        "subject": throw.choice(("Your parcel", "Open invoice", "Salary")),
        "threat": throw.choice(("Phish", "Malware")),
    }


def _place(throw: random.Random) -> dict[str, Any]:
    city, region, country = throw.choice(CITIES)
    return {"city": city, "region": region, "country": country}


_MADE: dict[str, Callable[..., dict[str, Any]]] = {
    "device": lambda *_: {},  # all that is known of it is the machine
    "user": lambda *_: {},
    "mailbox": lambda *_: {},
    "process": lambda throw, _org, _person, _machine, _ip, at: _process(throw, at),
    "file": lambda throw, *_: _file(throw),
    "registry": lambda throw, *_: {
        "hive": "HKEY_CURRENT_USER", "key": "Software\\Microsoft\\Windows\\CurrentVersion\\Run", "name": hexadecimal(throw, 6),
        "type": "REG_SZ", "value": f"C:\\Users\\Public\\{throw.choice(FILES)}"},
    "ip": lambda throw, _org, _person, _machine, ip, _at: {"address": ip, **_place(throw)},
    "url": lambda throw, *_: {"url": f"https://{throw.choice(('files', 'login', 'cdn'))}.bad.example/{hexadecimal(throw, 8)}"},
    "mail": lambda throw, _org, person, *_: _mail(throw, person),
    "cloudApp": lambda throw, *_: dict(zip(("app", "name"), throw.choice(APPS), strict=True)),
}  # fmt: skip
