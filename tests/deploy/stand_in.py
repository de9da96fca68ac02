"""A stand-in for the AWS CLI and cargo-lambda, in which any one call can fail. It has no account behind it: it answers what
the scripts ask, in the text that their queries make of AWS's answers."""

import os
import stat
import subprocess
from pathlib import Path

from conftest import INFRA
from only_loopback import REGION

IMAGE, OLD, NEW = "ami-0123456789abcdef0", "i-0123456789abcdef0", "i-0fedcba9876543210"
VOLUME, SUBNET, GROUP, ZONE = "vol-0123456789abcdef0", "subnet-0123456789abcdef0", "sg-0123456789abcdef0", "Z0123456789"
SNAPSHOT = "snap-0123456789abcdef0"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"

# A refusal is a tuple.
NO_STACK = ("An error occurred (ValidationError): Stack with id x does not exist",)
# What AWS answers to arguments that are like this, the first that fits: in every situation, and `after` the end of the old
# instance.
ANSWERS = [
    ("sts get-caller-identity *", "arn:aws:iam::123456789012:user/me"),
    ("configure get region", REGION),
    ("cloudformation describe-stacks *durin-network*StackStatus*", NO_STACK),
    ("cloudformation describe-stacks *StackStatus*", "CREATE_COMPLETE"),
    ("cloudformation describe-stacks *SubnetId*", SUBNET),
    ("cloudformation describe-stacks *SecurityGroupId*", GROUP),
    ("cloudformation describe-stacks *VolumeId*", VOLUME),
    ("cloudformation describe-stacks *'Bucket'*", "durin-123456789012-eu-central-1"),
    ("cloudformation describe-stacks *Bundle*", 32 * "0f"),
    ("cloudformation describe-stacks *ServiceNames*", "true"),
    ("cloudformation describe-stacks *CertificateZoneId*", "Z0PUBLIC"),
    ("cloudformation describe-stacks *EbsCsi*", "true"),
    ("cloudformation describe-stacks *PipelineArn*", "arn:aws:imagebuilder:eu-central-1:123456789012:image-pipeline/durin"),
    ("cloudformation describe-stacks *HostedZoneId*", ZONE),
    ("cloudformation describe-stacks *HostedZoneArns*", "arn:aws:route53:::hostedzone/NONE"),
    ("cloudformation describe-stacks *RecordName*", "home.durin.internal"),
    ("cloudformation describe-stacks *ImageParameter*", "/durin/image"),
    ("cloudformation describe-stacks *AlarmTopicArn*", "arn:aws:sns:eu-central-1:123456789012:durin"),
    ("cloudformation describe-stacks *ExperimentTemplateId*", "EXT1"),
    ("cloudformation *", ""),
    ("lambda get-function-configuration *", "unlike"),
    ("lambda delete-function *", ""),
    ("autoscaling describe-auto-scaling-groups *tag:durin:volume-id*", ""),
    ("autoscaling describe-auto-scaling-groups *tag-key*durin:record-name*", f"home\t{VOLUME}\t{ZONE}\thome.durin.internal"),
    ("autoscaling describe-auto-scaling-groups *tag-key*durin:hosted-zone-id*", f"{ZONE}\thome"),
    ("autoscaling describe-auto-scaling-groups *tag-key*durin:volume-id*Value*", f"{VOLUME}\thome"),
    ("autoscaling describe-auto-scaling-groups *SuspendedProcesses*", ""),
    ("autoscaling describe-auto-scaling-groups *PropagateAtLaunch*", "durin:volume-id"),
    ("autoscaling describe-auto-scaling-groups *OnDemandPercentage*", f"DesiredCapacity\t1\nHostedZoneId\t{ZONE}\nRecordName\thome.durin.internal\nVolumeId\t{VOLUME}\nSubnetIds\t{SUBNET}"),
    ("autoscaling describe-auto-scaling-groups *length*", "0"),
    ("autoscaling describe-auto-scaling-groups *durin:volume-id*", VOLUME),
    ("autoscaling describe-auto-scaling-groups *durin:hosted-zone-id*", ZONE),
    ("autoscaling describe-auto-scaling-groups *durin:record-name*", "home.durin.internal"),
    (f"autoscaling describe-auto-scaling-groups *InstanceId=='{OLD}'*", OLD),
    ("autoscaling describe-auto-scaling-groups *VPCZoneIdentifier, to_string(DesiredCapacity)*", f"{VOLUME}\t{SUBNET}\t1"),
    ("after autoscaling describe-auto-scaling-groups *InService*", NEW),
    ("autoscaling describe-auto-scaling-groups *InService*", OLD),
    ("autoscaling describe-auto-scaling-groups *", ""),
    ("autoscaling describe-lifecycle-hooks *durin-launch*", "autoscaling:EC2_INSTANCE_LAUNCHING\tABANDON\t1800"),
    ("autoscaling describe-lifecycle-hooks *", "autoscaling:EC2_INSTANCE_TERMINATING\tCONTINUE\t900"),
    ("autoscaling describe-scaling-activities *", "2026-01-01T00:00:30+00:00"),
    ("autoscaling *", ""),
    ("fis start-experiment *", "EXP1"),
    ("ssm get-parameter-history *", f"1\tami-0123456789abcdef1\n2\t{IMAGE}"),
    ("ssm get-parameter *", IMAGE),
    ("ssm list-tags-for-resource *", "durin:image-parameter"),
    ("ssm describe-document *", f"3\t{32 * '0f'}"),
    ("ssm list-command-invocations *", "2026-01-01T00:00:00+00:00"),
    ("ec2 describe-images *durin:image-parameter*", IMAGE),
    ("ec2 describe-images *RootDeviceName*", "available\tx86_64\tebs\t/dev/xvda\tNone\tk3s"),
    ("ec2 describe-images *ImageOwnerAlias*", "None\tx86_64\tk3s"),
    ("ec2 describe-images *[State, ImageOwnerAlias, Name, *", "available\tNone\tdurin-node\tv1.36.4+k3s1"),
    ("ec2 describe-images *", IMAGE),
    ("ec2 describe-instance-types *", ""),
    ("ec2 describe-availability-zones *", "eu-central-1a"),
    ("ec2 describe-subnets *Ipv6Native*", "eu-central-1a\tvpc-1\tavailable\tFalse"),
    ("ec2 describe-subnets *AvailabilityZone*", "vpc-1\teu-central-1a"),
    ("ec2 describe-subnets *", "vpc-1"),
    ("ec2 describe-security-groups *", "vpc-1"),
    ("ec2 describe-snapshots *KmsKeyId*", f"completed\t2026-01-01T00:00:00+00:00\t{VOLUME}\t20\ttrue\t{KEY}\thome\tcrash-consistent"),
    ("ec2 describe-snapshots *", SNAPSHOT),
    ("ec2 create-volume *", "vol-0fedcba9876543210"),
    ("ec2 describe-volumes *durin:restored-from*", ""),
    ("ec2 describe-volumes *AvailabilityZone*", "eu-central-1a"),
    ("ec2 describe-volumes *'durin:volume'*'durin:node'*", "data\thome"),
    ("ec2 describe-volumes *KmsKeyId*", f"in-use\tFalse\tTrue\t{KEY}\t{OLD}"),
    ("after ec2 describe-volumes *Attachments*", f"{NEW}\tattached"),
    ("ec2 describe-volumes *Attachments*", f"{OLD}\tattached"),
    ("ec2 describe-instances *groupName*", "home"),
    ("ec2 describe-instances *", "10.0.0.5"),
    ("ec2 *", ""),
    ("imagebuilder *", "arn:aws:imagebuilder:eu-central-1:123456789012:image/durin/1.0.0/1"),
    ("s3api head-object *", ("An error occurred (404) when calling the HeadObject operation: Not Found",)),
    ("s3api list-object-versions *", "instances/0f.tar\tversion-1\nNone"),
    ("s3api *", ""),
    ("kms describe-key *", "Enabled\tCUSTOMER"),
    ("route53 get-hosted-zone *HostedZone.Config.PrivateZone*", "False"),
    ("route53 get-hosted-zone *Comment*", "Durin: where nodes are."),
    ("route53 get-hosted-zone *", "durin.internal.\tTrue"),
    ("route53 list-resource-record-sets *TXT*length*", '10\t1\t"node=home"'),
    ("route53 list-resource-record-sets *length*", "10\t1\t10.0.0.5"),
    ("route53 create-hosted-zone *", f"/hostedzone/{ZONE}"),
    ("route53 *", ""),
]
CARGO = r"""#!/bin/sh
case "$*" in
"lambda --version") echo "cargo-lambda 1.9.2" ;;
"operator rollback /durin/image") echo "$3 names the image before again" ;;
*--dry) printf '%s\n' '"path": "/dev/null",' '"memory": 128,' '"timeout": 900,' '"arch": "x86_64"' ;;
esac
"""


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


