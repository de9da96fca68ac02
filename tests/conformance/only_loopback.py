"""An environment in which no AWS but the local one can be reached."""

import os

REGION = "eu-central-1"


def forget_the_callers_aws(environment):
    """Takes the caller's profiles, credentials and proxies away. Whatever goes wrong, it goes wrong here."""
    for name in [name for name in environment if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        del environment[name]
    environment.update(
        AWS_ACCESS_KEY_ID="operator",
        AWS_SECRET_ACCESS_KEY="any",
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_MAX_ATTEMPTS="1",
        AWS_PAGER="",
    )
