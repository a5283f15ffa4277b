"""Output on the terminal, with colours and Unicode if it can show them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

WIDTH = 78
GREEN, YELLOW, MAGENTA, RED, BOLD, DIM = "32", "33", "35", "31", "1", "2"


@dataclass(frozen=True)
class Style:
    has_unicode: bool
    has_colour: bool

    @classmethod
    def of_stdout(cls) -> Style:
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        return cls(encoding == "utf8", sys.stdout.isatty() and "NO_COLOR" not in os.environ)

    def paint(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.has_colour and text else text

    def bold(self, text: str) -> str:
        return self.paint(text, BOLD)

    def dim(self, text: str) -> str:
        return self.paint(text, DIM)

    def pick(self, unicode: str, ascii_only: str) -> str:
        return unicode if self.has_unicode else ascii_only

    def rule(self) -> str:
        return self.dim(self.pick("─", "-") * WIDTH)


class ProgressBar:
    """Progress through the days of the sample week: a bar on a terminal, elsewhere one line a day."""

    CELLS = 40

    def __init__(self, total: int, style: Style) -> None:
        self._total, self._style = total, style
        self._done, self._day = 0, ""

    def advance(self, day: str) -> None:
        self._done += 1
        if sys.stdout.isatty():
            cells = self._done * self.CELLS // self._total
            bar = self._style.pick("█", "#") * cells + self._style.pick("░", ".") * (self.CELLS - cells)
            end = "\n" if self._done == self._total else ""
            print(f"\r      {bar} {self._done}/{self._total}  {day}", end=end, flush=True)
        elif day != self._day:
            print(f"      {day} ({self._done} of {self._total})", flush=True)
        self._day = day
