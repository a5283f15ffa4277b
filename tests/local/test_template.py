"""Tests of what infra/template.yaml promises to operators."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).resolve().parents[2] / "infra" / folder) for folder in ("local", "aws")]

from samtranslator.yaml_helper import yaml_parse

from settings import ROOT, TEMPLATE
from table_schema import unreleasable
from translate import functions, load, plain

Document = dict[str, Any]

LONGEST_STACK_NAME = "x" * 128

# AWS's limits of the names that a template may give.
NAME_LIMITS = {
    ("AWS::ApiGatewayV2::Api", "Name"): 128,
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::DynamoDB::Table", "TableName"): 255,
    ("AWS::Events::Rule", "Name"): 64,
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"): 128,
    ("AWS::IAM::Role", "RoleName"): 64,
    ("AWS::Lambda::Function", "FunctionName"): 64,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::SNS::Topic", "TopicName"): 256,
    ("AWS::SQS::Queue", "QueueName"): 80,
    ("AWS::Scheduler::Schedule", "Name"): 64,
    ("AWS::Scheduler::ScheduleGroup", "Name"): 64,
}


def translated() -> Document:
    """The template as CloudFormation gets it from AWS's translator."""
    template = load(TEMPLATE)
    for logical_id in functions(template):
        template["Resources"][logical_id]["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "code"}
    return plain(template)


class TemplateTest(unittest.TestCase):
    template: Document
    resources: Document

    @classmethod
    def setUpClass(cls) -> None:
        cls.template = load(TEMPLATE)
        cls.resources = translated()["Resources"]

    def test_every_alarm_tells_when_it_fires_and_when_it_recovers(self) -> None:
        for name, alarm in self._of_type("AWS::CloudWatch::Alarm"):
            for actions in ("AlarmActions", "OKActions"):
                self.assertEqual(alarm.get(actions), [{"Ref": "AlarmsTopic"}], f"{actions} of {name}")

    def test_every_role_takes_the_permissions_boundary(self) -> None:
        wanted = {"Fn::If": ["HasPermissionsBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]}
        for name, role in self._of_type("AWS::IAM::Role"):
            self.assertEqual(role.get("PermissionsBoundary"), wanted, name)

    def test_permissions_boundary_is_the_arn_of_a_policy_or_empty(self) -> None:
        self._accepts(
            "PermissionsBoundary",
            "",
            "arn:aws:iam::123456789012:policy/boundary",
            "arn:aws-us-gov:iam::123456789012:policy/teams/ops/boundary.v2",
            "arn:aws-cn:iam::aws:policy/PowerUserAccess",
        )
        self._refuses(
            "PermissionsBoundary",
            "boundary",
            "arn:aws:iam::123456789012:role/boundary",
            "arn:aws:iam::1234:policy/boundary",
            "arn:aws:iam::123456789012:policy/",
            "arn:aws:iam::123456789012:policy/a b",
        )

    def test_public_url_is_an_https_url_or_empty(self) -> None:
        self._accepts(
            "PublicUrl",
            "",
            "https://ops.example.com",
            "https://ops.example.com/",
            "https://ops.example.com:8443/age/v1",
            "https://a9e0a9e0.execute-api.eu-west-1.amazonaws.com",
            "http://127.0.0.1:4567",
            "http://localhost:4567/",
        )
        self._refuses(
            "PublicUrl",
            "ops.example.com",
            "http://ops.example.com",
            "http://localhost.example.com",
            "https://",
            "https:///age",
            "https://ops.example.com//age",
            "https://ops.example.com/?page=1",
            "https://ops.example.com/#top",
            "https://ops.example.com/a b",
            "https://user@ops.example.com",
            "https://ops..example.com",
            " https://ops.example.com",
            "ftp://ops.example.com",
        )

    def test_no_name_is_too_long_with_the_longest_stack_name(self) -> None:
        for name, kind, given, limit in self._names():
            full = self._filled(given, LONGEST_STACK_NAME)
            self.assertLessEqual(len(full), limit, f"{kind} {name}")

    def test_stacks_of_one_account_share_no_name(self) -> None:
        for name, kind, given, _ in self._names():
            self.assertNotEqual(self._filled(given, "one"), self._filled(given, "two"), f"{kind} {name}")

    def test_template_names_no_partition_region_or_account(self) -> None:
        text = re.sub(r"(?m)^\s*(#|AllowedPattern:).*$", "", TEMPLATE.read_text())
        self.assertEqual(re.findall(r"arn:aws\S*|\b[a-z]{2}-[a-z]+-\d\b|\b\d{12}\b|amazonaws\.com\.cn", text), [])

    def test_tables_outlive_the_stack_but_not_a_failed_creation(self) -> None:
        for name, resource in self.resources.items():
            if resource["Type"] == "AWS::DynamoDB::Table":
                self.assertEqual(resource["DeletionPolicy"], "RetainExceptOnCreate", name)
                self.assertEqual(resource["UpdateReplacePolicy"], "Retain", name)
                # A protected table would stop the rollback. `make deploy` protects it later.
                self.assertNotIn("DeletionProtectionEnabled", resource["Properties"], name)

    def test_logs_outlive_the_stack_if_asked(self) -> None:
        for name in ("RetainedApiLogs", "RetainedFunctionLogs"):
            group = self.resources[name]
            self.assertEqual(group["Condition"], "RetainsLogs", name)
            self.assertEqual(group["DeletionPolicy"], "RetainExceptOnCreate", name)
            self.assertEqual(group["UpdateReplacePolicy"], "Retain", name)
            # Another stack of the same name must not meet the group of the deleted one.
            self.assertIn("AWS::StackId", str(group["Properties"]["LogGroupName"]), name)
        [(_, api)] = self._of_type("AWS::ApiGatewayV2::Stage")
        arn = {"Fn::If": ["RetainsLogs", _arn("RetainedApiLogs"), _arn("ApiLogs")]}
        self.assertEqual(api["AccessLogSettings"]["DestinationArn"], arn)
        [(_, policy)] = self._of_type("AWS::IAM::Policy")
        for name, function in self._of_type("AWS::Lambda::Function"):
            [choice, retained, _] = function["LoggingConfig"]["LogGroup"]["Fn::If"]
            self.assertEqual((choice, retained), ("RetainsLogs", {"Ref": "RetainedFunctionLogs"}), name)
            self.assertIn({"Ref": function["Role"]["Fn::GetAtt"][0]}, policy["Roles"], name)

    def test_access_log_leads_to_the_line_that_names_the_caller(self) -> None:
        [(_, api)] = self._of_type("AWS::ApiGatewayV2::Stage")
        fields = json.loads(api["AccessLogSettings"]["Format"])
        self.assertEqual(fields["lambdaRequestId"], "$context.integration.requestId")
        self.assertLessEqual({"apiId", "requestId", "time", "ip", "routeKey", "status", "latencyMs"}, fields.keys())

    def test_refused_requests_are_counted_in_the_access_log_and_watched(self) -> None:
        [(_, api)] = self._of_type("AWS::ApiGatewayV2::Stage")
        fields = json.loads(api["AccessLogSettings"]["Format"])
        alarms = {alarm["MetricName"]: alarm for _, alarm in self._of_type("AWS::CloudWatch::Alarm")}
        statuses = []
        for name, counter in self._of_type("AWS::Logs::MetricFilter"):
            group = {"Fn::If": ["RetainsLogs", {"Ref": "RetainedApiLogs"}, {"Ref": "ApiLogs"}]}
            self.assertEqual(counter["LogGroupName"], group, name)
            [transformation] = counter["MetricTransformations"]
            [dimension] = transformation["Dimensions"]
            self.assertIn(dimension["Value"].removeprefix("$."), fields, name)
            alarm = alarms[transformation["MetricName"]]
            self.assertEqual(alarm["Namespace"], transformation["MetricNamespace"], name)
            self.assertEqual(alarm["Dimensions"], [{"Name": dimension["Key"], "Value": {"Ref": "Api"}}], name)
            statuses += re.findall(r'\{ \$\.status = "(\d+)" \}', counter["FilterPattern"])
        self.assertEqual(sorted(statuses), ["401", "403", "429"])

    def test_every_function_gets_the_hashes_of_the_proxys_secrets(self) -> None:
        for name, function in self._of_type("AWS::Lambda::Function"):
            hashes = function["Environment"]["Variables"].get("ORIGIN_SECRET_HASHES")
            self.assertEqual(hashes, {"Ref": "OriginSecretHashes"}, name)
        one = hashlib.sha256(b"secret").hexdigest()
        self._accepts("OriginSecretHashes", "", one, one.upper(), f"{one},{one}")
        self._refuses(
            "OriginSecretHashes", "secret", one[1:], f"{one}0", f"{one},", f"{one}, {one}", ",".join([one] * 3)
        )

    def test_every_path_of_the_contract_takes_all_methods(self) -> None:
        # Otherwise $default would answer 404 to HEAD, and to a method that needs a 405.
        routes = set()
        for name in functions(self.template):
            events = self.template["Resources"][name]["Properties"].get("Events", {}).values()
            routes |= {
                (it["Properties"]["Path"], it["Properties"]["Method"]) for it in events if it["Type"] == "HttpApi"
            }
        contract = json.loads((ROOT / "infra" / "openapi.json").read_text())
        of_default = "/api/governance/openapi.json"
        self.assertEqual({path for path in contract["paths"] if (path, "ANY") not in routes}, {of_default})
        self.assertIn(("$default", "ANY"), routes)

    def test_concurrency_is_not_reserved_by_default(self) -> None:
        self.assertEqual(self.template["Parameters"]["ReserveConcurrency"]["Default"], "no")

    def test_parameter_that_may_be_empty_is_empty_by_default(self) -> None:
        # SAM CLI offers the default in place of an empty stored value.
        for name, parameter in self.template["Parameters"].items():
            pattern = parameter.get("AllowedPattern")
            if pattern is not None and re.fullmatch(pattern, ""):
                self.assertEqual(parameter["Default"], "", name)

    def test_template_can_be_deployed_over_the_last_release(self) -> None:
        released = _last_release()
        if released is None:
            reason = "no release tag (v*) in this checkout: the tables are compared with no release"
            print(reason)  # --quiet hides the reasons of skipped tests
            self.skipTest(reason)
        self.assertEqual(unreleasable(_tables(released), _tables(self.template)), [])

    def _of_type(self, kind: str) -> Iterator[tuple[str, Document]]:
        found = {name: it["Properties"] for name, it in self.resources.items() if it["Type"] == kind}
        self.assertTrue(found, f"the template has no {kind}")
        return iter(found.items())

    def _names(self) -> Iterator[tuple[str, str, object, int]]:
        """The names that the template gives: logical id, type, name, limit."""
        for name, resource in self.resources.items():
            for (kind, field), limit in NAME_LIMITS.items():
                if resource["Type"] == kind and field in resource["Properties"]:
                    yield name, kind, resource["Properties"][field], limit
            if resource["Type"] == "AWS::ApiGatewayV2::Api":
                title = resource["Properties"]["Body"]["info"]["title"]
                yield name, resource["Type"], title, NAME_LIMITS[resource["Type"], "Name"]

    def _filled(self, given: object, stack: str) -> str:
        match given:
            case {"Ref": "AWS::StackName"}:
                return stack
            case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), _]}:
                return text.replace("${AWS::StackName}", stack)
        return str(given)

    def _accepts(self, parameter: str, *values: str) -> None:
        for value in values:
            self.assertTrue(self._matches(parameter, value), value)

    def _refuses(self, parameter: str, *values: str) -> None:
        for value in values:
            self.assertFalse(self._matches(parameter, value), value)

    def _matches(self, parameter: str, value: str) -> bool:
        return re.fullmatch(self.template["Parameters"][parameter]["AllowedPattern"], value) is not None


