"""`just drill`, in the local AWS: FIS is not there, so the node is ended through its group."""

import re

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
