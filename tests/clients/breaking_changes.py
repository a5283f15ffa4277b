"""Finds changes of the contract that break clients of the last release. Fails unless CHANGELOG.md names each of them.

    breaking_changes.py

The last release is the latest tag v* in the history of this checkout. A change is named if one paragraph, list item or
row of a table under "Breaking changes" of the unreleased version has all names that the change is printed with in
backticks.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from schema_changes import SchemaComparison

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "infra/openapi.json"

Document = dict[str, Any]


def breaking_changes(before: Document, after: Document) -> list[str]:
    """What breaks clients of `before`, one sentence each, with the names of what changed in backticks."""
    comparison = Comparison(before, after)
    comparison.compare()
    return sorted(comparison.schemas.found)


def unnamed(changes: list[str], changelog: str) -> list[str]:
    """The changes that the section of the unreleased version does not name."""
    blocks = _breaking_section(changelog)
    return [change for change in changes if not any(_names(change) <= _words(block) for block in blocks)]


class Comparison:
    """Compares the operations and webhooks of two contracts."""

    def __init__(self, before: Document, after: Document) -> None:
        self.before = before
        self.after = after
        self.schemas = SchemaComparison(before, after)

    def compare(self) -> None:
        after = _operations(self.after, "paths")
        for route, old in _operations(self.before, "paths").items():
            if new := after.get(route):
                self._operation(old, new)
            else:
                self._found(f"operation `{old['operationId']}` was removed")
        self._webhooks()

    def _webhooks(self) -> None:
        after = _operations(self.after, "webhooks")
        for (name, method), old in _operations(self.before, "webhooks").items():
            if new := after.get((name, method)):
                # AGE sends the request, so clients read its body.
                self._contents(f"`{name}`", old["requestBody"], new["requestBody"], sent_by_client=False)
            else:
                self._found(f"webhook `{name}` was removed")

    def _operation(self, old: Document, new: Document) -> None:
        name = f"`{old['operationId']}`"
        if new["operationId"] != old["operationId"]:
            self._found(f"operation {name} is now `{new['operationId']}`")
        if old.get("security") == [] and new.get("security") != []:
            self._found(f"{name} requires a credential")
        roles: list[str] = old.get("x-roles", [])
        for role in set(roles) - set(new.get("x-roles", roles)):
            self._found(f"{name} no longer permits the role `{role}`")
        self._parameters(name, _by_name(old), _by_name(new))
        self._request(name, old.get("requestBody"), new.get("requestBody"))
        for status, response in old["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in new["responses"]:
                self._found(f"{name} no longer responds with `{status}`")
                continue
            after = new["responses"][status]
            for header in response.get("headers", {}).keys() - after.get("headers", {}).keys():
                self._found(f"{name} no longer responds with the header `{header}`")
            self._contents(name, response, after, sent_by_client=False)

    def _parameters(self, name: str, old: Document, new: Document) -> None:
        for parameter, before in old.items():
            if parameter not in new:
                self._found(f"{name} no longer has the parameter `{parameter}`")
                continue
            self.schemas.compare(
                f"{name} `{parameter}`", before["schema"], new[parameter]["schema"], sent_by_client=True
            )
        for parameter, after in new.items():
            was_required = old.get(parameter, {}).get("required", False)
            if after.get("required", False) and not was_required:
                self._found(f"{name} requires the parameter `{parameter}`")

    def _request(self, name: str, old: Document | None, new: Document | None) -> None:
        if new and new.get("required", False) and not (old and old.get("required", False)):
            self._found(f"{name} requires a body")
        if old and new:
            self._contents(name, old, new, sent_by_client=True)
        elif old:
            self._found(f"{name} no longer has a body")

    def _contents(self, name: str, old: Document, new: Document, *, sent_by_client: bool) -> None:
        after = new.get("content", {})
        for media_type, content in old.get("content", {}).items():
            if media_type not in after:
                self._found(f"{name} no longer has the media type `{media_type}`")
            else:
                schemas = content["schema"], after[media_type]["schema"]
                self.schemas.compare(name, *schemas, sent_by_client=sent_by_client)

    def _found(self, change: str) -> None:
        self.schemas.found.add(change)


def _operations(contract: Document, kind: str) -> dict[tuple[str, str], Document]:
    items = contract.get(kind, {}).items()
    return {(path, method): operation for path, item in items for method, operation in item.items()}


def _by_name(operation: Document) -> Document:
    return {parameter["name"]: parameter for parameter in operation.get("parameters", [])}


def _breaking_section(changelog: str) -> list[str]:
    """The paragraphs, list items and rows under "Breaking changes" of the first version, if that is unreleased."""
    version = re.search(r"^## .*\bunreleased\b.*\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    section = version and re.search(r"^### Breaking changes\n((?:(?!### ).*\n?)*)", version.group(1), re.MULTILINE)
    return re.split(r"\n(?=\n|[-|] )", section.group(1)) if section else []


def _names(change: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", change))


def _words(block: str) -> set[str]:
    """The names in backticks of `block`, and the parts of those with dots, such as `Incident.eventCount`."""
    names = _names(block)
    return names | {part for name in names for part in name.split(".")}


def _git(*arguments: str) -> str:
    """What git prints; nothing if this is no repository."""
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout


def main() -> None:
    tags = _git("tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname").split()
    released = tags and _git("show", f"{tags[0]}:{CONTRACT}")
    if not released:
        print("no release tag (v*) in this checkout: the contract is compared with no release")
        return
    changes = breaking_changes(json.loads(released), json.loads((ROOT / CONTRACT).read_text()))
    missing = unnamed(changes, (ROOT / "CHANGELOG.md").read_text())
    if missing:
        lines = "\n".join(f"  {change}" for change in missing)
        sys.exit(
            f"age: the contract breaks clients of {tags[0]}, and CHANGELOG.md does not say so under "
            f'"Breaking changes" of the unreleased version:\n{lines}'
        )
    print(f"{len(changes)} breaking changes since {tags[0]}, all in CHANGELOG.md")


if __name__ == "__main__":
    main()