class UnreleasableTest(unittest.TestCase):
    def test_unchanged_tables_can_be_released(self) -> None:
        self.assertEqual(unreleasable({"Events": _table()}, {"Events": _table()}), [])

    def test_order_of_indexes_and_attributes_does_not_matter(self) -> None:
        before = _table(_index("due", ["a", "b"]), _index("listed"))
        after = _table(_index("listed"), _index("due", ["b", "a"]))
        self.assertEqual(unreleasable({"Events": before}, {"Events": after}), [])

    def test_index_whose_projection_changes_needs_a_new_name(self) -> None:
        before, after = _table(_index("due", ["a"])), _table(_index("due", ["a", "b"]))
        [fault] = unreleasable({"Events": before}, {"Events": after})
        self.assertIn("Events: index due has changed", fault)

    def test_index_whose_key_changes_needs_a_new_name(self) -> None:
        after = _table(_index("due") | {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]})
        [fault] = unreleasable({"Events": _table(_index("due"))}, {"Events": after})
        self.assertIn("index due has changed", fault)

    def test_index_whose_attribute_changes_its_type_needs_a_new_name(self) -> None:
        after = _table(_index("due"))
        after["AttributeDefinitions"][1]["AttributeType"] = "N"
        [fault] = unreleasable({"Events": _table(_index("due"))}, {"Events": after})
        self.assertIn("index due has changed", fault)

    def test_new_index_beside_the_old_one_can_be_released(self) -> None:
        before, after = _table(_index("due")), _table(_index("due"), _index("due_2", ["a"]))
        self.assertEqual(unreleasable({"Events": before}, {"Events": after}), [])

    def test_renamed_index_takes_two_releases(self) -> None:
        [fault] = unreleasable({"Events": _table(_index("due"))}, {"Events": _table(_index("due_2", ["a"]))})
        self.assertIn("only one index of a table; these are due, due_2", fault)

    def test_two_tables_may_get_an_index_each(self) -> None:
        before = {"Events": _table(), "Actions": _table()}
        after = {"Events": _table(_index("due")), "Actions": _table(_index("due"))}
        self.assertEqual(unreleasable(before, after), [])

    def test_table_whose_key_changes_must_be_a_new_table(self) -> None:
        after = _table()
        after["KeySchema"][0]["AttributeName"] = "at"
        [fault] = unreleasable({"Events": _table()}, {"Events": after})
        self.assertIn("Events: its key has changed", fault)

    def test_new_and_removed_tables_can_be_released(self) -> None:
        self.assertEqual(unreleasable({"Events": _table()}, {"Actions": _table(_index("a"), _index("b"))}), [])


def _arn(logical_id: str) -> Document:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def _table(*indexes: Document) -> Document:
    return {
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": list(indexes),
    }


def _index(name: str, attributes: list[str] | None = None) -> Document:
    projection: Document = {"ProjectionType": "KEYS_ONLY"}
    if attributes is not None:
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": attributes}
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}],
        "Projection": projection,
    }


def _last_release() -> Document | None:
    """The template of the last release in this checkout's history."""
    tags = _git("tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname").split()
    if not tags:
        return None
    template: Document = yaml_parse(_git("show", f"{tags[0]}:{TEMPLATE.relative_to(ROOT)}"))
    return template


def _git(*arguments: str) -> str:
    """What git prints; nothing if this is no repository."""
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout


def _tables(template: Document) -> Document:
    resources = template["Resources"].items()
    return {name: it["Properties"] for name, it in resources if it["Type"] == "AWS::DynamoDB::Table"}


if __name__ == "__main__":
    unittest.main()
