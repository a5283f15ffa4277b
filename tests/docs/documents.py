"""The documents, and their code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)$")
DIRECTIVE = re.compile(r"^<!-- test: (?P<text>.+) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced code block."""

    document: Path
    line: int  # of its first line
    language: str
    directive: str  # the text of the comment `<!-- test: … -->` before it, or ""
    lines: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


@dataclass(frozen=True)
class Command:
    """A command of a console block, and what the document says that it prints."""

    place: str
    text: str
    output: tuple[str, ...]


def documents() -> list[Path]:
    """All documents: README.md first, then in the order of their names."""
    top = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(document: Path) -> list[Block]:
    found: list[Block] = []
    directive, begin, language, indent, lines = "", 0, "", 0, list[str]()
    for number, line in enumerate(document.read_text().splitlines(), 1):
        if begin:
            if line.strip() == "```":
                found.append(Block(document, begin, language, directive, tuple(lines)))
                directive, begin = "", 0
            else:
                lines.append(line[indent:])
        elif fence := FENCE.match(line):
            begin, language, indent, lines = number + 1, fence["language"], len(fence["indent"]), []
        elif match := DIRECTIVE.match(line):
            directive = match["text"]
    if begin:
        raise ValueError(f"{document}:{begin}: the block has no end")
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a console block. A line that ends with a backslash continues on the next."""
    parsed: list[Command] = []
    text, output, place, continues = "", list[str](), "", False
    for number, line in enumerate(block.lines, block.line):
        if continues:
            text += f"\n{line}"
        elif line.startswith("$ "):
            if text:
                parsed.append(Command(place, text, tuple(output)))
            text, output, place = line.removeprefix("$ "), [], f"{block.document.relative_to(ROOT)}:{number}"
        elif text:
            output.append(line)
        else:
            raise ValueError(f"{block.place}: a console block begins with a command")
        continues = (continues or line.startswith("$ ")) and line.endswith("\\")
    if not text or continues:
        raise ValueError(f"{block.place}: a console block has a complete command")
    return [*parsed, Command(place, text, tuple(output))]


def matches(expected: tuple[str, ...], printed: list[str]) -> bool:
    """Whether the output is the expected one: `...` alone stands for any lines, and within a line for any text."""
    if not expected:
        return not printed
    first, rest = expected[0], expected[1:]
    if first == "...":
        return any(matches(rest, printed[skipped:]) for skipped in range(len(printed) + 1))
    pattern = ".*".join(re.escape(part) for part in first.split("..."))
    return bool(printed) and re.fullmatch(pattern, printed[0].rstrip()) is not None and matches(rest, printed[1:])
