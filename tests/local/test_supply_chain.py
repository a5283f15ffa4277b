"""Tests of what is installed and shipped: Python packages have hashes; the bill of materials lists what is linked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "infra" / "local"))

from settings import ROOT

Document = dict[str, Any]

REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)


class PythonPackagesTest(unittest.TestCase):
    def test_every_package_is_exact_and_has_hashes(self) -> None:
        for file in self._files():
            text = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("#"))
            self.assertEqual(REQUIREMENT.sub("", text).strip(), "", file.name)

    def test_locked_packages_are_those_of_the_list(self) -> None:
        for file in self._files():
            listed = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", file.with_suffix(".in").read_text(), re.MULTILINE)
            locked = [match.group(1, 2) for match in REQUIREMENT.finditer(file.read_text())]
            self.assertEqual(_normalized(locked), _normalized(listed), f"{file.name}: run `make lock`")

    def test_make_installs_nothing_without_a_hash(self) -> None:
        makefile = (ROOT / "Makefile").read_text()
        installs = re.findall(r"^\t.*(?:uv pip install|PIP_INSTALL\)).*$", makefile, re.MULTILINE)
        self.assertEqual(len(installs), 5, installs)
        for line in installs:
            self.assertIn("$(LOCKED)", line)

    def _files(self) -> list[Path]:
        files = sorted((ROOT / "infra").glob("requirements*.txt"))
        self.assertEqual(len(files), 4)
        return files


class BillOfMaterialsTest(unittest.TestCase):
    """`infra/supply_chain/sbom.py` itself checks the document against CycloneDX's schema."""

    bom: Document
    text: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.text = _sbom()
        cls.bom = json.loads(cls.text)

    def test_linked_crates_are_listed_with_hash_and_license(self) -> None:
        components = {it["name"]: it for it in self.bom["components"]}
        self.assertLessEqual(
            {"age-model", "log-event", "agectl", "axum", "aws-sdk-dynamodb", "rustls"}, components.keys()
        )
        for component in self.bom["components"]:
            self.assertTrue(component["licenses"], component["name"])
        self.assertEqual(components["axum"]["hashes"][0]["alg"], "SHA-256")
        self.assertEqual(components["axum"]["purl"], f"pkg:cargo/axum@{components['axum']['version']}")

    def test_crates_of_tests_are_not_listed(self) -> None:
        names = {it["name"] for it in self.bom["components"]}
        self.assertEqual(names & {"integration-tests", "hello", "proptest", "dynoxide-rs", "tokio-postgres"}, set())

    def test_every_dependency_is_a_component(self) -> None:
        known = {it["bom-ref"] for it in self.bom["components"]}
        used = {ref for it in self.bom["dependencies"] for ref in it["dependsOn"]}
        self.assertEqual(used, known)

    def test_same_lock_file_makes_the_same_document(self) -> None:
        self.assertEqual(_sbom(), self.text)


def _normalized(packages: list[Any]) -> list[tuple[str, str]]:
    """Names as PEP 503 compares them."""
    return sorted((re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in packages)


def _sbom() -> str:
    python = ROOT / ".venv" / "checks" / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sbom.cdx.json"
        script = ROOT / "infra" / "supply_chain" / "sbom.py"
        subprocess.run([python, script, file], check=True, capture_output=True)
        return file.read_text()


if __name__ == "__main__":
    unittest.main()
