"""The AWS account that commands of this folder work on: its stacks and tables."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

sys.path.append(str(Path(__file__).resolve().parents[1] / "local"))

from settings import UserError

# SAM CLI's choice, where the environment names no region.
DEFAULT_REGION = "us-east-1"

# CloudFormation's limits.
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


class Account:
    """Clients of one region of an account. An error of AWS is a `UserError`."""

    def __init__(self, region: str | None, profile: str | None) -> None:
        try:
            session = boto3.Session(region_name=region, profile_name=profile)
            self.region = session.region_name or DEFAULT_REGION
            self.cloudformation = session.client("cloudformation", region_name=self.region)
            self.dynamodb = session.client("dynamodb", region_name=self.region)
        except BotoCoreError as error:
            raise UserError(f"cannot use the AWS account: {error}") from None

    def stack(self, name: str) -> dict[str, Any] | None:
        """The description of a stack, or None if no stack has this name."""
        try:
            stacks: list[dict[str, Any]] = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
        except (BotoCoreError, ClientError) as error:
            if "does not exist" in str(error):
                return None
            raise UserError(f"cannot read stack {name} in {self.region}: {error}") from None
        return stacks[0]

    def tables_of(self, stack: str) -> list[str]:
        """The names of the stack's tables."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
        return [it["PhysicalResourceId"] for it in resources if it["ResourceType"] == "AWS::DynamoDB::Table"]

    def tables(self) -> Iterator[str]:
        """The names of all tables."""
        for page in self.dynamodb.get_paginator("list_tables").paginate():
            yield from page["TableNames"]

    def table(self, name: str) -> dict[str, Any]:
        """The description of a table."""
        try:
            description: dict[str, Any] = self.dynamodb.describe_table(TableName=name)["Table"]
        except ClientError as error:
            raise UserError(f"cannot read table {name}: {error}") from None
        return description


def stack_name(text: str) -> str:
    """The type of an argument that names a stack."""
    if STACK_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f'a stack name must be a letter and up to 127 letters, digits and hyphens; got "{text}"'
        )
    return text
