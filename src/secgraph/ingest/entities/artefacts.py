"""What was used: files, processes, malware, keys of the registry."""

from __future__ import annotations

from secgraph.ingest.entities import machines
from secgraph.ingest.entities.entity import Evidence, Gathering
from secgraph.ingest.entities.normal import digest, hashed, path, shown, text
from secgraph.ingest.entities.people import account

SHORTEST_LINE = 24
"""Fewest characters of a command line that tells a process from others: `whoami` is run by everybody."""

_HIVES = {
    "hkey_local_machine": "hklm", "hkey_current_user": "hkcu", "hkey_users": "hku", "hkey_classes_root": "hkcr",
    "hkey_current_config": "hkcc", "local_machine": "hklm", "current_user": "hkcu", "users": "hku",
}  # fmt: skip


def details(gathering: Gathering, found: object, role: str) -> None:
    """A file by its hashes, and by where it lies."""
    if not isinstance(found, dict):
        return
    hashes = [(kind, hashed(found[kind], kind)) for kind in ("sha256", "sha1", "md5") if found.get(kind) is not None]
    if found.get("sha256Ac") is not None:
        hashes.append(("sha256ac", hashed(found["sha256Ac"], "sha256")))
    gathering.add("file", (*hashes, ("path", _place(found))), role, shown(found.get("fileName") or found.get("filePath")))


def _place(found: Evidence) -> str | None:
    """Folder and name in one; None for a bare name, of which there are many."""
    folder, name = path(found.get("filePath")), path(found.get("fileName"))
    if folder is None:
        return None
    if name is None or folder.endswith(f"/{name}"):
        return folder
    return f"{folder}/{name}"


def file(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A file, and the device it is on."""
    details(gathering, evidence.get("fileDetails"), role)
    machines.on(gathering, evidence.get("mdeDeviceId"))


def file_hash(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A file of which only the hash is known."""
    found = hashed(evidence.get("value"))
    if found is None:
        return
    kind = {32: "md5", 40: "sha1"}.get(len(found), "sha256ac" if evidence.get("algorithm") == "sha256ac" else "sha256")
    gathering.add("file", ((kind, found),), role, found)


def process(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A process, its image and its parent's, the device it ran on, and who ran it."""
    image = evidence.get("imageFile")
    image = image if isinstance(image, dict) else {}
    line, began = text(evidence.get("processCommandLine")), text(evidence.get("processCreationDateTime"))
    place = text(evidence.get("mdeDeviceId"))
    hashes = (hashed(image.get(kind)) for kind in ("sha256", "sha1", "md5"))
    program = next(filter(None, hashes), None) or path(image.get("fileName"))
    number = evidence.get("processId")
    started = digest(place, program or str(number), line or "", began) if place and began and (program or number) else None
    told = digest(line) if line is not None and len(line) >= SHORTEST_LINE else None
    name = image.get("fileName") or evidence.get("processCommandLine")
    gathering.add("process", (("start", started), ("line", told)), role, shown(name))
    details(gathering, image, role)
    details(gathering, evidence.get("parentProcessImageFile"), "parent")
    machines.on(gathering, evidence.get("mdeDeviceId"))
    account(gathering, evidence.get("userAccount"), "ran" if role == "unknown" else role)


def malware(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A family of malware, and the files and processes that are of it."""
    gathering.add("malware", (("name", text(evidence.get("name"))),), role, shown(evidence.get("name")))
    for one in evidence.get("files") or ():
        if isinstance(one, dict):
            file(gathering, one, role)
    for one in evidence.get("processes") or ():
        if isinstance(one, dict):
            process(gathering, one, role)


def registry(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A key of the registry, or a value in it with what it was set to."""
    hive, place = text(evidence.get("registryHive")), path(evidence.get("registryKey"))
    if place is None:
        return
    first, parted, rest = place.partition("/")
    if first in _HIVES and parted:
        hive, place = first, rest
    whole = f"{_HIVES.get(hive or '', hive or '')}/{place}"
    name, value = text(evidence.get("registryValueName")), text(evidence.get("registryValue"))
    set_to = digest(whole, name or "", value) if value is not None else None
    by = evidence.get("registryValueName") or evidence.get("registryKey")
    gathering.add("registry", (("value", set_to), ("key", f"{whole}/{name or ''}")), role, shown(by))
    machines.on(gathering, evidence.get("mdeDeviceId"))
