"""Rows of evidence as the Defender APIs write them, one row a thing, with the columns of all kinds in each."""

from __future__ import annotations

from secgraph.extend import Record, evidence, integer, text

KINDS = frozenset({"user", "process", "file", "ip", "url", "registry"})
"""What the endpoint API names, folded."""
MORE_KINDS = KINDS | {"mailbox", "mailmessage", "mailcluster", "securitygroup"}
"""What incidents name beside that."""

COLUMNS = {
    "accountName": ("account", "accountName"),
    "domainName": ("account", "domainName"),
    "userSid": ("account", "userSid"),
    "aadUserId": ("account", "azureAdUserId"),
    "userPrincipalName": ("account", "userPrincipalName"),
    "fileName": ("file", "fileName"),
    "filePath": ("file", "filePath"),
    "sha1": ("file", "sha1"),
    "sha256": ("file", "sha256"),
    "parentProcessFileName": ("parent", "fileName"),
    "parentProcessFilePath": ("parent", "filePath"),
    "processId": ("item", "processId"),
    "processCommandLine": ("item", "processCommandLine"),
    "processCreationTime": ("item", "processCreationDateTime"),
    "parentProcessId": ("item", "parentProcessId"),
    "parentProcessCreationTime": ("item", "parentProcessCreationDateTime"),
    "detectionStatus": ("item", "detectionStatus"),
    "ipAddress": ("item", "ipAddress"),
    "url": ("item", "url"),
    "registryHive": ("item", "registryHive"),
    "registryKey": ("item", "registryKey"),
    "registryValueName": ("item", "registryValueName"),
    "registryValueType": ("item", "registryValueType"),
    "registryValue": ("item", "registryValue"),
    "mailboxDisplayName": ("mail", "displayName"),
    "mailboxAddress": ("mail", "primaryAddress"),
    "clusterBy": ("mail", "clusterBy"),
    "sender": ("mail", "sender"),
    "recipient": ("mail", "recipientEmailAddress"),
    "subject": ("mail", "subject"),
    "deliveryAction": ("mail", "deliveryAction"),
    "securityGroupId": ("group", "securityGroupId"),
    "securityGroupName": ("group", "displayName"),
}
"""Where the columns of native evidence go: to the item itself, to the file, parent or account inside it,
or to items of a kind of their own."""

PLACES = tuple(dict.fromkeys(place for place, _ in COLUMNS.values()))
PROCESS = (
    "processId",
    "processCommandLine",
    "processCreationDateTime",
    "parentProcessId",
    "parentProcessCreationDateTime",
)
REGISTRY = ("registryHive", "registryKey", "registryValueName", "registryValueType", "registryValue")


def entity(kind: str, row: Record, at: str | None, machine: str | None) -> Record | None:
    """One evidence item; None for a row that says nothing. Rows carry the columns of all kinds, most of them null."""
    places: dict[str, Record] = {place: {} for place in PLACES}
    for column, value in row.items():
        if value is not None and column in COLUMNS and (found := text(value)) is not None:
            place, member = COLUMNS[column]
            places[place][member] = found
    if kind in MORE_KINDS - KINDS:
        return _mail_or_group(kind, places, at)
    item, file, account = places["item"], places["file"], places["account"]
    made: Record = {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", "createdDateTime": at}
    if kind == "user":
        made["userAccount"] = account
        return made if account else None
    if kind in ("ip", "url"):
        member = "ipAddress" if kind == "ip" else "url"
        made[member] = item.get(member)
        return made if member in item else None
    if kind == "registry":
        named = {member: item[member] for member in REGISTRY if member in item}
        if not named:
            return None
        if "registryValue" not in item:
            return evidence("registryKey", at, **named)
        return evidence("registryValue", at, **named, mdeDeviceId=machine)
    if "detectionStatus" in item:
        made["detectionStatus"] = item["detectionStatus"].lower()
    if machine is not None:
        made["mdeDeviceId"] = machine
    if kind == "file":
        made["fileDetails"] = file
        return made if file else None
    for member in PROCESS:
        if member in item:
            made[member] = item[member]
    for member, value in (("imageFile", file), ("parentProcessImageFile", places["parent"]), ("userAccount", account)):
        if value:
            made[member] = value
    for member in ("processId", "parentProcessId"):
        if member in made:
            made[member] = integer(made[member])
    return made if file or made.get("processId") is not None or "processCommandLine" in made else None


def _mail_or_group(kind: str, places: dict[str, Record], at: str | None) -> Record | None:
    mail, group, account = places["mail"], places["group"], places["account"]
    if kind == "securitygroup":
        return evidence("securityGroup", at, **group) if group else None
    if kind == "mailcluster":
        return evidence("mailCluster", at, clusterBy=mail["clusterBy"]) if "clusterBy" in mail else None
    if kind == "mailbox":
        named = {name: mail[name] for name in ("displayName", "primaryAddress") if name in mail}
        upn = account.get("userPrincipalName")
        return evidence("mailbox", at, **named, upn=upn, userAccount=account or None) if named or upn else None
    sender = {"emailAddress": mail["sender"]} if "sender" in mail else None
    message = {name: mail[name] for name in ("recipientEmailAddress", "subject", "deliveryAction") if name in mail}
    return evidence("analyzedMessage", at, p2Sender=sender, **message) if sender or message else None
