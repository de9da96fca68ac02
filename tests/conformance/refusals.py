"""Calls that have to fail."""

import contextlib

from botocore.exceptions import ClientError


@contextlib.contextmanager
def refused(code, message=None, status=400):
    """What is done inside is refused with that code, exactly that message, and that HTTP status."""
    try:
        yield
    except ClientError as error:
        answer = error.response
        assert answer["Error"]["Code"] == code, answer
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
        if message is not None:
            assert answer["Error"].get("Message", "") == message
    else:
        raise AssertionError(f"nothing is refused; {code} was expected")
