"""Keys and indexes of tables: what CloudFormation cannot change in place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

# An index: its keys with their types, and what it projects.
Index = tuple[tuple[tuple[str, str, str], ...], str, frozenset[str]]


def differences(deployed: Document, wanted: Document) -> list[str]:
    """How the keys and indexes of a deployed table (its description) differ from the wanted properties."""
    found = [] if keys(deployed) == keys(wanted) else ["its key is another one"]
    ours, theirs = indexes(deployed), indexes(wanted)
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours:
            found.append(f"it has no index {name}")
        elif name not in theirs:
            found.append(f"it has an index {name} that the template does not have")
        elif ours[name] != theirs[name]:
            found.append(f"its index {name} has other keys or another projection")
    return found


def unreleasable(released: Document, now: Document) -> list[str]:
    """What keeps CloudFormation from updating the released tables to the present ones, each by its resource's name.

    CloudFormation changes no index in place, adds or removes only one index of a table in one update, and replaces a
    table whose key changes by an empty one.
    """
    return [
        f"{name}: {fault}"
        for name, properties in sorted(now.items())
        if name in released
        for fault in _unreleasable(released[name], properties)
    ]


def _unreleasable(released: Document, now: Document) -> Iterator[str]:
    if keys(released) != keys(now):
        yield "its key has changed, so CloudFormation would replace it by an empty table: declare a new table"
    before, after = indexes(released), indexes(now)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"index {name} has changed: give the changed one a new name, and remove {name} a release later"
    changed = sorted(before.keys() ^ after.keys())
    if len(changed) > 1:
        yield f"one release can add or remove only one index of a table; these are {', '.join(changed)}"
    if released.get("LocalSecondaryIndexes") != now.get("LocalSecondaryIndexes"):
        yield "local indexes cannot change"


def keys(table: Document) -> tuple[tuple[str, str, str], ...]:
    """The key of a table: name, role and type of each attribute."""
    return _keys(table["KeySchema"], table)


def indexes(table: Document) -> dict[str, Index]:
    """The global indexes of a table, by their names."""
    return {
        index["IndexName"]: (
            _keys(index["KeySchema"], table),
            index["Projection"]["ProjectionType"],
            frozenset(index["Projection"].get("NonKeyAttributes", [])),
        )
        for index in table.get("GlobalSecondaryIndexes", [])
    }


def _keys(schema: list[Document], table: Document) -> tuple[tuple[str, str, str], ...]:
    types = {it["AttributeName"]: it["AttributeType"] for it in table["AttributeDefinitions"]}
    return tuple((it["AttributeName"], it["KeyType"], types[it["AttributeName"]]) for it in schema)
