"""What a GuardDuty finding names: instances, keys, buckets and clusters, the other end, the domain asked for."""

from __future__ import annotations

from typing import Any

from secgraph.extend import Record, account, address, evidence, integer, objects, part, text

MOST = 10
"""Most resources of one call that become evidence."""

PROTOCOLS = {"tcp": "tcp", "udp": "udp", "6": "tcp", "17": "udp"}
ACTIONS = ("networkConnectionAction", "awsApiCallAction", "kubernetesApiCallAction", "rdsLoginAttemptAction")
ATTACKERS = frozenset({"TARGET"})
"""Roles of our resource in which the other end is the one who acts."""

# These are made for nearly every finding; `evidence` and `present` take three times as long over them.
RESOURCE = "#microsoft.graph.security.amazonResourceEvidence"
DEVICE = "#microsoft.graph.security.deviceEvidence"
IP = "#microsoft.graph.security.ipEvidence"
CONNECTION = "#microsoft.graph.security.networkConnectionEvidence"


def evidence_of(finding: Record, created: str | None) -> list[Record]:
    """The evidence of one finding in the spelling of the export."""
    found: list[Record] = []
    owner, region = text(finding.get("accountId")), text(finding.get("region"))
    if "resource" in finding:
        _add_resource(found, part(finding["resource"]), owner, region, created)
    if "resources" in finding:
        for item in objects(finding["resources"]):
            _add_named_resource(found, item, owner, created)
    service = part(finding.get("service"))
    if "action" in service:
        _add_action(found, part(service["action"]), text(service.get("resourceRole")) or "", created)
    return found


def _amazon(created: str | None, owner: str | None, uid: str | None, name: str | None, kind: str) -> Record:
    item: Record = {"@odata.type": RESOURCE, "createdDateTime": created}
    if owner is not None:
        item["amazonAccountId"] = owner
    if uid is not None:
        item["amazonResourceId"] = uid
    if name is not None:
        item["resourceName"] = name
    item["resourceType"] = kind
    return item


def _add_resource(found: list[Record], resource: Record, owner: str | None, region: str | None, created: str | None) -> None:
    """What was touched: of the many kinds of resource a finding has the details of one or two."""
    if "instanceDetails" in resource:
        _add_instance(found, part(resource["instanceDetails"]), owner, region, created)
    if "accessKeyDetails" in resource:
        key = part(resource["accessKeyDetails"])
        if (user := text(key.get("userName"))) is not None:
            found.append(evidence("user", created, userAccount=account(user)))
        if (identity := text(key.get("accessKeyId"))) is not None:
            found.append(_amazon(created, owner, identity, text(key.get("principalId")), "AwsIamAccessKey"))
    if "s3BucketDetails" in resource:
        for bucket in objects(resource["s3BucketDetails"]):
            name = text(bucket.get("name"))
            uid = text(bucket.get("arn")) or (None if name is None else f"arn:aws:s3:::{name}")
            if uid is not None:
                found.append(_amazon(created, owner, uid, name, "AwsS3Bucket"))
    cluster = part(resource.get("eksClusterDetails"))
    if cluster and (uid := text(cluster.get("arn")) or text(cluster.get("name"))) is not None:
        found.append(_amazon(created, owner, uid, text(cluster.get("name")), "AwsEksCluster"))
    if "kubernetesDetails" in resource:
        _add_kubernetes(found, part(resource["kubernetesDetails"]), cluster, created)
    if "containerDetails" in resource or "ecsClusterDetails" in resource:
        task = part(part(resource.get("ecsClusterDetails")).get("taskDetails"))
        for container in (*objects(resource.get("containerDetails")), *objects(task.get("containers"))):
            _add_container(found, container, None, created)
    if "rdsDbInstanceDetails" in resource:
        database = part(resource["rdsDbInstanceDetails"])
        if (uid := text(database.get("dbInstanceArn"))) is not None:
            found.append(_amazon(created, owner, uid, text(database.get("dbInstanceIdentifier")), "AwsRdsDbInstance"))
    if "rdsDbUserDetails" in resource and (login := text(part(resource["rdsDbUserDetails"]).get("user"))) is not None:
        found.append(evidence("user", created, userAccount=account(login)))
    if "lambdaDetails" in resource:
        function = part(resource["lambdaDetails"])
        if (uid := text(function.get("functionArn"))) is not None:
            found.append(_amazon(created, owner, uid, text(function.get("functionName")), "AwsLambdaFunction"))


def _add_instance(found: list[Record], instance: Record, owner: str | None, region: str | None, created: str | None) -> None:
    """An instance as a resource, and as a device with its addresses."""
    number = text(instance.get("instanceId"))
    if number is None:
        return
    found.append(
        _amazon(created, owner, f"arn:aws:ec2:{region or ''}:{owner or ''}:instance/{number}", number, "AwsEc2Instance")
    )
    device: Record = {"@odata.type": DEVICE, "createdDateTime": created, "hostName": number}
    interfaces = objects(instance.get("networkInterfaces"))
    if inside := [ip for item in interfaces if (ip := address(item.get("privateIpAddress"))) is not None]:
        device["ipInterfaces"] = inside
    for item in interfaces:
        if (ip := address(item.get("publicIp"))) is not None:
            device["lastExternalIpAddress"] = ip
            break
    if (platform := text(instance.get("platform"))) is not None:
        device["osPlatform"] = platform
    found.append(device)


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
        if name in action and (details := part(action[name])):
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
    item: Record = {"@odata.type": IP, "createdDateTime": created, "ipAddress": ip}
    country, place = part(remote.get("country")), part(remote.get("geoLocation"))
    if (code := text(country.get("countryCode"))) is not None:
        item["countryLetterCode"] = code
    location: Record = {}
    if (city := text(part(remote.get("city")).get("cityName"))) is not None:
        location["city"] = city
    if (named := text(country.get("countryName"))) is not None:
        location["countryName"] = named
    for member, given in (("latitude", place.get("lat")), ("longitude", place.get("lon"))):
        if (degrees := _degrees(given)) is not None:
            location[member] = degrees
    if location:
        item["location"] = location
    item["roles"] = ["destination"] if not source else ["source", "attacker"] if role in ATTACKERS else ["source"]
    found.append(item)
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
    item: Record = {"@odata.type": CONNECTION, "createdDateTime": created}
    for member, (ip, port) in (("source", source), ("destination", destination)):
        item[f"{member}Address"] = {"@odata.type": IP, "createdDateTime": created, "ipAddress": ip}
        if port is not None:
            item[f"{member}Port"] = port
    item["protocol"] = protocol
    found.append(item)
