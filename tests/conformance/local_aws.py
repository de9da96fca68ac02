"""`durin serve` as a process, and clients of it."""

import contextlib
import os
import re
import subprocess
import tempfile

import boto3
from botocore.config import Config

import shapes
from waiting import until

# Failing at once beats trying again: a retry would hide an answer that should not have been given.
CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


class LocalAws:
    """A running `durin serve`."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self._clients = {}

    def client(self, service, config=None):
        """A boto3 client. Each answer that it gets is held against botocore's model of the operation."""
        if config is not None:
            return boto3.client(service, endpoint_url=self.endpoint, config=CONFIG.merge(config))
        if service not in self._clients:
            client = boto3.client(service, endpoint_url=self.endpoint, config=CONFIG)
            shapes.check_answers_of(client)
            self._clients[service] = client
        return self._clients[service]

    @property
    def ec2(self):
        return self.client("ec2")

    @property
    def autoscaling(self):
        return self.client("autoscaling")

    @property
    def route53(self):
        return self.client("route53")

    @property
    def ssm(self):
        return self.client("ssm")

    @property
    def events(self):
        return self.client("events")

    @property
    def kms(self):
        return self.client("kms")

    @property
    def sts(self):
        return self.client("sts")


@contextlib.contextmanager
def serving(functions=True, speed=1, world="one-node"):
    """Starts `durin serve` on a free port, and stops it at the end."""
    assert "DURIN" in os.environ, "DURIN has to name the built `durin`"
    command = [os.environ["DURIN"], "serve", "--port", "0", "--speed", str(speed), "--world", str(world)]
    if not functions:
        command.append("--no-functions")
    with started(command, announcement=r"listens on (http://[0-9.:]+)") as endpoint:
        yield LocalAws(endpoint)


@contextlib.contextmanager
def started(command, announcement, within_s=30.0):
    """Runs a server that tells its endpoint in what it writes: into a file, so that it never blocks."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

        def written():
            # Positioned: the file's own offset belongs to the process that writes.
            return os.pread(output.fileno(), 1 << 16, 0).decode(errors="replace")

        def announced():
            assert process.poll() is None, f"{command[0]} ended:\n{written()}"
            return re.search(announcement, written())

        try:
            yield until(f"{command[0]} listens", announced, within_s)[1]
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
