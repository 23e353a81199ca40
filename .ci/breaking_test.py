#!/usr/bin/env python3
"""The check of breaking changes finds each kind of them, and nothing in what may change."""

import copy
import json
import pathlib
import unittest

from breaking import compare

RELEASED = pathlib.Path(__file__).parent.parent / "openapi" / "released.json"
RECORD = "/v1/apps/{app}/subjects/{subject}/records/{category}/{record}"


class Breaking(unittest.TestCase):
    def setUp(self):
        self.old = json.loads(RELEASED.read_text())
        self.new = copy.deepcopy(self.old)

    def found(self):
        return sorted(set(compare(self.old, self.new)))

    def test_nothing_changed(self):
        self.assertEqual(self.found(), [])

    def test_what_is_added_breaks_nobody(self):
        self.new["paths"]["/new"] = {"get": {"responses": {"200": {}}}}
        self.new["components"]["schemas"]["App"]["properties"]["more"] = {"type": "string"}
        self.new["components"]["schemas"]["Login"]["properties"]["more"] = {"type": "string"}
        self.new["paths"]["/v1/apps"]["get"]["responses"]["418"] = {"description": "tea"}
        self.assertEqual(self.found(), [])

    def test_operations(self):
        del self.new["paths"]["/v1/apps"]["post"]
        self.new["paths"]["/v1/apps"]["get"]["operationId"] = "other"
        self.assertEqual(
            self.found(), ["GET /v1/apps: operationId changed", "POST /v1/apps: operation removed"])

    def test_members_that_are_sent(self):
        login = self.new["components"]["schemas"]["Login"]
        login["required"].append("code")
        login["properties"]["name"]["maxLength"] = 3
        login["properties"]["password"]["type"] = "integer"
        self.assertEqual(self.found(), [
            "POST /v1/staff/login: body.code is required now",
            "POST /v1/staff/login: body.name has a tighter maxLength",
            "POST /v1/staff/login: body.password has another type"])

    def test_members_that_are_read(self):
        session = self.new["components"]["schemas"]["Session"]
        del session["properties"]["user"]
        session["required"].remove("role")
        self.assertEqual(self.found(), [
            "POST /v1/staff/login: answer 200.role may be missing now",
            "POST /v1/staff/login: answer 200.user removed"])

    def test_scopes_parameters_and_statuses(self):
        record = self.new["paths"][RECORD]["get"]
        record["security"] = [{"oauth2": ["audit:read"]}]
        record["responses"]["206"] = record["responses"].pop("200")
        next(p for p in record["parameters"] if p["name"] == "purpose")["name"] = "why"
        found = "\n".join(self.found())
        for change in ("is not enough any more", "parameter why is required now",
                       "parameter purpose removed", "answer 200 removed", "answers 206 now"):
            self.assertIn(change, found)


if __name__ == "__main__":
    unittest.main()
