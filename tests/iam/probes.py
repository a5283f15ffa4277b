"""Probes: calls that change nothing, made with a role's own credentials, for every action on every resource."""

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

# Errors of calls that IAM allowed. Calls that fail otherwise are a fault of the test.
ALLOWED_ERRORS = {
    "ConditionalCheckFailedException",
    "InvalidCiphertextException",
    "MissingParameter",
    "ReceiptHandleIsInvalid",
    "TransactionCanceledException",
}

# The methods of boto3 that are not named after their actions.
METHODS = {"InvokeFunction": "invoke", "ConditionCheckItem": "transact_write_items"}

# Not tried: the local AWS has no X-Ray, and checks another ARN for logs than AWS does.
NOT_TRIED = {"logs", "xray"}

# A key that is not stored anywhere.
NO_SUCH_KEY = "least-privilege"

Request = dict[str, Any]


@dataclass(frozen=True)
class Probe:
    """A call that changes nothing, even if IAM allows it."""

    action: str
    resource: str
    arn: str
    request: Request

    @property
    def service(self) -> str:
        return self.action.split(":")[0]

    def is_denied(self, client: Any) -> bool:
        name = self.action.split(":")[1]
        method = METHODS.get(name) or xform_name(name)
        try:
            getattr(client, method)(**self.request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in DENIED | ALLOWED_ERRORS:
                raise
            return code in DENIED
        return False


@dataclass(frozen=True)
class ProbeResults:
    allowed: int
    denied: int
    faults: list[str]


def all_probes(stack: Stack, roles: Roles) -> list[Probe]:
    return [*_tables(stack, roles), *_topics(roles), *_queues(stack), *_keys(roles), *_functions(roles)]


def run(stack: Stack, roles: Roles, role: Role, probes: list[Probe]) -> ProbeResults:
    """Make the calls as `role`. A fault is a call that IAM allows or denies unlike the role's policy says."""
    keys: Any = roles.session(role)
    session: Any = boto3.Session(region_name=stack["AWS_REGION"], **keys)
    services = {probe.service for probe in probes}
    clients = {name: session.client(name, endpoint_url=stack["AWS_ENDPOINT_URL"]) for name in services}
    may = {(permission.action, permission.arn) for permission in role.permissions}
    denied, faults = 0, []
    for probe in probes:
        is_denied = probe.is_denied(clients[probe.service])
        denied += is_denied
        if is_denied == ((probe.action, probe.arn) in may):
            verb = "is denied" if is_denied else "is allowed"
            faults.append(f"{role.logical_id} {verb} {probe.action} on {probe.resource}, which its policy does not say")
    tried = {(probe.action, probe.arn) for probe in probes}
    faults += [f"{permission} was not probed" for permission in role.permissions if _is_missing(permission, tried)]
    return ProbeResults(len(probes) - denied, denied, faults)


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
    of_table, key = {"TableName": table}, {name: {"S": NO_SUCH_KEY} for name in names}
    never = {"ConditionExpression": "attribute_exists(#name)", "ExpressionAttributeNames": {"#name": names[0]}}
    return {
        "GetItem": of_table | {"Key": key},
        "PutItem": of_table | {"Item": key} | never,
        "UpdateItem": of_table | {"Key": key, "UpdateExpression": "REMOVE nothing"} | never,
        "DeleteItem": of_table | {"Key": key},
        "ConditionCheckItem": {"TransactItems": [{"ConditionCheck": of_table | {"Key": key} | never}]},
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
        "ExpressionAttributeValues": {":nothing": {"S": NO_SUCH_KEY}},
    }


def _topics(roles: Roles) -> Iterator[Probe]:
    for name in roles.of_type("AWS::SNS::Topic"):
        arn = roles.arn(name)
        # The local SNS accepts any message. The harness deletes what reaches the queues.
        yield Probe("sns:Publish", name, arn, {"TopicArn": arn, "Message": NO_SUCH_KEY})
        yield Probe("sns:GetTopicAttributes", name, arn, {"TopicArn": arn})


def _queues(stack: Stack) -> Iterator[Probe]:
    sqs = stack.service("sqs")
    for url in sqs.list_queues()["QueueUrls"]:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        name, of_queue = arn.rsplit(":", 1)[1], {"QueueUrl": url}
        yield Probe("sqs:SendMessage", name, arn, of_queue | {"MessageBody": ""})
        yield Probe("sqs:ReceiveMessage", name, arn, of_queue)
        yield Probe("sqs:DeleteMessage", name, arn, of_queue | {"ReceiptHandle": NO_SUCH_KEY})
        yield Probe("sqs:GetQueueAttributes", name, arn, of_queue | {"AttributeNames": ["QueueArn"]})


def _keys(roles: Roles) -> Iterator[Probe]:
    for name in roles.of_type("AWS::KMS::Key"):
        arn = roles.arn(name)
        yield Probe("kms:Encrypt", name, arn, {"KeyId": arn, "Plaintext": b"nothing"})
        yield Probe("kms:Decrypt", name, arn, {"KeyId": arn, "CiphertextBlob": b"nothing"})


def _functions(roles: Roles) -> Iterator[Probe]:
    for logical_id in roles.functions:
        request = {"FunctionName": roles.physical(logical_id), "InvocationType": "DryRun"}
        yield Probe("lambda:InvokeFunction", logical_id, roles.arn(logical_id), request)
