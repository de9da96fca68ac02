"""One provisioning, on a machine that is a folder: it ends with a machine that can be a node, or says what is amiss."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess

import pytest
import yaml

from conftest import INFRA, K3S, not_run

UNITS = "etc/systemd/system"
WANTS = f"{UNITS}/multi-user.target.wants"


def test_a_machine_is_provisioned_and_a_second_run_changes_nothing(machine):
    done = machine.provision()
    assert done.returncode == 0, done.stderr
    assert "can be a node" in done.stdout
    before = machine.files()
    again = machine.provision()
    assert again.returncode == 0, again.stderr
    assert "provision:" not in again.stdout
    assert machine.files() == before


def test_what_a_person_has_set_stays(machine):
    machine.write("etc/rancher/k3s/config.yaml", "disable: [traefik]\n")
    machine.write("etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s server --node-label mine=yes\n")
    assert machine.provision("--image").returncode == 0
    assert (machine.root / "etc/rancher/k3s/config.yaml").read_text() == "disable: [traefik]\n"
    assert "mine=yes" in (machine.root / "etc/systemd/system/k3s.service").read_text()


def test_a_datastore_keeps_what_it_was_made_with():
    chosen = yaml.safe_load((INFRA / "image" / "config.yaml").read_text())
    assert "disable" not in chosen, "k3s removes what it names from a datastore that has it"


def test_on_an_existing_server_its_data_stays(machine):
    machine.write("var/lib/rancher/k3s/server/db/state.db", "data")
    machine.write("etc/rancher/node/password", "secret")
    done = machine.provision("--without-ssm-agent")
    assert done.returncode == 0, done.stderr
    assert (machine.root / "var/lib/rancher/k3s/server/db/state.db").exists()
    assert (machine.root / "etc/durin/made").read_text() == "by hand\n"


def test_an_image_is_nobodys_machine(machine):
    machine.write("var/lib/rancher/k3s/server/db/state.db", "data")
    machine.write("etc/rancher/node/password", "secret")
    left = ["etc/rancher/k3s/k3s.yaml", "var/lib/rancher/k3s/storage/pvc-1/data", "var/lib/dbus/machine-id"]
    left += [f"etc/ssh/ssh_host_ed25519_key{end}" for end in ["", ".pub"]]
    for file in left:
        machine.write(file, "somebody's")
    assert machine.provision("--image", "--forget-cluster").returncode == 0
    assert (machine.root / "etc/machine-id").read_text() == ""
    assert not [file for file in left if (machine.root / file).exists()]
    assert not (machine.root / "var/lib/rancher/k3s/server").exists()
    assert not (machine.root / "etc/rancher/node").exists()


def test_a_server_is_not_made_an_image_by_mistake(machine):
    machine.write("var/lib/rancher/k3s/server/db/state.db", "data")
    before = machine.files()
    done = machine.provision()
    assert done.returncode == 1 and "a k3s server's datastore" in done.stderr
    assert machine.files() == before


def test_the_data_of_pods_is_not_removed_by_mistake(machine):
    machine.write("var/lib/rancher/k3s/storage/pvc-1/data", "data")
    before = machine.files()
    done = machine.provision()
    assert done.returncode == 1 and "the data of pods" in done.stderr
    assert machine.files() == before


@pytest.mark.parametrize("place", ["var/lib/kubelet/pods/1/volumes/data", "var/lib/rancher/k3s/storage", "data"])
def test_what_is_mounted_on_a_server_stays(machine, tmp_path, place):
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "kept").write_text("data")
    (machine.root / place).mkdir(parents=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "--bind", tmp_path / "volume", machine.root / place], check=False).returncode != 0:
        not_run("what is mounted below an image's folders", "it takes the right to mount")
    try:
        done = machine.provision("--image", "--forget-cluster")
        assert done.returncode == 1 and "is mounted" in done.stderr
        assert not (machine.root / "usr/local/bin/durin-node").exists()
    finally:
        subprocess.run(["umount", machine.root / place], check=True)
    assert (tmp_path / "volume" / "kept").read_text() == "data"


def test_a_k3s_that_was_tampered_with_is_refused(machine):
    done = machine.run("provision.sh", "--offline", "--image", *machine.k3s[:2])
    assert done.returncode == 1 and "was tampered with" in done.stderr
    assert not (machine.root / "usr/local/bin/k3s").exists()


def versioned(machine, tmp_path, there, new, place="usr/local/bin/k3s"):
    """A server whose k3s has one version, and the options for a k3s of another. Its path lacks /usr/local/bin, as sudo's may."""
    for file, version in [(machine.root / place, there), (tmp_path / "new", new)]:
        text = f'#!/bin/sh\n[ "$1" != --version ] || echo "{version}"\n' + K3S.partition("\n")[2]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    return ["--k3s", str(tmp_path / "new"), "--k3s-sha256", hashlib.sha256((tmp_path / "new").read_bytes()).hexdigest()]


