"""Each call of AWS that a script makes, refused once: the script ends there, and says in one sentence what AWS has said
and what to do about it."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import FUNCTIONS, INFRA
from stand_in import GROUP, IMAGE, NO_STACK, SNAPSHOT, SUBNET, VOLUME, ZONE, StandIn
from test_release import VERSION, built, packed

IMAGE_PARAMETER = "/durin/image"
NONE_YET = [("cloudformation describe-stacks *durin-node-home*StackStatus*", NO_STACK)]
PLACE = ["--subnet", SUBNET, "--security-group", GROUP]
NOBODYS = ("autoscaling describe-auto-scaling-groups *tag-key*durin:record-name*", "")
STOCK = ("ec2 describe-images *RootDeviceName*", "available\tx86_64\tebs\t/dev/xvda\tamazon\tal2023-ami-2023.1")
RUNNING = [("lambda get-function-configuration *LastUpdateStatus*", "Active\tSuccessful"), ("lambda update-function-*", ""), ("lambda create-function *", "")]
NO_FUNCTION = ("lambda get-function-configuration *CodeSha256*", ("An error occurred (ResourceNotFoundException): Function not found",))
# The script, its arguments, and what AWS answers otherwise than usually.
STORIES = {
    "deploy": (["deploy.sh", "--hosted-zone", ZONE], []),
    "a release": (["deploy.sh", "--hosted-zone", ZONE, "--release", f"v{VERSION}"], RUNNING),
    "a first release": (["deploy.sh", "--hosted-zone", ZONE, "--release", f"v{VERSION}"], [NO_FUNCTION, *RUNNING]),
    "a first node": (["deploy-node.sh", "home", "--image", IMAGE], NONE_YET),
    "a node in a place of its own": (
        ["deploy-node.sh", "home", "--volume", VOLUME, *PLACE, "--hosted-zone", ZONE],
        [*NONE_YET, NOBODYS],
    ),
    "a node in a zone that is found": (["deploy-node.sh", "home", *PLACE], [*NONE_YET, NOBODYS]),
    "a node that changes": (
        ["deploy-node.sh", "home", "--record", "new.durin.internal", "--volume", VOLUME, "--image-parameter", "/other"],
        [("route53 list-resource-record-sets *new.durin.internal*", ""), NOBODYS],
    ),
    "destroy-node": (["destroy-node.sh", "home", "--delete-volume", VOLUME], [("autoscaling describe-auto-scaling-groups *hosted-zone-id*", ""), ("cloudformation describe-stacks *HostedZoneArns*", f"arn:aws:route53:::hostedzone/{ZONE}")]),
    "a node on a stock image": (
        ["deploy-node.sh", "home", "--certificate-zone", ZONE],
        [*NONE_YET, ("ssm get-parameter */durin/image*", ("An error occurred (ParameterNotFound) when calling it: none",)), STOCK],
    ),
    "a node that stays on one": (
        ["deploy-node.sh", "home"],
        [("ec2 describe-images *ImageOwnerAlias, Architecture*", "amazon\tx86_64\tal2023-ami-2023.1"), NOBODYS],
    ),
    "apply": (["apply.sh", "home", "--xmpp-domain", "chat.example.org", "--email", "me@example.org"], []),
    "deploy-image": (["deploy-image.sh", "--now"], []),
    "destroy": (["destroy.sh"], [("autoscaling describe-auto-scaling-groups *", ""), ("cloudformation describe-stacks *StackStatus*", "CREATE_COMPLETE")]),
    "a roll-back": (["images.sh", "rollback", IMAGE_PARAMETER], []),
    "a copy that goes back": (["restore-node.sh", "home", "--snapshot", SNAPSHOT], []),
    "a copy that goes back elsewhere": (
        ["restore-node.sh", "home", "--snapshot", SNAPSHOT, "--zone", "eu-central-1b"],
        [
            ("ec2 describe-subnets *state*", "subnet-0fedcba9876543210"),
            ("ec2 describe-subnets *Ipv6Native*", "eu-central-1b\tvpc-1\tavailable\tFalse"),
            ("ec2 describe-volumes *durin:replaces*", "vol-0fedcba9876543210"),
        ],
    ),
    "a copy that has gone back to a node at rest": (
        ["restore-node.sh", "home", "--snapshot", SNAPSHOT],
        [
            ("autoscaling describe-auto-scaling-groups *VPCZoneIdentifier, to_string(DesiredCapacity)*", f"{VOLUME}\t{SUBNET}\t0"),
            ("ec2 describe-volumes *durin:restored-from*", SNAPSHOT),
        ],
    ),
    "a drill by termination": (["drill.sh", "home", "--by", "termination"], []),
    "a drill by interruption": (["drill.sh", "home"], []),
}
REFUSALS = {
    "denied": (
        "\nAn error occurred (AccessDenied) when calling the It operation: User: me is not authorized to perform: it\n",
        "may not do that",
    ),
    "no network": ('\nCould not connect to the endpoint URL: "https://it.eu-central-1.amazonaws.com/"\n', "has a network"),
}
REMEDIES = ["Set credentials", "may not do that", "has a network", "clock", "Wait a minute", "Once you have fixed that", "profiles"]
# Only this may fail, and then that is said: whoever owns a key need not let others see it.
MAY_BE_DENIED = "kms describe-key"
SUCCESS = r"is deployed|The pipeline is there|The cluster has|launches now|is gone|is back|names the image|comes back|could not be reached"


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("binaries")
    for name in FUNCTIONS:
        (folder / name).write_text(name)
    (folder / "durin-node-x86_64").write_text("durin-node")
    return ["--binaries", str(folder)]


@pytest.fixture(scope="module", autouse=True)
def releases(tmp_path_factory):
    """A place with one release."""
    folder = tmp_path_factory.mktemp("releases")
    ended = packed(built(tmp_path_factory.mktemp("built") / "there"), folder / f"v{VERSION}")
    assert ended.returncode == 0, ended.stderr
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DURIN_RELEASES", f"file://{folder}")
        yield


@pytest.fixture(scope="module")
def told(tmp_path_factory, binaries):
    """Runs a story, in which one call is refused, and gives how it ended and which calls it made."""

    def tell(name, **refused):
        (script, *arguments), answers = STORIES[name]
        aws = StandIn(tmp_path_factory.mktemp("told") / "bin", answers, **refused)
        more = binaries if script == "deploy.sh" and "--release" not in arguments else []
        # It asks nothing.
        agreed = ["--yes"] if script != "images.sh" else []
        return aws.run(script, *arguments, *more, *agreed), aws.calls()

    return tell


@pytest.fixture(scope="module")
def whole(told):
    """Every story without a refusal."""
    return {name: told(name) for name in STORIES}


@pytest.mark.parametrize("name", STORIES)
def test_without_a_refusal_it_succeeds(whole, name):
    ended, calls = whole[name]
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    assert calls


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("name", STORIES)
def test_each_call_that_is_refused_ends_it_in_one_sentence(told, whole, name, refusal):
    words, remedy = REFUSALS[refusal]
    _, calls = whole[name]

    def wrong(number):
        ended, made = told(name, fails_at=number, refusal=words)
        failed = calls[number - 1]
        if (failed, refusal) == (MAY_BE_DENIED, "denied"):
            return "" if ended.returncode == 0 and "Not checked" in ended.stdout else f"{failed}: {ended}"
        errors = [line for line in ended.stderr.splitlines() if "error" in line]
        is_right = (
            ended.returncode == 1
            and len(errors) == 1
            and errors[0].startswith("error: ")
            and words.split(":")[0].strip() in errors[0]
            and [it for it in REMEDIES if it in errors[0]] == [remedy]
            and not re.search(SUCCESS, ended.stdout)
            and set(made[number:]) <= {"cloudformation describe-stack-events"}
        )
        return "" if is_right else f"{number}, {failed}, and then {made[number:]}: {ended.returncode} {ended.stderr}"

    with ThreadPoolExecutor(4) as pool:
        found = [it for it in pool.map(wrong, range(1, len(calls) + 1)) if it]
    assert found == []


def test_every_call_of_the_scripts_is_refused_once(whole):
    walked = {call for _, calls in whole.values() for call in calls}
    text = "\n".join(path.read_text() for path in [*INFRA.glob("*.sh"), *(INFRA / "common").glob("*.sh")])
    text = re.sub(r"^ *#.*$", "", text, flags=re.MULTILINE)
    calls = re.findall(r"(?:^|[|&!{] |if ) *(?:call|try|is_there (?:\"[^\"]*\"|\S+)) ([a-z0-9]+ [a-z-]+)", text, re.MULTILINE)
    assert len(calls) > 40
    # Only when a stack has failed, and where no region or no credentials are set; and just prove, which goes on without.
    others = {"cloudformation describe-stack-events", "configure get", "configure export-credentials", "sts get-federation-token"}
    assert set(calls) - walked <= others


def test_no_script_calls_aws_otherwise():
    """In a subshell a failure would not end the script."""
    direct = {}
    for path in [*INFRA.glob("*.sh"), *(INFRA / "common").glob("*.sh")]:
        found = re.findall(r"(?:^|\$\(|[|&;{!] |if )\s*aws (\$|\"|[a-z0-9-]+ [a-z-]+)", path.read_text(), re.MULTILINE)
        direct |= {path.name: found} if found else {}
    assert direct == {
        "calls.sh": ['"'],
        "stacks.sh": ["cloudformation deploy"],
        "images.sh": ["lambda get-function-configuration"],
    }


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ('Unable to locate credentials. You can configure credentials by running "aws login".', "Set credentials"),
        ("Error loading SSO Token: Token for https://a.b does not exist", "Set credentials"),
        ("An error occurred (ExpiredToken) when calling it: The security token included in the request is expired", "Set credentials"),
        ("An error occurred (InvalidClientTokenId) when calling it: The security token is invalid.", "Set credentials"),
        ("The config profile (nope) could not be found", "aws configure list-profiles"),
        ("An error occurred (SignatureDoesNotMatch) when calling it: Signature expired", "clock"),
        (
            "An error occurred (SignatureDoesNotMatch) when calling it: Credential should be scoped to a valid region",
            "AWS_REGION has to be a region",
        ),
        ("An error occurred (InvalidAction) when calling it: The local AWS does not have cloudformation", "ends here"),
        ("An error occurred (Throttling) when calling it: Rate exceeded", "Wait a minute"),
        ("An error occurred (NobodyKnows) when calling it: what", "Once you have fixed that"),
        ("", "does not say why"),
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_each_reason_has_its_remedy(told, words, remedy, number):
    ended, _ = told("destroy", fails_at=number, refusal=words)
    (error,) = ended.stderr.splitlines()
    assert error.startswith("error: aws ") and remedy in error and words.rstrip(".") in error


def test_an_endpoint_that_is_set_is_named(told, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ended, _ = told("destroy", fails_at=1, refusal=REFUSALS["no network"][0])
    assert "AWS_ENDPOINT_URL is set" in ended.stderr and "network" not in ended.stderr


def test_a_region_that_the_cli_does_not_know_is_asked_for(told, monkeypatch):
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"]:
        monkeypatch.delenv(name)
    assert "region eu-central-1" in told("destroy")[0].stdout
    # Without one, the CLI fails and says nothing.
    assert "no region: set AWS_REGION" in told("destroy", fails_at=1, status=1)[0].stderr
    ended, _ = told("destroy", fails_at=1, refusal="The config profile (nope) could not be found")
    assert "(nope)" in ended.stderr and "no region" not in ended.stderr


@pytest.mark.parametrize(
    ("version", "answers", "told"),
    [
        ("2.31.0", [("configure export-credentials *", ("Unable to retrieve credentials: no credentials found",))], "Set credentials"),
        ("2.31.0", [("configure export-credentials *", ("The config profile (nope) could not be found",))], "list-profiles"),
        ("1.45.11", [("configure get aws_*", ("The config profile (nope) could not be found",))], "list-profiles"),
        ("1.45.11", [("configure get aws_*", "")], "the AWS CLI has no credentials"),
    ],
)
def test_images_without_credentials_are_told_in_one_sentence(tmp_path, monkeypatch, version, answers, told):
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]:
        monkeypatch.delenv(name)
    ended = StandIn(tmp_path / "bin", [("--version", f"aws-cli/{version}"), *answers]).run("images.sh", "rollback", "/durin/image")
    assert (ended.returncode, ended.stdout) == (1, "")
    (error,) = ended.stderr.splitlines()
    assert error.startswith("error: ") and told in error


def test_the_right_to_prove_names_is_taken_back(tmp_path):
    aws = StandIn(tmp_path / "aws", [NOBODYS])
    done = aws.run("deploy-node.sh", "home", "--certificate-zone", "none", "--yes")
    assert done.returncode == 0, done.stderr
    assert "with CertificateZoneId=\n" in done.stdout


def test_types_that_show_no_volume_as_an_nvme_device_are_refused(tmp_path):
    answers = [*NONE_YET, ("ec2 describe-instance-types *xen*", "t2.medium")]
    ended = StandIn(tmp_path / "bin", answers).run("deploy-node.sh", "home", "--image", IMAGE, "--yes")
    assert ended.returncode != 0
    assert "t2.medium shows no EBS volume as an NVMe device (Xen)" in ended.stderr, ended.stderr


def test_a_zone_stays_with_another_node_that_has_no_record_yet(tmp_path):
    others = ("autoscaling describe-auto-scaling-groups *tag-key*durin:hosted-zone-id*", f"{ZONE}\thome\n{ZONE}\taway")
    aws = StandIn(tmp_path / "bin", [others])
    ended = aws.run("destroy-node.sh", "home", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert f"Zone {ZONE}: kept, because it is also that of away" in ended.stdout
    assert "route53 delete-hosted-zone" not in aws.calls() and "cloudformation update-stack" not in aws.calls()


def test_a_zone_goes_with_its_last_node(tmp_path):
    aws = StandIn(tmp_path / "bin", [])
    assert aws.run("destroy-node.sh", "home", "--yes").returncode == 0
    assert "route53 delete-hosted-zone" in aws.calls()
