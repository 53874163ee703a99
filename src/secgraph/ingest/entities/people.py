"""Who is named: users, their mailboxes, groups, directories, people at code hosts."""

from __future__ import annotations

from secgraph.ingest.entities.entity import Evidence, Gathering
from secgraph.ingest.entities.normal import address, guid, host, shown, sid, text

_BUILT_IN_SIDS = ("s-1-0-", "s-1-1-", "s-1-2-", "s-1-3-", "s-1-5-32-", "s-1-5-80-", "s-1-5-83-", "s-1-5-90-", "s-1-5-96-")
_BUILT_IN = frozenset({"s-1-5-7", "s-1-5-18", "s-1-5-19", "s-1-5-20"})
_BUILT_IN_DOMAINS = frozenset({
    "nt authority", "nt-autorität", "autorite nt", "nt service", "window manager", "font driver host", "nt virtual machine",
    "iis apppool", "builtin",
})  # fmt: skip
_EVERYWHERE = frozenset({"root", "administrator", "admin", "guest", "krbtgt", "defaultaccount", "administrateur", "gast"})
"""Accounts that every directory or device has one of: without a domain such a name says nothing."""

_BUILT_IN_NAMES = frozenset({
    "system", "local service", "network service", "localsystem", "localservice", "networkservice", "anonymous logon",
    "anonymous", "everyone", "iusr", "dwm-1", "umfd-0", "umfd-1",
})  # fmt: skip


def account(gathering: Gathering, found: Evidence | None, role: str) -> None:
    """The user of a `userAccount` or a `loggedOnUser`. An account that every system has names nobody; one whose name ends in
    `$` is a device.
    """
    if not isinstance(found, dict):
        return
    name, domain = text(found.get("accountName")), text(found.get("domainName"))
    if name is not None and domain is None:
        name, domain = _parted(name)
    number = sid(found.get("userSid"))
    if (number is not None and (number in _BUILT_IN or number.startswith(_BUILT_IN_SIDS))) or _built_in(name, domain):
        return
    upn = address(found.get("userPrincipalName"))
    if name is not None and "@" in name:
        upn, name = upn or address(name), None
    if name is not None and name.endswith("$"):
        label = name.rstrip("$")
        if label and upn is None:
            gathering.add("device", (("host", host(label)),), role, shown(found.get("accountName")))
        return
    if domain is not None:
        domain = domain.partition(".")[0]
    local = upn.partition("@")[0] if upn is not None else None
    by = found.get("userPrincipalName") or found.get("accountName") or found.get("displayName") or found.get("userSid")
    gathering.add("user", (
        ("id", guid(found.get("azureAdUserId"))), ("upn", upn), ("sid", number),
        ("guid", guid(found.get("activeDirectoryObjectGuid"))),
        ("name", f"{domain}/{name}" if name is not None and domain else None),
        ("account", name if name not in _EVERYWHERE else None),
        ("account", local if local != name and local not in _EVERYWHERE else None),
    ), role, shown(by))  # fmt: skip


def _parted(name: str) -> tuple[str, str | None]:
    domain, parted, rest = name.replace("\\", "/").rpartition("/")
    return (rest, domain) if parted and rest and domain else (name, None)


def _built_in(name: str | None, domain: str | None) -> bool:
    return domain in _BUILT_IN_DOMAINS or (name in _BUILT_IN_NAMES and domain in {None, "workgroup", "."})


def named_by_address(gathering: Gathering, value: object, role: str) -> None:
    """The user behind a mail address."""
    upn = address(value)
    if upn is not None:
        gathering.add("user", (("upn", upn), ("account", upn.partition("@")[0])), role, shown(value))


def user(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A user."""
    account(gathering, evidence.get("userAccount"), role)


def mailbox(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A mailbox, and whose it is."""
    primary, upn = evidence.get("primaryAddress"), evidence.get("upn")
    gathering.add("mailbox", (("address", address(primary) or address(upn)),), role, shown(primary or upn))
    owner = evidence.get("userAccount")
    owner = owner if isinstance(owner, dict) else {}
    named = owner.get("userPrincipalName") or upn or primary
    account(gathering, {**owner, "userPrincipalName": named}, role)


def mailbox_configuration(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A rule or setting of a mailbox, the mailbox, and whose it is."""
    primary, upn = evidence.get("mailboxPrimaryAddress"), evidence.get("upn")
    place, name = address(primary) or address(upn), text(evidence.get("displayName"))
    gathering.add("mailboxRule", (
        ("id", guid(evidence.get("configurationId"))), ("name", f"{place}/{name}" if place and name else None),
    ), role, shown(evidence.get("displayName")))  # fmt: skip
    gathering.add("mailbox", (("address", place),), role, shown(primary or upn))
    account(gathering, {
        "userPrincipalName": upn or primary, "azureAdUserId": evidence.get("externalDirectoryObjectId"),
    }, role)  # fmt: skip


def security_group(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A group of a directory."""
    name = evidence.get("displayName") or evidence.get("friendlyName")
    gathering.add("securityGroup", (
        ("id", guid(evidence.get("securityGroupId"))), ("sid", sid(evidence.get("sid"))),
        ("guid", guid(evidence.get("activeDirectoryObjectGuid"))), ("dn", text(evidence.get("distinguishedName"))),
        ("name", text(name)),
    ), role, shown(name))  # fmt: skip


def directory(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A domain of Active Directory, and those it trusts."""
    name = evidence.get("activeDirectoryDomainName")
    gathering.add("activeDirectoryDomain", (("name", text(name)),), role, shown(name))
    for one in evidence.get("trustedDomains") or ():
        if isinstance(one, dict):
            name = one.get("activeDirectoryDomainName")
            gathering.add("activeDirectoryDomain", (("name", text(name)),), "within", shown(name))


def session(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A session in the cloud, and whose it is."""
    number = text(evidence.get("sessionId"))
    gathering.add("session", (("id", number),), role, shown(evidence.get("sessionId")))
    user_of(gathering, evidence.get("account"), role)


def sign_in(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A request to sign in."""
    gathering.add("signIn", (("id", guid(evidence.get("requestId"))),), role, shown(evidence.get("requestId")))


def user_of(gathering: Gathering, nested: object, role: str) -> None:
    """The user of a piece of evidence that stands inside another."""
    if isinstance(nested, dict):
        account(gathering, nested.get("userAccount"), role)


def git_hub_organization(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """An organisation at a code host."""
    gathering.add("gitHubOrganization", (
        ("id", text(evidence.get("orgId"))), ("login", text(evidence.get("login"))),
    ), role, shown(evidence.get("displayName") or evidence.get("login")))  # fmt: skip


def git_hub_repo(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A repository."""
    gathering.add("gitHubRepo", (
        ("id", text(evidence.get("repoId"))), ("url", path_of(evidence.get("baseUrl"))),
    ), role, shown(evidence.get("baseUrl") or evidence.get("login")))  # fmt: skip


def git_hub_user(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A person at a code host."""
    gathering.add("gitHubUser", (
        ("id", text(evidence.get("userId"))), ("login", text(evidence.get("login"))),
        ("address", address(evidence.get("email"))),
    ), role, shown(evidence.get("login") or evidence.get("name")))  # fmt: skip


def path_of(value: object) -> str | None:
    """A web address without scheme and without a `/` at its end."""
    found = text(value)
    return found.partition("://")[2].rstrip("/") or found if found is not None else None