@pytest.mark.parametrize(
    ("there", "new"),
    [("v1.36.4+k3s1", "v1.36.4+k3s1"), ("v1.9.12+k3s1", "v1.36.4+k3s1"), ("v1.36.4+k3s2", "v1.36.4+k3s10"), ("v1.36.4-rc2+k3s1", "v1.36.4+k3s1")],
)
def test_a_server_gets_a_newer_k3s(machine, tmp_path, there, new):
    options = versioned(machine, tmp_path, f"k3s version {there} (aa)", f"k3s version {new} (bb)")
    done = machine.run("provision.sh", "--offline", *options)
    assert done.returncode == 0, done.stderr
    assert (machine.root / "usr/local/bin/k3s").read_bytes() == (tmp_path / "new").read_bytes()


@pytest.mark.parametrize(
    ("there", "new", "told"),
    [
        ("k3s version v1.36.4+k3s1 (aa)", "k3s version v1.35.9+k3s1 (bb)", "v1.35.9+k3s1 is older"),
        ("k3s version v1.36.4+k3s10 (aa)", "k3s version v1.36.4+k3s9 (bb)", "v1.36.4+k3s9 is older"),
        ("k3s version v1.36.4+k3s1 (aa)", "what", "does not say its version"),
        ("what", "k3s version v1.36.4+k3s1 (bb)", "does not say its version"),
    ],
)
def test_a_server_gets_no_older_k3s(machine, tmp_path, there, new, told):
    options = versioned(machine, tmp_path, there, new)
    before = machine.files()
    done = machine.run("provision.sh", "--offline", *options)
    assert done.returncode == 1 and told in done.stderr, done.stderr
    assert machine.files() == before


def test_a_server_that_has_k3s_elsewhere_gets_no_older_one(machine, tmp_path):
    options = versioned(machine, tmp_path, "k3s version v1.36.4+k3s1 (aa)", "k3s version v1.35.9+k3s1 (bb)", "usr/bin/k3s")
    done = machine.run("provision.sh", "--offline", *options)
    assert done.returncode == 1 and "v1.35.9+k3s1 is older" in done.stderr, done.stderr


def test_the_version_of_the_pinned_k3s_is_that_of_the_pin(machine, tmp_path, bundle, monkeypatch):
    """It is compared before anything of it runs."""
    versioned(machine, tmp_path, "k3s version v1.999.0+k3s1 (aa)", "k3s version v1.1.1+k3s1 (bb)")
    digest = hashlib.sha256((tmp_path / "new").read_bytes()).hexdigest()
    own = tmp_path / "bundle"
    shutil.copytree(bundle, own)
    pins = re.sub(r"(k3s_sha256_\w+)=.*", rf"\1={digest}", (own / "versions.sh").read_text())
    (own / "versions.sh").write_text(pins)
    monkeypatch.setattr(machine, "bundle", own)
    done = machine.run("provision.sh", "--offline", "--k3s", str(tmp_path / "new"))
    version = re.search(r"k3s_version=(.*)", pins)[1]
    assert done.returncode == 1 and f"{version} is older" in done.stderr, done.stderr


def test_without_a_network_what_is_missing_is_named(machine):
    assert "pass --k3s FILE" in machine.run("provision.sh", "--offline", "--image").stderr
    (machine.root / "usr/lib/systemd/system/amazon-ssm-agent.service").unlink()
    assert "pass --ssm-agent FILE" in machine.provision().stderr


@pytest.mark.parametrize("script", ["provision.sh", "check.sh"])
def test_help_lists_the_options(bundle, script):
    done = subprocess.run([bundle / script, "--help"], capture_output=True, text=True, timeout=30, check=True)
    assert "--without-ssm-agent" in done.stdout and "set -euo" not in done.stdout


