"""What a GuardDuty finding names: instances, keys, buckets and clusters, the other end, the domain asked for."""

from __future__ import annotations

from typing import Any

from secgraph.extend import Record, account, address, evidence, integer, objects, part, present, text

MOST = 10
"""Most resources of one call that become evidence."""

PROTOCOLS = {"tcp": "tcp", "udp": "udp", "6": "tcp", "17": "udp"}
ACTIONS = ("networkConnectionAction", "awsApiCallAction", "kubernetesApiCallAction", "rdsLoginAttemptAction")
ATTACKERS = frozenset({"TARGET"})
"""Roles of our resource in which the other end is the one who acts."""


def evidence_of(finding: Record, created: str | None) -> list[Record]:
    """The evidence of one finding in the spelling of the export."""
    found: list[Record] = []
    owner, region = text(finding.get("accountId")), text(finding.get("region"))
    resource, service = part(finding.get("resource")), part(finding.get("service"))
    if resource:
        _add_resource(found, resource, owner, region, created)
    for item in objects(finding.get("resources")):
        _add_named_resource(found, item, owner, created)
    _add_action(found, part(service.get("action")), text(service.get("resourceRole")) or "", created)
    return found


def _amazon(created: str | None, owner: str | None, uid: str | None, name: str | None, kind: str) -> Record:
    return evidence(
        "amazonResource", created, amazonAccountId=owner, amazonResourceId=uid, resourceName=name, resourceType=kind
    )


def _add_resource(found: list[Record], resource: Record, owner: str | None, region: str | None, created: str | None) -> None:
    get = resource.get
    instance = part(get("instanceDetails"))
    if (number := text(instance.get("instanceId"))) is not None:
        found.append(
            _amazon(created, owner, f"arn:aws:ec2:{region or ''}:{owner or ''}:instance/{number}", number, "AwsEc2Instance")
        )
        interfaces = objects(instance.get("networkInterfaces"))
        inside = [ip for item in interfaces if (ip := address(item.get("privateIpAddress"))) is not None]
        outside = next((ip for item in interfaces if (ip := address(item.get("publicIp"))) is not None), None)
        device = present(
            hostName=number,
            ipInterfaces=inside or None,
            lastExternalIpAddress=outside,
            osPlatform=text(instance.get("platform")),
        )
        found.append(evidence("device", created, **(device or {})))
    key = part(get("accessKeyDetails"))
    if key:
        if (user := text(key.get("userName"))) is not None:
            found.append(evidence("user", created, userAccount=account(user)))
        if (identity := text(key.get("accessKeyId"))) is not None:
            found.append(_amazon(created, owner, identity, text(key.get("principalId")), "AwsIamAccessKey"))
    for bucket in objects(get("s3BucketDetails")):
        name = text(bucket.get("name"))
        uid = text(bucket.get("arn")) or (None if name is None else f"arn:aws:s3:::{name}")
        if uid is not None:
            found.append(_amazon(created, owner, uid, name, "AwsS3Bucket"))
    cluster = part(get("eksClusterDetails"))
    if (uid := text(cluster.get("arn")) or text(cluster.get("name"))) is not None:
        found.append(_amazon(created, owner, uid, text(cluster.get("name")), "AwsEksCluster"))
    _add_kubernetes(found, part(get("kubernetesDetails")), cluster, created)
    task = part(part(get("ecsClusterDetails")).get("taskDetails"))
    for container in (*objects(get("containerDetails")), *objects(task.get("containers"))):
        _add_container(found, container, None, created)
    database = part(get("rdsDbInstanceDetails"))
    if (uid := text(database.get("dbInstanceArn"))) is not None:
        found.append(_amazon(created, owner, uid, text(database.get("dbInstanceIdentifier")), "AwsRdsDbInstance"))
    if (login := text(part(get("rdsDbUserDetails")).get("user"))) is not None:
        found.append(evidence("user", created, userAccount=account(login)))
    function = part(get("lambdaDetails"))
    if (uid := text(function.get("functionArn"))) is not None:
        found.append(_amazon(created, owner, uid, text(function.get("functionName")), "AwsLambdaFunction"))


def _add_kubernetes(found: list[Record], details: Record, cluster: Record, created: str | None) -> None:
    user = text(part(details.get("kubernetesUserDetails")).get("username"))
    if user is not None:
        found.append(evidence("user", created, userAccount=account(user)))
    workload = part(details.get("kubernetesWorkloadDetails"))
    space, name = text(workload.get("namespace")), text(workload.get("name"))
    namespace = None
    if space is not None:
        around = text(cluster.get("name"))
        within = None if around is None else evidence("kubernetesCluster", created, name=around, platform="eks")
        namespace = evidence("kubernetesNamespace", created, name=space, cluster=within)
    if name is not None and text(workload.get("type")) in {None, "pods", "pod"}:
        pod = evidence("kubernetesPod", created, name=name, namespace=namespace)
        found.append(pod)
        for container in objects(workload.get("containers")):
            _add_container(found, container, pod, created)
    elif namespace is not None:
        found.append(namespace)


