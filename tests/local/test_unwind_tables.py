"""Tests of blanking unwind tables, on a file with the least that an ELF file has."""

import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "local"))

from unwind_tables import MAGIC, SECTION, blanked

SECTION_BYTES = 64


def elf(sections: dict[bytes, bytes]) -> bytes:
    """Returns an ELF file with these sections, and the one with their names."""
    names = b"\0" + b"\0".join([*sections, b".shstrtab"]) + b"\0"
    contents, table, offset = b"", b"", SECTION_BYTES
    for name, content in {**sections, b".shstrtab": names}.items():
        entry = SECTION.pack(names.index(name + b"\0"), 1, 0, 0, offset, len(content))
        table += entry.ljust(SECTION_BYTES, b"\0")
        contents += content
        offset += len(content)
    header = bytearray(MAGIC.ljust(SECTION_BYTES, b"\0"))
    struct.pack_into("<Q", header, 0x28, offset)
    struct.pack_into("<HHH", header, 0x3A, SECTION_BYTES, len(sections) + 1, len(sections))
    return bytes(header) + contents + table


class BlankedTest(unittest.TestCase):
    def test_unwind_tables_are_zeros_and_all_else_stays(self) -> None:
        sections = {b".text": b"code", b".eh_frame": b"unwind", b".eh_frame_hdr": b"index", b".rodata": b".eh_frame"}
        expected = sections | {b".eh_frame": bytes(6), b".eh_frame_hdr": bytes(5)}
        self.assertEqual(blanked(elf(sections)), elf(expected))
        self.assertEqual(blanked(elf(expected)), elf(expected))

    def test_another_file_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "ELF"):
            blanked(b"#!/bin/sh\n")


if __name__ == "__main__":
    unittest.main()
