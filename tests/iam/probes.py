"""What each role may and may not do, tried with its own credentials: every action on every resource that there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

from client import Stack
from roles import Permission, Role, Roles

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}

# How a call ends that is let through and still changes nothing; others just find nothing.
LET_THROUGH = {"ConditionalCheckFailedException", "MissingParameter"}

# Allowed, but not tried: the local AWS has no X-Ray, and for logs it looks for another ARN than AWS does.
NOT_TRIED = {"logs", "xray"}

# What is nowhere stored.
NOTHING = "least-privilege"

Request = dict[str, Any]


@dataclass(frozen=True)
class Probe:
    """A call that changes nothing, whoever may make it."""

    action: str
    resource: str
    arn: str
    request: Request

    @property
    def service(self) -> str:
        return self.action.split(":")[0]

    def is_denied(self, client: Any) -> bool:
        name = self.action.split(":")[1]
        method = "invoke" if name == "InvokeFunction" else xform_name(name)
        try:
            getattr(client, method)(**self.request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in DENIED | LET_THROUGH:
                raise
            return code in DENIED
        return False


@dataclass(frozen=True)
class Probed:
    allowed: int
    denied: int
    faults: list[str]


def of_all(stack: Stack, roles: Roles) -> list[Probe]:
    return [*_tables(stack, roles), *_topics(roles), *_queues(stack), *_functions(roles)]


def run(stack: Stack, roles: Roles, role: Role, probes: list[Probe]) -> Probed:
    """What comes of the probes, made as `role`. An answer that its policy does not say is a fault."""
    session = boto3.Session(region_name=stack["AWS_REGION"], **roles.session(role))
    services = {probe.service for probe in probes}
    clients = {name: session.client(name, endpoint_url=stack["AWS_ENDPOINT_URL"]) for name in services}
    may = {(permission.action, permission.arn) for permission in role.permissions}
    denied, faults = 0, []
    for probe in probes:
        is_denied = probe.is_denied(clients[probe.service])
        denied += is_denied
        if is_denied == ((probe.action, probe.arn) in may):
            verb = "is refused" if is_denied else "is let through"
            faults.append(f"{role.logical_id} {verb}, unlike its policy says: {probe.action} on {probe.resource}")
    tried = {(probe.action, probe.arn) for probe in probes}
    faults += [f"{permission} was not tried" for permission in role.permissions if _is_missing(permission, tried)]
    return Probed(len(probes) - denied, denied, faults)


def _is_missing(permission: Permission, tried: set[tuple[str, str]]) -> bool:
    return permission.action.split(":")[0] not in NOT_TRIED and (permission.action, permission.arn) not in tried


def _tables(stack: Stack, roles: Roles) -> Iterator[Probe]:
    for logical_id in roles.of_type("AWS::DynamoDB::Table"):
        table, arn = roles.physical(logical_id), roles.arn(logical_id)
        shape = stack.service("dynamodb").describe_table(TableName=table)["Table"]
        for action, request in _of_table(table, _names(shape)).items():
            yield Probe(f"dynamodb:{action}", logical_id, arn, request)
        for index in shape.get("GlobalSecondaryIndexes", []):
            named, of_index = f"/index/{index['IndexName']}", {"TableName": table, "IndexName": index["IndexName"]}
            query = Probe("dynamodb:Query", logical_id + named, arn + named, of_index | _where(_names(index)[0]))
            yield query
            yield Probe("dynamodb:Scan", query.resource, query.arn, of_index | {"Limit": 1})


def _of_table(table: str, names: list[str]) -> dict[str, Request]:
    of_table, key = {"TableName": table}, {name: {"S": NOTHING} for name in names}
    never = {"ConditionExpression": f"attribute_exists({names[0]})"}
    return {
        "GetItem": of_table | {"Key": key},
        "PutItem": of_table | {"Item": key} | never,
        "UpdateItem": of_table | {"Key": key, "UpdateExpression": "REMOVE nothing"} | never,
        "DeleteItem": of_table | {"Key": key},
        "Query": of_table | _where(names[0]),
        "Scan": of_table | {"Limit": 1},
        "BatchGetItem": {"RequestItems": {table: {"Keys": [key]}}},
        "BatchWriteItem": {"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}},
        "DescribeTable": of_table,
    }


def _names(shape: Request) -> list[str]:
    return [part["AttributeName"] for part in shape["KeySchema"]]


def _where(name: str) -> Request:
    return {
        "KeyConditionExpression": "#name = :nothing",
        "ExpressionAttributeNames": {"#name": name},
        "ExpressionAttributeValues": {":nothing": {"S": NOTHING}},
    }


def _topics(roles: Roles) -> Iterator[Probe]:
    for name in roles.of_type("AWS::SNS::Topic"):
        arn = roles.arn(name)
        # The local SNS takes any message. What it hands on is taken out of the queues.
        yield Probe("sns:Publish", name, arn, {"TopicArn": arn, "Message": NOTHING})
        yield Probe("sns:GetTopicAttributes", name, arn, {"TopicArn": arn})


def _queues(stack: Stack) -> Iterator[Probe]:
    sqs = stack.service("sqs")
    for url in sqs.list_queues()["QueueUrls"]:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        yield Probe("sqs:SendMessage", arn.rsplit(":", 1)[1], arn, {"QueueUrl": url, "MessageBody": ""})
        yield Probe("sqs:ReceiveMessage", arn.rsplit(":", 1)[1], arn, {"QueueUrl": url})


def _functions(roles: Roles) -> Iterator[Probe]:
    for logical_id in roles.functions:
        request = {"FunctionName": roles.physical(logical_id), "InvocationType": "DryRun"}
        yield Probe("lambda:InvokeFunction", logical_id, roles.arn(logical_id), request)
