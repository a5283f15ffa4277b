"""Translates the SAM template into plain CloudFormation that the local AWS understands.

AWS's own translator does the work. Four things differ on the local AWS:

- The code of the functions comes from objects in the local S3 instead of folders.
- SAM writes the HTTP API's routes into an OpenAPI body, which the local CloudFormation does not read. The routes become
  resources of their own.
- Schedules whose payload has a placeholder are disabled, because the local scheduler does not substitute placeholders.
- Functions and schedules have names that tests can know, such as age-log-event.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from settings import API_ID, REGION

Template = dict[str, Any]

ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"


def load(path: Path) -> Template:
    template: Template = yaml_parse(path.read_text())
    return template


def functions(template: Template) -> dict[str, str]:
    """The name of the binary of every function (the last folder of its CodeUri), by logical id."""
    return {
        logical_id: Path(resource["Properties"]["CodeUri"]).name
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def translate(template: Template, bucket: str, keys: dict[str, str]) -> str:
    """Returns CloudFormation as JSON. `keys` has the key of each binary's zip in the bucket."""
    binaries = functions(template)
    for logical_id, binary in binaries.items():
        template["Resources"][logical_id]["Properties"] |= {
            "CodeUri": {"Bucket": bucket, "Key": keys[binary]},
            "FunctionName": _name(binary),
        }
    translated = plain(template)
    for logical_id, resource in list(translated["Resources"].items()):
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            body = resource["Properties"].pop("Body")
            translated["Resources"].update(_routes(logical_id, body))
            resource["Properties"] |= {"Name": "age", "ProtocolType": "HTTP", "Tags": {"ms-custom-id": API_ID}}
            # The local API Gateway reads the names that the body uses (camelCase).
            resource["Properties"]["CorsConfiguration"] = body["x-amazon-apigateway-cors"]
        if resource["Type"] == "AWS::Scheduler::Schedule":
            target = resource["Properties"]["Target"]
            resource["Properties"]["Name"] = _name(binaries[target["Arn"]["Fn::GetAtt"][0]])
            if "<aws." in str(target):
                # The local scheduler sends `<aws.scheduler.scheduled-time>` unchanged.
                resource["Properties"]["State"] = "DISABLED"
    return json.dumps(translated)


def plain(template: Template) -> Template:
    """The template as AWS's translator hands it to CloudFormation."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)  # the translator requires one
    translated: Template = transform(template, {}, _NoManagedPolicies())
    return translated


def _name(binary: str) -> Template:
    return {"Fn::Sub": f"${{AWS::StackName}}-{binary}"}


def _routes(api: str, body: Template) -> Template:
    resources: Template = {}
    for number, (path, methods) in enumerate(sorted(body["paths"].items())):
        for method, operation in methods.items():
            name = f"{api}Route{number}{'' if method == ANY_METHOD else method.capitalize()}"
            resources[f"{name}Integration"] = _resource(
                "Integration",
                {
                    "ApiId": {"Ref": api},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": operation[INTEGRATION]["uri"],
                    "PayloadFormatVersion": "2.0",
                },
            )
            resources[name] = _resource(
                "Route",
                {
                    "ApiId": {"Ref": api},
                    "RouteKey": path
                    if path == "$default"
                    else f"{'ANY' if method == ANY_METHOD else method.upper()} {path}",
                    "Target": {"Fn::Sub": f"integrations/${{{name}Integration}}"},
                },
            )
    return resources


def _resource(kind: str, properties: Template) -> Template:
    return {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": properties}


class _NoManagedPolicies:
    """The template uses no managed policies, so the translator does not load their names from AWS."""

    def load(self) -> dict[str, str]:
        return {}
