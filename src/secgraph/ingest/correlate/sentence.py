"""Why two alerts are together, in words and in flags of the contract."""

from __future__ import annotations

from secgraph import clock
from secgraph.ingest.correlate.link import Link, Reason
from secgraph.ingest.correlate.tactics import follows, told

NAMED = 3
"""Most things that a sentence names."""

_WORDS = {
    "ip": "address", "mail": "message", "mailCluster": "cluster of messages", "teamsMessage": "message", "signIn": "sign-in",
    "mailboxRule": "mailbox rule", "securityGroup": "group", "activeDirectoryDomain": "directory", "registry": "registry key",
    "cloudApplication": "service", "azureResource": "resource", "amazonResource": "resource", "googleResource": "resource",
    "blobContainer": "storage container", "sasToken": "access signature", "containerImage": "image",
    "containerRegistry": "registry of images", "kubernetesCluster": "cluster", "kubernetesObject": "cluster object",
    "gitHubOrganization": "organisation", "gitHubRepo": "repository", "gitHubUser": "account", "aiAgent": "agent", "url": "URL",
}  # fmt: skip


def sentence(link: Link) -> str:
    """The reasons for a link as one sentence."""
    things = _things(link.reasons)
    when = _when(link.gap)
    if link.kind == "series":
        return f"The same detection was raised again {when}, for {things}."
    if link.kind == "twin":
        return f"Two products report the same detection {when}, for {things}."
    counts = "counts" if len(link.reasons) == 1 else "count together"
    text = f"Both alerts name {things} {when}, which {counts} {sum(one.weight for one in link.reasons):.2f}"
    if link.tactics is not None:
        earlier, later = map(told, link.tactics)
        goes_on = f"{later} follows {earlier}" if follows(*link.tactics) else "stolen credentials may be used here"
        text += f"; {goes_on}, which makes it {link.score:.2f}"
    return text + "."


def _things(reasons: tuple[Reason, ...]) -> str:
    named = [f"the {_WORDS.get(one.type, one.type)} {one.name or 'without a name'}{_how(one)}" for one in reasons[:NAMED]]
    if len(reasons) > NAMED:
        more = len(reasons) - NAMED
        named.append(f"{more} more thing{'s' if more > 1 else ''}")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _how(reason: Reason) -> str:
    return " (less than rare)" if reason.rarity < 1 else ""


def _when(gap: int) -> str:
    seconds = gap // clock.SECOND
    if seconds == 0:
        return "at the same time"
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"within {count + 1} {word}s" if seconds % size or count > 1 else f"within one {word}"
    return "within one minute"


_ASSETS = frozenset({
    "device", "azureResource", "amazonResource", "googleResource", "kubernetesCluster", "kubernetesObject", "container", "blob",
    "blobContainer", "gitHubRepo", "mailbox",
})  # fmt: skip
_ACTORS = frozenset({"user", "application", "session", "signIn", "gitHubUser", "sasToken", "aiAgent"})
_THREATS = frozenset({"attacker", "commandAndControl", "malicious"})
_TARGETS = frozenset({"attacked", "compromised"})


def flags(link: Link) -> list[str]:
    """The reasons as members of `correlationReason`, in the order of the contract."""
    found = {"timeFrame"}
    if link.gap <= clock.SECOND * 3_600:
        found.add("temporalProximity")
    if link.kind != "shared":
        found.add("repeatedAlertOccurrence" if link.kind == "series" else "similarArtifacts")
    if link.tactics is not None:
        found.add("eventSequence")
        if "lateralmovement" in link.tactics:
            found.add("lateralMovementPath")
    for one in link.reasons:
        found.update(_flags(one))
    return [name for name in ORDER if name in found]


def _flags(reason: Reason) -> set[str]:
    if reason.type in _ASSETS:
        return {"sameTargetedAsset" if _TARGETS.issuperset(reason.roles) else "sameAsset"}
    if reason.type in _ACTORS:
        return {"sameTargetedAsset" if set(reason.roles) == {"attacked"} else "sameActor"}
    if reason.type in {"ip", "domain", "url"}:
        if reason.key.startswith("ip.private:"):
            return {"networkProximity"}
        return {"sameThreatSource"} if _THREATS.intersection(reason.roles) else {"sharedIndicators"}
    if reason.type in {"mailCluster", "teamsMessage", "malware"}:
        return {"sameCampaign"}
    return {"sharedIndicators"}


ORDER = (
    "repeatedAlertOccurrence", "sameGeography", "similarArtifacts", "sameTargetedAsset", "sameNetworkSegment", "eventSequence",
    "timeFrame", "sameThreatSource", "similarTTPsOrBehavior", "sameActor", "sameCampaign", "sharedIndicators", "sameAsset",
    "networkProximity", "eventCasualSequence", "temporalProximity", "lateralMovementPath",
)  # fmt: skip
"""The members of `correlationReason` as the contract numbers them."""
