"""The AWS CLI, as a person types it."""

import json
import subprocess
import sys
from pathlib import Path

AWS = Path(sys.executable).with_name("aws")


class Cli:
    """`cli("ec2", "describe-volumes")` is what that command prints, read as JSON."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def __call__(self, service, operation, *arguments):
        finished = self.run(service, operation, *arguments)
        assert finished.returncode == 0, f"aws {service} {operation}: {finished.stderr}"
        return json.loads(finished.stdout) if finished.stdout.strip() else {}

    def refused(self, service, operation, *arguments):
        """What it complains about when the call fails."""
        finished = self.run(service, operation, *arguments)
        assert finished.returncode != 0, f"aws {service} {operation} is not refused: {finished.stdout}"
        return finished.stderr.strip()

    def run(self, service, operation, *arguments):
        command = [AWS, "--endpoint-url", self.endpoint, "--output", "json", service, operation, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
