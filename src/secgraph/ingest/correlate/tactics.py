"""In what order an attack goes: entry, foothold, spreading, goal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

ENTRY, FOOTHOLD, INSIDE, GOAL = 0, 1, 2, 3

STAGES: dict[str, int] = {
    "reconnaissance": ENTRY, "resourcedevelopment": ENTRY, "initialaccess": ENTRY, "phishing": ENTRY, "exploit": ENTRY,
    "execution": FOOTHOLD, "persistence": FOOTHOLD, "privilegeescalation": FOOTHOLD, "defenseevasion": FOOTHOLD,
    "stealth": FOOTHOLD, "commandandcontrol": FOOTHOLD, "malware": FOOTHOLD,
    "credentialaccess": INSIDE, "credentialtheft": INSIDE, "discovery": INSIDE, "lateralmovement": INSIDE,
    "collection": GOAL, "exfiltration": GOAL, "impact": GOAL, "ransomware": GOAL,
}  # fmt: skip
"""Tactics, and categories that stand for one, by the stage of an attack they belong to. The fourteen published tactics are
not a timetable, so they are ordered no finer than this.
"""

_NAMES = {
    "resourcedevelopment": "resource development", "initialaccess": "initial access",
    "privilegeescalation": "privilege escalation", "defenseevasion": "defense evasion",
    "commandandcontrol": "command and control", "credentialaccess": "credential access",
    "credentialtheft": "credential access", "lateralmovement": "lateral movement",
}  # fmt: skip

TECHNIQUES: dict[str, str] = {
    "reconnaissance": "1589 1590 1591 1592 1593 1594 1595 1596 1597 1598",
    "resourcedevelopment": "1583 1584 1585 1586 1587 1588 1608 1650",
    "initialaccess": "1078 1091 1133 1189 1190 1195 1199 1200 1566 1659",
    "execution": "1047 1053 1059 1072 1106 1129 1203 1204 1559 1569 1609 1610 1648 1651",
    "persistence": "1037 1098 1136 1137 1176 1197 1505 1525 1542 1543 1546 1547 1554 1556 1574 1653",
    "privilegeescalation": "1055 1068 1134 1484 1548 1611",
    "defenseevasion": (
        "1014 1027 1036 1070 1112 1127 1140 1202 1205 1207 1211 1216 1218 1220 1221 1222 1480 1497 1535 1550 1553 1562 1564 "
        "1578 1600 1601 1612 1620 1622 1647 1666"
    ),
    "credentialaccess": "1003 1040 1056 1110 1111 1187 1212 1528 1539 1552 1555 1557 1558 1606 1621 1649",
    "discovery": (
        "1007 1010 1012 1016 1018 1033 1046 1049 1057 1069 1082 1083 1087 1120 1124 1135 1201 1217 1482 1518 1526 1538 1580 "
        "1613 1614 1615 1619 1652 1654"
    ),
    "lateralmovement": "1021 1080 1210 1534 1563 1570",
    "collection": "1005 1025 1039 1074 1113 1114 1115 1119 1123 1125 1185 1213 1530 1560 1602",
    "commandandcontrol": "1001 1008 1071 1090 1092 1095 1102 1104 1105 1132 1219 1568 1571 1572 1573",
    "exfiltration": "1011 1020 1029 1030 1041 1048 1052 1537 1567",
    "impact": "1485 1486 1489 1490 1491 1495 1496 1498 1499 1529 1531 1561 1565 1657",
}
"""The tactic that a technique is mostly used for."""

_BY_TECHNIQUE = {f"t{number}": tactic for tactic, numbers in TECHNIQUES.items() for number in numbers.split()}
_LETTERS = re.compile(r"[^a-z]+")


def tactic(category: Any, techniques: Iterable[Any]) -> str:
    """The tactic of an alert, as a word of `STAGES`; empty when neither its category nor its techniques tell."""
    if isinstance(category, str) and len(category) <= 64:
        word = _LETTERS.sub("", category.lower())
        if word in STAGES:
            return word
    for one in techniques:
        if isinstance(one, str) and (found := _BY_TECHNIQUE.get(one.strip().lower()[:5])):
            return found
    return ""


def told(word: str) -> str:
    """A tactic as a sentence says it."""
    return _NAMES.get(word, word)


def follows(earlier: str, later: str) -> bool:
    """Whether a later alert of that tactic goes on from an earlier one of this: another tactic, no stage back."""
    if not earlier or not later or earlier == later:
        return False
    return STAGES[earlier] <= STAGES[later]


STOLEN = frozenset({"credentialaccess", "credentialtheft"})

USES = STOLEN | {"initialaccess", "lateralmovement"}
"""What the use of stolen credentials is reported as."""


def uses(earlier: str, later: str) -> bool:
    """Whether a later alert of that tactic may tell of the use of what an earlier one of this saw stolen."""
    return earlier in STOLEN and later in USES


def reaches_goal(word: str) -> bool:
    """Whether a tactic is of the last stage: collecting, carrying out, destroying."""
    return bool(word) and STAGES[word] == GOAL
