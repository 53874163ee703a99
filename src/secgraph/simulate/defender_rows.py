"""The rows of evidence that the Defender APIs print: every kind carries the columns of all kinds, most of them null."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secgraph.simulate.truth import Evidence, View
from secgraph.simulate.words import trimmed

Row = dict[str, Any]

COLUMNS = (
    "sha1",
    "sha256",
    "fileName",
    "filePath",
    "processId",
    "processCommandLine",
    "processCreationTime",
    "parentProcessId",
    "parentProcessCreationTime",
    "parentProcessFileName",
    "parentProcessFilePath",
    "ipAddress",
    "url",
    "registryKey",
    "registryHive",
    "registryValueType",
    "registryValue",
    "registryValueName",
    "accountName",
    "domainName",
    "userSid",
    "aadUserId",
    "userPrincipalName",
    "detectionStatus",
)
MORE_COLUMNS = (
    "mailboxDisplayName", "mailboxAddress", "clusterBy", "sender", "recipient", "subject", "deliveryAction", "securityGroupId",
    "securityGroupName", "deviceId",
)  # fmt: skip
"""What the incidents API has beside them."""


def _user(_one: Evidence, view: View) -> Row:
    person = view.alert.person
    return {"accountName": person.account, "domainName": person.domain, "userSid": person.sid, "aadUserId": person.id,
            "userPrincipalName": person.upn}  # fmt: skip


def _file(one: Evidence, _view: View) -> Row:
    return {"fileName": one["fileName"], "filePath": one["filePath"], "sha1": one["sha1"], "sha256": one["sha256"],
            "detectionStatus": "Detected"}  # fmt: skip


def _process(one: Evidence, view: View) -> Row:
    return {
        **_file(one["file"], view), "processId": one["processId"], "processCommandLine": one["command"],
        "processCreationTime": trimmed(one["began"]), "parentProcessId": one["parentId"],
        "parentProcessCreationTime": trimmed(one["parentBegan"]), "parentProcessFileName": one["parent"]["fileName"],
        "parentProcessFilePath": one["parent"]["filePath"],
    }  # fmt: skip


def _registry(one: Evidence, _view: View) -> Row:
    return {"registryHive": one["hive"], "registryKey": one["key"], "registryValueName": one["name"],
            "registryValueType": one["type"], "registryValue": one["value"]}  # fmt: skip


def _mail(one: Evidence, _view: View) -> Row:
    return {"sender": one["sender"], "recipient": one["recipient"], "subject": one["subject"], "deliveryAction": "Delivered"}


_ROWS: dict[str, tuple[str, Callable[[Evidence, View], Row]]] = {
    "user": ("User", _user),
    "file": ("File", _file),
    "process": ("Process", _process),
    "registry": ("Registry", _registry),
    "ip": ("Ip", lambda one, _view: {"ipAddress": one["address"]}),
    "url": ("Url", lambda one, _view: {"url": one["url"]}),
    "mail": ("MailMessage", _mail),
    "mailbox": ("MailBox", lambda _one, view: {
        **_user(_one, view), "mailboxAddress": view.alert.person.upn, "mailboxDisplayName": view.alert.person.name}),
}  # fmt: skip
ENDPOINT_KINDS = frozenset({"User", "File", "Process", "Registry", "Ip", "Url"})


def rows(view: View, *, wide: bool) -> list[Row]:
    """What is known of an alert; `wide` as the incidents API prints it. The device stands elsewhere in both."""
    found: list[Row] = []
    for one in view.evidence:
        if one["kind"] not in _ROWS:
            continue
        kind, made = _ROWS[one["kind"]]
        if not wide and kind not in ENDPOINT_KINDS:
            continue
        columns = COLUMNS + MORE_COLUMNS if wide else COLUMNS
        row = {"entityType": kind, "evidenceCreationTime": trimmed(one["at"]), **dict.fromkeys(columns), **made(one, view)}
        if wide and kind in {"File", "Process", "Registry"}:
            row["deviceId"] = view.alert.machine.id
        found.append(row)
    return found
