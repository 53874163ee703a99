"""What the output fields of a Falco event name: processes, files, connections, containers, pods, cloud resources."""

from __future__ import annotations

from typing import Any

from secgraph.extend import Record, account, address, evidence, file_at, integer, present, text

KIND = "#microsoft.graph.security."
PROTOCOLS = {"tcp": "tcp", "udp": "udp"}
SERVICE_ACCOUNT = "system:serviceaccount:"
HOST = frozenset({"host"})
"""What the id of a container is where the event is of none."""

CLUSTER = frozenset({"ka.user.name", "ka.target.name", "ka.target.namespace"})
AMAZON = frozenset({"ct.user", "ct.srcip", "ct.user.accountid", "s3.bucket", "ct.request.bucket"})
"""Fields of which one at least is there where the audit logs of Kubernetes and of Amazon are read."""

NOWHERE = (None, None, None, None)
LONGEST_PAIR = 200
"""Characters of `address:port->address:port`; a longer name is that of a file."""


def evidence_of(fields: Record, host: str | None, created: str | None) -> list[Record]:
    """The evidence of one event; `fields` are those that it has."""
    found: list[Record] = []
    if host is not None:
        found.append({"@odata.type": f"{KIND}deviceEvidence", "createdDateTime": created, "hostName": host})
    if not fields:
        return found
    get = fields.get
    user = text(get("user.name"))
    who = None if user is None else account(user)
    if "proc.name" in fields or "proc.cmdline" in fields or "proc.exepath" in fields:
        found.append(_process(fields, who, created))
    if who is not None:
        found.append({"@odata.type": f"{KIND}userEvidence", "createdDateTime": created, "userAccount": who})
    _add_traffic(found, fields, created)
    if "container.id" in fields or "container.image.repository" in fields or "k8s.ns.name" in fields:
        _add_container(found, fields, created)
    if not CLUSTER.isdisjoint(fields):
        _add_cluster(found, fields, created)
    if "gcp.user" in fields or "gcp.callerIP" in fields or "gcp.projectId" in fields:
        _add_google(found, fields, created)
    if not AMAZON.isdisjoint(fields):
        _add_amazon(found, fields, created)
    return found


def _process(fields: Record, who: Record | None, created: str | None) -> Record:
    get = fields.get
    made: Record = {"@odata.type": f"{KIND}processEvidence", "createdDateTime": created}
    if (number := integer(get("proc.pid"))) is not None:
        made["processId"] = number
    if (command := text(get("proc.cmdline"))) is not None:
        made["processCommandLine"] = command
    path, name = text(get("proc.exepath")), text(get("proc.name"))
    if path or name:
        made["imageFile"] = file_at(path or name)
    if (parent := integer(get("proc.ppid"))) is not None:
        made["parentProcessId"] = parent
    path, name = text(get("proc.pexepath")), text(get("proc.pname"))
    if path or name:
        made["parentProcessImageFile"] = file_at(path or name)
    if who is not None:
        made["userAccount"] = who
    return made


def _add_traffic(found: list[Record], fields: Record, created: str | None) -> None:
    """The file, or the two ends of the connection; in Falco's words the client comes first."""
    get = fields.get
    name = text(get("fd.name"))
    ends: tuple[Any, Any, Any, Any] = (get("fd.cip"), get("fd.cport"), get("fd.sip"), get("fd.sport"))
    if name is not None:
        if "->" in name and len(name) <= LONGEST_PAIR:
            left, _, right = name.partition("->")
            here, _, from_port = left.rpartition(":")
            there, _, to_port = right.rpartition(":")
            ends = (here.strip("[]"), from_port, there.strip("[]"), to_port)
        elif name.startswith("/"):
            file = {"@odata.type": f"{KIND}fileEvidence", "createdDateTime": created, "fileDetails": file_at(name)}
            found.append({**file, "detectionStatus": "detected"})
    elif get("fd.sip") is None and (rest := get("fd.rip")) is not None:
        ends = (get("fd.lip"), get("fd.lport"), rest, get("fd.rport"))
    if ends == NOWHERE:
        return
    source, destination = address(ends[0]), address(ends[2])
    if source is not None:
        found.append(evidence("ip", created, ipAddress=source, roles=["source"]))
    if destination is not None:
        found.append(evidence("ip", created, ipAddress=destination, roles=["destination"]))
    if source is not None and destination is not None:
        found.append(
            evidence(
                "networkConnection",
                created,
                sourceAddress=evidence("ip", created, ipAddress=source),
                sourcePort=integer(ends[1]),
                destinationAddress=evidence("ip", created, ipAddress=destination),
                destinationPort=integer(ends[3]),
                protocol=PROTOCOLS.get(text(get("fd.l4proto")) or text(get("fd.proto")) or ""),
            )
        )


