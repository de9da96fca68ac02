"""What an instance of a stock image answers before it has the program: that it is coming, which the functions wait for, or that it
cannot be asked, which they take for an image of somebody's own."""

import json
import subprocess

import pytest
import yaml

from conftest import INFRA

PROVISIONING, ENDED, USER_DATA = "etc/durin/provisioning", "run/cloud-init/result.json", "var/lib/cloud/instance/user-data.txt"


@pytest.fixture
def asked(tmp_path):
    """Asks one of the documents' questions on a machine that has these files, as the agent does."""

    def ask(resource, files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        (tmp_path / "sleep").write_text("#!/bin/sh\n")
        (tmp_path / "sleep").chmod(0o755)
        document = yaml.safe_load((INFRA / "release.yaml").read_text())["Resources"][resource]["Properties"]["Content"]
        (script,) = document["mainSteps"][0]["inputs"]["runCommand"]
        # But for what is looked for in the user data.
        for path in ["usr/local/bin", PROVISIONING, "run/cloud-init", "var/lib/cloud"]:
            script = script.replace(f"-e /{path}", f"-e {tmp_path}/{path}").replace(f"=/{path}", f"={tmp_path}/{path}").replace(f" /{path}/instance", f" {tmp_path}/{path}/instance")
        return subprocess.run(["sh", "-c", f"PATH={tmp_path}:$PATH\n{script}"], capture_output=True, text=True, timeout=30, check=False)

    return ask


def own_user_data():
    template = yaml.safe_load((INFRA / "node.yaml").read_text())["Resources"]["LaunchTemplate"]["Properties"]
    return template["LaunchTemplateData"]["UserData"]["Fn::If"][1]["Fn::Base64"]["Fn::Sub"]


OWN = own_user_data()


COMING = {"Prepared": ("not prepared", "it is still being provisioned"), "Serves": ("does not serve", "it is still being provisioned")}
# What waiting does not change. (`shared/src/node/words.rs`)
FAILED = {resource: (answer, "its provisioning has failed: look at /var/log/cloud-init-output.log on it") for resource, answer in [("Prepared", "unfit"), ("Serves", "does not serve")]}


@pytest.mark.parametrize("resource", ["Prepared", "Serves"])
@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({USER_DATA: OWN}, COMING),
        ({USER_DATA: OWN, PROVISIONING: ""}, COMING),
        ({PROVISIONING: ""}, COMING),
        # It failed half-way; or before its first line.
        ({USER_DATA: OWN, PROVISIONING: "", ENDED: "{}"}, FAILED),
        ({USER_DATA: OWN, ENDED: "{}"}, None),
        # Of an image of somebody's own, whose user data may wait for the volume.
        ({USER_DATA: "#!/bin/sh\nmount /data\n"}, None),
        ({}, None),
    ],
)
def test_an_instance_says_that_it_is_coming_until_cloud_init_has_ended(asked, resource, files, says):
    ended = asked(resource, files)
    assert ended.returncode == 1
    if says:
        answer = json.loads(ended.stdout)
        assert (answer["answer"], answer["why"]) == says[resource] and ended.stderr == ""
    else:
        assert ended.stdout == "" and "there is no" in ended.stderr
