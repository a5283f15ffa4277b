"""Searches the functions' logs for text that must never be logged: tokens, secrets, details of events."""

from __future__ import annotations

import re

import logs
from client import Stack
from settings import UserError

TOKEN = re.compile(r"agov1\.[a-z0-9_-]+\.[A-Za-z0-9_-]{43}")
# The end-to-end tests put this text into details and notes.
PRIVATE_TEXT = "not-for-any-log"


def check(stack: Stack) -> int:
    """Returns the number of lines searched. Fails if a line holds a secret."""
    secrets = {value.rsplit(".", 1)[1] for value in stack.values.values() if TOKEN.fullmatch(value)}
    number = 0
    for line in logs.read(stack, []):
        number += 1
        text = line.message
        if TOKEN.search(text) or PRIVATE_TEXT in text or any(secret in text for secret in secrets):
            raise UserError(f"the log of {line.function} holds a secret: {TOKEN.sub('agov1.…', text)[:200]}")
    if number == 0 or not secrets:
        raise UserError("the search for secrets in logs found no log line, or no token to search for")
    return number
