"""`just restore-node` against moto: a node comes back with the data of a snapshot, whenever the command is interrupted."""

import os
import signal
import stat

import pytest

from conftest import INFRA, Account
from only_loopback import REGION

ZONE, OTHER_ZONE = f"{REGION}a", f"{REGION}b"
NODE = {"durin:volume": "data", "durin:node": "home"}


@pytest.fixture(scope="module")
def subnets(account):
    """A subnet in each of two zones of a VPC."""
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate([ZONE, OTHER_ZONE])
    ]
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    return {"vpc": vpc, "here": made[0], "there": made[1], "group": group["GroupId"]}


@pytest.fixture(scope="module")
def home(account, subnets):
    """The node home, as its template makes it, and a copy of its volume."""
    image = account.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    parameters = {
        "NodeName": "home",
        "VpcId": subnets["vpc"],
        "SubnetIds": subnets["here"],
        "AvailabilityZone": ZONE,
        "SecurityGroupId": subnets["group"],
        "HostedZoneId": "Z0123456789",
        "RecordName": "home.durin.internal",
        "ImageParameter": "/durin/image",
        "InitialImageId": image,
        "DrainSeconds": "8",
    }
    account.client("cloudformation").create_stack(
        StackName="durin-node-home",
        TemplateBody=(INFRA / "node.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    return Home(account)


class Home:
    def __init__(self, account):
        self.account, self.ec2 = account, account.client("ec2")

    def group(self):
        found = self.account.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["home"])
        return found["AutoScalingGroups"][0]

    def declared(self):
        return {tag["Key"]: tag["Value"] for tag in self.group()["Tags"]}

    def volume(self):
        return self.declared()["durin:volume-id"]

    def tags(self, volume):
        return {tag["Key"]: tag["Value"] for tag in self.there(volume).get("Tags", [])}

    def there(self, volume):
        return self.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]

    def made(self):
        """What was made by restorations."""
        restored = [{"Name": "tag-key", "Values": ["durin:restored-from"]}]
        return {it["VolumeId"] for it in self.ec2.describe_volumes(Filters=restored)["Volumes"]}

    def copy(self, volume=None, **tags):
        """A copy, as Data Lifecycle Manager makes it."""
        tags = tags or {"durin:backup-of": "home", "durin:backup-is": "crash-consistent"}
        specification = [{"ResourceType": "snapshot", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
        return self.ec2.create_snapshot(VolumeId=volume or self.volume(), TagSpecifications=specification)["SnapshotId"]

    def is_restored(self, old, snapshot, zone=ZONE):
        """It has a volume of its own from that copy, and the one before is out of reach; and the group is as it was."""
        new = self.volume()
        assert new != old and new in self.made()
        assert self.tags(new).items() >= {**NODE, "durin:restored-from": snapshot, "durin:replaces": old}.items()
        assert self.there(new)["AvailabilityZone"] == zone and self.there(new)["SnapshotId"] == snapshot
        assert self.there(new)["Encrypted"], "or the functions could not be certain of its key"
        assert not NODE.keys() & self.tags(old).keys() and self.tags(old)["durin:backup-of"] == "home"
        there = self.group()
        assert (there["MinSize"], there["DesiredCapacity"], there["MaxSize"], len(there["Instances"])) == (1, 1, 2, 1)
        assert "durin:new-volume" not in self.declared() and self.declared()["durin:drain"] == "8"
        of_instance = [{"Name": "resource-id", "Values": [there["Instances"][0]["InstanceId"]]}]
        assert {tag["Key"]: tag["Value"] for tag in self.ec2.describe_tags(Filters=of_instance)["Tags"]}["durin:volume-id"] == new
        return new


class Dying(Account):
    """An account in which the script and all that it has started are killed right after its CLI's Nth call that writes."""

    def __init__(self, account, folder):
        super().__init__(account.endpoint)
        self.count = folder / "count"
        real = next(path for path in os.environ["PATH"].split(os.pathsep) if os.access(f"{path}/aws", os.X_OK))
        wrapper = folder / "aws"
        wrapper.write_text(f"""#!/bin/sh
{real}/aws "$@"
ended=$?
case "$1 $2" in
"cloudformation deploy" | *" create-"* | *" delete-"* | *" update-"*)
    read -r left <{self.count}
    echo $((left - 1)) >{self.count}
    [ "$left" != 1 ] || kill -9 0
    ;;
esac
exit $ended
""")
        wrapper.chmod(stat.S_IRWXU)
        self.environment["PATH"] = f"{folder}{os.pathsep}{self.environment['PATH']}"

    def killed_after(self, writes, script, *arguments):
        """Whether it was, and did not end before."""
        self.count.write_text(f"{writes}\n")
        process = self.start(script, *arguments, "--yes")
        said, _ = process.communicate(timeout=300)
        assert process.returncode in (0, -signal.SIGKILL), said
        return process.returncode != 0


def test_a_copy_goes_back_and_the_old_volume_stays(account, home):
    old, snapshot = home.volume(), home.copy()
    newer = home.copy()
    said = account.done("restore-node.sh", "home", "--snapshot", snapshot)
    assert "0 minutes ago: crash-consistent" in said and f"the newest copy of the node is {newer}" in said
    assert f"{old} stays as it is" in said
    home.is_restored(old, snapshot)
    # It is done: the same command does nothing more, and says so.
    told = account.refused("restore-node.sh", "home", "--snapshot", snapshot)
    assert f"has had a volume made from {snapshot}" in told
    assert len(home.made()) == 1


def test_it_goes_on_after_it_was_killed_at_any_write(account, home, tmp_path):
    dying = Dying(account, tmp_path)
    old, snapshot, made = home.volume(), home.copy(), home.made()
    # Each run is killed one write later than the one before: a volume, an empty group, the old volume's tags, one given and two
    # taken, those of the new one, the stack. The run before had done all but the last.
    for writes in [1, 1, 2, 3, 4, 5]:
        assert dying.killed_after(writes, "restore-node.sh", "home", "--snapshot", snapshot), writes
        assert len(home.made() - made) == 1
    assert home.volume() != old and home.group()["DesiredCapacity"] == 0
    account.done("restore-node.sh", "home", "--snapshot", snapshot)
    assert home.made() - made == {home.is_restored(old, snapshot)}


def test_a_node_comes_back_in_another_zone(account, home, subnets):
    old, snapshot = home.volume(), home.copy()
    told = account.refused("restore-node.sh", "home", "--snapshot", snapshot, "--zone", f"{REGION}c")
    assert f"has no subnet in {REGION}c" in told and home.volume() == old
    account.done("restore-node.sh", "home", "--snapshot", snapshot, "--zone", OTHER_ZONE)
    home.is_restored(old, snapshot, zone=OTHER_ZONE)
    assert home.group()["VPCZoneIdentifier"] == subnets["there"]


def test_nobody_is_there_to_agree(account, home):
    old, made = home.volume(), home.made()
    succeeded, said = account.run("restore-node.sh", "home", "--snapshot", home.copy())
    assert not succeeded and "--yes" in said
    assert (home.volume(), home.made(), home.group()["DesiredCapacity"]) == (old, made, 1)


def test_a_snapshot_that_is_not_the_nodes_is_refused(account, home):
    ec2 = account.client("ec2")
    theirs = ec2.create_volume(AvailabilityZone=ZONE, Size=1)["VolumeId"]
    snapshot = home.copy(theirs, Name="theirs")
    told = account.refused("restore-node.sh", "home", "--snapshot", snapshot)
    assert f"nothing says that the snapshot {snapshot} is one of the node home" in told and "Key=durin:backup-of,Value=home" in told
    assert "of this account here" in account.refused("restore-node.sh", "home", "--snapshot", "snap-0123456789abcdef0")
    assert "no node away here" in account.refused("restore-node.sh", "away", "--snapshot", snapshot)