def _add_container(found: list[Record], fields: Record, created: str | None) -> None:
    get = fields.get
    space, name = text(get("k8s.ns.name")), text(get("k8s.pod.name"))
    pod: Record | None = None
    image: Record | None = None
    namespace = _namespace(space, created)
    if name is not None:
        pod = {"@odata.type": f"{KIND}kubernetesPodEvidence", "createdDateTime": created, "name": name}
        if namespace is not None:
            pod["namespace"] = namespace
    if (repository := text(get("container.image.repository"))) is not None:
        tag, exact = text(get("container.image.tag")), text(get("container.image.digest"))
        image = _image(repository if tag is None else f"{repository}:{tag}", created)
        if exact is not None:
            image["digestImage"] = _image(exact, created)
    identity = text(get("container.id"))
    if identity is not None and identity not in HOST:
        title = text(get("container.name"))
        found.append(evidence("container", created, containerId=identity, name=title, image=image, pod=pod))
    if image is not None:
        found.append(image)
    if pod is not None:
        found.append(pod)
    elif namespace is not None:
        found.append(namespace)


def _image(name: str, created: str | None) -> Record:
    return {"@odata.type": f"{KIND}containerImageEvidence", "createdDateTime": created, "imageId": name}


def _namespace(name: str | None, created: str | None) -> Record | None:
    if name is None:
        return None
    return {"@odata.type": f"{KIND}kubernetesNamespaceEvidence", "createdDateTime": created, "name": name}


def _add_cluster(found: list[Record], fields: Record, created: str | None) -> None:
    """What the audit log of Kubernetes names: who asked, and what for."""
    get = fields.get
    user = text(get("ka.user.name"))
    if user is not None:
        if user.startswith(SERVICE_ACCOUNT):
            space, _, name = user.removeprefix(SERVICE_ACCOUNT).partition(":")
            within = _namespace(space or None, created)
            found.append(evidence("kubernetesServiceAccount", created, name=name or space, namespace=within))
        else:
            found.append(evidence("user", created, userAccount=account(user)))
    sender = text(get("ka.sourceips")) or ""
    if (source := address(sender.strip("[]() ").partition(",")[0].strip())) is not None:
        found.append(evidence("ip", created, ipAddress=source, roles=["source"]))
    resource, target = text(get("ka.target.resource")), text(get("ka.target.name"))
    space_name = text(get("ka.target.namespace"))
    namespace = _namespace(space_name, created)
    if resource == "pods" and target is not None:
        found.append(evidence("kubernetesPod", created, name=target, namespace=namespace))
    elif resource == "namespaces" and target is not None:
        found.append(evidence("kubernetesNamespace", created, name=target))
    elif namespace is not None:
        found.append(namespace)


def _add_google(found: list[Record], fields: Record, created: str | None) -> None:
    get = fields.get
    if (user := text(get("gcp.user"))) is not None:
        found.append(evidence("user", created, userAccount=account(user)))
    if (caller := address(get("gcp.callerIP"))) is not None:
        found.append(evidence("ip", created, ipAddress=caller, roles=["source"]))
    bucket = text(get("gcp.storage.bucket"))
    named = present(
        projectId=text(get("gcp.projectId")),
        resourceName=bucket or text(get("gcp.resourceName")),
        resourceType="storage.bucket" if bucket else text(get("gcp.resourceType")),
        location=text(get("gcp.location")),
    )
    if named is not None:
        found.append(evidence("googleCloudResource", created, **named))


def _add_amazon(found: list[Record], fields: Record, created: str | None) -> None:
    get = fields.get
    if (user := text(get("ct.user"))) is not None:
        found.append(evidence("user", created, userAccount=account(user)))
    if (caller := address(get("ct.srcip"))) is not None:
        found.append(evidence("ip", created, ipAddress=caller, roles=["source"]))
    owner = text(get("ct.user.accountid")) or text(get("ct.recipientaccountid"))
    bucket = text(get("s3.bucket")) or text(get("ct.request.bucket"))
    if bucket is not None:
        found.append(
            evidence(
                "amazonResource",
                created,
                amazonAccountId=owner,
                amazonResourceId=f"arn:aws:s3:::{bucket}",
                resourceName=bucket,
                resourceType="AwsS3Bucket",
            )
        )
    elif (who := text(get("ct.user.arn"))) is not None:
        name = who.rpartition("/")[2]
        found.append(evidence("amazonResource", created, amazonAccountId=owner, amazonResourceId=who, resourceName=name))
