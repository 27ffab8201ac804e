# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The identities of the emulator, and the services that issue temporary keys: STS, the metadata service, a credentials URI."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.alicloud.ehpc.tests.emulator.signature import sign, string_to_sign
from ansible_collections.alicloud.ehpc.tests.support.servers import Answer, Asked

STS = "sts.aliyuncs.com"
METADATA = "100.100.100.200"
ROLE = "acs:ram::1234567890123456:role/example"
OIDC_TOKEN = "EXAMPLE.oidc.token-that-is-secret"
# Each source issues keys with its own name, so that the emulator shows which source was used.
LONG_TERM = ("option", "variable", "profile", "current", "file", "sdk")
TEMPORARY = ("token", "assumed", "oidc", "ecs", "external", "uri")


class Identity(t.NamedTuple):
    """An access key of the emulator."""

    access_key: str
    secret_key: str
    security_token: str = ""

    @property
    def secrets(self) -> list[str]:
        return [secret for secret in (self.secret_key, self.security_token) if secret]

    def as_answer(self) -> dict[str, str]:
        """The key in the format of STS and the metadata service."""
        expiration = datetime.now(timezone.utc) + timedelta(hours=1)
        return {
            "Code": "Success",
            "AccessKeyId": self.access_key,
            "AccessKeySecret": self.secret_key,
            "SecurityToken": self.security_token,
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def identity(name: str) -> Identity:
    if name in LONG_TERM:
        return Identity(f"EXAMPLE{name}", f"EXAMPLE-secret-of-{name}")
    return Identity(f"STS.EXAMPLE{name}", f"EXAMPLE-secret-of-{name}", f"EXAMPLE-security-token-of+/{name}=")


SCENARIO: dict[str, t.Any] = {"credentials": [identity(name)._asdict() for name in (*LONG_TERM, *TEMPORARY)]}


class Sts:
    """STS: assumes ROLE for a valid signature, or for the token of OIDC."""

    def __init__(self) -> None:
        self.assumed: list[dict[str, str]] = []

    def __call__(self, asked: Asked) -> Answer:
        params = asked.params
        self.assumed.append(params)
        if params.get("RoleArn") != ROLE:
            return 403, json.dumps({"Code": "NoPermission", "Message": f"not {params.get('RoleArn')}"})
        if params["Action"] == "AssumeRoleWithOIDC":
            return _given("oidc") if params["OIDCToken"] == OIDC_TOKEN else (400, json.dumps({"Code": "AuthenticationFail.OIDCToken.Invalid"}))
        signer = next((known for known in map(identity, (*LONG_TERM, *TEMPORARY)) if known.access_key == params["AccessKeyId"]), None)
        if signer is None or params["Signature"] != sign(signer.secret_key, string_to_sign("GET", asked.pairs)):
            return 400, json.dumps({"Code": "SignatureDoesNotMatch"})
        if params.get("SecurityToken", "") != signer.security_token:
            return 400, json.dumps({"Code": "InvalidSecurityToken.MismatchWithAccessKey"})
        return _given("assumed")


def _given(name: str) -> Answer:
    return 200, json.dumps({"Credentials": identity(name).as_answer()})


def metadata(asked: Asked) -> Answer:
    """The metadata service of an ECS instance with the role `example`."""
    if asked.method == "PUT":
        return 200, "EXAMPLE-metadata-token"
    if asked.headers.get("x-aliyun-ecs-metadata-token") != "EXAMPLE-metadata-token":
        return 403, "no token"
    if asked.path == "/latest/meta-data/ram/security-credentials/":
        return 200, "example"
    if asked.path == "/latest/meta-data/ram/security-credentials/example":
        return 200, json.dumps(identity("ecs").as_answer())
    return 404, "no such role"


def credentials_uri(asked: Asked) -> Answer:
    """The response of ALIBABA_CLOUD_CREDENTIALS_URI."""
    return 200, json.dumps(identity("uri").as_answer())
