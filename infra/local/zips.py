"""How large the functions are when they are uploaded: each bootstrap, deflated as SAM does it. Fails where one has grown."""

import io
import json
import sys
import zipfile
from pathlib import Path

# What the largest of them may have, in bytes: 2.5 MB.
LIMIT = 2_500_000


def zipped(bootstrap: Path) -> int:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zip_file:
        zip_file.write(bootstrap, bootstrap.name)
    return archive.tell()


def main() -> None:
    folder = Path(__file__).parents[2] / "target" / "lambda"
    sizes = {path.parent.name: zipped(path) for path in sorted(folder.glob("*/bootstrap"))}
    (folder / "zips.json").write_text(json.dumps(sizes, indent=2) + "\n")
    name, largest = max(sizes.items(), key=lambda item: item[1])
    print(f"    {len(sizes)} zips, the largest {largest / 1e6:.2f} MB ({name})")
    too_large = [f"{name}: {size} bytes" for name, size in sizes.items() if size > LIMIT]
    if too_large:
        sys.exit(f"age: larger than {LIMIT} bytes when zipped: " + ", ".join(too_large))


if __name__ == "__main__":
    main()
