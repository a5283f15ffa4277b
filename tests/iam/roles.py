"""The roles of the template with every permission of each, compared with the deployed ones."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import translate
from client import Stack
from settings import STACK, TEMPLATE, UserError

Document = dict[str, Any]

# AWS does not support resources for these two.
WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


@dataclass(frozen=True)
class Permission:
    """One action on one resource that one role's policy allows."""

    owner: str  # the function that has the role, or the role itself
    action: str
    resource: str  # as the template names it, such as EventsTable/index/timeline
    arn: str

    def __str__(self) -> str:
        return f"{self.owner}: {self.action} on {self.resource}"


@dataclass(frozen=True)
class Role:
    logical_id: str
    name: str  # as it is deployed
    arn: str
    policy: str
    document: Document  # of that policy, as it is deployed
    permissions: tuple[Permission, ...]


class Roles:
    def __init__(self, stack: Stack) -> None:
        self._stack, self._iam = stack, stack.service("iam")
        self._template = translate.load(TEMPLATE)
        self.resources: Document = self._template["Resources"]
        found = stack.service("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
        self._physical: dict[str, str] = {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in found}
        identity = stack.service("sts").get_caller_identity()
        self._scope, self._root = (
            f"{stack['AWS_REGION']}:{identity['Account']}",
            f"arn:aws:iam::{identity['Account']}:root",
        )
        self.functions = translate.functions(self._template)
        owners = {self._role_of(function): name for function, name in self.functions.items()}
        self.all = {
            owners.get(role, role): self._read(role, owners.get(role, role)) for role in self.of_type("AWS::IAM::Role")
        }

    def of_type(self, kind: str) -> list[str]:
        """The logical ids of the resources of a type."""
        return [name for name, resource in self.resources.items() if resource["Type"] == kind]

    def permissions(self) -> list[Permission]:
        return [permission for role in self.all.values() for permission in role.permissions]

    def faults(self) -> list[str]:
        """Roles that are shared, too wide, or not deployed as in the template."""
        return [*self._shared(), *self._wide(), *self._unlike_deployed()]

    @contextmanager
    def without(self, *gone: Permission) -> Iterator[None]:
        """Take these permissions away from the deployed roles, until the end."""
        roles = [role for role in self.all.values() if set(role.permissions) & set(gone)]
        try:
            for role in roles:
                left = [permission for permission in role.permissions if permission not in gone]
                self._put(
                    role,
                    {
                        "Version": role.document["Version"],
                        "Statement": [
                            {"Effect": "Allow", "Action": permission.action, "Resource": permission.arn}
                            for permission in left
                        ],
                    },
                )
            yield
        finally:
            for role in roles:
                self._put(role, role.document)

    def session(self, role: Role) -> dict[str, str]:
        """Temporary credentials of a role. To assume the role, this makes it trust the account's root for a moment."""
        trust = self._iam.get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]
        ours = {"Effect": "Allow", "Principal": {"AWS": self._root}, "Action": "sts:AssumeRole"}
        try:
            self._trust(role, {"Version": "2012-10-17", "Statement": [ours]})
            assumed = self._stack.service("sts").assume_role(RoleArn=role.arn, RoleSessionName="least-privilege")
        finally:
            self._trust(role, trust)
        keys = assumed["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def log_group(self, owner: str) -> str | None:
        """The logical id of the log group of the function of this name."""
        for logical_id, name in self.functions.items():
            if name == owner:
                # Fn::If: the local AWS has the group that ends with the stack.
                _, _, group = self._properties(logical_id)["LoggingConfig"]["LogGroup"]["Fn::If"]
                return str(group["Ref"])
        return None

    def arn(self, logical_id: str) -> str:
        """The ARN of a resource."""
        kind, name = self.resources[logical_id]["Type"], self.physical(logical_id)
        match kind:
            case "AWS::SNS::Topic":
                return name
            case "AWS::DynamoDB::Table":
                return f"arn:aws:dynamodb:{self._scope}:table/{name}"
            case "AWS::KMS::Key":
                return f"arn:aws:kms:{self._scope}:key/{name}"
            case "AWS::SQS::Queue":
                return f"arn:aws:sqs:{self._scope}:{name.rsplit('/', 1)[1]}"
            case "AWS::Serverless::Function":
                return f"arn:aws:lambda:{self._scope}:function:{name}"
            case "AWS::Logs::LogGroup":
                return f"arn:aws:logs:{self._scope}:log-group:{name}:*"
        raise UserError(
            f"a policy names {logical_id}, and this test does not know the ARNs of {kind}: add them to roles.py"
        )

    def physical(self, logical_id: str) -> str:
        """The physical id in the local AWS."""
        return self._physical[logical_id]

    def _read(self, logical_id: str, owner: str) -> Role:
        policies = self._properties(logical_id).get("Policies", [])
        if len(policies) != 1:
            raise UserError(f"{logical_id} must have one policy in the template; it has {len(policies)}")
        [policy] = policies
        permissions = []
        for statement in policy["PolicyDocument"]["Statement"]:
            if set(statement) != {"Effect", "Action", "Resource"} or statement["Effect"] != "Allow":
                raise UserError(
                    f"{logical_id}: a statement must be an Allow with Action and Resource; got {json.dumps(statement)}"
                )
            for action, resource in product(_list(statement["Action"]), _list(statement["Resource"])):
                named, arn = self._resource(resource)
                permissions.append(Permission(owner, action, named, arn))
        name = self._physical[logical_id]
        document = self._iam.get_role_policy(RoleName=name, PolicyName=policy["PolicyName"])["PolicyDocument"]
        arn = self._iam.get_role(RoleName=name)["Role"]["Arn"]
        return Role(logical_id, name, arn, policy["PolicyName"], document, tuple(permissions))

    def _resource(self, value: Any) -> tuple[str, str]:
        """The short name and the ARN of a resource, as a policy of the template refers to it."""
        if value == "*":
            return "*", "*"
        match value:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]}:
                return name, self.arn(name)
            case {"Fn::Sub": str(text)} if found := re.fullmatch(r"\$\{(\w+)\.Arn\}([^$]+)", text):
                return found[1] + found[2], self.arn(found[1]) + found[2]
        raise UserError(f"a policy refers to a resource as {json.dumps(value)}, which this test cannot read")

    def _role_of(self, function: str) -> str:
        match self._properties(function).get("Role"):
            case {"Fn::GetAtt": [str(role), "Arn"]}:
                return role
        raise UserError(f"{function} must have a role of its own in the template, as `Role: !GetAtt NAME.Arn`")

    def _properties(self, logical_id: str) -> Any:
        return self.resources[logical_id]["Properties"]

    def _shared(self) -> Iterator[str]:
        for role, number in Counter(self._role_of(function) for function in self.functions).items():
            if number > 1:
                yield f"{role} is the role of {number} functions"

    def _wide(self) -> Iterator[str]:
        for permission in self.permissions():
            if "*" in permission.action or ("*" in permission.resource and permission.action not in WITHOUT_RESOURCE):
                yield f"{permission} is wider than one action on one resource"
        for permission, number in Counter(self.permissions()).items():
            if number > 1:
                yield f"{permission} is in the policy {number} times"

    def _unlike_deployed(self) -> Iterator[str]:
        for role in self.all.values():
            inline = self._iam.list_role_policies(RoleName=role.name)["PolicyNames"]
            attached = [
                it["PolicyArn"] for it in self._iam.list_attached_role_policies(RoleName=role.name)["AttachedPolicies"]
            ]
            if inline != [role.policy] or attached:
                yield f"{role.logical_id} is deployed with the policies {', '.join(inline + attached)}"
            deployed = self._iam.get_role_policy(RoleName=role.name, PolicyName=role.policy)["PolicyDocument"]
            in_template = {(permission.action, permission.arn) for permission in role.permissions}
            if deployed != role.document or _pairs(deployed) != in_template:
                yield f"{role.logical_id} is deployed with a policy that differs from the template"
        functions = self._stack.service("lambda")
        for function in self.functions:
            name, wanted = self.physical(function), self.physical(self._role_of(function))
            role = functions.get_function_configuration(FunctionName=name)["Role"]
            if role.rsplit("/", 1)[1] != wanted:
                yield f"{name} is deployed with the role {role}"

    def _put(self, role: Role, document: Document) -> None:
        self._iam.put_role_policy(RoleName=role.name, PolicyName=role.policy, PolicyDocument=json.dumps(document))

    def _trust(self, role: Role, document: Document) -> None:
        self._iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=json.dumps(document))


def _pairs(document: Document) -> set[tuple[str, str]]:
    statements = document["Statement"]
    return {pair for it in statements for pair in product(_list(it["Action"]), _list(it["Resource"]))}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
