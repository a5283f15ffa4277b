"""Writes docs/reference/cli.md from agectl's help. Build agectl before: `make agectl`."""

from __future__ import annotations

import os
import subprocess

from documents import ROOT

AGECTL = ROOT / "target" / "debug" / "agectl"
FILE = ROOT / "docs" / "reference" / "cli.md"
HEAD = """\
# agectl

The operators' command. `make agectl` builds it into `target/debug`; `cargo install --path cli` installs it. It reads
`AGE_API_URL` and `AGE_TOKEN`. `make man` writes man pages and shell completions for packages to `target/packaging`.

This page is what `agectl --help` prints for each command.
"""


def reference() -> str:
    return HEAD + "".join(_section(command) for command in _commands([]))


def _commands(command: list[str]) -> list[list[str]]:
    """The command and its subcommands, from its help."""
    lines = iter(_help(command).splitlines())
    found = [command]
    for line in lines:
        if line == "Commands:":
            break
    for line in lines:
        if not line:
            break
        name = line.split()[0]
        if line.startswith("  ") and line[2] != " " and name != "help":
            found += _commands([*command, name])
    return found


def _section(command: list[str]) -> str:
    return f"\n## {' '.join(['agectl', *command])}\n\n```text\n{_help(command)}```\n"


def _help(command: list[str]) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AGE_")}
    environment["COLUMNS"] = "100"
    arguments = [str(AGECTL), *command, "--help"]
    result = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    return "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())


if __name__ == "__main__":
    FILE.write_text(reference())
