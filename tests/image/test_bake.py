"""What bakes: Packer's template, Image Builder's component, and durin-node as it goes into an image."""

import os
import re
import shutil
import subprocess

import yaml

from conftest import INFRA, not_run

# Packer asks its makers for news otherwise.
QUIET = {**os.environ, "CHECKPOINT_DISABLE": "1"}
# Amazon Linux 2023's.
OLDEST_GLIBC = (2, 34)
# Debian's Packer, 1.6.6, is older than these; a newer one reads the template as it is, once it has fetched its plugin.
TOO_NEW = [
    r"^  metadata_options \{.*?^  \}\n",
    r"^  imds_support .*?\n",
    r"^  temporary_security_group_source_public_ip .*?\n",
]


def test_packer_understands_the_template(tmp_path):
    if not shutil.which("packer"):
        not_run("packer validate", "there is no Packer (Debian: apt install packer)")
    text = (INFRA / "image" / "durin.pkr.hcl").read_text()
    for pattern in TOO_NEW:
        text, count = re.subn(pattern, "", text, flags=re.MULTILINE | re.DOTALL)
        assert count == 1, pattern
    (tmp_path / "durin.pkr.hcl").write_text(text)
    (tmp_path / "bundle").write_text("")
    command = ["packer", "validate", "-var", f"bundle={tmp_path}/bundle", "-var", "region=eu-central-1", tmp_path]
    done = subprocess.run(command, env=QUIET, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mistake_in_the_template_is_found(tmp_path):
    if not shutil.which("packer"):
        not_run("packer validate", "there is no Packer (Debian: apt install packer)")
    (tmp_path / "durin.pkr.hcl").write_text('source "amazon-ebs" "node" {\n  volume = 1\n}\nbuild {\n  sources = ["source.amazon-ebs.node"]\n}\n')
    assert subprocess.run(["packer", "validate", tmp_path], env=QUIET, capture_output=True, check=False).returncode != 0


def test_both_bake_the_same_bundle_in_the_same_way():
    """And the image has its tag, is encrypted from the start, and its snapshots are tagged."""
    packer = (INFRA / "image" / "durin.pkr.hcl").read_text()
    template = yaml.safe_load((INFRA / "image" / "builder.yaml").read_text())
    component = template["Resources"]["Component"]["Properties"]["Data"]["Fn::Sub"]
    for text in [packer, component]:
        assert re.search(r"provision\.sh --image$|provision\.sh --image\"", text, re.MULTILINE)
    assert 'snapshot_tags   = local.tags' in packer and '"durin:image-parameter" = var.image_parameter' in packer
    assert re.search(r"^    encrypted +(?:=) true$", packer, re.MULTILINE) and "encrypt_boot  " not in packer
    (distribution,) = template["Resources"]["Distribution"]["Properties"]["Distributions"]
    assert distribution["AmiDistributionConfiguration"]["AmiTags"]["durin:image-parameter"] == {"Ref": "ImageParameter"}
    assert distribution["AmiDistributionConfiguration"]["AmiTags"]["durin:k3s-version"] == {"Ref": "K3sVersion"}
    assert re.search(r'"durin:k3s-version" += var\.k3s_version', packer)
    (disk,) = template["Resources"]["Recipe"]["Properties"]["BlockDeviceMappings"]
    assert disk["Ebs"]["Encrypted"] is True


def test_the_component_is_one_that_image_builder_takes():
    """Its own limits and words. (Image Builder User Guide, "Use the component document framework for custom components")"""
    template = yaml.safe_load((INFRA / "image" / "builder.yaml").read_text())
    data = template["Resources"]["Component"]["Properties"]["Data"]["Fn::Sub"]
    assert len(data) < 16_000
    document = yaml.safe_load(data)
    assert [phase["name"] for phase in document["phases"]] == ["build", "validate", "test"]
    for phase in document["phases"]:
        for step in phase["steps"]:
            assert step["action"] == "ExecuteBash" and step["inputs"]["commands"]


def glibc_versions(text):
    """Those that readelf lists among what a program needs."""
    return {tuple(map(int, version.split("."))) for version in re.findall(r"Name: GLIBC_([0-9.]+)", text)}


def test_durin_node_needs_no_newer_c_library_than_amazon_linux_has(built):
    programs = sorted(built.iterdir())
    if not programs:
        not_run("what durin-node needs of a C library", "the Rust toolchain has no musl target")
    for program in programs:
        text = subprocess.run(["readelf", "--version-info", "--dynamic", program], capture_output=True, text=True, check=True).stdout
        assert "NEEDED" not in text
        assert [it for it in glibc_versions(text) if it > OLDEST_GLIBC] == [], program


def test_a_symbol_that_is_too_new_is_found():
    text = "  0x0010:   Name: GLIBC_2.38  Flags: none  Version: 3\n  0x0020:   Name: GLIBC_2.2.5  Flags: none  Version: 2\n"
    assert [it for it in glibc_versions(text) if it > OLDEST_GLIBC] == [(2, 38)]
