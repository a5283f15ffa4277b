"""Deploys AGE to an AWS account: SAM CLI asks for the parameters and offers the answers that are stored.

The stored answers are the parameters of the deployed stack. If it has none, they are those of SAM CLI's file,
samconfig.toml. SAM CLI alone would forget them: its option --parameter-overrides, which the architecture needs,
replaces all parameters of the file.

After a success the tables are protected from deletion.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from account import STACK_NAME, Account, stack_name

# isort: split
from settings import TEMPLATE, UserError, run
from translate import load

SAM_CLI = Path(sys.prefix) / "sam" / "bin" / "sam"
CONFIG_FILE = "samconfig.toml"  # SAM CLI writes it beside the template
DEFAULT_STACK = "age"

Parameters = dict[str, str]


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    template = options.template_file
    stored = config(template, options.config_env)
    stack = options.stack_name or stored.get("stack_name", DEFAULT_STACK)
    region, profile = options.region or stored.get("region"), options.profile or stored.get("profile")
    account = Account(region, profile)
    deployed = account.stack(stack)
    if deployed is not None and deployed["StackStatus"] == "ROLLBACK_COMPLETE":
        raise UserError(
            f"the first deployment of stack {stack} failed: delete what is left of it with `aws cloudformation "
            f"delete-stack --region {account.region} --stack-name {stack}`, then deploy again"
        )
    parameters = answers(stored, deployed, stack) | dict(options.parameters)
    if parameters.get("Arch", options.arch) != options.arch:
        print(f"The functions change from {parameters['Arch']} to {options.arch}, for which they were built.")
    parameters["Arch"] = options.arch
    known = load(template)["Parameters"]
    if unknown := sorted(dict(options.parameters).keys() - known.keys()):
        raise UserError(f"the template has no parameter {unknown[0]}: choose from {', '.join(known)}")
    print(f"The answers of stack {stack} in {account.region} are offered.", flush=True)
    command = [
        *("--template-file", str(template), "--stack-name", stack, "--region", account.region),
        *("--config-env", options.config_env, *(("--profile", profile) if profile else ())),
        *("--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset"),
        *("--parameter-overrides", *overrides({name: parameters[name] for name in known if name in parameters})),
    ]
    code = sam("deploy", "--guided", *command)
    if code == 0:
        # The person may have answered with another stack or region, which SAM CLI stores if they want.
        now = config(template, options.config_env)
        changed = now if now != stored else {}
        _protect(Account(changed.get("region", account.region), profile), changed.get("stack_name", stack))
    return code


def sam(*arguments: str) -> int:
    """Run SAM CLI and return its exit code. It pins other versions than .venv, so `make` installs it apart."""
    return subprocess.run([SAM_CLI, *arguments], env=os.environ | {"SAM_CLI_TELEMETRY": "0"}, check=False).returncode


def config(template: Path, environment: str) -> dict[str, Any]:
    """What SAM CLI stored about the last deployment in this environment of its file."""
    file = template.parent / CONFIG_FILE
    try:
        sections = tomllib.loads(file.read_text()) if file.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is not TOML: {error}") from None
    section = sections.get(environment, {})
    stored: dict[str, Any] = {}
    for command in ("global", "deploy"):
        stored |= section.get(command, {}).get("parameters", {})
    if not STACK_NAME.fullmatch(stored.get("stack_name", DEFAULT_STACK)):
        del stored["stack_name"]  # SAM CLI stores answers before AWS refuses them
    return stored


def answers(stored: dict[str, Any], stack: dict[str, Any] | None, name: str) -> Parameters:
    """The parameters to offer: those of the stack, or of the file if the stack has none."""
    if stack is not None and stack.get("Parameters"):
        return {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}
    if stored.get("stack_name") != name:
        return {}
    words = stored.get("parameter_overrides", "")
    return dict(word.partition("=")[::2] for word in (shlex.split(words) if isinstance(words, str) else words))


def overrides(parameters: Parameters) -> list[str]:
    """The parameters as SAM CLI reads them. It takes an empty value for none, and offers the template's default."""
    return [f"{name}={value}" for name, value in parameters.items() if value]


def _protect(account: Account, stack: str) -> None:
    """Protect the tables of a stack that was deployed."""
    description = account.stack(stack)
    if description is None or description["StackStatus"] == "REVIEW_IN_PROGRESS":
        return  # the person declined the changes
    try:
        for table in account.tables_of(stack):
            if not account.table(table).get("DeletionProtectionEnabled"):
                account.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    except ClientError as error:
        raise UserError(f"AGE is deployed, but its tables are not protected from deletion: {error}") from None
    print(f"The tables of stack {stack} are protected from deletion.")


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f'a parameter must be given as NAME=VALUE; got "{text}"')
    return name, value


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make deploy", description="Deploy AGE to an AWS account.")
    parser.add_argument("--arch", required=True, choices=["x86_64", "arm64"], help="what the functions were built for")
    parser.add_argument("--stack-name", type=stack_name, help="the stack (the one of the last deployment, or age)")
    parser.add_argument("--region", help="its region (that of the last deployment, or of the environment)")
    parser.add_argument("--profile", help="the profile of the AWS credentials")
    parser.add_argument("--config-env", default="default", help="the section of samconfig.toml (default)")
    parser.add_argument("--template-file", type=Path, default=TEMPLATE, help=argparse.SUPPRESS)
    parser.add_argument("parameters", nargs="*", type=_parameter, metavar="NAME=VALUE", help="a parameter to offer")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run(main)
