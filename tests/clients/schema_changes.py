"""Finds the changes of JSON Schemas that break clients.

A change breaks clients if less of what they send is accepted, or if more than before may be in what they read. Fields
and values of enums may be added to the latter: clients ignore what they do not know.
"""

from __future__ import annotations

import json
from typing import Any

Schema = dict[str, Any]

# Bounds, and whether a higher one allows more.
BOUNDS = {
    "minimum": False,
    "maximum": True,
    "minLength": False,
    "maxLength": True,
    "minItems": False,
    "maxItems": True,
}
# Any other value of these keywords may allow less, or more.
OPAQUE = ("pattern", "format", "uniqueItems")


class SchemaComparison:
    """Compares the schemas of two contracts.

    `found` has a sentence for each change, with the names of what changed in backticks.
    """

    def __init__(self, before: Schema, after: Schema) -> None:
        self.found: set[str] = set()
        self._before = before.get("components", {}).get("schemas", {})
        self._after = after.get("components", {}).get("schemas", {})
        self._seen: set[tuple[str, str, bool]] = set()

    def compare(self, place: str, old: Schema, new: Schema, *, sent_by_client: bool) -> None:
        """Compare the schemas at `place`, such as a property."""
        old_name, new_name = _name(old), _name(new)
        if old_name and new_name and old_name != new_name:
            self.found.add(f"schema `{old_name}` is now `{new_name}`")
        if old_name:
            place = f"`{old_name}`"
            key = (old_name, new_name or place, sent_by_client)
            if key in self._seen:
                return
            self._seen.add(key)
        old, new = _resolve(old, self._before), _resolve(new, self._after)
        self._values(place, old, new, sent_by_client)
        self._fields(place, old, new, sent_by_client)
        self._variants(place, old, new, sent_by_client)
        for keyword in ("items", "additionalProperties", "propertyNames"):
            if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
                self.compare(place, old[keyword], new[keyword], sent_by_client=sent_by_client)

    def _values(self, place: str, old: Schema, new: Schema, sent_by_client: bool) -> None:
        """Compare which values are allowed."""
        before, after = _types(old), _types(new)
        if ("oneOf" in old) != ("oneOf" in new) or bool(before) != bool(after):
            self.found.add(f"{place} has another form")
            return
        lost = before - after if sent_by_client else after - before
        if lost:
            verb = "is no longer" if sent_by_client else "may be"
            self.found.add(f"{place} {verb} {', '.join(sorted(lost))}")
        if sent_by_client and "enum" in new:
            for value in sorted(set(map(str, old.get("enum", ["any text"]))) - set(map(str, new["enum"]))):
                self.found.add(f"{place} no longer accepts `{value}`")
        for keyword, is_upper in BOUNDS.items():
            was, now = old.get(keyword), new.get(keyword)
            if _is_narrower(now, was, is_upper) if sent_by_client else _is_narrower(was, now, is_upper):
                self.found.add(f"{place} has the {keyword} {_shown(now)}, which was {_shown(was)}")
        for keyword in OPAQUE:
            was, now = old.get(keyword), new.get(keyword)
            if was != now and (now if sent_by_client else was) is not None:
                self.found.add(f"{place} has another {keyword}")

    def _fields(self, place: str, old: Schema, new: Schema, sent_by_client: bool) -> None:
        """Compare the fields of objects."""
        before, after = old.get("properties", {}), new.get("properties", {})
        required = set(old.get("required", [])), set(new.get("required", []))
        for name in before:
            if name in after:
                self.compare(f"{place} `{name}`", before[name], after[name], sent_by_client=sent_by_client)
            elif not sent_by_client or new.get("additionalProperties") is False:
                self.found.add(f"{place} no longer has `{name}`")
        if sent_by_client:
            for name in required[1] - required[0]:
                self.found.add(f"{place} requires `{name}`")
            if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
                self.found.add(f"{place} no longer accepts fields that it does not know")
        else:
            for name in (required[0] - required[1]) & after.keys():
                self.found.add(f"{place} may be without `{name}`")

    def _variants(self, place: str, old: Schema, new: Schema, sent_by_client: bool) -> None:
        """Compare the variants of unions."""
        before, after = _by_key(old), _by_key(new)
        lost = before.keys() - after.keys() if sent_by_client else after.keys() - before.keys()
        for variant in lost:
            verb = "is no longer" if sent_by_client else "may be"
            self.found.add(f"{place} {verb} `{variant}`")
        for variant in before.keys() & after.keys():
            self.compare(place, before[variant], after[variant], sent_by_client=sent_by_client)


def _name(schema: Schema) -> str | None:
    reference: str | None = schema.get("$ref")
    return reference.rsplit("/", 1)[-1] if reference else None


def _resolve(schema: Schema, schemas: Schema) -> Schema:
    name = _name(schema)
    if name is None:
        return schema
    resolved: Schema = schemas[name]
    return resolved


def _types(schema: Schema) -> set[str]:
    """The types of the values; every integer is a number."""
    kind = schema.get("type", [])
    types = {kind} if isinstance(kind, str) else set(kind)
    return types | {"integer"} if "number" in types else types


def _by_key(schema: Schema) -> Schema:
    """The variants of a union, each by what it is recognized by."""
    return {_name(it) or str(it.get("type") or json.dumps(it)): it for it in schema.get("oneOf", [])}


def _is_narrower(bound: float | None, other: float | None, is_upper: bool) -> bool:
    """Whether `bound` allows less than `other`. None allows all."""
    if bound is None or other is None:
        return bound is not None
    return bound < other if is_upper else bound > other


def _shown(bound: float | None) -> str:
    return "none" if bound is None else str(bound)
