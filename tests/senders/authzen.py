"""Runs the certification scenario of the AuthZEN Authorization API 1.0 against AGE.

It has all tests of the levels Basic (Core and Properties), Batch (Core and Properties) and Discovery, by the numbers of
their sections.

The scenario is `certification/authorization-api-1_0-scenario.md` of the repository openid/authzen. Its fixture is
tests/authzen/policy.toml, which must be the active policy.

AGE_STACK_ENV names the stack.env of the running stack. AUTHZEN_URL is the base URL of AGE, by default that of the
stack. AUTHZEN_ROOT names the PEM file of the root certificate, if the URL is https.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from authzen_client import Client, Response

Json = dict[str, Any]

ALICE: Json = {"type": "user", "id": "alice"}
BOB: Json = {"type": "user", "id": "bob"}
ADMIN: Json = {**BOB, "properties": {"role": "admin"}}
ACTIVE: Json = {"type": "record", "id": "record-1"}
ACTIVE_BY_PROPERTY: Json = {**ACTIVE, "properties": {"status": "active"}}
UNSPECIFIED: Json = {"type": "record", "id": "record-2"}
ARCHIVED: Json = {**UNSPECIFIED, "properties": {"status": "archived"}}
READ: Json = {"name": "read"}
WRITE: Json = {"name": "write"}
SOFT_DELETE: Json = {"name": "delete", "properties": {"soft": True}}
HARD_DELETE: Json = {"name": "delete", "properties": {"soft": False}}
CONTEXT: Json = {"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"}

# What the fixture decides, by the numbers of its rules.
RULES: list[tuple[Json, Json, Json, bool]] = [
    (ALICE, READ, ACTIVE, True),
    (ALICE, WRITE, ACTIVE, True),
    (BOB, READ, ACTIVE, True),
    (BOB, WRITE, ACTIVE, False),
    (ALICE, WRITE, ARCHIVED, False),
    (ADMIN, WRITE, ARCHIVED, True),
    (ALICE, SOFT_DELETE, ACTIVE, True),
    (ALICE, HARD_DELETE, ACTIVE, False),
]

EVALUATION = "access_evaluation_endpoint"
EVALUATIONS = "access_evaluations_endpoint"
CONFIGURATION = "/.well-known/authzen-configuration"


def evaluation(subject: Json, action: Json, resource: Json, **others: object) -> Json:
    return {"subject": subject, "action": action, "resource": resource, **others}


ALLOWED = evaluation(ALICE, READ, ACTIVE)
DENIED = evaluation(BOB, WRITE, ACTIVE)


def without(name: str, request: Json = ALLOWED) -> Json:
    return {field: value for field, value in request.items() if field != name}


class CheckError(Exception):
    """AGE does not pass a check."""


def require(condition: bool, wanted: str, response: Response) -> None:
    if not condition:
        raise CheckError(f"{wanted}; got {response}")


# ---- Responses, as sections 2.3, 3.3 and 5 demand them ----


def require_success(response: Response) -> Any:
    """The JSON of a response with status 200."""
    require(response.status == 200, "the status must be 200", response)
    require(response.content_type == "application/json", "the content type must be application/json", response)
    require(response.json is not None, "the body must be JSON", response)
    return response.json


def require_decision(item: Any, wanted: bool | None, response: Response) -> None:
    """Fails unless `item` is a decision: the wanted one, or any if None is wanted."""
    require(isinstance(item, dict) and isinstance(item.get("decision"), bool), "decision must be a boolean", response)
    require(isinstance(item.get("context", {}), dict), "context must be an object", response)
    require(wanted in (None, item["decision"]), f"the decision must be {wanted}", response)


def require_decisions(response: Response, wanted: list[bool | None]) -> None:
    """Fails unless the response has these decisions, in this order."""
    items = require_success(response).get("evaluations")
    require(isinstance(items, list) and len(items) == len(wanted), f"it must have {len(wanted)} evaluations", response)
    for item, decision in zip(items, wanted, strict=True):
        require_decision(item, decision, response)


# ---- Checks: the number of a section, a title, and a function that fails with CheckError. They use the endpoints that
#      the configuration names. ----

Check = Callable[[Client], None]


def decides(request: Json, wanted: bool | None, endpoint: str = EVALUATION) -> Check:
    def check(client: Client) -> None:
        response = client.post(endpoint, request)
        require_decision(require_success(response), wanted, response)

    return check


def decides_batch(request: Json, *wanted: bool | None) -> Check:
    return lambda client: require_decisions(client.post(EVALUATIONS, request), list(wanted))


def refuses(request: Json | bytes, endpoint: str = EVALUATION, content_type: str = "application/json") -> Check:
    def check(client: Client) -> None:
        response = client.post(endpoint, request, {"content-type": content_type})
        require(response.status == 400, "the status must be 400", response)

    return check


def echoes_request_id(endpoint: str, request: Json, status: int) -> Check:
    def check(client: Client) -> None:
        request_id = f"{client.run}-{endpoint}-{status}"
        response = client.post(endpoint, request, {"x-request-id": request_id})
        require(response.status == status, f"the status must be {status}", response)
        require(response.headers.get("x-request-id") == request_id, f"X-Request-ID must be {request_id}", response)

    return check


def decides_alike(request: Json, wanted: bool, headers: Callable[[Client], dict[str, str]]) -> Check:
    def check(client: Client) -> None:
        for _ in range(5):
            response = client.post(EVALUATION, request, headers(client))
            require_decision(require_success(response), wanted, response)

    return check


def fixture_checks() -> Iterator[tuple[str, str, Check]]:
    for number, (subject, action, resource, wanted) in enumerate(RULES, 1):
        request = evaluation(subject, action, resource)
        yield "1.4", f"rule {number}", decides(request, wanted)
        yield "1.6", f"rule {number} with a context", decides({**request, "context": CONTEXT}, wanted)


def basic_checks() -> Iterator[tuple[str, str, Check]]:
    subject = {**ALICE, "properties": {"department": "Sales", "role": "manager"}}
    action = {**READ, "properties": {"method": "GET"}}
    resource = {**ACTIVE, "properties": {"status": "active", "owner": "bob"}}
    yield "2.2.1", "permit decision", decides(ALLOWED, True)
    yield "2.2.2", "deny decision", decides(DENIED, False)
    yield "2.2.3", "optional context", decides({**ALLOWED, "context": CONTEXT}, True)
    yield "2.2.4", "deny based on properties", decides(evaluation(ALICE, WRITE, ARCHIVED), False)
    yield "2.2.5", "permit based on subject properties", decides(evaluation(ADMIN, WRITE, ARCHIVED), True)
    yield "2.2.6", "permit based on action properties", decides(evaluation(ALICE, SOFT_DELETE, ACTIVE), True)
    yield "2.2.7", "deny based on action properties", decides(evaluation(ALICE, HARD_DELETE, ACTIVE), False)
    yield "2.2.8", "additional properties", decides(evaluation(subject, action, resource), True)
    yield "2.2.9", "unknown fields", decides({**ALLOWED, "foo": "bar", "futureField": {"nested": True}}, True)
    yield "2.3.1", "decision is a boolean", decides(DENIED, None)
    yield "2.3.2", "context of a response is an object", decides(ALLOWED, None)
    yield from (("2.4.1", f"without {name}", refuses(without(name))) for name in ("subject", "action", "resource"))
    for entity, field in [
        ("subject", "type"),
        ("subject", "id"),
        ("action", "name"),
        ("resource", "type"),
        ("resource", "id"),
    ]:
        request = {**ALLOWED, entity: without(field, ALLOWED[entity])}
        yield "2.4.2", f"{entity} without {field}", refuses(request)
    for content_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        yield "2.4.3", f"content type {content_type}", refuses(ALLOWED, content_type=content_type)
    yield "2.4.4", "malformed JSON", refuses(json.dumps(ALLOWED).encode()[:-1])
    yield "2.4.5", "empty body", refuses(b"")
    yield "2.4.6", "subject is a string", refuses({**ALLOWED, "subject": "alice"})
    yield "2.4.6", "name of the action is a number", refuses({**ALLOWED, "action": {"name": 123}})
    yield "2.5.1", "X-Request-ID is echoed", echoes_request_id(EVALUATION, ALLOWED, 200)
    yield "2.5.1", "X-Request-ID is echoed with an error", echoes_request_id(EVALUATION, without("subject"), 400)
    yield "2.5.2", "X-Request-ID is absent", decides(ALLOWED, True)
    for request, wanted in [(ALLOWED, True), (DENIED, False)]:
        of_wanted = "permit" if wanted else "deny"
        yield "2.6", f"repeated {of_wanted}", decides_alike(request, wanted, lambda _: {})
        with_id = decides_alike(request, wanted, lambda client: {"x-request-id": f"{client.run}-repeated"})
        yield "2.6", f"repeated {of_wanted} with one X-Request-ID", with_id


def batch_checks() -> Iterator[tuple[str, str, Check]]:
    reads: Json = {"subject": ALICE, "action": READ, "evaluations": [{"resource": ACTIVE}, {"resource": UNSPECIFIED}]}
    ordered: Json = {"subject": BOB, "resource": ACTIVE, "evaluations": [{"action": READ}, {"action": WRITE}]}
    by_resource: Json = {"subject": ALICE, "action": WRITE}
    by_resource["evaluations"] = [{"resource": ACTIVE_BY_PROPERTY}, {"resource": ARCHIVED}]
    by_subject: Json = {"action": WRITE, "resource": ARCHIVED, "evaluations": [{"subject": ALICE}, {"subject": ADMIN}]}
    override = {"time": "2025-06-27T19:00-07:00", "source": "batch-override"}
    in_context: Json = {"subject": ALICE, "action": READ, "context": {"time": CONTEXT["time"]}}
    in_context["evaluations"] = [{"resource": ACTIVE}, {"resource": UNSPECIFIED, "context": override}]
    defaults = evaluation(ALICE, WRITE, ACTIVE_BY_PROPERTY, evaluations=[{}, {"resource": ARCHIVED}])
    invalid: Json = {"subject": ALICE, "action": READ, "options": {"evaluations_semantic": "execute_all"}}
    invalid["evaluations"] = [{"resource": ACTIVE}, {}]
    yield "3.2.1", "evaluations", decides_batch(reads, None, None)
    yield "3.2.2", "decisions of the fixture", decides_batch(ordered, True, False)
    yield "3.2.3", "resource properties", decides_batch(by_resource, True, False)
    yield "3.2.4", "subject properties", decides_batch(by_subject, False, True)
    yield "3.2.5", "evaluations without defaults", decides_batch({"evaluations": [ALLOWED, DENIED]}, True, False)
    yield "3.2.6", "inherited context", decides_batch(in_context, None, None)
    yield "3.2.7", "inherited defaults", decides_batch(defaults, True, False)
    yield "3.3.1", "as many evaluations as requested", decides_batch({"evaluations": [DENIED] * 50}, *[False] * 50)
    yield "3.3.2", "order of the request", decides_batch({"evaluations": [ALLOWED, DENIED] * 5}, *[True, False] * 5)
    yield "3.3.3", "each evaluation has a decision", decides_batch({"evaluations": [ALLOWED]}, True)
    yield "3.3.4", "no decision beside the evaluations", has_no_decision(reads)
    yield "3.4.1", "evaluation without resource", decides_batch(invalid, True, False)
    yield "3.4.2", "no evaluations", decides(ALLOWED, True, EVALUATIONS)
    yield "3.4.3", "empty evaluations", decides({**ALLOWED, "evaluations": []}, True, EVALUATIONS)


def has_no_decision(request: Json) -> Check:
    def check(client: Client) -> None:
        response = client.post(EVALUATIONS, request)
        require("decision" not in require_success(response), "it must have no decision of its own", response)

    return check


def transport_checks() -> Iterator[tuple[str, str, Check]]:
    """What section 5 demands of all levels, where sections 2 to 4 have not tried it of batches."""
    batch = {"evaluations": [ALLOWED, DENIED]}
    yield "5", "unknown fields of a batch", decides_batch({**batch, "foo": {"bar": [1]}}, True, False)
    for name in ("subject", "action", "resource"):
        yield "5", f"no evaluations and no {name}", refuses(without(name), EVALUATIONS)
    yield "5", "evaluations are no list", refuses({"evaluations": ALLOWED}, EVALUATIONS)
    yield "5", "batch of another content type", refuses(batch, EVALUATIONS, "text/plain")
    yield "5", "batch of malformed JSON", refuses(b'{"evaluations": [', EVALUATIONS)
    yield "5", "empty body of a batch", refuses(b"", EVALUATIONS)
    yield "5", "X-Request-ID of a batch is echoed", echoes_request_id(EVALUATIONS, batch, 200)
    yield "5", "X-Request-ID of a batch is echoed with an error", echoes_request_id(EVALUATIONS, {}, 400)


def discovery_checks() -> Iterator[tuple[str, str, Check]]:
    yield "6.1", "the configuration is at its well-known place", has_configuration
    yield "6.2", "the configuration is JSON", has_configuration
    yield "6.3", "policy_decision_point is the base URL", names_the_base_url
    yield "6.4", "optional fields", has_valid_optional_fields
    yield "6.5", "endpoints are URLs", names_urls
    yield "6.6", "the configuration needs no credential", has_configuration


def has_configuration(client: Client) -> None:
    _configuration(client)


def names_the_base_url(client: Client) -> None:
    response, configuration = _configuration(client)
    base = configuration.get("policy_decision_point")
    require(base == client.base, f"policy_decision_point must be {client.base}", response)
    require(EVALUATION in configuration, f"it must have {EVALUATION}", response)


def has_valid_optional_fields(client: Client) -> None:
    response, configuration = _configuration(client)
    capabilities = configuration.get("capabilities", [])
    are_strings = isinstance(capabilities, list) and all(isinstance(it, str) for it in capabilities)
    require(are_strings, "capabilities must be strings", response)
    require("signed_metadata" not in configuration, "this check does not verify signed_metadata", response)


def names_urls(client: Client) -> None:
    response, configuration = _configuration(client)
    for name, url in configuration.items():
        if name.endswith("_endpoint") or name == "policy_decision_point":
            parts = urlsplit(url)
            # The scenario demands https. The stack itself has no certificate, so its URLs are http.
            is_url = (
                parts.scheme == urlsplit(client.base).scheme and parts.netloc and not (parts.query or parts.fragment)
            )
            require(bool(is_url), f"{name} must be a URL as the one that was asked", response)


def _configuration(client: Client) -> tuple[Response, Json]:
    response = client.get(CONFIGURATION)
    return response, require_success(response)


def main() -> int:
    stack = dict(line.split("=", 1) for line in Path(os.environ["AGE_STACK_ENV"]).read_text().splitlines())
    base, root = os.environ.get("AUTHZEN_URL", stack["AGE_API_URL"]), os.environ.get("AUTHZEN_ROOT")
    client = Client(base, stack["AGE_TOKEN_BILLING"], root)
    client.discover(CONFIGURATION)
    groups = (fixture_checks, basic_checks, batch_checks, transport_checks, discovery_checks)
    checks = [check for group in groups for check in group()]
    failed = 0
    for section, title, check in checks:
        try:
            check(client)
            print(f"{section:<6} passed  {title}")
        except CheckError as error:
            failed += 1
            print(f"{section:<6} FAILED  {title}: {error}")
    print(f"{base}: {len(checks) - failed} of {len(checks)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
