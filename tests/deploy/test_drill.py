"""`just drill`, in the local AWS: FIS is not there, so the node is ended through its group."""

import os
import re
import signal
import subprocess

from conftest import INFRA
from stand_in import OLD, StandIn

GROUP = "k3s"


def test_a_node_survives_its_drill_and_the_outage_is_told(live):
    autoscaling = live.client("autoscaling")

    def instance():
        (only,) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        return [it["InstanceId"] for it in only["Instances"] if it["LifecycleState"] == "InService"]

    (old,) = instance()
    said = live.done("drill.sh", GROUP, "--by", "termination")
    (new,) = instance()
    assert new != old
    assert f"The node is back: {new}" in said
    outage_s = float(re.search(r"an outage of ([0-9.]+) s", said)[1])
    # The floor of a hand-off, and what no hand-off may take.
    assert 5 < outage_s < 120, said


def test_a_node_that_is_not_there_is_told(live):
    assert "there is no node nowhere" in live.refused("drill.sh", "nowhere", "--by", "termination")


def test_a_tag_that_the_cli_would_read_as_a_file_is_refused(live):
    tag = {"ResourceId": GROUP, "ResourceType": "auto-scaling-group", "Key": "durin:volume-id", "PropagateAtLaunch": True}
    live.client("autoscaling").create_or_update_tags(Tags=[{**tag, "Value": "file:///etc/passwd"}])
    said = live.refused("drill.sh", GROUP, "--by", "termination")
    assert 'is "file:///etc/passwd", and has to be a volume id' in said
    assert "root:" not in said


def test_the_record_of_another_name_is_not_the_nodes(live):
    """Route 53 lists from a name on: without the name itself, the next one comes first."""
    (zone,) = live.client("route53").list_hosted_zones()["HostedZones"]
    script = '. "$0/common.sh"; only_record "$1" "$(canonical "$2")" A; [ -z "$answer" ] || echo "$answer"'
    for name, found in [("A.durin.internal", ""), ("K3S.durin.internal", r"10\t1\t10\.0\.0\.[0-9]+\n")]:
        command = ["bash", "-euc", script, str(INFRA), zone["Id"].split("/")[-1], name]
        ended = subprocess.run(command, env=live.environment, capture_output=True, text=True, timeout=60, check=True)
        assert re.fullmatch(found, ended.stdout), ended


DRILL = ["drill.sh", "home", "--by", "termination", "--yes"]
# The node never gives up its volume.
STAYS = [("after ec2 describe-volumes *Attachments*", f"{OLD}\tattached")]


def test_a_move_between_two_looks_is_no_outage_of_no_seconds(tmp_path):
    ended = StandIn(tmp_path / "bin", []).run(*DRILL)
    assert "By polling: no look saw it away" in ended.stdout, ended
    assert "about 0 s" not in ended.stdout


def test_a_node_that_is_not_back_has_been_waited_for_as_long_as_is_said(tmp_path):
    """The last look begins in time and ends after it."""
    stand_in = StandIn(tmp_path / "bin", STAYS)
    slow = (tmp_path / "bin" / "aws").read_text().replace("#!/bin/sh\n", "#!/bin/sh\nsleep 1\n", 1)
    stand_in.write("aws", slow)
    ended = stand_in.run(*DRILL, "--within", "1")
    assert ended.returncode == 1
    assert int(re.search(r"not back after ([0-9]+) s", ended.stderr)[1]) >= 2, ended


def test_after_ctrl_c_it_says_what_goes_on_and_where_to_look(tmp_path):
    stand_in = StandIn(tmp_path / "bin", STAYS)
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    command = [INFRA / DRILL[0], *DRILL[1:]]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # Whoever runs the tests in the background has it ignored, and a shell cannot trap what it was born to ignore.
    hear = {"start_new_session": True, "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    with subprocess.Popen(command, env=environment, **pipes, text=True, **hear) as drill:
        try:
            # Its first look.
            assert any("InService" in line and " s  " in line for line in drill.stdout)
            # A terminal sends it to the whole group.
            os.killpg(drill.pid, signal.SIGINT)
            _, told = drill.communicate(timeout=30)
        finally:
            drill.kill()
    assert drill.returncode == 1
    (error,) = told.split("\n", 1)[1].splitlines()
    assert error.startswith("error: ") and "goes on without this script: aws autoscaling describe-auto-scaling-groups" in error
    assert "terminate-instance-in" in " ".join(stand_in.calls())