@pytest.mark.parametrize(("script", "option"), [("provision.sh", "--k3s"), ("provision.sh", "--root"), ("provision.sh", "--ssm-agent"), ("check.sh", "--k3s-sha256"), ("check.sh", "--root")])
@pytest.mark.parametrize("value", [[], ["--offline"], [""]])
def test_an_option_without_its_value_is_not_understood(bundle, script, option, value):
    done = subprocess.run([bundle / script, option, *value], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(f"error: {option} needs a value"), done.stderr


def test_the_agents_package_is_installed_out_of_a_folder_of_its_own(machine, tmp_path):
    (machine.root / "usr/lib/systemd/system/amazon-ssm-agent.service").unlink()
    (tmp_path / "agent.deb").write_text("agent")
    # Somebody's link in the way of a name that is known.
    (machine.root / "tmp").mkdir()
    (machine.root / "tmp/ssm-agent.deb").symlink_to(tmp_path / "theirs")
    unit = machine.root / "usr/lib/systemd/system/amazon-ssm-agent.service"
    machine.write("usr/bin/dpkg", f"#!/bin/sh\nprintf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' >{unit}\n", 0o755)
    done = machine.provision("--image", "--ssm-agent", str(tmp_path / "agent.deb"))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "theirs").exists()
    assert os.listdir(machine.root / "tmp") == ["ssm-agent.deb"]


