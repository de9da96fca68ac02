"""What both stories by hand are about: the node that the local AWS begins with."""

GROUP = "k3s"
LAUNCH_HOOK = "durin-launch"
TERMINATE_HOOK = "durin-terminate"
DEVICE = "/dev/sdf"
RECORD = "k3s.durin.internal."


def tag(group, key):
    """What a tag of the group says, for instance which volume is the node's."""
    return {tag["Key"]: tag["Value"] for tag in group["Tags"]}[key]


def in_state(group, state):
    """The one instance of the group in that lifecycle state, if there is one."""
    found = [it["InstanceId"] for it in group["Instances"] if it["LifecycleState"] == state]
    assert len(found) <= 1, found
    return found[0] if found else None


def record_set(address, ttl=10):
    return {"Name": RECORD, "Type": "A", "TTL": ttl, "ResourceRecords": [{"Value": address}]}


def a_records(listed):
    """Without the claims, which are TXT records."""
    return [record for record in listed["ResourceRecordSets"] if record["Type"] == "A"]


def moved(old, new):
    """The change batch that moves the record. It fails as a whole if the old address is not current."""
    return {
        "Changes": [
            {"Action": "DELETE", "ResourceRecordSet": record_set(old)},
            {"Action": "CREATE", "ResourceRecordSet": record_set(new)},
        ]
    }
