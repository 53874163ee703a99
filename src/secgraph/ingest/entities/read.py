"""An alert in, the things it names out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from secgraph.ingest.entities import artefacts, cloud, machines, mail, people
from secgraph.ingest.entities.entity import Entity, Evidence, Gathering, rank, role
from secgraph.model.edm import load

Reader = Callable[[Gathering, Evidence, str], object]

SPACE = "#microsoft.graph.security."

READERS: Mapping[str, Reader] = {
    "activeDirectoryDomain": people.directory,
    "aiAgent": cloud.ai_agent,
    "amazonResource": cloud.amazon_resource,
    "analyzedMessage": mail.message,
    "azureResource": cloud.azure_resource,
    "blobContainer": cloud.blob_container,
    "blob": cloud.blob,
    "cloudApplication": cloud.cloud_application,
    "cloudLogonRequest": people.sign_in,
    "cloudLogonSession": people.session,
    "container": cloud.container,
    "containerImage": cloud.image,
    "containerRegistry": cloud.registry,
    "device": machines.device,
    "dns": machines.dns,
    "fileHash": artefacts.file_hash,
    "file": artefacts.file,
    "gitHubOrganization": people.git_hub_organization,
    "gitHubRepo": people.git_hub_repo,
    "gitHubUser": people.git_hub_user,
    "googleCloudResource": cloud.google_resource,
    "hostLogonSession": machines.logon,
    "ioTDevice": machines.internet_of_things,
    "ip": machines.ip_evidence,
    "kubernetesCluster": cloud.cluster,
    "kubernetesController": cloud.controller,
    "kubernetesNamespace": cloud.namespace,
    "kubernetesPod": cloud.pod,
    "kubernetesSecret": cloud.secret,
    "kubernetesServiceAccount": cloud.service_account,
    "kubernetesService": cloud.service,
    "mailboxConfiguration": people.mailbox_configuration,
    "mailbox": people.mailbox,
    "mailCluster": mail.cluster,
    "malware": artefacts.malware,
    "networkConnection": machines.connection,
    "nic": machines.nic,
    "oauthApplication": cloud.oauth_application,
    "process": artefacts.process,
    "registryKey": artefacts.registry,
    "registryValue": artefacts.registry,
    "sasToken": cloud.sas_token,
    "securityGroup": people.security_group,
    "servicePrincipal": cloud.service_principal,
    "submissionMail": mail.submission,
    "teamsMessage": mail.teams,
    "url": machines.url_evidence,
    "user": people.user,
}
"""Who reads which evidence type of the contract; the abstract one says nothing."""

_BY_TAG = {f"{SPACE}{name}Evidence": read for name, read in READERS.items()}

MOST_EVIDENCE = 1000
"""Most pieces of evidence of one alert that are read."""


def unread() -> list[str]:
    """The evidence types of the contract that nobody reads."""
    base = load().struct("microsoft.graph.security.alertEvidence")
    return sorted(kind.name for kind in base.family() if kind is not base and f"#{kind.name}" not in _BY_TAG)


def entities(record: Evidence) -> list[Entity]:
    """The entities of an alert, each once, in the order in which the evidence names them. The record is one that the check
    has passed.
    """
    gathering = Gathering()
    evidence = record.get("evidence")
    if evidence:
        for item in evidence[:MOST_EVIDENCE]:
            read = _BY_TAG.get(item.get("@odata.type"))
            if read is not None:
                read(gathering, item, role(item))
    return gathering.found


def with_aliases(found: list[Entity], aliases: Mapping[str, tuple[str, ...]]) -> list[Entity]:
    """The entities with the further keys that an inventory knows for theirs, each of the type of its strongest key: an address
    may turn out to be a device. Two that turn out to be one are one.
    """
    if not aliases or not any(one in aliases for entity in found for one in entity.keys):
        return found
    gathering = Gathering()
    for entity in found:
        known = {*entity.keys, *(more for one in entity.keys for more in aliases.get(one, ()))}
        keys = tuple(sorted(known, key=lambda one: (rank(one), one)))
        gathering.put(entity._replace(type=keys[0].partition(".")[0], keys=keys))
    return gathering.found
