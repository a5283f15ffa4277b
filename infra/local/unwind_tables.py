"""Blanks the unwind tables of the functions in target/lambda.

Nothing reads the tables, because a panic aborts, and zeros take no room in a zip.
"""

from __future__ import annotations

import struct
from pathlib import Path

# Of the ELF specification: the header of a file for 64 bits, little-endian, and of its sections.
MAGIC = b"\x7fELF\x02\x01"
SECTION_TABLE = struct.Struct("<Q")
SECTION_TABLE_AT = 0x28
SECTION_COUNTS = struct.Struct("<HHH")
SECTION_COUNTS_AT = 0x3A
SECTION = struct.Struct("<IIQQQQ")

UNWIND_TABLES = {b".eh_frame", b".eh_frame_hdr", b".gcc_except_table"}


def blanked(binary: bytes) -> bytes:
    """Returns the binary with zeros for its unwind tables. Raises ValueError if it is no such file."""
    if not binary.startswith(MAGIC):
        raise ValueError("not a 64-bit little-endian ELF file")
    (table,) = SECTION_TABLE.unpack_from(binary, SECTION_TABLE_AT)
    size, count, names_index = SECTION_COUNTS.unpack_from(binary, SECTION_COUNTS_AT)
    sections = [SECTION.unpack_from(binary, table + index * size) for index in range(count)]
    names_at = sections[names_index][4]
    result = bytearray(binary)
    for name_at, _, _, _, offset, length in sections:
        start = names_at + name_at
        if binary[start : binary.index(b"\0", start)] in UNWIND_TABLES:
            result[offset : offset + length] = bytes(length)
    return bytes(result)


def main() -> None:
    folder = Path(__file__).parents[2] / "target" / "lambda"
    for bootstrap in sorted(folder.glob("*/bootstrap")):
        binary = bootstrap.read_bytes()
        if (without := blanked(binary)) != binary:
            # Cargo may have linked it to its own output, which must stay as it is.
            mode = bootstrap.stat().st_mode
            bootstrap.unlink()
            bootstrap.write_bytes(without)
            bootstrap.chmod(mode)


if __name__ == "__main__":
    main()