class StandIn:
    """The programs, in a folder of their own. `fails_at` is the number of the call that is refused in these words."""

    def __init__(self, folder, answers, fails_at=0, refusal="", status=254):
        self.folder = folder
        folder.mkdir()
        (folder / "refusal").write_text(refusal)
        rows = []
        for pattern, text in [*answers, *ANSWERS]:
            # What is quoted in a shell's pattern is no wildcard.
            pattern = "*".join(quoted(part) if part else "" for part in pattern.split("*"))
            pattern = pattern if pattern.startswith("'after ") else f"*{pattern}"
            is_refused = isinstance(text, tuple)
            printed = f"printf %s {quoted(text + chr(10) if text else '')}" if not is_refused else f"echo {quoted(text[0])} >&2; exit 254"
            rows.append(f"{pattern}) {printed} ;;")
        self.write("aws", f"""#!/bin/sh
cd {quoted(str(folder))}
read -r calls <count
echo $((calls += 1)) >count
echo "$1 $2" >>calls
[ $calls != {fails_at} ] || {{ cat refusal >&2; exit {status}; }}
phase=
[ ! -e ended ] || phase='after '
case "$phase$*" in
*terminate-instance-in*|*start-experiment*) : >ended ;;
esac
case "$phase$*" in
{chr(10).join(rows)}
*) echo "tests/deploy/stand_in.py has no answer to: $*" >&2; exit 99 ;;
esac
""")
        self.write("cargo", CARGO)
        self.write("kubectl", f"#!/bin/sh\ncase $1,$2 in get,nodes) echo node/home ;; get,node) printf %s {OLD} ;; esac\n")
        (folder / "count").write_text("0\n")
        (folder / "calls").write_text("")

    def write(self, name, text):
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(stat.S_IRWXU)

    def run(self, script, *arguments):
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "TMPDIR": str(self.folder)}
        command = [Path(INFRA) / script, *arguments]
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )

    def calls(self):
        """Service and operation of each call, in order."""
        return (self.folder / "calls").read_text().splitlines()
