"""Writes the software bill of materials of what AGE ships: the crates that the functions and agectl are linked from.

The format is CycloneDX 1.6, checked against its schema. The tools of development are no part of it: requirements*.txt
and package-lock.json list those, with their hashes. The same Cargo.lock makes the same document.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

Document = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
LOCK_FILE = ROOT / "Cargo.lock"
TARGET = "x86_64-unknown-linux-gnu"
NOT_SHIPPED = {"integration-tests", "hello"}
# A version 5 UUID names the document by its content.
NAMESPACE = uuid.UUID("3b9d1c52-6c1e-4a53-8f0e-1f4f2f2f9a07")


def main(arguments: list[str]) -> int:
    [output] = arguments
    metadata = cargo_metadata()
    document = bom(metadata, checksums(LOCK_FILE.read_text()))
    text = json.dumps(document, indent=2) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"the document is not valid CycloneDX: {error}", file=sys.stderr)
        return 1
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    Path(output).write_text(text)
    print(f"{output}: {len(document['components'])} components")
    return 0


def cargo_metadata() -> Document:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]
    metadata: Document = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    return metadata


def checksums(lock: str) -> dict[tuple[str, str], str]:
    """The SHA-256 of the archive of each crate, by name and version."""
    packages = tomllib.loads(lock)["package"]
    return {(it["name"], it["version"]): it["checksum"] for it in packages if "checksum" in it}


def bom(metadata: Document, hashes: dict[tuple[str, str], str]) -> Document:
    packages = {package["id"]: package for package in metadata["packages"]}
    linked = {node["id"]: _linked(node) for node in metadata["resolve"]["nodes"]}
    members = [id_ for id_ in metadata["workspace_members"] if packages[id_]["name"] not in NOT_SHIPPED]
    shipped = sorted(_reachable(members, linked), key=lambda id_: _ref(packages[id_]))
    version = max(packages[id_]["version"] for id_ in members)
    age = {"type": "application", "name": "age", "version": version, "bom-ref": "age"}
    dependencies = [
        {"ref": _ref(packages[id_]), "dependsOn": sorted({_ref(packages[it]) for it in linked[id_]})} for id_ in shipped
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": age},
        "components": [_component(packages[id_], hashes) for id_ in shipped],
        "dependencies": [{"ref": "age", "dependsOn": sorted(_ref(packages[id_]) for id_ in members)}, *dependencies],
    }
    digest = hashlib.sha256(json.dumps(document).encode()).hexdigest()
    return {**document, "serialNumber": uuid.uuid5(NAMESPACE, digest).urn}


def _linked(node: Document) -> list[str]:
    """What a crate is linked with: not what only its tests or its build script need."""
    return [dep["pkg"] for dep in node["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]


def _reachable(roots: list[str], linked: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        id_ = waiting.pop()
        if id_ not in found:
            found.add(id_)
            waiting += linked[id_]
    return found


def _ref(package: Document) -> str:
    return f"pkg:cargo/{package['name']}@{quote(package['version'])}"


def _component(package: Document, hashes: dict[tuple[str, str], str]) -> Document:
    is_function = any("bin" in target["kind"] for target in package["targets"]) and package["source"] is None
    component: Document = {
        "type": "application" if is_function else "library",
        "name": package["name"],
        "version": package["version"],
        "bom-ref": _ref(package),
        "purl": _ref(package),
        "scope": "required",
    }
    if checksum := hashes.get((package["name"], package["version"])):
        component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if license_ := package["license"]:
        # Cargo also takes a slash, of which SPDX knows nothing.
        component["licenses"] = [{"expression": " ".join(license_.replace("/", " OR ").split())}]
    if package["repository"]:
        component["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return component


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
