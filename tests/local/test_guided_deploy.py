"""Tests of `make deploy` and of adopting kept tables: SAM CLI's own prompts on a terminal, against a local AWS."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import unittest
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from botocore.exceptions import WaiterError

sys.path += [str(Path(__file__).resolve().parents[2] / "infra" / folder) for folder in ("local", "aws")]

import adopt_tables
import guided_deploy
import server
from account import Account
from client import service
from settings import ADMIN, REGION, ROOT, TEMPLATE, UserError
from table_schema import differences
from terminal_session import Session
from translate import functions, load

SCRIPTS = ROOT / "infra" / "aws"

# 64 is the limit of the names of functions, roles and schedules.
STACK = "governance-of-all-engines-in-the-production-account-of-emea1"
HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
ANSWERS = {
    "Stack Name": STACK,
    "Parameter AdminEmail": "ops@example.com",
    "Parameter SecondLineEmail": "second+line@example.com",
    "Parameter EventRetentionDays": "90",
    "Parameter RetainLogs": "yes",
    "Parameter PublicUrl": "https://ops.example.com/age",
    "Parameter CorsOrigins": "https://a.example.com,https://b.example.com",
    "Parameter OriginSecretHashes": f"{HASH},{HASH}",
    "Parameter ReserveConcurrency": "yes",
    "Parameter PermissionsBoundary": "arn:aws:iam::000000000000:policy/boundary",
}
PARAMETERS = {
    "Arch": "x86_64",
    "AdminEmail": "ops@example.com",
    "SecondLineEmail": "second+line@example.com",
    "EventRetentionDays": "90",
    "LogRetentionDays": "30",
    "RetainLogs": "yes",
    "PublicUrl": "https://ops.example.com/age",
    "CorsOrigins": "https://a.example.com,https://b.example.com",
    "RequestsPerSecond": "50",
    "RequestsBurst": "100",
    "OriginSecretHashes": f"{HASH},{HASH}",
    "ReserveConcurrency": "yes",
    "PermissionsBoundary": "arn:aws:iam::000000000000:policy/boundary",
}
ROW = {"id": {"S": "kept"}, "at": {"S": "2026-11-23"}}
CREATED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BOUNDARY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


class DeploymentsTest(unittest.TestCase):
    """A stack is deployed, deployed again, deleted, and made anew of its tables. Enter answers all later prompts."""

    cloudformation: Any
    dynamodb: Any
    environment: dict[str, str]
    template: Path
    sessions: list[Session]
    parameters: list[dict[str, str]]
    protected: dict[str, bool]
    left: set[str]
    adopted: Session
    tables: set[str]
    row: dict[str, Any]
    expiry: dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.enterClassContext(patch.dict(os.environ, AGE_STATE_DIR=str(folder / "state")))
        [port] = server.free_ports(1)
        (folder / "state").mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # a daemon that outlives its starter, until `stop`
            server.start_aws(port)
        cls.addClassCleanup(server.stop)
        endpoint = server.endpoint(port)
        cls.cloudformation, cls.dynamodb = service("cloudformation", endpoint), service("dynamodb", endpoint)
        service("events", endpoint).create_event_bus(Name="taken")
        service("iam", endpoint).create_policy(PolicyName="boundary", PolicyDocument=BOUNDARY)
        cls.environment = os.environ | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": ADMIN,
            "AWS_SECRET_ACCESS_KEY": ADMIN,
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_POLL_DELAY": "1",
        }
        cls.template = _checkout(folder)
        cls.sessions, cls.parameters = [], []
        cls._deploy(ANSWERS)
        cls._deploy({})
        tables = cls._tables()
        cls.protected = {name: cls._is_protected(name) for name in tables}
        [events] = (name for name in tables if "-EventsTable-" in name)
        cls.dynamodb.put_item(TableName=events, Item=ROW)
        cls.cloudformation.delete_stack(StackName=STACK)
        cls.cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
        cls.left = tables & set(cls.dynamodb.list_tables()["TableNames"])
        cls._lose_what_a_restore_loses(events)
        script = [sys.executable, str(SCRIPTS / "adopt_tables.py"), "--stack-name", STACK]
        cls.adopted = Session(script, cls.environment, {"Adopt them?": "y"})
        cls._deploy({})
        cls.tables = cls._tables()
        cls.row = cls.dynamodb.get_item(TableName=events, Key={"id": ROW["id"]}).get("Item", {})
        cls.expiry = cls.dynamodb.describe_time_to_live(TableName=events)["TimeToLiveDescription"]

    @classmethod
    def _deploy(cls, answers: Mapping[str, str]) -> None:
        script = [sys.executable, str(SCRIPTS / "guided_deploy.py"), "--template-file", str(cls.template)]
        session = Session([*script, "--arch", "x86_64"], cls.environment, answers)
        if session.code != 0:
            raise AssertionError(f"the deployment has failed:\n{session.output}")
        cls.sessions.append(session)
        [stack] = cls.cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        cls.parameters.append({it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]})

    @classmethod
    def _tables(cls) -> set[str]:
        resources = cls.cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        return {it["PhysicalResourceId"] for it in resources if it["ResourceType"] == "AWS::DynamoDB::Table"}

    @classmethod
    def _is_protected(cls, name: str) -> bool:
        return bool(cls.dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"))

    @classmethod
    def _lose_what_a_restore_loses(cls, name: str) -> None:
        off = {"AttributeName": "expires_at", "Enabled": False}
        cls.dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=off)

    def test_stack_name_of_60_characters_is_deployed(self) -> None:
        self.assertEqual(len(STACK), 60)
        self.assertEqual(self.parameters[0], PARAMETERS)

    def test_second_deployment_with_enter_at_each_prompt_keeps_every_parameter(self) -> None:
        self.assertEqual(self.parameters[1], PARAMETERS)

    def test_second_deployment_offers_the_stored_answers(self) -> None:
        offered = self.sessions[1].defaults
        self.assertEqual({name: offered[name] for name in ANSWERS}, ANSWERS)

    def test_no_prompt_asks_whether_a_route_may_have_no_authentication(self) -> None:
        for session in self.sessions:
            self.assertEqual([name for name in session.defaults if "authentication" in name], [])

    def test_prompts_are_the_parameters_and_those_of_sam(self) -> None:
        names = {name.removeprefix("Parameter ") for name in self.sessions[0].defaults if name.startswith("Parameter ")}
        self.assertEqual(names, set(load(TEMPLATE)["Parameters"]))

    def test_tables_are_protected_from_deletion_after_a_success(self) -> None:
        self.assertEqual(set(self.protected.values()), {True})

    def test_tables_outlive_the_stack(self) -> None:
        self.assertEqual(self.left, set(self.protected))

    def test_kept_tables_are_adopted_by_a_new_stack(self) -> None:
        self.assertEqual(self.adopted.code, 0, self.adopted.output)
        self.assertEqual(self.tables, self.left)
        self.assertEqual(self.row, ROW)

    def test_adopted_table_expires_rows_again(self) -> None:
        self.assertEqual(self.expiry["TimeToLiveStatus"], "ENABLED")

    def test_failed_first_creation_leaves_no_table_and_must_be_deleted(self) -> None:
        resources = {name: it for name, it in load(TEMPLATE)["Resources"].items() if it["Type"] == adopt_tables.TABLE}
        taken = {"Type": "AWS::Events::EventBus", "DependsOn": list(resources), "Properties": {"Name": "taken"}}
        template = json.dumps({"Resources": resources | {"Taken": taken}})
        self.cloudformation.create_stack(StackName="fails", TemplateBody=template)
        with self.assertRaises(WaiterError):
            self.cloudformation.get_waiter("stack_create_complete").wait(StackName="fails", WaiterConfig={"Delay": 1})
        [stack] = self.cloudformation.describe_stacks(StackName="fails")["Stacks"]
        self.assertEqual(stack["StackStatus"], "ROLLBACK_COMPLETE")
        self.assertEqual([it for it in self.dynamodb.list_tables()["TableNames"] if it.startswith("fails-")], [])
        script = [sys.executable, str(SCRIPTS / "guided_deploy.py"), "--arch", "x86_64", "--stack-name", "fails"]
        again = Session(script, self.environment, {})
        self.assertEqual(again.code, 2)
        self.assertIn("delete-stack --region us-east-1 --stack-name fails", again.output)

    def test_stack_made_anew_is_offered_the_answers_of_the_deleted_one(self) -> None:
        self.assertEqual(self.parameters[2], PARAMETERS)


class AnswersTest(unittest.TestCase):
    FILE: ClassVar = {
        "stack_name": "age",
        "parameter_overrides": 'Arch="arm64" AdminEmail="a@example.com" PublicUrl=""',
    }

    def test_answers_of_the_deployed_stack_come_before_those_of_the_file(self) -> None:
        stack = _stack("UPDATE_COMPLETE", AdminEmail="b@example.com", SecondLineEmail="c@example.com")
        self.assertEqual(
            guided_deploy.answers(self.FILE, stack, "age"),
            {"AdminEmail": "b@example.com", "SecondLineEmail": "c@example.com"},
        )

    def test_answers_of_the_file_are_offered_until_there_is_a_stack(self) -> None:
        self.assertEqual(
            guided_deploy.answers(self.FILE, None, "age"),
            {"Arch": "arm64", "AdminEmail": "a@example.com", "PublicUrl": ""},
        )

    def test_answers_of_the_file_may_be_a_list(self) -> None:
        file = {"stack_name": "age", "parameter_overrides": ["AdminEmail=a@example.com", "PublicUrl="]}
        expected = {"AdminEmail": "a@example.com", "PublicUrl": ""}
        self.assertEqual(guided_deploy.answers(file, None, "age"), expected)

    def test_answers_for_another_stack_are_not_offered(self) -> None:
        self.assertEqual(guided_deploy.answers(self.FILE, None, "age-2"), {})

    def test_empty_answer_is_left_to_the_templates_default(self) -> None:
        self.assertEqual(
            guided_deploy.overrides({"AdminEmail": "a@example.com", "PublicUrl": ""}), ["AdminEmail=a@example.com"]
        )

    def test_region_of_the_last_deployment_is_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / guided_deploy.CONFIG_FILE
            file.write_text(
                '[default.global.parameters]\nregion = "eu-west-1"\n[default.deploy.parameters]\nstack_name = "age"\n'
                '[test.deploy.parameters]\nstack_name = "age-test"\n'
            )
            stored = guided_deploy.config(Path(folder) / "template.yaml", "default")
            self.assertEqual(stored, {"region": "eu-west-1", "stack_name": "age"})
            self.assertEqual(guided_deploy.config(Path(folder) / "template.yaml", "test"), {"stack_name": "age-test"})
            self.assertEqual(guided_deploy.config(Path(folder) / "template.yaml", "none"), {})

    def test_stored_stack_name_that_cloudformation_refused_is_not_offered_again(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / guided_deploy.CONFIG_FILE
            file.write_text(f'[default.deploy.parameters]\nstack_name = "{"x" * 129}"\nconfirm_changeset = true\n')
            stored = guided_deploy.config(Path(folder) / "template.yaml", "default")
            self.assertEqual(stored, {"confirm_changeset": True})

    def test_stack_name_that_cloudformation_refuses_is_refused_at_once(self) -> None:
        for name in ("x" * 129, "1age", "age_2", ""):
            result = Session(
                [sys.executable, str(SCRIPTS / "guided_deploy.py"), "--arch", "x86_64", "--stack-name", name],
                os.environ,
                {},
            )
            self.assertEqual(result.code, 2, name)
            self.assertIn("a stack name must be", result.output)


class AdoptionTest(unittest.TestCase):
    def setUp(self) -> None:
        self.account = FakeAccount("age-EventsTable-1A2B", "age-ReportsTable-3C4D", "age-ReportsTable-5E6F")

    def test_table_left_behind_is_found_by_its_name(self) -> None:
        chosen = adopt_tables.choose(self.account, "age", ["EventsTable", "PoliciesTable"], {})
        self.assertEqual(chosen, {"EventsTable": "age-EventsTable-1A2B"})

    def test_one_of_several_tables_must_be_chosen(self) -> None:
        with self.assertRaisesRegex(UserError, "--table ReportsTable=age-ReportsTable-5E6F"):
            adopt_tables.choose(self.account, "age", ["EventsTable", "ReportsTable"], {})

    def test_given_table_comes_before_those_left_behind(self) -> None:
        chosen = adopt_tables.choose(self.account, "age", ["EventsTable"], {"EventsTable": "restored"})
        self.assertEqual(chosen, {"EventsTable": "restored"})

    def test_tables_of_a_stack_with_a_longer_name_are_not_taken(self) -> None:
        with self.assertRaisesRegex(UserError, "has left no table behind"):
            adopt_tables.choose(
                FakeAccount("my-age-EventsTable-1A2B", "age-2-EventsTable-1A2B"), "age", ["EventsTable"], {}
            )

    def test_table_unlike_the_template_is_told(self) -> None:
        wanted = load(TEMPLATE)["Resources"]["ActionsTable"]["Properties"]
        self.assertEqual(differences(wanted, wanted), [])
        events = load(TEMPLATE)["Resources"]["EventsTable"]["Properties"]
        self.assertEqual(
            differences(events, wanted),
            [
                "its key is another one",
                "it has no index due",
                "it has an index operations that the template does not have",
                "its index timeline has other keys or another projection",
            ],
        )


class FakeAccount(Account):
    def __init__(self, *tables: str) -> None:
        self.region, self._tables = "eu-west-1", tables

    def tables(self) -> Any:
        return iter(self._tables)

    def table(self, name: str) -> dict[str, Any]:
        return {"TableName": name, "CreationDateTime": CREATED, "ItemCount": 3}


def _stack(status: str, **parameters: str) -> dict[str, Any]:
    listed = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"StackStatus": status, "Parameters": listed}


def _checkout(folder: Path) -> Path:
    """A copy of the template with functions that do nothing, where SAM CLI may write its file. Returns the template."""
    template = folder / "infra" / TEMPLATE.name
    template.parent.mkdir()
    shutil.copy(TEMPLATE, template)
    for name in functions(load(TEMPLATE)).values():
        binary = folder / "target" / "lambda" / name / "bootstrap"
        binary.parent.mkdir(parents=True)
        binary.write_text("#!/bin/sh\n")
    return template


if __name__ == "__main__":
    unittest.main()
