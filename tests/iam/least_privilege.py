"""Shows on the running stack that each role may do what it needs to, and nothing else.

Each permission in the template is taken away, and something breaks; it is given back, and all works. With its own
credentials each role tries every other action and resource, and is refused. The stack is named by AGE_STACK_ENV, as for the
end-to-end tests. It is left as it was, but for some more events, whose incidents are resolved, and revoked credentials.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "infra" / "local"))

import probes
import unseen
import week
from client import Stack
from roles import Permission, Roles
from scenarios import SCENARIOS, Scenario
from settings import Refused, end_tidily, run
from world import Broken, World, opened


@dataclass(frozen=True)
class Row:
    permission: Permission
    without: str  # what it is like without the permission
    is_fault: bool = False


def main(_: list[str]) -> int:
    stack = _stack()
    end_tidily()
    roles = Roles(stack)
    faults = roles.faults()
    if faults:
        return _verdict(faults)
    try:
        rows, faults = _try(stack, roles)
    except Broken as broken:
        raise Refused(f"the stack does not work as it is deployed: {broken}") from None
    faults += Roles(stack).faults()  # all is deployed as before
    _print(rows)
    return _verdict(faults)


def _try(stack: Stack, roles: Roles) -> tuple[list[Row], list[str]]:
    reasons = unseen.reasons(roles)
    failures = [roles.physical(queue) for queue in unseen.FAILURES.values()]
    with week.clocks(stack) as move, opened(stack, move, failures) as world:
        print("Without one permission at a time:", flush=True)
        rows = _rows(world, roles, reasons)
        faults = [f"{row.permission}: {row.without}" for row in rows if row.is_fault]
        print("Without those that the local AWS does not heed, all at once:", flush=True)
        for why, number in Counter(reasons.values()).items():
            print(f"{number:>7}  {why}", flush=True)
        faults += unseen.faults(world, roles)
        print("With the credentials of each role, calls that were:", flush=True)
        faults += _probe(stack, roles)
    return rows, faults


def _stack() -> Stack:
    try:
        lines = Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines()
    except (KeyError, FileNotFoundError):
        raise Refused("AGE_STACK_ENV must name the stack.env of a running stack") from None
    return Stack(dict(line.split("=", 1) for line in lines))


def _rows(world: World, roles: Roles, reasons: dict[Permission, str]) -> list[Row]:
    """One for each permission, in the order of the template."""
    rows = {permission: Row(permission, f"not seen here: {why}") for permission, why in reasons.items()}
    permissions, tried = roles.permissions(), count(1)
    for scenario in SCENARIOS:
        for row in _show(world, roles, scenario):
            rows[row.permission] = row
            print(f"{next(tried):>3}/{len(permissions) - len(reasons)}  {row.permission}: {row.without}", flush=True)
    nothing = "NOT NEEDED: nothing is known that needs it"
    return [rows.get(permission) or Row(permission, nothing, is_fault=True) for permission in permissions]


def _show(world: World, roles: Roles, scenario: Scenario) -> Iterator[Row]:
    """Plays a scenario without each of the permissions that it needs; and with all of them, before and after."""
    needed = _needed(roles, scenario)
    _pass(world, scenario)
    for permission in needed:
        with roles.without(permission):
            broken, refused = _play(world, scenario)
        world.tidy()
        if broken and not refused:
            # It is something else, as on a machine that was busy for some seconds: that does not come twice.
            print(f"         once more, because {broken}, and nothing was refused", flush=True)
            with roles.without(permission):
                broken, refused = _play(world, scenario)
            world.tidy()
        if broken is None:
            yield Row(permission, f"NOT NEEDED: {scenario.name}, all the same", is_fault=True)
        elif refused != {permission.action}:
            # Something else is broken, or the local AWS does not heed the policy.
            yield Row(permission, f"UNCLEAR: {broken}, and refused was {', '.join(refused) or 'nothing'}", is_fault=True)
        else:
            yield Row(permission, broken)
    _pass(world, scenario)


def _needed(roles: Roles, scenario: Scenario) -> list[Permission]:
    named = {(it.action, it.resource): it for it in roles.all[scenario.function].permissions}
    wanted = [(action, resource) for action, resources in scenario.needs.items() for resource in resources.split()]
    for action, resource in wanted:
        if (action, resource) not in named:
            raise Refused(f"“{scenario.name}” is said to need {action} on {resource}, which {scenario.function} may not")
    return [named[one] for one in wanted]


def _pass(world: World, scenario: Scenario) -> None:
    broken, refused = _play(world, scenario)
    world.tidy()
    if broken or refused:
        wrong = broken or f"refused was {', '.join(refused)}"
        raise Refused(f"“{scenario.name}” is broken with every permission in place: {wrong}")


def _play(world: World, scenario: Scenario) -> tuple[str | None, set[str]]:
    """What is broken, and what the function was refused."""
    world.forget()
    began, broken = time.time(), None
    try:
        scenario.play(world)
    except Broken as what:
        broken = str(what)
    return broken, world.refused(scenario.function, began)


def _probe(stack: Stack, roles: Roles) -> list[str]:
    tried, faults = probes.of_all(stack, roles), []
    for owner, role in roles.all.items():
        probed = probes.run(stack, roles, role, tried)
        print(f"  {owner:<16}{probed.denied:>4} refused, {probed.allowed:>3} allowed", flush=True)
        faults += probed.faults
    return faults


def _print(rows: list[Row]) -> None:
    cells = [(row.permission.owner, row.permission.action, row.permission.resource, row.without) for row in rows]
    cells.insert(0, ("role of", "may", "on", "without it"))
    widths = [max(len(line[place]) for line in cells) for place in range(3)]
    print()
    for *three, last in cells:
        print("  ".join([*(text.ljust(width) for text, width in zip(three, widths, strict=True)), last]))
    print()


def _verdict(faults: list[str]) -> int:
    for fault in faults:
        print(f"age: {fault}", file=sys.stderr)
    if not faults:
        print("Each role may do what it needs to, and nothing else.")
    return 1 if faults else 0


if __name__ == "__main__":
    run(main)
