"""Deploys infra/template.yaml to the local AWS: uploads the code to S3, then applies the template."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

import server
import translate
from client import Stack, service
from settings import ADMIN, REGION, STACK, TEMPLATE, UserError, lambda_dir

BUCKET = "age-code"
TOPICS = ("ACTIONS", "NOTIFICATIONS", "SECOND_LINE", "REPORTS")


def check_binaries() -> None:
    missing = [name for name in translate.functions(translate.load(TEMPLATE)).values() if not _binary(name).is_file()]
    if missing:
        raise UserError(f"{lambda_dir()} has no binary for {', '.join(missing)}: build them with `make build`")


def deploy(port: int, api_url: str) -> Stack:
    """Create or update the stack. An update replaces only the functions whose binary changed."""
    endpoint = server.endpoint(port)
    template_url = _upload(service("s3", endpoint), endpoint)
    outputs = _apply(service("cloudformation", endpoint), template_url, {"PublicUrl": api_url})
    queues = {f"{topic}_QUEUE_URL": _subscribe_queue(endpoint, topic, outputs) for topic in TOPICS}
    environment = _environment_of(service("lambda", endpoint), f"{STACK}-list-events")
    return Stack(
        {
            "AGE_API_URL": api_url,
            "AGE_GATEWAY_HOST": server.gateway_host(port),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ADMIN,
            "AWS_SECRET_ACCESS_KEY": ADMIN,
            "EVENTS_TABLE": outputs["EventsTableName"],
            "ROLLUPS_TABLE": outputs["RollupsTableName"],
            "ACTIONS_TABLE": outputs["ActionsTableName"],
            "INCIDENTS_TABLE": outputs["IncidentsTableName"],
            "REPORTS_TABLE": outputs["ReportsTableName"],
            "DECISIONS_TABLE": outputs["DecisionsTableName"],
            "CREDENTIALS_TABLE": outputs["CredentialsTableName"],
            "CHANNELS_TABLE": outputs["ChannelsTableName"],
            "DELIVERIES_TABLE": outputs["DeliveriesTableName"],
            **{f"{topic}_TOPIC_ARN": _topic(topic, outputs) for topic in (*TOPICS, "ALARMS")},
            **queues,
            "FIRST_ADMIN_FUNCTION": outputs["FirstAdminFunctionName"],
            "SWEEP_FUNCTION": outputs["SweepFunctionName"],
            "RELAY_FUNCTION": outputs["RelayFunctionName"],
            "WEEKLY_FUNCTION": outputs["WeeklyReportFunctionName"],
            **{name: environment[name] for name in ("EVENT_RETENTION_DAYS", "REQUESTS_PER_SECOND", "REQUESTS_BURST")},
            "PUBLIC_URL": api_url,
        }
    )


def _binary(name: str) -> Path:
    return lambda_dir() / name / "bootstrap"


def _upload(s3: Any, endpoint: str) -> str:
    """Upload the zips and the template to S3, each under the hash of its content. Returns the template's URL."""
    s3.create_bucket(Bucket=BUCKET)
    template = translate.load(TEMPLATE)
    keys = {name: _put(s3, name, _zip(_binary(name)), "zip") for name in translate.functions(template).values()}
    plain = translate.translate(template, BUCKET, keys)
    return f"{endpoint}/{BUCKET}/{_put(s3, 'template', plain.encode(), 'json')}"


def _put(s3: Any, name: str, content: bytes, suffix: str) -> str:
    key = f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
    s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    return key


def _zip(binary: Path) -> bytes:
    entry = zipfile.ZipInfo("bootstrap")  # its date is fixed, so equal binaries make equal zips
    entry.external_attr = 0o755 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, binary.read_bytes())
    return buffer.getvalue()


def _apply(cloudformation: Any, template_url: str, parameters: dict[str, str]) -> dict[str, str]:
    request = {
        "StackName": STACK,
        "TemplateURL": template_url,
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    }
    try:
        if _exists(cloudformation):
            cloudformation.update_stack(**request)
            _wait(cloudformation, "stack_update_complete")
        else:
            cloudformation.create_stack(**request)
            _wait(cloudformation, "stack_create_complete")
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise UserError(f"the local AWS rejected the template: {error}") from None
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _exists(cloudformation: Any) -> bool:
    try:
        return bool(cloudformation.describe_stacks(StackName=STACK)["Stacks"])
    except ClientError:
        return False


def _wait(cloudformation: Any, state: str) -> None:
    try:
        cloudformation.get_waiter(state).wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except WaiterError:
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [e for e in events if e["ResourceStatus"].endswith("FAILED")]
        reasons = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', 'no reason given')}" for e in failed]
        raise UserError(f"the template did not deploy: {reasons[-1] if reasons else 'no reason given'}") from None


def _topic(topic: str, outputs: dict[str, str]) -> str:
    return outputs[f"{topic.title().replace('_', '')}TopicArn"]


def _subscribe_queue(endpoint: str, topic: str, outputs: dict[str, str]) -> str:
    """Create a queue with a subscription to the topic. Returns its URL. Its messages are as a subscriber gets them."""
    sqs, arn = service("sqs", endpoint), _topic(topic, outputs)
    queue: str = sqs.create_queue(QueueName=f"{STACK}-{topic.lower().replace('_', '-')}")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": queue_policy([arn], queue_arn)})
    service("sns", endpoint).subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    return queue


def queue_policy(topic_arns: list[str], queue_arn: str) -> str:
    """Lets the topics send to the queue."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": queue_arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic_arns}},
                }
            ],
        }
    )


def _environment_of(functions: Any, name: str) -> dict[str, str]:
    return dict(functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"])
