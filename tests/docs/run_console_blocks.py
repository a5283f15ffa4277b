"""Runs the console blocks of README.md and the guides, and compares what they print.

    run_console_blocks.py [DOCUMENT]...

AGE_STACK_ENV names the stack.env of a running stack. Each document runs in one shell, in the root of the repository.
What the documents say of the default stack (`.local/`, ports 4566 and 4567) is replaced by that of the running one.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from documents import ROOT, Block, Command, blocks, commands, documents, matches

RUN = {ROOT / "README.md", *(ROOT / "docs" / "guides").glob("*.md")}
OWN_STACK, FILE = "stack of its own", "file "


class DocumentError(Exception):
    """A command failed, or printed something else."""


class Shell:
    """One shell for the commands of a document."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> tuple[int, list[str]]:
        """Run a command. Returns its exit code and the lines that it printed."""
        assert self._process.stdin and self._process.stdout
        mark = uuid.uuid4().hex
        # From a file: a command that reads standard input must not read the commands after it.
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
            script.write(f"{command}\n")
            script.flush()
            self._process.stdin.write(f". {script.name} </dev/null; __code=$?; echo; echo {mark} $__code\n")
            self._process.stdin.flush()
            lines: list[str] = []
            for line in self._process.stdout:
                if line.startswith(mark):
                    if lines and not lines[-1]:  # of the `echo` before the mark
                        lines.pop()
                    return int(line.split()[1]), lines
                lines.append(line.rstrip("\n"))
        raise DocumentError(f"the shell ended at `{command}`:\n" + "\n".join(lines))

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Runner:
    def __init__(self, stack_env: Path) -> None:
        self._stack = dict(line.split("=", 1) for line in stack_env.read_text().splitlines())
        self._state_dir = stack_env.parent

    def run(self, document: Path) -> int:
        """Run the console blocks of a document. Returns the number of commands."""
        shell, count = Shell(self._environment(self._state_dir)), 0
        try:
            for block in blocks(document):
                if block.directive.startswith(FILE):
                    Path(self._here(block.directive.removeprefix(FILE))).write_text(self._here(block.text))
                elif block.language == "console":
                    if block.directive == OWN_STACK:
                        self._run_with_own_stack(block)
                    else:
                        for command in commands(block):
                            self._check(shell, command)
                    count += len(commands(block))
        finally:
            shell.close()
        return count

    def _run_with_own_stack(self, block: Block) -> None:
        with tempfile.TemporaryDirectory(prefix="age-docs-") as state_dir:
            aws_port, api_port = free_ports()
            own = {"AGE_RUN_ONCE": "1", "AGE_PORT": str(aws_port), "AGE_API_PORT": str(api_port)}
            shell = Shell(self._environment(Path(state_dir)) | own)
            try:
                for command in commands(block):
                    self._check(shell, command)
            finally:
                shell.close()

    def _check(self, shell: Shell, command: Command) -> None:
        started = time.monotonic()
        code, printed = shell.run(self._here(command.text))
        expected = tuple(self._here(line) for line in command.output)
        if code != 0 or not matches(expected, printed):
            texts = [f"{command.place}: `{command.text}` exited with {code}", "expected:", *expected]
            raise DocumentError("\n".join([*texts, "printed:", *printed]))
        print(f"{command.place}: ok, {time.monotonic() - started:.1f} s", flush=True)

    def _here(self, text: str) -> str:
        """The text for the running stack instead of the default one."""
        text = text.replace("http://127.0.0.1:4567", self._stack["AGE_API_URL"])
        text = text.replace("http://127.0.0.1:4566", self._stack["AWS_ENDPOINT_URL"])
        return text.replace(".local/", f"{self._state_dir}/")

    @staticmethod
    def _environment(state_dir: Path) -> dict[str, str]:
        """A person's shell: without what the calling make and test have set."""
        dropped = ("AGE_", "AWS_", "MAKE", "MFLAGS", "CARGO_MAKEFLAGS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return kept | {"AGE_STATE_DIR": str(state_dir)}


def free_ports() -> tuple[int, int]:
    """Two ports that no program uses now."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def main(names: list[str]) -> int:
    file = os.environ.get("AGE_STACK_ENV")
    if not file:
        print("run_console_blocks.py: AGE_STACK_ENV must name the stack.env of a running stack", file=sys.stderr)
        return 2
    runner, failed = Runner((ROOT / file).resolve()), 0
    chosen = {Path(name).resolve() for name in names} or RUN
    for document in documents():
        if document in chosen:
            try:
                print(f"{document.relative_to(ROOT)}: {runner.run(document)} commands ok")
            except DocumentError as error:
                failed += 1
                print(error, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
