"""Measures the functions' zips, made as SAM makes them. Writes target/lambda/zips.json. Fails if one is too large."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from pathlib import Path

LIMIT_BYTES = 2_500_000
# BENCHMARKS.md has the reason.
OTHER_LIMITS_BYTES = {"dashboard": 3_100_000, "sweep": 2_600_000}
# CI links the functions without LTO. Their zips are then 1.24 to 1.38 times as large.
WITHOUT_LTO = 1.4


def zip_size(bootstrap: Path) -> int:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zip_file:
        zip_file.write(bootstrap, bootstrap.name)
    return archive.tell()


def limit(name: str) -> int:
    bytes_with_lto = OTHER_LIMITS_BYTES.get(name, LIMIT_BYTES)
    return int(WITHOUT_LTO * bytes_with_lto) if os.environ.get("CARGO_PROFILE_RELEASE_LTO") == "off" else bytes_with_lto


def main() -> None:
    folder = Path(__file__).parents[2] / "target" / "lambda"
    sizes = {path.parent.name: zip_size(path) for path in sorted(folder.glob("*/bootstrap"))}
    (folder / "zips.json").write_text(json.dumps(sizes, indent=2) + "\n")
    name, largest = max(sizes.items(), key=lambda item: item[1])
    print(f"    {len(sizes)} zips, the largest {largest / 1e6:.2f} MB ({name})")
    too_large = [f"{name}: {size} of {limit(name)} bytes" for name, size in sizes.items() if size > limit(name)]
    if too_large:
        sys.exit(f"age: zips are too large: {', '.join(too_large)}")


if __name__ == "__main__":
    main()
