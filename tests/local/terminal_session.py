"""Runs a command on a terminal of its own and answers its prompts, as a person does."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress

# SAM CLI's prompts end like this: the default, or the choice, then a colon.
PROMPT = re.compile(r"\s*(?P<name>[^\n\[]*\S) \[(?P<default>[^\n]*)\]: $")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Session:
    """What the command printed, and the prompts that were answered: the default of each, by name."""

    def __init__(self, command: list[str], environment: Mapping[str, str], answers: Mapping[str, str]) -> None:
        """Runs the command to its end. A prompt that `answers` does not name is answered with Enter alone."""
        self.output, self.defaults = "", dict[str, str]()
        terminal, of_command = pty.openpty()
        process = subprocess.Popen(
            command, stdin=of_command, stdout=of_command, stderr=of_command, env=environment, start_new_session=True
        )
        os.close(of_command)
        answered = 0
        with suppress(OSError):  # how a terminal of Linux tells that the command has ended
            while part := os.read(terminal, 65_536):
                self.output += COLOURS.sub("", part.decode(errors="replace")).replace("\r\n", "\n")
                if prompt := PROMPT.search(self.output[answered:].rpartition("\n")[2]):
                    answered = len(self.output)
                    self.defaults[prompt["name"]] = prompt["default"]
                    os.write(terminal, answers.get(prompt["name"], "").encode() + b"\n")
        os.close(terminal)
        self.code = process.wait()