def _add_container(found: list[Record], container: Record, pod: Record | None, created: str | None) -> None:
    name, identity, image_name = text(container.get("name")), text(container.get("id")), text(container.get("image"))
    image = None if image_name is None else evidence("containerImage", created, imageId=image_name)
    if name is not None or identity is not None:
        found.append(evidence("container", created, containerId=identity, name=name, image=image, pod=pod))
    if image is not None:
        found.append(image)


def _add_named_resource(found: list[Record], item: Record, owner: str | None, created: str | None) -> None:
    """A resource as Security Hub lists it."""
    uid, kind = text(item.get("uid")), text(item.get("type"))
    if uid is not None:
        name = uid.rpartition("/")[2].rpartition(":")[2]
        found.append(_amazon(created, owner, uid, name, kind or "unknown"))
    if (user := text(item.get("userName"))) is not None:
        found.append(evidence("user", created, userAccount=account(user)))
    addresses = [ip for ip in item.get("addresses") or () if address(ip) is not None]
    if addresses and uid is not None and kind == "AwsEc2Instance":
        found.append(evidence("device", created, hostName=uid.rpartition("/")[2], ipInterfaces=addresses[:10]))


def _add_action(found: list[Record], action: Record, role: str, created: str | None) -> None:
    """The other end of what was done; as the attacker where our side is the target of it."""
    blocked = False
    before = len(found)
    for name in ACTIONS:
        if details := part(action.get(name)):
            inbound = details.get("connectionDirection") != "OUTBOUND"
            remote = _add_remote(found, part(details.get("remoteIpDetails")), role, created, source=inbound)
            blocked = blocked or details.get("blocked") in (True, "true")
            if name == "networkConnectionAction" and remote is not None:
                _add_connection(found, details, remote, created, inbound=inbound)
    touched = part(part(action.get("awsApiCallAction")).get("affectedResources"))
    for kind, uid in list(touched.items())[:MOST]:
        if (named := text(uid)) is not None:
            name = named.rpartition("/")[2].rpartition(":")[2]
            found.append(
                evidence("amazonResource", created, amazonResourceId=named, resourceName=name, resourceType=text(kind))
            )
    probe = part(action.get("portProbeAction"))
    blocked = blocked or probe.get("blocked") in (True, "true")
    for item in objects(probe.get("portProbeDetails")):
        _add_remote(found, part(item.get("remoteIpDetails")), role, created, source=True)
    if (domain := text(part(action.get("dnsRequestAction")).get("domain"))) is not None:
        blocked = blocked or part(action.get("dnsRequestAction")).get("blocked") in (True, "true")
        found.append(evidence("dns", created, domainName=domain))
    if blocked:
        for item in found[before:]:
            item["remediationStatus"] = "blocked"


def _add_remote(found: list[Record], remote: Record, role: str, created: str | None, *, source: bool) -> str | None:
    ip = address(remote.get("ipAddressV4")) or address(remote.get("ipAddressV6"))
    if ip is None:
        return None
    country, place = part(remote.get("country")), part(remote.get("geoLocation"))
    code = text(country.get("countryCode"))
    location = present(
        city=text(part(remote.get("city")).get("cityName")),
        countryName=text(country.get("countryName")),
        latitude=_degrees(place.get("lat")),
        longitude=_degrees(place.get("lon")),
    )
    roles = ["source" if source else "destination", *(["attacker"] if source and role in ATTACKERS else [])]
    found.append(evidence("ip", created, ipAddress=ip, countryLetterCode=code, location=location, roles=roles))
    return ip


def _degrees(value: Any) -> float | None:
    if isinstance(value, str) and len(value) < 24:
        try:
            value = float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and -180 <= value <= 180 else None


def _add_connection(found: list[Record], details: Record, remote: str, created: str | None, *, inbound: bool) -> None:
    local_end = part(details.get("localIpDetails"))
    local = address(local_end.get("ipAddressV4")) or address(local_end.get("ipAddressV6"))
    protocol = PROTOCOLS.get((text(details.get("protocol")) or "").casefold())
    if local is None or protocol is None:
        return
    ours = (local, integer(part(details.get("localPortDetails")).get("port")))
    theirs = (remote, integer(part(details.get("remotePortDetails")).get("port")))
    source, destination = (theirs, ours) if inbound else (ours, theirs)
    found.append(
        evidence(
            "networkConnection",
            created,
            sourceAddress=evidence("ip", created, ipAddress=source[0]),
            sourcePort=source[1],
            destinationAddress=evidence("ip", created, ipAddress=destination[0]),
            destinationPort=destination[1],
            protocol=protocol,
        )
    )
