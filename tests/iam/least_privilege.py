"""Checks on the running stack that each role has the permissions that it needs, and no other.

- Takes away each permission of the template in turn: a scenario that needs the permission must fail, and only then.
- Calls every action on every resource as each role: IAM must deny what the role's policy does not allow.

AGE_STACK_ENV names the stack.env of the stack, as for the end-to-end tests. The check leaves the stack as it was,
except for some events, whose incidents are resolved, and some credentials, which are revoked.
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
import sample_week
import unenforced
from client import Stack
from harness import Harness, ScenarioError, opened
from roles import Permission, Roles
from scenarios import SCENARIOS, Scenario
from settings import UserError, exit_on_signals, run


@dataclass(frozen=True)
class Row:
    permission: Permission
    effect: str  # what fails without the permission
    is_fault: bool = False


def main(_: list[str]) -> int:
    stack = _stack()
    exit_on_signals()
    roles = Roles(stack)
    faults = roles.faults()
    if faults:
        return _print_faults(faults)
    try:
        rows, faults = _try(stack, roles)
    except ScenarioError as error:
        raise UserError(f"the stack fails with all permissions in place: {error}") from None
    faults += Roles(stack).faults()  # the deployed roles must be as before
    _print(rows)
    return _print_faults(faults)


def _try(stack: Stack, roles: Roles) -> tuple[list[Row], list[str]]:
    reasons = unenforced.reasons(roles)
    failures = [roles.physical(queue) for queue in (*unenforced.FAILURE_QUEUES.values(), unenforced.RELAY_FAILURES)]
    with sample_week.shifted_clocks(stack) as set_clock, opened(stack, set_clock, failures) as harness:
        print("Without one permission at a time:", flush=True)
        rows = _rows(harness, roles, reasons)
        faults = [f"{row.permission}: {row.effect}" for row in rows if row.is_fault]
        print("Without all those that the local AWS does not enforce:", flush=True)
        for why, number in Counter(reasons.values()).items():
            print(f"{number:>7}  {why}", flush=True)
        faults += unenforced.faults(harness, roles)
        print("Calls with the credentials of each role:", flush=True)
        faults += _probe(stack, roles)
    return rows, faults


def _stack() -> Stack:
    file = os.environ.get("AGE_STACK_ENV")
    if not file:
        raise UserError("AGE_STACK_ENV must name the stack.env of a running stack")
    return Stack.load(Path(file))


def _rows(harness: Harness, roles: Roles, reasons: dict[Permission, str]) -> list[Row]:
    """A row for each permission, in the order of the template."""
    rows = {permission: Row(permission, f"not enforced here: {why}") for permission, why in reasons.items()}
    permissions, tried = roles.permissions(), count(1)
    for scenario in SCENARIOS:
        for row in _check_scenario(harness, roles, scenario):
            rows[row.permission] = row
            print(f"{next(tried):>3}/{len(permissions) - len(reasons)}  {row.permission}: {row.effect}", flush=True)
    unused = "NOT NEEDED: no scenario needs it"
    return [rows.get(permission) or Row(permission, unused, is_fault=True) for permission in permissions]


def _check_scenario(harness: Harness, roles: Roles, scenario: Scenario) -> Iterator[Row]:
    """Run a scenario without each of the permissions that it needs; and with all of them, before and after."""
    needed = _needed(roles, scenario)
    _expect_success(harness, scenario)
    for permission in needed:
        with roles.without(permission):
            error, denied = _run(harness, scenario)
        harness.finish()
        if error and not denied:
            # The cause is something else, such as a machine that was busy for some seconds.
            print(f"         again, because the scenario failed ({error}) and IAM denied nothing", flush=True)
            with roles.without(permission):
                error, denied = _run(harness, scenario)
            harness.finish()
        if error is None:
            yield Row(permission, f"NOT NEEDED: works without it: {scenario.name}", is_fault=True)
        elif denied != {permission.action}:
            # Something else fails, or the local AWS does not enforce the permission.
            yield Row(permission, f"UNCLEAR: {error}; IAM denied {', '.join(denied) or 'nothing'}", is_fault=True)
        else:
            yield Row(permission, error)
    _expect_success(harness, scenario)


def _needed(roles: Roles, scenario: Scenario) -> list[Permission]:
    named = {(it.action, it.resource): it for it in roles.all[scenario.function].permissions}
    wanted = [(action, resource) for action, resources in scenario.needs.items() for resource in resources.split()]
    for action, resource in wanted:
        if (action, resource) not in named:
            raise UserError(
                f'scenario "{scenario.name}" needs {action} on {resource}: {scenario.function} may not do that'
            )
    return [named[one] for one in wanted]


def _expect_success(harness: Harness, scenario: Scenario) -> None:
    error, denied = _run(harness, scenario)
    harness.finish()
    if error or denied:  # the machine may have been busy for some seconds, and lines of the log were late
        error, denied = _run(harness, scenario)
        harness.finish()
    if error or denied:
        reason = error or f"IAM denied {', '.join(denied)}"
        raise UserError(f'scenario "{scenario.name}" fails with every permission in place: {reason}')


def _run(harness: Harness, scenario: Scenario) -> tuple[str | None, set[str]]:
    """Run a scenario. Returns its error, if it failed, and the actions that IAM denied to its function."""
    harness.clear()
    began, error = time.time(), None
    try:
        scenario.run(harness)
    except ScenarioError as failure:
        error = str(failure)
    return error, harness.denied_actions(scenario.function, began)


def _probe(stack: Stack, roles: Roles) -> list[str]:
    tried, faults = probes.all_probes(stack, roles), []
    for owner, role in roles.all.items():
        results = probes.run(stack, roles, role, tried)
        print(f"  {owner:<16}{results.denied:>4} denied, {results.allowed:>3} allowed", flush=True)
        faults += results.faults
    return faults


def _print(rows: list[Row]) -> None:
    cells = [(row.permission.owner, row.permission.action, row.permission.resource, row.effect) for row in rows]
    cells.insert(0, ("role of", "action", "resource", "without it"))
    widths = [max(len(line[place]) for line in cells) for place in range(3)]
    print()
    for *three, last in cells:
        print("  ".join([*(text.ljust(width) for text, width in zip(three, widths, strict=True)), last]))
    print()


def _print_faults(faults: list[str]) -> int:
    for fault in faults:
        print(f"age: {fault}", file=sys.stderr)
    if not faults:
        print("Each role has the permissions that it needs, and no other.")
    return 1 if faults else 0


if __name__ == "__main__":
    run(main)
