"""Lets generated calls name what exists, so that they get further than "not found"."""

import json
import os
import re

import schemathesis

IDS = json.loads(os.environ["OUBLI_BESIDE_IDS"])
SUBJECT = re.compile(r"^sub_[0-9a-f]{32}$")
PROBLEM = "application/problem+json"


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """A path parameter that fits is one of the things that exist."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                known = IDS.get(parameter["name"])
                if known and parameter["in"] == "path":
                    parameter["schema"] = {"type": parameter["schema"]["type"], "enum": known}
                    parameter["example"] = known[0]
            # Schemathesis takes a JWT for JSON and would parse it.
            for answer in operation["responses"].values():
                answer.get("content", {}).get("application/jwt", {}).pop("schema", None)


@schemathesis.hook
def before_call(context, case, kwargs):
    """A body that names a well-formed subject names one that exists and that no path needs."""
    if isinstance(case.body, (dict, list)):
        case.body = with_subject(case.body)


def with_subject(value):
    if isinstance(value, dict):
        return {name: with_subject(member) for name, member in value.items()}
    if isinstance(value, list):
        return [with_subject(item) for item in value]
    if isinstance(value, str) and SUBJECT.match(value):
        return IDS["other"]
    return value


@schemathesis.check
def problem_conformance(context, response, case):
    """A problem is one that the document names for the operation and the status."""
    kinds = response.headers.get("content-type", [""])
    # Other methods are tried too: they belong to no operation.
    if PROBLEM not in kinds[0] or case.method.upper() != case.operation.method.upper():
        return
    slug = response.json()["type"].rsplit("/", 1)[-1]
    told = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    known = told.get("content", {}).get(PROBLEM, {}).get("examples", {})
    # A generated segment can hold a slash or nothing, which makes another path of it.
    if slug not in known and slug != "no-such-path":
        raise AssertionError(f"{response.status_code} {slug} is not documented")
