"""The messages that AGE publishes to its topics, compared with the contract."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from client import Item, Stack
from deploy import queue_policy
from settings import ROOT, UserError

TOPICS = ("ACTIONS", "NOTIFICATIONS", "SECOND_LINE", "REPORTS")
QUEUE = "age-published-messages"


class PublishedMessages:
    """A queue that gets every message of AGE from now on."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = stack.service("sqs")
        self._url: str = self._sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        queue_arn = attributes["QueueArn"]
        self._topics = {stack[f"{topic}_TOPIC_ARN"]: topic.lower() for topic in TOPICS}
        policy = queue_policy(list(self._topics), queue_arn)
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        for topic_arn in self._topics:
            stack.service("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn)

    def check(self) -> int:
        """Takes all messages out of the queue. Returns how many there were, if all are as the contract says."""
        contract = json.loads((ROOT / "infra" / "openapi.json").read_text())
        validators = {topic: _validator(contract, topic) for topic in self._topics.values()}
        count = 0
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                envelope = json.loads(message["Body"])
                _check(validators[self._topics[envelope["TopicArn"]]], envelope)
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            count += len(messages)
        if not count:
            raise UserError("AGE published no message in the sample week")
        return count


def _validator(contract: Item, topic: str) -> Draft202012Validator:
    schema = contract["webhooks"][topic]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schemas = {name: _without_other_fields(schema) for name, schema in contract["components"]["schemas"].items()}
    return Draft202012Validator({**schema, "components": {"schemas": schemas}})


def _without_other_fields(schema: Any) -> Any:
    """A field that the contract does not have is a mistake, although clients have to accept it."""
    if isinstance(schema, list):
        return [_without_other_fields(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return closed | {name: _without_other_fields(value) for name, value in schema.items()}


def _check(validator: Draft202012Validator, envelope: Item) -> None:
    try:
        message = json.loads(envelope["Message"])
    except ValueError:
        raise UserError(f"a message is not JSON: {envelope['Message']}") from None
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(message)]
    if errors:
        raise UserError(f"the contract does not describe the message {envelope.get('Subject')!r}: {'; '.join(errors)}")
