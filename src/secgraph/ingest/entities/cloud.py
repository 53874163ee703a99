"""What runs elsewhere: applications, resources of three clouds, storage, containers and what holds them."""

from __future__ import annotations

from secgraph.ingest.entities import machines
from secgraph.ingest.entities.artefacts import file_hash
from secgraph.ingest.entities.entity import Evidence, Gathering
from secgraph.ingest.entities.normal import guid, path, shown, text, url

_MACHINE = "/providers/microsoft.compute/virtualmachines/"


def _number(value: object) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


# --- applications -------------------------------------------------------------------------------------------------------


def service_principal(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """An application as it stands in a tenant."""
    name = evidence.get("servicePrincipalName")
    _application(gathering, role, evidence.get("servicePrincipalObjectId"), evidence.get("appId"), name)


def oauth_application(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """An application that was consented to."""
    _application(gathering, role, evidence.get("objectId"), evidence.get("appId"), evidence.get("displayName"))


def _application(gathering: Gathering, role: str, number: object, app: object, name: object) -> None:
    gathering.add("application", (
        ("object", guid(number)), ("app", guid(app)), ("name", text(name)),
    ), role, shown(name or app or number))  # fmt: skip


def cloud_application(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A service that many use, such as Exchange Online."""
    app = _number(evidence.get("saasAppId")) or _number(evidence.get("appId"))
    instance, name = _number(evidence.get("instanceId")), evidence.get("instanceName") or evidence.get("displayName")
    gathering.add("cloudApplication", (
        ("instance", f"{app or ''}/{instance}" if instance else None), ("app", app), ("name", text(name)),
    ), role, shown(name))  # fmt: skip


def ai_agent(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """An agent."""
    name = evidence.get("agentName")
    gathering.add("aiAgent", (("id", guid(evidence.get("agentId"))), ("name", text(name))), role, shown(name))


# --- resources ----------------------------------------------------------------------------------------------------------


def azure_resource(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A resource of Azure by its folded id; a virtual machine is a device besides."""
    arm, name = path(evidence.get("resourceId")), evidence.get("resourceName")
    last = arm.rpartition("/")[2] if arm else None
    gathering.add("azureResource", (("arm", arm), ("name", text(name) if arm is None else None)), role, shown(name or last))
    if arm is not None and _MACHINE in arm and arm.rpartition(_MACHINE)[2] == last:
        machines.virtual(gathering, arm, role, name or last)


def amazon_resource(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A resource of Amazon."""
    number, name = text(evidence.get("amazonResourceId")), evidence.get("resourceName")
    account = text(evidence.get("amazonAccountId"))
    gathering.add("amazonResource", (
        ("arn", f"{account or ''}/{number}" if number and not number.startswith("arn:") else number),
        ("name", f"{account or ''}/{text(name)}" if number is None and text(name) else None),
    ), role, shown(name or evidence.get("amazonResourceId")))  # fmt: skip


def google_resource(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A resource of Google."""
    full, name, project = path(evidence.get("fullResourceName")), evidence.get("resourceName"), text(evidence.get("projectId"))
    gathering.add("googleResource", (
        ("full", full.lstrip("/") if full else None),
        ("name", f"{project or ''}/{text(name)}" if full is None and text(name) else None),
    ), role, shown(name or evidence.get("fullResourceName")))  # fmt: skip


def _resource(gathering: Gathering, nested: object, role: str) -> str | None:
    """The resource that a piece of evidence lies in, added by its type; gives the id of it."""
    if not isinstance(nested, dict):
        return None
    kind = str(nested.get("@odata.type", "#microsoft.graph.security.azureResourceEvidence")).rpartition(".")[2]
    readers = {
        "azureResourceEvidence": (azure_resource, "resourceId"),
        "amazonResourceEvidence": (amazon_resource, "amazonResourceId"),
        "googleCloudResourceEvidence": (google_resource, "fullResourceName"),
    }
    if kind not in readers:
        return None
    read, member = readers[kind]
    read(gathering, nested, role)
    return path(nested.get(member))


# --- storage ------------------------------------------------------------------------------------------------------------


def blob_container(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A container of a storage account, and the account."""
    where, found = _resource(gathering, evidence.get("storageResource"), "within"), url(evidence.get("url"))
    name = text(evidence.get("name"))
    gathering.add("blobContainer", (
        ("url", found.text if found else None), ("name", f"{where}/{name}" if where and name else name),
    ), role, shown(evidence.get("name") or evidence.get("url")))  # fmt: skip


def blob(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A blob, what it hashes to, and the container it lies in."""
    found, name = url(evidence.get("url")), text(evidence.get("name"))
    gathering.add("blob", (
        ("url", found.text if found else None), ("name", name),
    ), role, shown(evidence.get("name") or evidence.get("url")))  # fmt: skip
    for one in evidence.get("fileHashes") or ():
        if isinstance(one, dict):
            file_hash(gathering, one, role)
    if isinstance(evidence.get("blobContainer"), dict):
        blob_container(gathering, evidence["blobContainer"], "within")


def sas_token(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A signature that opens a storage account, and the account."""
    gathering.add("sasToken", (("signature", text(evidence.get("signatureHash"))),), role, shown(evidence.get("signatureHash")))
    _resource(gathering, evidence.get("storageResource"), "within")


# --- containers ---------------------------------------------------------------------------------------------------------


def registry(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """Where images come from."""
    found = text(evidence.get("registry"))
    gathering.add("containerRegistry", (("name", found.rstrip("/") if found else None),), role, shown(evidence.get("registry")))


def image(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """An image by its digest or its name, and where it comes from."""
    best = evidence.get("digestImage")
    best = best if isinstance(best, dict) else evidence
    number = text(best.get("imageId")) or text(evidence.get("imageId"))
    gathering.add("containerImage", (("id", number),), role, shown(evidence.get("imageId") or best.get("imageId")))
    if isinstance(evidence.get("registry"), dict):
        registry(gathering, evidence["registry"], "within")


def container(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A container, its image, and the pod it is in."""
    number, name = text(evidence.get("containerId")), text(evidence.get("name"))
    if number is not None:
        number = number.rpartition("://")[2]  # `containerd://…`
    gathering.add("container", (("id", number), ("name", name)), role, shown(evidence.get("name") or number))
    if isinstance(evidence.get("image"), dict):
        image(gathering, evidence["image"], role)
    if isinstance(evidence.get("pod"), dict):
        pod(gathering, evidence["pod"], "within")


def cluster(gathering: Gathering, evidence: Evidence, role: str) -> str:
    """A cluster, and the resource it is; gives what tells it from others."""
    where, name = _resource(gathering, evidence.get("cloudResource"), "within"), text(evidence.get("name"))
    gathering.add("kubernetesCluster", (("resource", where), ("name", name)), role, shown(evidence.get("name") or where))
    return where or name or ""


def namespace(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A namespace and its cluster."""
    _space(gathering, evidence, role)


def _space(gathering: Gathering, nested: object, role: str) -> str:
    """The namespace that an object is in, added with its cluster; gives what tells it from others."""
    if not isinstance(nested, dict):
        return ""
    holds = nested.get("cluster")
    where = cluster(gathering, holds, "within") if isinstance(holds, dict) else ""
    name = text(nested.get("name"))
    _object(gathering, f"{where}/namespace", name, role, nested)
    return f"{where}/{name or ''}"


def _object(gathering: Gathering, where: str, name: str | None, role: str, evidence: Evidence) -> None:
    gathering.add("kubernetesObject", (("name", f"{where}/{name}" if name else None),), role, shown(evidence.get("name")))


def pod(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A pod, what is in it, what made it, and under which account it runs."""
    where = _space(gathering, evidence.get("namespace"), "within")
    _object(gathering, f"{where}/pod", text(evidence.get("name")), role, evidence)
    for member in ("containers", "initContainers", "ephemeralContainers"):
        for one in evidence.get(member) or ():
            if isinstance(one, dict):
                container(gathering, {**one, "pod": None}, "within")
    if isinstance(evidence.get("controller"), dict):
        controller(gathering, evidence["controller"], "within")
    if isinstance(evidence.get("serviceAccount"), dict):
        service_account(gathering, evidence["serviceAccount"], "within")
    machines.ip_of(gathering, evidence.get("podIp"), "address")


def controller(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """What makes pods: a deployment, a daemon set."""
    kind = text(evidence.get("type")) or "controller"
    where = _space(gathering, evidence.get("namespace"), "within")
    _object(gathering, f"{where}/{kind}", text(evidence.get("name")), role, evidence)


def secret(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A secret of a cluster."""
    _object(gathering, f"{_space(gathering, evidence.get('namespace'), 'within')}/secret", text(evidence.get("name")), role,
            evidence)  # fmt: skip


def service_account(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """An account of a cluster. The one named `default` is everybody's."""
    where, name = _space(gathering, evidence.get("namespace"), "within"), text(evidence.get("name"))
    if name != "default":
        _object(gathering, f"{where}/serviceaccount", name, role, evidence)


def service(gathering: Gathering, evidence: Evidence, role: str) -> None:
    """A service of a cluster, and its addresses."""
    where = _space(gathering, evidence.get("namespace"), "within")
    _object(gathering, f"{where}/service", text(evidence.get("name")), role, evidence)
    machines.ip_of(gathering, evidence.get("clusterIP"), "address")
    for one in evidence.get("externalIPs") or ():
        machines.ip_of(gathering, one, "address")