def test_the_pins_are_a_version_and_two_hashes():
    text = (INFRA / "image" / "versions.sh").read_text()
    pins = dict(line.split("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    assert pins["k3s_version"].startswith("v1.") and "+k3s" in pins["k3s_version"]
    for name in ["k3s_sha256_x86_64", "k3s_sha256_aarch64"]:
        assert len(bytes.fromhex(pins[name])) == 32


# What is put in, and the words in which it is found.
MISTAKES = {
    "a program is missing": (lambda it: (it.root / "usr/bin/resize2fs").unlink(), "resize2fs is missing"),
    "durin-node is of another architecture": (
        lambda it: it.write("usr/local/bin/durin-node", "\x7fELF other", 0o755),
        "does not run here",
    ),
    "a unit is missing": (lambda it: (it.root / "etc/systemd/system/durin-settle.service").unlink(), "durin-settle.service is missing"),
    "nothing prepares at boot": (lambda it: (it.root / WANTS / "durin-prepare.service").unlink(), "durin-prepare does not start at boot"),
    "k3s starts at boot": (
        lambda it: (it.root / WANTS / "k3s.service").symlink_to("/etc/systemd/system/k3s.service"),
        "k3s starts at boot",
    ),
    "k3s does not know the marker": (
        lambda it: (it.root / "etc/systemd/system/k3s.service.d/durin.conf").write_text("[Unit]\n"),
        "would start after a release",
    ),
    "another k3s": (lambda it: it.write("usr/local/bin/k3s", "#!/bin/sh\n", 0o755), "not the one that was asked for"),
    "an embedded etcd": (lambda it: it.write("etc/rancher/k3s/config.yaml", "cluster-init: true\n"), "embedded etcd"),
    "a data directory of one's own": (
        lambda it: it.write("etc/systemd/system/k3s.service", "[Service]\nExecStart=/usr/local/bin/k3s server --data-dir /data\n"),
        "sets data-dir",
    ),
    "k3s is not unpacked": (lambda it: shutil.rmtree(it.root / "var/lib/rancher/k3s/data"), "not unpacked"),
    "k3s has run as a server": (lambda it: it.write("var/lib/rancher/k3s/server/token", "t"), "has run as a server"),
    "a node's password": (lambda it: it.write("etc/rancher/node/password", "p"), "has a node's password"),
    "kubelet's state on the volume": (
        lambda it: (it.root / "var/lib/kubelet").symlink_to("/data/kubelet"),
        "/var/lib/kubelet would be on the volume",
    ),
    "fstab mounts the volume": (lambda it: it.write("etc/fstab", "/dev/nvme1n1 /data ext4 defaults 0 2\n"), "/etc/fstab mounts"),
    "fstab mounts it in other words": (
        lambda it: it.write("etc/fstab", "# disks\n\nUUID=1 //dat\\141/ ext4 noauto,x-systemd.automount 0 2\n"),
        "/etc/fstab mounts",
    ),
    "fstab mounts where a link leads": (
        lambda it: (it.write("etc/fstab", "UUID=1 /mnt/data ext4"), (it.root / "data").rmdir(), (it.root / "data").symlink_to("mnt/data")),
        "/etc/fstab mounts something at /mnt/data",
    ),
    "a unit mounts the volume": (
        lambda it: (it.root / WANTS / "data.mount").symlink_to("../data.mount"),
        "data.mount mounts something at /data",
    ),
    "something lies under the mount point": (lambda it: it.write("data/k3s/token", "t"), "/data is not empty"),
    "the agent does not start": (lambda it: (it.root / WANTS / "amazon-ssm-agent.service").unlink(), "agent does not start at boot"),
    "nothing measures": (
        lambda it: (it.root / "etc/systemd/system/timers.target.wants/durin-measure.timer").unlink(),
        "nothing measures",
    ),
    "k3s is not executable": (lambda it: (it.root / "usr/local/bin/k3s").chmod(0o644), "not executable"),
    "anybody may change durin-node": (lambda it: (it.root / "usr/local/bin/durin-node").chmod(0o777), "others than root (mode 777)"),
    "a unit is masked": (
        lambda it: ((it.root / UNITS / "durin-volume.service").unlink(), (it.root / UNITS / "durin-volume.service").symlink_to("/dev/null")),
        "durin-volume.service is masked",
    ),
    "a unit is empty": (lambda it: it.write(f"{UNITS}/durin-volume.service", ""), "durin-volume.service starts nothing"),
    "a unit was edited on Windows": (
        lambda it: it.write(f"{UNITS}/k3s.service", "[Service]\r\nExecStart=/usr/local/bin/k3s server\r\n"),
        "as on Windows",
    ),
    "a data directory in a drop-in": (
        lambda it: it.write(f"{UNITS}/k3s.service.d/90.conf", "[Service]\nExecStart=\nExecStart=/usr/local/bin/k3s server -d /x\n"),
        "90.conf sets data-dir",
    ),
    "an embedded etcd by the environment": (lambda it: it.write("etc/default/k3s", "K3S_CLUSTER_INIT=true\n"), "/etc/default/k3s asks for"),
    "no authorities": (lambda it: (it.root / "etc/ssl/certs/ca-certificates.crt").unlink(), "no certificates of authorities"),
    "k3s is unpacked by half": (
        lambda it: shutil.move(it.root / "var/lib/rancher/k3s/data/0123", it.root / "var/lib/rancher/k3s/data/0123-tmp"),
        "not unpacked",
    ),
    "one machine-id for all": (lambda it: it.write("etc/machine-id", "0123\n"), "one machine-id"),
    "one machine-id of D-Bus": (lambda it: it.write("var/lib/dbus/machine-id", "0123\n"), "remove /var/lib/dbus/machine-id"),
    "an administrator's key": (lambda it: it.write("etc/rancher/k3s/k3s.yaml", "key\n"), "remove /etc/rancher/k3s/k3s.yaml"),
    "the data of pods": (lambda it: it.write("var/lib/rancher/k3s/storage/pvc-1/data", "d"), "remove /var/lib/rancher/k3s/storage"),
    "one host key": (lambda it: it.write("etc/ssh/ssh_host_rsa_key", "key\n"), "remove /etc/ssh/ssh_host_rsa_key"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_self_check_finds(machine, mistake):
    assert machine.provision().returncode == 0
    assert machine.check().returncode == 0
    put_in, words = MISTAKES[mistake]
    put_in(machine)
    found = machine.check()
    assert found.returncode == 1
    assert words in found.stderr and "1 amiss" in found.stderr, found.stderr


def test_an_etcd_that_is_switched_off_is_no_mistake(machine):
    assert machine.provision().returncode == 0
    machine.write("etc/rancher/k3s/config.yaml", "cluster-init: false\n")
    assert machine.check().returncode == 0


def test_a_second_run_puts_right_what_may_be_run_and_by_whom_changed(machine):
    assert machine.provision().returncode == 0
    (machine.root / "usr/local/bin/k3s").chmod(0o644)
    (machine.root / "usr/local/bin/durin-node").chmod(0o777)
    shutil.move(machine.root / "var/lib/rancher/k3s/data/0123", machine.root / "var/lib/rancher/k3s/data/0123-tmp")
    assert machine.provision().returncode == 0


def test_a_new_k3s_is_unpacked_though_another_is(machine):
    machine.write("var/lib/rancher/k3s/data/old/bin/k3s", "")
    assert machine.provision().returncode == 0
    assert (machine.root / "var/lib/rancher/k3s/data/0123/bin/k3s").exists()


def test_a_provisioning_that_ends_amiss_fails(machine):
    machine.write("etc/fstab", "/dev/nvme1n1 /data ext4 defaults 0 2\n")
    assert machine.provision().returncode == 1


class RealRoot:
    """Debian's, with its own systemctl and libraries, provisioned from the inside. What a mistake changes goes into a layer over it."""

    def __init__(self, folder, k3s):
        self.lower, self.layers, self.k3s = folder / "root", folder / "layers", k3s
        self.root = self.lower

    def write(self, path, text, mode=0o644):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def run(self, script, *arguments):
        command = ["chroot", self.root, script, "--image", "--offline", "--without-ssm-agent", *arguments, *self.k3s]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def check(self):
        return self.run("/usr/local/lib/durin/check.sh")

    @contextlib.contextmanager
    def layer(self):
        upper, work, self.root = (self.layers / name for name in ["upper", "work", "merged"])
        for directory in [upper, work, self.root]:
            directory.mkdir(parents=True)
        options = f"lowerdir={self.lower},upperdir={upper},workdir={work}"
        try:
            subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True, capture_output=True)
            try:
                yield
            finally:
                subprocess.run(["umount", self.root], check=True)
        finally:
            self.root = self.lower
            shutil.rmtree(self.layers)


@pytest.fixture(scope="module")
def real(tmp_path_factory, bundle, k3s):
    what = "the provisioning of a real root file system"
    if os.geteuid() != 0:
        not_run(what, "it takes root")
    if not shutil.which("mmdebstrap"):
        not_run(what, "there is no mmdebstrap (Debian: apt install mmdebstrap)")
    folder = tmp_path_factory.mktemp("real")
    include = "systemd,systemd-sysv,e2fsprogs,xfsprogs"
    made = subprocess.run(
        ["mmdebstrap", "--variant=minbase", f"--include={include}", "bookworm", folder / "root"], capture_output=True, text=True, timeout=600, check=False
    )
    if made.returncode != 0:
        not_run(what, f"Debian cannot be fetched: {made.stderr[-200:]}")
    shutil.copytree(bundle, folder / "root" / "tmp" / "bundle")
    shutil.copy(k3s[1], folder / "root" / "tmp" / "k3s")
    yield RealRoot(folder, k3s[2:])
    shutil.rmtree(folder)


def test_a_real_root_is_provisioned(real):
    done = real.run("/tmp/bundle/provision.sh", "--k3s", "/tmp/k3s")
    assert done.returncode == 0, done.stderr
    assert "can be a node" in done.stdout
    again = real.run("/tmp/bundle/provision.sh", "--k3s", "/tmp/k3s")
    assert again.returncode == 0 and "provision:" not in again.stdout


# Of the stand-ins' own: Debian has resize2fs elsewhere, and this root has no agent.
OF_A_FOLDER = {"a program is missing", "the agent does not start"}
REAL_MISTAKES = {
    **{name: mistake for name, mistake in MISTAKES.items() if name not in OF_A_FOLDER},
    "a program is missing": (lambda it: (it.root / "usr/sbin/resize2fs").unlink(), "resize2fs is missing"),
    # By the machine's own systemctl, as a person does it.
    "k3s starts at boot": (lambda it: subprocess.run(["chroot", it.root, "systemctl", "enable", "k3s"], check=True, capture_output=True), "k3s starts at boot"),
    "nothing prepares at boot": (lambda it: subprocess.run(["chroot", it.root, "systemctl", "disable", "durin-prepare"], check=True, capture_output=True), "durin-prepare does not start at boot"),
    "k3s is masked": (
        lambda it: ((it.root / UNITS / "k3s.service").unlink(), subprocess.run(["chroot", it.root, "systemctl", "mask", "k3s"], check=True, capture_output=True)),
        "k3s.service is masked",
    ),
}
# A root that reaches no network wants none.
del REAL_MISTAKES["no authorities"]


@pytest.mark.parametrize("mistake", REAL_MISTAKES)
def test_the_self_check_finds_it_in_a_real_root(real, mistake):
    if real.check().returncode != 0:
        assert real.run("/tmp/bundle/provision.sh", "--k3s", "/tmp/k3s").returncode == 0
    put_in, words = REAL_MISTAKES[mistake]
    with real.layer():
        put_in(real)
        found = real.check()
    assert found.returncode == 1
    assert words in found.stderr and "1 amiss" in found.stderr, found.stderr


@pytest.fixture
def measured(tmp_path, bundle):
    """Runs measure.sh by stand-ins of curl, df and the AWS CLI, and gives what CloudWatch is told: the options of each call."""
    tools = tmp_path / "bin"
    tools.mkdir()
    programs = {
        "curl": 'case "$*" in *api/token*) echo token ;; *Name*) echo home ;; *region*) echo eu-central-1 ;; esac',
        "df": f'[ "$1" = --output=pcent,ipcent ] && cat "{tmp_path}/df"',
        "aws": f'echo "$*" >>"{tmp_path}/told"',
    }
    for name, text in programs.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)

    def measure(volume="91% 3%", root_disk="40% -"):
        (tmp_path / "df").write_text(f"Use% IUse%\n {volume}\n {root_disk}\n")
        environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run([bundle / "measure.sh", tmp_path / "data"], env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        calls = [line.split()[2:] for line in (tmp_path / "told").read_text().splitlines()]
        return {call["--metric-name"]: call for call in (dict(zip(it[::2], it[1::2])) for it in calls)}

    return measure


def test_what_is_measured_is_told_to_cloudwatch(tmp_path, measured):
    database = tmp_path / "data" / "k3s" / "server" / "db"
    database.mkdir(parents=True)
    (database / "state.db").write_bytes(bytes(5000))
    (database / "state.db-wal").write_bytes(bytes(300))
    assert {name: it["--value"] for name, it in measured().items()} == {"DiskUsed": "91", "DatastoreSize": "5300"}


@pytest.mark.parametrize(
    ("volume", "root_disk", "used"),
    [("8% 99%", "40% 12%", "99"), ("8% 9%", "40% 100%", "100"), ("7% -", "5% 6%", "7"), ("100% 1%", "9% 9%", "100"), ("0% 0%", "0% 0%", "0")],
)
def test_a_disk_without_room_for_files_is_full(tmp_path, measured, volume, root_disk, used):
    (tmp_path / "data").mkdir()
    assert measured(volume, root_disk)["DiskUsed"]["--value"] == used


def test_a_volume_without_a_datastore_is_measured(tmp_path, measured):
    (tmp_path / "data").mkdir()
    assert {name: it["--value"] for name, it in measured().items()} == {"DiskUsed": "91", "DatastoreSize": "0"}


def test_an_alarm_watches_each_of_both(tmp_path, measured):
    (tmp_path / "data").mkdir()
    resources = yaml.safe_load((INFRA / "node.yaml").read_text())["Resources"].values()
    alarms = [it["Properties"] for it in resources if it["Type"] == "AWS::CloudWatch::Alarm"]
    # That of the copies is of two metrics.
    alarms = {it["MetricName"]: it for it in alarms if "MetricName" in it}
    assert {name: (it["ComparisonOperator"], it["Threshold"]) for name, it in alarms.items()} == {
        "DiskUsed": ("GreaterThanThreshold", 85),
        "DatastoreSize": ("GreaterThanThreshold", 200_000_000),
    }
    (of_role,) = [it["Properties"]["PolicyDocument"]["Statement"] for it in resources if it["Properties"].get("Description") == "Durin: tell CloudWatch how full the disks are."]
    (allowed,) = [it["Condition"]["StringEquals"]["cloudwatch:namespace"] for it in of_role]
    for name, call in measured().items():
        (dimension,) = alarms[name]["Dimensions"]
        assert call["--namespace"] == alarms[name]["Namespace"] == allowed
        assert call["--dimensions"] == f"{dimension['Name']}=home" and dimension["Value"] == {"Ref": "NodeName"}
        assert alarms[name]["AlarmActions"] == [{"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:durin-alarms"}]
