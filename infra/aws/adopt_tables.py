"""Makes a stack of the tables that a deleted stack has left behind, or that were restored from a backup.

CloudFormation imports the tables into a new stack that has nothing else. `make deploy` then adds the rest of AGE to it.
"""

from __future__ import annotations

import argparse
import json
import re
import uuid
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from account import Account, stack_name

# isort: split
from settings import TEMPLATE, UserError, run
from table_schema import differences
from translate import load

TABLE = "AWS::DynamoDB::Table"

Document = dict[str, Any]


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    account, stack = Account(options.region, options.profile), options.stack_name
    if account.stack(stack) is not None:
        raise UserError(
            f"stack {stack} exists in {account.region}: its tables are not adopted by another one while it does. "
            "Delete it first (its tables stay), or name another stack with --stack-name"
        )
    resources = {name: it for name, it in load(TEMPLATE)["Resources"].items() if it["Type"] == TABLE}
    if unknown := sorted(dict(options.table).keys() - resources.keys()):
        raise UserError(f"the template has no table {unknown[0]}: choose from {', '.join(resources)}")
    try:
        tables = choose(account, options.from_stack or stack, list(resources), dict(options.table))
        _check(account, resources, tables)
        print(f"Stack {stack} in {account.region} adopts:")
        for name in resources:
            print(f"  {name:<20}{tables.get(name, 'none: `make deploy` creates it')}")
        if not (options.yes or _agrees()):
            return 1
        for name, table in tables.items():
            _complete(account, table, resources[name]["Properties"])
        _import(account, stack, {name: resources[name] for name in tables}, tables)
    except (BotoCoreError, ClientError, WaiterError) as error:
        raise UserError(f"AWS refuses the adoption: {error}") from None
    print(f"Stack {stack} has the tables. Add the rest of AGE: make deploy ARGS='--stack-name {stack}'")
    return 0


def choose(account: Account, stack: str, logical_ids: list[str], given: dict[str, str]) -> dict[str, str]:
    """The table for each logical id: the given one, or the only one that the deleted stack has left behind."""
    names = list(account.tables())
    chosen, ambiguous = dict[str, str](), list[str]()
    for logical_id in logical_ids:
        if logical_id in given:
            chosen[logical_id] = given[logical_id]
            continue
        left = [name for name in names if re.fullmatch(rf"{re.escape(stack)}-{logical_id}-[A-Z0-9]+", name)]
        if len(left) > 1:
            ambiguous += [f"  --table {logical_id}={name}   created {_created(account, name)}" for name in left]
        elif left:
            chosen[logical_id] = left[0]
    if ambiguous:
        raise UserError("several tables were left behind, choose one of each:\n" + "\n".join(ambiguous))
    if not chosen:
        raise UserError(f"stack {stack} has left no table behind in {account.region}: name tables with --table")
    return chosen


def _created(account: Account, name: str) -> str:
    table = account.table(name)
    return f"{table['CreationDateTime']:%Y-%m-%d %H:%M}, {table.get('ItemCount', 0)} items at AWS's last count"


def _check(account: Account, resources: Document, tables: dict[str, str]) -> None:
    """Fails unless every table has the keys and the indexes of the template: an import takes any table."""
    faults = [
        f"  {table}: {fault}"
        for name, table in tables.items()
        for fault in differences(account.table(table), resources[name]["Properties"])
    ]
    if faults:
        raise UserError("some tables are not as this version's template has them:\n" + "\n".join(faults))


def _complete(account: Account, table: str, properties: Document) -> None:
    """Turn on what a restored table has lost. CloudFormation believes an imported table to be as the template says."""
    wanted = properties.get("TimeToLiveSpecification")
    if wanted is not None:
        now = account.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if now["TimeToLiveStatus"] in ("DISABLED", "DISABLING"):
            account.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)
    backups = account.dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        account.dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
        )


def _import(account: Account, stack: str, resources: Document, tables: dict[str, str]) -> None:
    change_set = f"adopt-tables-{uuid.uuid4().hex[:8]}"
    account.cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=change_set,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}),
        ResourcesToImport=[
            {"ResourceType": TABLE, "LogicalResourceId": name, "ResourceIdentifier": {"TableName": table}}
            for name, table in tables.items()
        ],
    )
    of_change_set = {"StackName": stack, "ChangeSetName": change_set}
    account.cloudformation.get_waiter("change_set_create_complete").wait(
        **of_change_set, WaiterConfig={"Delay": 2, "MaxAttempts": 150}
    )
    account.cloudformation.execute_change_set(**of_change_set)
    account.cloudformation.get_waiter("stack_import_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 2, "MaxAttempts": 300}
    )


def _agrees() -> bool:
    try:
        return input("Adopt them? [y/N]: ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _table(text: str) -> tuple[str, str]:
    logical_id, equals, name = text.partition("=")
    if not (equals and logical_id and name):
        raise argparse.ArgumentTypeError(f'a table must be given as LOGICAL_ID=NAME; got "{text}"')
    return logical_id, name


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="adopt_tables.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stack-name", type=stack_name, default="age", help="the stack to make (age)")
    parser.add_argument("--from-stack", type=stack_name, help="the deleted stack, if it had another name")
    parser.add_argument("--region", help="the region (that of the environment)")
    parser.add_argument("--profile", help="the profile of the AWS credentials")
    parser.add_argument(
        "--table",
        action="append",
        type=_table,
        default=[],
        metavar="LOGICAL_ID=NAME",
        help="the table to adopt, such as EventsTable=restored-events (repeatable)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(main)
