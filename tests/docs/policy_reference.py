"""Writes docs/reference/policy.md from the policy's schema and the default policy. `make openapi` runs it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from documents import ROOT

SCHEMA = ROOT / "docs" / "reference" / "policy.schema.json"
DEFAULT = ROOT / "shared" / "policy" / "default.toml"
FILE = ROOT / "docs" / "reference" / "policy.md"
HEAD = """\
# Policy

A policy is one document: engines, scores, actions, incidents, alerts and guardrails. People write it as TOML, with the
keys below; the API takes the same document as JSON. Unknown keys are refused. The default policy is
[shared/policy/default.toml](../../shared/policy/default.toml). [policy.schema.json](policy.schema.json) is a JSON
Schema for editors: Taplo and its extensions find it by the first line of a TOML file, `#:schema` and the path of the
schema.

Every error of a document is reported at once, each with its place: `actions.first_match[3].engine` is the key `engine`
of the fourth rule. A document has at most 128 KB as JSON. Texts for people are one line of visible characters, without
spaces around them.
"""
WORDS = """
The default policy has these words:

| severity | words |
|---|---|
{rows}
A word that the policy does not map is logged and counted in the metric `UnmappedSeverities`, and is a
[system alert](../concepts.md#system-alerts).
"""
# What a reference to one of these definitions allows.
ALLOWED = {"Engine": "an engine", "Action": "an action", "FieldValue": "a string, a number, true or false"}
# The headings of definitions that have a table of their own, below the section that refers to them.
SUBSECTIONS = {
    "ActionRule": "Rules of actions",
    "RequestConditions": "Conditions on the request: `match`",
    "FieldCondition": "Conditions on a field of the request",
    "StateConditions": "Conditions on the state: `state`",
    "LevelCondition": "The condition `at_level`",
    "IncidentCondition": "The condition `open_incident`",
    "RemediationCondition": "The condition `ineffective_within`",
    "HoldCondition": "The condition `held`",
    "HoldRule": "Rules of holds",
}

Schema = dict[str, Any]


def schema() -> Schema:
    document: Schema = json.loads(SCHEMA.read_text())
    return document


def default_policy() -> dict[str, Any]:
    return tomllib.loads(DEFAULT.read_text())


def reference() -> str:
    root, policy = schema(), default_policy()
    fields = {key: _resolve(root, field) for key, field in root["properties"].items()}
    # The schema has its keys by name, and those that people need first in `required`.
    keys = [*root["required"], *(key for key in fields if key not in root["required"])]
    plain = [key for key in keys if not _is_section(fields[key])]
    text = HEAD + "\n" + _table(root, fields, plain, policy)
    for key in keys:
        if key not in plain:
            text += _section(root, f"## `{key}`", fields[key], policy.get(key))
        if key == "alertmanager":
            text += WORDS.format(rows=_words(policy["alertmanager"]["severities"]))
    return text


def _words(severities: dict[str, str]) -> str:
    rows = ""
    for severity in dict.fromkeys(severities.values()):
        rows += f"| {severity} | {', '.join(word for word, its in severities.items() if its == severity)} |\n"
    return rows


def _section(root: Schema, heading: str, section: Schema, default: Any) -> str:
    """A heading, and the table of the keys below it. Lists and maps have one table for all of their items."""
    text = f"\n{heading}\n\n{_sentence(section)}\n"
    of_items = section.get("items") or section.get("additionalProperties") or section
    item = _resolve(root, of_items)
    if "properties" not in item:
        return text
    if item is not section:
        kind = "item" if section["type"] == "array" else "entry"
        text += f"\nEach {kind}: {_lowered(item)}\n"
    keys = item.get("required", []) + [key for key in item["properties"] if key not in item.get("required", [])]
    text += "\n" + _table(root, item["properties"], keys, default if item is section else None)
    for name in dict.fromkeys(_definition(_inner(item["properties"][key])) for key in keys):
        if name in SUBSECTIONS:
            text += _section(root, f"### {SUBSECTIONS[name]}", root["$defs"][name], None)
    return text


def _inner(field: Schema) -> Schema:
    """The schema of the items of a list or of the values of a map; else `field`."""
    inner = field.get("items") or field.get("additionalProperties")
    return inner if isinstance(inner, dict) else field


def _table(root: Schema, fields: Schema, keys: list[str], default: Any) -> str:
    """A table of `keys`, with the default policy's values if it has one of each."""
    heads = ["key", "default", "allowed", "meaning"] if default is not None else ["key", "allowed", "meaning"]
    rows = []
    for key in keys:
        field = _resolve(root, fields[key])
        row = [f"`{key}`", _allowed(root, field), _sentence(field)]
        if default is not None:
            row.insert(1, _shown(default.get(key)))
        rows.append(row)
    table = f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
    return table + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _allowed(root: Schema, field: Schema) -> str:
    if field.get("definition") in ALLOWED:
        return ALLOWED[field["definition"]]
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    match field["type"]:
        case "integer":
            low, high = field["minimum"], field["maximum"]
            return f"{low:,} to {high:,}" if low != high else str(low)
        case "boolean":
            return "true, false"
        case "string" if "maxLength" in field:
            return f"{field['minLength']} to {field['maxLength']} characters"
        case "number":
            return "a number"
        case "string" if "pattern" not in field:
            return "a string"
        case "string":
            return f"matches `{field['pattern']}`"
        case "array":
            items = _resolve(root, field["items"])
            each = f", each {_allowed(root, items)}" if items.get("type") != "object" else ""
            if "maxItems" not in field:
                return "a list" + each
            return f"{field.get('minItems', 0)} to {field['maxItems']} items{each}"
        case _:
            return "a table"


def _resolve(root: Schema, field: Schema) -> Schema:
    """`field` with the definition that it refers to. Its own description stands."""
    name = _definition(field)
    if not name:
        return field
    definition: Schema = root["$defs"][name]
    own = {key: value for key, value in field.items() if key != "$ref"}
    return definition | own | {"definition": name}


def _definition(field: Schema) -> str:
    return str(field.get("$ref", "")).removeprefix("#/$defs/")


def _is_section(field: Schema) -> bool:
    return field.get("type") in ("array", "object")


def _sentence(field: Schema) -> str:
    return " ".join(field.get("description", "").split())


def _lowered(field: Schema) -> str:
    text = _sentence(field)
    return text[:1].lower() + text[1:]


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, list) and value and not isinstance(value[0], dict):
        value = ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return ""
    return str(value)


if __name__ == "__main__":
    FILE.write_text(reference())
