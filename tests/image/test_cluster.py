"""What runs on k3s: it builds with kustomize, Kubernetes' schemas take it, everything is pinned, and patches fit."""

import os
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from conftest import INFRA

CLUSTER = INFRA / "cluster"
BUILT = ["platform", "services", "ebs-csi"]
# Those of k3s's own release, infra/image/versions.sh.
KUBERNETES = re.search(r"k3s_version=v(1\.[0-9]+)\.", (INFRA / "image" / "versions.sh").read_text())[1]
# Kinds that charts and k3s bring, of which Kubernetes has no schema: what they cannot do without.
CUSTOM = {
    "HelmChart": {"chart", "version", "targetNamespace"},
    "ClusterIssuer": {"acme"},
    "Certificate": {"secretName", "dnsNames", "issuerRef"},
}


def kubectl(*arguments, text=None):
    ended = subprocess.run(["kubectl", *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def documents(text):
    return [it for it in yaml.safe_load_all(text) if it]


def problem(document):
    """What Kubernetes would not take, or nothing."""
    if document["kind"] in CUSTOM:
        missing = CUSTOM[document["kind"]] - document["spec"].keys()
        return f"{document['kind']} lacks {missing}" if missing else None
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{document['kind']} {document['metadata']['name']}: {error.message}"
    return None


@pytest.fixture(scope="module")
def built():
    return {name: documents(kubectl("kustomize", str(CLUSTER / name))) for name in BUILT}


def pods(of):
    for document in of:
        if document["kind"] in ("Deployment", "DaemonSet", "StatefulSet"):
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def everything(built):
    return [document for of in built.values() for document in of]


def test_every_folder_is_built():
    assert {path.parent.name for path in CLUSTER.rglob("kustomization.yaml")} == set(BUILT)


def test_kubernetes_takes_it(built):
    assert [it for it in map(problem, everything(built)) if it] == []


def test_a_mistake_is_found(built):
    (deployment,) = [it for it in built["services"] if it["kind"] == "Deployment"]
    assert problem({**deployment, "spec": {**deployment["spec"], "replica": 1}})
    assert problem({"kind": "HelmChart", "spec": {"chart": "x"}})


def test_everything_is_pinned_and_comes_back_without_a_registry(built):
    """A node that comes back must not get something else than it had, nor wait for a registry to say so."""
    for name, pod in pods(everything(built)):
        for container in pod["containers"]:
            assert re.search(r":v?[0-9]+(\.[0-9]+)+$", container["image"]), name
            assert container["imagePullPolicy"] == "IfNotPresent", name
    for document in everything(built):
        if document["kind"] == "HelmChart":
            assert re.fullmatch(r"v?[0-9]+\.[0-9]+\.[0-9]+", document["spec"]["version"])


def test_data_is_on_the_data_volume(built):
    config = yaml.safe_load((INFRA / "image" / "config.yaml").read_text())
    assert config["default-local-storage-path"].startswith("/data/") and "local-storage" not in config.get("disable", [])
    (claim,) = [it for it in everything(built) if it["kind"] == "PersistentVolumeClaim"]
    classes = {it["metadata"]["name"]: it["provisioner"] for it in everything(built) if it["kind"] == "StorageClass"}
    assert classes[claim["spec"]["storageClassName"]] == "rancher.io/local-path"


def test_a_pod_gets_the_nodes_role_only_in_the_hosts_network(built):
    """The hop limit is 1. The charts' pods get there by values, or by a patch."""
    assert {name for name, pod in pods(everything(built)) if pod.get("hostNetwork")} == {"external-dns"}
    (ebs,) = [it for it in built["ebs-csi"] if it["kind"] == "HelmChart"]
    assert yaml.safe_load(ebs["spec"]["valuesContent"])["node"]["hostNetwork"] is True
    template = (INFRA / "node.yaml").read_text()
    assert "HttpPutResponseHopLimit: 1" in template


# As the charts make them, without what the patches do not touch.
CHARTS = {
    "cert-manager": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}, "containers": [{"name": "cert-manager-controller", "image": "a:1"}]},
    "ebs-csi": {
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
        "containers": [
            {"name": "ebs-plugin", "image": "a:1", "ports": [{"name": "healthz", "containerPort": 9808, "protocol": "TCP"}]},
            {"name": "liveness-probe", "image": "b:1", "args": ["--csi-address=/csi/csi.sock"]},
        ],
    },
}


