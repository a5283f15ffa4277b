"""Tests of the documents that need no stack, and of the parts of run_console_blocks.py."""

from __future__ import annotations

import re
import subprocess
import unittest
from pathlib import Path

import jsonschema

import cli_reference
import policy_reference
from documents import ROOT, Block, blocks, commands, documents, matches
from run_console_blocks import FILE, OWN_STACK, RUN, DocumentError, Shell

LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
CODE = re.compile(r"`(?P<text>[^`\n]+)`")
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(shared|functions|cli|infra|tests|docs|examples)/[\w./-]*")
# Old names, which are there on purpose.
HISTORY = ROOT / "CHANGELOG.md"
MAX_LINES = {"README.md": 150, "ARCHITECTURE.md": 150}


class DocumentsTest(unittest.TestCase):
    def test_links_have_a_target(self) -> None:
        for document in documents():
            for link in LINK.finditer(FENCED.sub("", document.read_text())):
                path, _, anchor = link["target"].partition("#")
                target = (document.parent / path).resolve() if path else document
                self.assertTrue(target.exists(), f"{document}: {link['target']}")
                if anchor:
                    self.assertIn(anchor, _anchors(target), f"{document}: {link['target']}")

    def test_named_paths_exist(self) -> None:
        for document in documents():
            if document == HISTORY:
                continue
            for code in CODE.finditer(FENCED.sub("", document.read_text())):
                if PATH.fullmatch(code["text"]):
                    self.assertTrue((ROOT / code["text"]).exists(), f"{document}: {code['text']}")

    def test_all_documents_are_in_the_index(self) -> None:
        for index in (ROOT / "docs" / "README.md", ROOT / "docs" / "decisions" / "README.md"):
            linked = {(index.parent / link["target"]).resolve() for link in LINK.finditer(index.read_text())}
            for document in index.parent.rglob("*.md"):
                if document != index and ("decisions" in index.parts or "decisions" not in document.parts):
                    self.assertIn(document, linked, index)

    def test_documents_are_short_enough(self) -> None:
        for name, most in MAX_LINES.items():
            self.assertLessEqual(len((ROOT / name).read_text().splitlines()), most, name)

    def test_sh_blocks_parse_and_say_why_they_are_not_run(self) -> None:
        for document in documents():
            for block in blocks(document):
                if block.language in ("sh", "bash"):
                    self.assertTrue(block.lines[0].startswith("# "), block.place)
                    self._check_syntax(block.text, block.place)

    def test_console_blocks_are_run_and_parse(self) -> None:
        for document in documents():
            for block in blocks(document):
                known = not block.directive or block.directive == OWN_STACK or block.directive.startswith(FILE)
                self.assertTrue(known, f"{block.place}: {block.directive}")
                if block.language == "console":
                    self.assertIn(document, RUN, block.place)
                    for command in commands(block):
                        self._check_syntax(command.text, command.place)

    @unittest.skipUnless(cli_reference.AGECTL.exists(), "agectl is not built")
    def test_cli_reference_is_what_agectl_prints(self) -> None:
        update = "write it again: .venv/bin/python tests/docs/cli_reference.py"
        self.assertEqual(cli_reference.FILE.read_text(), cli_reference.reference(), update)

    def test_policy_reference_is_that_of_the_schema(self) -> None:
        update = "write it again: .venv/bin/python tests/docs/policy_reference.py"
        self.assertEqual(policy_reference.FILE.read_text(), policy_reference.reference(), update)

    def test_default_policy_matches_its_schema(self) -> None:
        schema = policy_reference.schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        validator.validate(policy_reference.default_policy())
        for section, key, value in (("actions", "lease_seconds", 1), ("incidents", "on_resolved", "close")):
            policy = policy_reference.default_policy()
            policy[section][key] = value
            self.assertEqual([list(error.path) for error in validator.iter_errors(policy)], [[section, key]])

    def _check_syntax(self, script: str, place: str) -> None:
        result = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, f"{place}: {result.stderr}")


class CommandsTest(unittest.TestCase):
    def _block(self, *lines: str) -> Block:
        return Block(ROOT / "README.md", 10, "console", "", lines)

    def test_command_has_its_continuation_and_its_output(self) -> None:
        parsed = commands(self._block("$ a \\", "    b", "one", "$ c", "$ d", "..."))
        self.assertEqual([command.text for command in parsed], ["a \\\n    b", "c", "d"])
        self.assertEqual([command.output for command in parsed], [("one",), (), ("...",)])
        self.assertEqual(parsed[1].place, "README.md:13")

    def test_output_before_a_command_is_an_error(self) -> None:
        with self.assertRaises(ValueError):
            commands(self._block("one", "$ a"))


class MatchesTest(unittest.TestCase):
    def test_lines_are_exact(self) -> None:
        self.assertTrue(matches(("a", "b"), ["a", "b  "]))
        self.assertFalse(matches(("a",), ["a", "b"]))
        self.assertFalse(matches(("a.c",), ["abc"]))
        self.assertTrue(matches((), []))
        self.assertFalse(matches((), ["a"]))

    def test_dots_stand_for_text_in_a_line(self) -> None:
        self.assertTrue(matches(('{"id":"...",...}',), ['{"id":"7","a":1}']))
        self.assertFalse(matches(("a...",), ["b"]))

    def test_dots_alone_stand_for_lines(self) -> None:
        self.assertTrue(matches(("...", "b", "..."), ["a", "b"]))
        self.assertTrue(matches(("...",), []))
        self.assertFalse(matches(("...", "c"), ["a", "b"]))


class ShellTest(unittest.TestCase):
    def setUp(self) -> None:
        self.shell = Shell({"PATH": "/usr/bin:/bin"})
        self.addCleanup(self.shell.close)

    def test_commands_share_variables_and_report_their_exit_codes(self) -> None:
        self.assertEqual(self.shell.run("x=1"), (0, []))
        self.assertEqual(self.shell.run("echo $x; echo 2 >&2"), (0, ["1", "2"]))
        self.assertEqual(self.shell.run("printf 'no newline'"), (0, ["no newline"]))
        self.assertEqual(self.shell.run("cat; (exit 3)"), (3, []))

    def test_end_of_the_shell_is_an_error(self) -> None:
        with self.assertRaises(DocumentError):
            self.shell.run("exit")


def _anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    texts = (heading["text"].lower() for heading in HEADING.finditer(FENCED.sub("", document.read_text())))
    return {re.sub(r"[^\w -]", "", text).replace(" ", "-") for text in texts}


if __name__ == "__main__":
    unittest.main()
