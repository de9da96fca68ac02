"""The provisioning of infra/image on root file systems in folders, and infra/cluster.

By hand: `DURIN=target/debug/durin python -m pytest tests/image`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INFRA = Path(__file__).parents[2] / "infra"
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

# A stand-in: what the provisioning asks of k3s is that it unpacks itself when it runs.
K3S = """#!/bin/sh
data=${ROOT-}/var/lib/rancher/k3s/data/0123/bin
[ "$1" != kubectl ] || { mkdir -p "$data" && cp "$0" "$data/k3s"; }
"""


def not_run(what, why):
    """Says so past pytest, whose output is only read when something fails."""
    os.write(sys.__stderr__.fileno(), f"NOT RUN: {what}, because {why}\n".encode())
    pytest.skip(why)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """durin-node as `just build-node` builds it, for each architecture that the toolchain has; none if it has none."""
    into = tmp_path_factory.mktemp("node")
    # Beside what else was built: target, or what stands for it.
    target = Path(os.environ["DURIN"]).absolute().parents[1]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    done = subprocess.run([INFRA / "node" / "build.sh", into], env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0 or "has no target" in done.stderr, done.stderr
    return into


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, built):
    """The bundle of this machine's architecture, unpacked."""
    folder = tmp_path_factory.mktemp("bundle")
    architecture = os.uname().machine
    if not (built / f"durin-node-{architecture}").exists():
        # Good enough for this machine.
        built = tmp_path_factory.mktemp("here")
        shutil.copy(Path(os.environ["DURIN"]).with_name("durin-node"), built / f"durin-node-{architecture}")
    command = [INFRA / "image" / "bundle.sh", folder / "packed", architecture]
    environment = {**os.environ, "DURIN_NODE_BINARIES": str(built)}
    packed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-xf", packed, "-C", unpacked], check=True)
    return unpacked


@pytest.fixture(scope="session")
def k3s(tmp_path_factory):
    """The options for the stand-in."""
    file = tmp_path_factory.mktemp("k3s") / "k3s"
    file.write_text(K3S)
    file.chmod(0o755)
    return ["--k3s", str(file), "--k3s-sha256", hashlib.sha256(K3S.encode()).hexdigest()]


class Machine:
    """A root file system in a folder: what a machine has before it is provisioned. Nothing in it runs."""

    PROGRAMS = ["blkid", "e2fsck", "mkfs.ext4", "mount", "resize2fs", "sync", "systemctl", "umount", "journalctl", "xfs_growfs"]

    def __init__(self, root, bundle, k3s):
        self.root, self.bundle, self.k3s = root, bundle, k3s
        for name in self.PROGRAMS:
            self.write(f"usr/bin/{name}", "#!/bin/sh\n", 0o755)
        self.write("usr/lib/systemd/system/amazon-ssm-agent.service", "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n")
        self.write("etc/ssl/certs/ca-certificates.crt", "-----BEGIN CERTIFICATE-----\n")
        self.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        # Beside the root: this chroot runs programs of the folder here, without being root.
        self.stand_ins = root.parent / "bin"
        self.stand_ins.mkdir()
        chroot = self.stand_ins / "chroot"
        chroot.write_text('#!/bin/sh\nROOT=$1\nexport ROOT\nshift\ncase $1 in /*) program=$ROOT$1; shift; exec "$program" "$@" ;; esac\nexec env PATH="$ROOT/usr/bin:$PATH" "$@"\n')
        chroot.chmod(0o755)

    def write(self, path, text, mode=0o644):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def run(self, script, *arguments):
        command = [self.bundle / script, "--root", self.root, *arguments]
        path = f"{self.stand_ins}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60, check=False)

    def provision(self, *arguments):
        return self.run("provision.sh", "--offline", *(arguments or ["--image"]), *self.k3s)

    def check(self, *arguments):
        return self.run("check.sh", *self.k3s[2:], *(arguments or ["--image"]))

    def files(self):
        """Everything in it, with its content and mode."""
        return {
            path.relative_to(self.root): (path.lstat().st_mode, path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes())
            for path in self.root.rglob("*")
        }


@pytest.fixture
def machine(tmp_path, bundle, k3s):
    if not shutil.which("systemctl"):
        not_run("the provisioning", "there is no systemctl, which enables units in a folder")
    return Machine(tmp_path / "root", bundle, k3s)