@pytest.mark.parametrize("chart", CHARTS)
def test_a_patch_puts_a_charts_pod_into_the_hosts_network(chart, tmp_path):
    made = CHARTS[chart]
    labels = {"app": chart}
    template = {"metadata": {"labels": labels}, "spec": {"containers": made["containers"]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": chart},
        "spec": {"selector": {"matchLabels": labels}, "strategy": made["strategy"], "template": template},
    }
    (tmp_path / "deployment.yaml").write_text(yaml.safe_dump(deployment))
    patch = CLUSTER / f"{chart}-in-host-network.yaml"
    (patched,) = documents(kubectl("patch", "--local", "-f", str(tmp_path / "deployment.yaml"), "--type", "strategic", "--patch-file", str(patch), "-o", "yaml"))
    assert patched["spec"]["template"]["spec"]["hostNetwork"] is True
    assert patched["spec"]["strategy"] == {"type": "Recreate"}
    ports = [port["containerPort"] for it in patched["spec"]["template"]["spec"]["containers"] for port in it.get("ports", [])]
    assert 9808 not in ports, "the node plugin has it"


# What AWS and the cluster answer `just apply`.
AWS = """#!/bin/sh
case $* in
"sts get-caller-identity "*) echo arn:aws:iam::123456789012:user/me ;;
*StackStatus*) echo CREATE_COMPLETE ;;
*HostedZoneId*) echo Z0PRIVATE ;;
*RecordName*) echo home.durin.internal ;;
*ServiceNames*) echo $SERVICE_NAMES ;;
*CertificateZoneId*) echo $CERTIFICATE_ZONE ;;
*EbsCsi*) echo $EBS_CSI ;;
*"InstanceId=='i-0123456789abcdef0'"*) echo i-0123456789abcdef0 ;;
*"InstanceId=='"*) ;;
*) echo "what is $*" >&2; exit 1 ;;
esac
"""
KUBECTL = """#!/bin/sh
echo "$*" >>"$CALLED"
case $* in
"get nodes"*) echo node/$NODE ;;
"get node $NODE "*durin/instance*) printf %s "$INSTANCE" ;;
esac
"""


@pytest.fixture
def apply(tmp_path):
    def run(*arguments, node="home", service_names="true", certificate_zone="", ebs_csi="false", instance="i-0123456789abcdef0", real_kubectl=False):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        programs = {"aws": AWS} if real_kubectl else {"aws": AWS, "kubectl": KUBECTL}
        (folder / "kubectl").unlink(missing_ok=True)
        for name, text in programs.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        environment = {
            **os.environ,
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "AWS_REGION": "eu-central-1",
            "CALLED": str(tmp_path / "called"),
            "NODE": node,
            "INSTANCE": instance,
            "SERVICE_NAMES": service_names,
            "CERTIFICATE_ZONE": certificate_zone,
            "EBS_CSI": ebs_csi,
        }
        command = [INFRA / "apply.sh", "home", *arguments]
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)

    yield run
    shutil.rmtree(INFRA.parent / "target" / "cluster" / "home", ignore_errors=True)


XMPP = ["--xmpp-domain", "example.org", "--email", "me@example.org"]


