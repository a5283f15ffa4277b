"""Tests of the check that CHANGELOG.md names each change of the contract that breaks clients."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.append(str(Path(__file__).resolve().parents[1] / "clients"))

import breaking_changes as check

Document = dict[str, Any]

CONTRACT: Document = {
    "paths": {
        "/events": {
            "post": {
                "operationId": "log_event",
                "x-roles": ["engine", "admin"],
                "parameters": [
                    {"name": "trace", "schema": {"type": "string"}},
                    {"name": "limit", "schema": {"type": "integer", "minimum": 1, "maximum": 500}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewEvent"}}}},
                "responses": {
                    "201": {
                        "headers": {"Location": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}},
                    },
                    "422": {},
                },
            }
        }
    },
    "webhooks": {
        "notification": {
            "post": {
                "operationId": "notification",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}},
            }
        }
    },
    "components": {
        "schemas": {
            "Severity": {"type": "string", "enum": ["LOW", "HIGH"]},
            "NewEvent": {
                "type": "object",
                "required": ["engine"],
                "properties": {
                    "engine": {"type": "string", "maxLength": 32},
                    "severity": {"$ref": "#/components/schemas/Severity"},
                    "tags": {"type": "array", "maxItems": 8, "items": {"type": "string"}},
                },
                "additionalProperties": False,
            },
            "Event": {
                "type": "object",
                "required": ["id", "count"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "count": {"type": "integer", "maximum": 10},
                    "severity": {"$ref": "#/components/schemas/Severity"},
                    "cause": {"oneOf": [{"$ref": "#/components/schemas/Severity"}, {"type": "null"}]},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                },
            },
        }
    },
}

POST = "/paths/~1events/post"
SCHEMAS = "/components/schemas"
REMOVED = object()


def changed(pointer: str, value: Any) -> Document:
    """The contract with `value` at `pointer`, or without what is there."""
    contract = copy.deepcopy(CONTRACT)
    *path, last = [part.replace("~1", "/") for part in pointer.split("/")[1:]]
    at: Any = contract
    for part in path:
        at = at[int(part)] if isinstance(at, list) else at[part]
    key = int(last) if isinstance(at, list) else last
    if value is REMOVED:
        del at[key]
    else:
        at[key] = value
    return contract


class BreakingChangesTest(unittest.TestCase):
    def test_changes_that_break_clients_are_found(self) -> None:
        new_event, event = f"{SCHEMAS}/NewEvent/properties", f"{SCHEMAS}/Event/properties"
        variants = [
            {"$ref": "#/components/schemas/Event"},
            *CONTRACT["components"]["schemas"]["Event"]["properties"]["cause"]["oneOf"],
        ]
        for pointer, value, expected in [
            ("/paths/~1events", REMOVED, ["operation `log_event` was removed"]),
            (POST, REMOVED, ["operation `log_event` was removed"]),
            ("/webhooks/notification", REMOVED, ["webhook `notification` was removed"]),
            (f"{POST}/operationId", "report_event", ["operation `log_event` is now `report_event`"]),
            (f"{POST}/x-roles", ["admin"], ["`log_event` no longer permits the role `engine`"]),
            (f"{POST}/parameters/0", REMOVED, ["`log_event` no longer has the parameter `trace`"]),
            (f"{POST}/parameters/0/required", True, ["`log_event` requires the parameter `trace`"]),
            (f"{POST}/parameters/1/schema/maximum", 200, ["`log_event` `limit` has the maximum 200, which was 500"]),
            (f"{POST}/requestBody", REMOVED, ["`log_event` no longer has a body"]),
            (f"{POST}/requestBody/required", True, ["`log_event` requires a body"]),
            (
                f"{POST}/requestBody/content",
                {"text/csv": {}},
                ["`log_event` no longer has the media type `application/json`"],
            ),
            (f"{POST}/responses/201", REMOVED, ["`log_event` no longer responds with `201`"]),
            (f"{POST}/responses/201/headers", {}, ["`log_event` no longer responds with the header `Location`"]),
            (f"{POST}/responses/201/content", {}, ["`log_event` no longer has the media type `application/json`"]),
            (f"{SCHEMAS}/Severity/enum", ["HIGH"], ["`Severity` no longer accepts `LOW`"]),
            (f"{SCHEMAS}/NewEvent/required", ["engine", "tags"], ["`NewEvent` requires `tags`"]),
            (f"{new_event}/tags", REMOVED, ["`NewEvent` no longer has `tags`"]),
            (f"{new_event}/engine/maxLength", 16, ["`NewEvent` `engine` has the maxLength 16, which was 32"]),
            (f"{new_event}/engine/minLength", 2, ["`NewEvent` `engine` has the minLength 2, which was none"]),
            (f"{new_event}/engine/pattern", "^a", ["`NewEvent` `engine` has another pattern"]),
            (f"{new_event}/engine/enum", ["qa"], ["`NewEvent` `engine` no longer accepts `any text`"]),
            (f"{new_event}/tags/items/type", "integer", ["`NewEvent` `tags` is no longer string"]),
            (f"{SCHEMAS}/Event/required", ["id"], ["`Event` may be without `count`"]),
            (f"{event}/count", REMOVED, ["`Event` no longer has `count`"]),
            (f"{event}/count/maximum", 20, ["`Event` `count` has the maximum 20, which was 10"]),
            (f"{event}/count/type", "number", ["`Event` `count` may be number"]),
            (f"{event}/id/type", ["string", "null"], ["`Event` `id` may be null"]),
            (f"{event}/id/format", REMOVED, ["`Event` `id` has another format"]),
            (f"{event}/cause/oneOf", variants, ["`Event` `cause` may be `Event`"]),
            (f"{event}/cause", {"type": "string"}, ["`Event` `cause` has another form"]),
            (
                f"{event}/severity/$ref",
                f"#{SCHEMAS}/Event",
                ["schema `Severity` is now `Event`", "`Severity` may be object"],
            ),
        ]:
            with self.subTest(pointer):
                found = check.breaking_changes(CONTRACT, changed(pointer, value))
                self.assertLessEqual(set(expected), set(found), found)

    def test_changes_that_break_nothing_are_not_found(self) -> None:
        new_event, event = f"{SCHEMAS}/NewEvent/properties", f"{SCHEMAS}/Event/properties"
        for pointer, value in [
            ("/paths/~1reports", {"get": {"operationId": "list_reports", "responses": {}}}),
            (f"{POST}/parameters/1/schema/maximum", 1000),
            (f"{POST}/parameters/1/schema/type", "number"),
            (f"{POST}/responses/422", REMOVED),
            (f"{POST}/responses/200", {}),
            (f"{POST}/x-roles", ["engine", "responder", "admin"]),
            (f"{SCHEMAS}/Severity/enum", ["LOW", "HIGH", "CRITICAL"]),
            (f"{SCHEMAS}/NewEvent/required", []),
            (f"{SCHEMAS}/NewEvent/additionalProperties", True),
            (f"{new_event}/note", {"type": "string"}),
            (f"{new_event}/engine/maxLength", REMOVED),
            (f"{event}/note", {"type": "string"}),
            (f"{event}/count/maximum", 5),
            (f"{event}/id/pattern", "^a"),
            (f"{SCHEMAS}/Event/required", ["id", "count", "cause"]),
            (f"{SCHEMAS}/Event/description", "An event."),
        ]:
            with self.subTest(pointer):
                self.assertEqual(check.breaking_changes(CONTRACT, changed(pointer, value)), [])

    def test_changelog_names_a_change_by_all_its_names_in_one_block_of_the_section(self) -> None:
        change = "`Event` `count` may be number"
        head = "# Changelog\n\n## 0.3.0, unreleased\n\n### Breaking changes\n\n"
        for named in [
            "A count may have a fraction: `Event.count`.\n",
            "In `Event`, the number\n`count` may have a fraction.\n",
            "- `Event` is the same.\n- The `count` of `Event` may have a fraction.\n",
            "| before | now |\n|---|---|\n| `Event` has `count` | it may have a fraction |\n",
        ]:
            self.assertEqual(check.unnamed([change], head + named), [], named)
        for unnamed in [
            "Nothing.\n",
            "Event count may have a fraction.\n",
            "`Event` changes.\n\n`count` changes.\n",
            "- `Event` changes.\n- `count` changes.\n",
            "### New\n\n`Event.count` may have a fraction.\n",
            "Nothing.\n\n## 0.2.0\n\n### Breaking changes\n\n`Event.count` may have a fraction.\n",
        ]:
            self.assertEqual(check.unnamed([change], head + unnamed), [change], unnamed)
        released = head.replace(", unreleased", "") + "`Event.count` may have a fraction.\n"
        self.assertEqual(check.unnamed([change], released), [change], "the section of a released version")

    def test_contract_is_compared_with_that_of_the_latest_tag(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(check, "ROOT", Path(folder)):
            root = Path(folder)
            (root / "infra").mkdir()
            changelog = root / "CHANGELOG.md"
            changelog.write_text("## 0.3.0, unreleased\n\n### Breaking changes\n\nNone.\n")

            def commit(contract: Document) -> None:
                (root / check.CONTRACT).write_text(json.dumps(contract))
                _git(root, "add", ".")
                _git(root, "commit", "--quiet", "--message", "x")

            _git(root, "init", "--quiet")
            commit(changed(f"{SCHEMAS}/Event/properties/count", REMOVED))
            self.assertEqual(
                _said(check.main), "no release tag (v*) in this checkout: the contract is compared with no release"
            )
            _git(root, "tag", "v0.2.0")
            commit(CONTRACT)
            _git(root, "tag", "v0.10.0")
            self.assertEqual(_said(check.main), "0 breaking changes since v0.10.0, all in CHANGELOG.md")
            (root / check.CONTRACT).write_text(json.dumps(changed(f"{SCHEMAS}/Event/properties/count", REMOVED)))
            with self.assertRaisesRegex(SystemExit, "breaks clients of v0.10.0.*\n  `Event` no longer has `count`$"):
                check.main()
            changelog.write_text(changelog.read_text().replace("None.", "An event has no `count`, see `Event`."))
            self.assertEqual(_said(check.main), "1 breaking changes since v0.10.0, all in CHANGELOG.md")


def _git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Tests", "-c", "user.email=tests@age.example"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True)


def _said(main: Callable[[], None]) -> str:
    with mock.patch("builtins.print") as printed:
        main()
    return " ".join(map(str, printed.call_args.args))


if __name__ == "__main__":
    unittest.main()