def test_what_is_known_of_the_node_is_filled_in(apply):
    printed = apply("--print", *XMPP, certificate_zone="Z0PUBLIC", ebs_csi="true", real_kubectl=True)
    assert printed.returncode == 0, printed.stderr
    assert "patch deployment cert-manager" in printed.stderr and "patch deployment ebs-csi-controller" in printed.stderr
    made = documents(printed.stdout)
    assert [it for it in map(problem, made) if it] == []
    assert not re.search(r"(?<!key)(?<!name): (?:XMPP_DOMAIN|EMAIL|REGION|RECORD|SERVICE_NAME|CERTIFICATE_ZONE_ID)$", printed.stdout, re.MULTILINE)
    of = {(it["kind"], it["metadata"]["name"]): it for it in made}
    solver = of["ClusterIssuer", "letsencrypt"]["spec"]["acme"]["solvers"][0]["dns01"]["route53"]
    assert solver == {"region": "eu-central-1", "hostedZoneID": "Z0PUBLIC"}
    annotations = of["Service", "prosody"]["metadata"]["annotations"]
    assert annotations["external-dns.alpha.kubernetes.io/target"] == "home.durin.internal"
    assert annotations["external-dns.alpha.kubernetes.io/hostname"] == "xmpp.durin.internal"
    assert of["HelmChart", "aws-ebs-csi-driver"]["spec"]["set"] == {"controller.region": "eu-central-1"}
    (settings,) = [it for it in made if it["kind"] == "ConfigMap" and "NODE" in it["data"]]
    assert settings["data"] == {"NODE": "home", "REGION": "eu-central-1", "SERVICE_ZONE_ID": "Z0PRIVATE"}
    (container,) = of["Deployment", "external-dns"]["spec"]["template"]["spec"]["containers"]
    assert {it["valueFrom"]["configMapKeyRef"]["name"] for it in container["env"]} == {settings["metadata"]["name"]}


def test_a_dot_at_the_end_of_a_name_is_not_part_of_it(apply):
    """Route 53 writes names so. In a certificate it is a mistake, and of an XMPP server it would be another domain."""
    printed = apply("--print", "--xmpp-domain", "example.org.", *XMPP[2:], certificate_zone="Z0PUBLIC", real_kubectl=True)
    assert printed.returncode == 0, printed.stderr
    of = {it["kind"]: it for it in documents(printed.stdout)}
    assert of["Certificate"]["spec"]["dnsNames"] == ["example.org"]
    assert "example.org." not in printed.stdout


def test_the_platform_comes_before_what_needs_it(apply, tmp_path):
    done = apply("--yes", *XMPP, certificate_zone="Z0PUBLIC", ebs_csi="true")
    assert done.returncode == 0, done.stderr
    called = (tmp_path / "called").read_text()
    steps = ["cluster/home/platform", "patch deployment cert-manager", "patch deployment ebs-csi-controller", "rollout status deployment cert-manager-webhook", "cluster/home/services"]
    places = [called.index(step) for step in steps]
    assert places == sorted(places)


def test_nothing_is_applied_to_another_cluster_or_without_the_right(apply, tmp_path):
    other = apply("--yes", node="away")
    assert other.returncode == 1 and "is not the node home, but has node/away" in other.stderr
    assert "--node-name" in other.stderr
    assert "--service-names true" in apply("--yes", service_names="false").stderr
    assert "--certificate-zone" in apply("--yes", *XMPP).stderr
    assert "apply" not in (tmp_path / "called").read_text()


def test_nothing_is_applied_to_a_node_of_the_same_name_elsewhere(apply, tmp_path):
    other = apply("--yes", instance="i-0fedcba9876543210")
    assert other.returncode == 1 and "served by i-0fedcba9876543210, which is no instance of the group home in eu-central-1" in other.stderr
    assert "apply" not in (tmp_path / "called").read_text()
    unknown = apply("--yes", instance="")
    assert unknown.returncode == 0 and "note: nothing in the cluster says which instance serves" in unknown.stdout + unknown.stderr


def test_a_server_that_was_brought_along_keeps_its_name(apply):
    assert apply("--yes", "--node-name", "old-server.lan", node="old-server.lan").returncode == 0
