# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers as they go over the wire, in JSON or in XML."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from .errors import ApiError, status_and_message

CONTENT_TYPES = {"JSON": "application/json;charset=utf-8", "XML": "text/xml;charset=utf-8"}


@dataclass
class Answer:
    status: int
    body: bytes
    content_type: str
    code: str | None = None
    request_id: str | None = None
    sent: int | None = None  # how many bytes of the body are sent before the connection is cut
    headers: dict[str, str] = field(default_factory=dict)  # beside the content type


def request_id() -> str:
    return str(uuid.uuid4()).upper()


def success(action: str, form: str, content: dict[str, Any], empty_lists: str) -> Answer:
    if empty_lists == "absent":
        content = without_empty_lists(content)
    body = {"RequestId": request_id(), **content}
    return Answer(200, render(f"{action}Response", form, body), CONTENT_TYPES[form], request_id=body["RequestId"])


def failure(action: str, form: str, error: ApiError, host: str) -> Answer:
    status, message = status_and_message(error, action)
    body = {
        "RequestId": request_id(),
        "HostId": host,
        "Code": error.code,
        "Message": message,
        "Recommend": f"https://api.aliyun.com/troubleshoot?q={error.code}",
    }
    return Answer(status, render("Error", form, body), CONTENT_TYPES[form], error.code, body["RequestId"])


def render(root: str, form: str, body: dict[str, Any]) -> bytes:
    if form == "JSON":
        return json.dumps(body, ensure_ascii=False).encode()
    return f"<?xml version='1.0' encoding='UTF-8'?>{element(root, body)}".encode()


def element(name: str, value: Any) -> str:
    """A list is its elements one after the other, each under the list's name."""
    if isinstance(value, list):
        return "".join(element(name, item) for item in value)
    if isinstance(value, dict):
        inner = "".join(element(key, item) for key, item in value.items())
    elif isinstance(value, bool):
        inner = str(value).lower()
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def without_empty_lists(value: Any) -> Any:
    """Drops empty lists, and the wrappers that have nothing else in them."""
    if not isinstance(value, dict):
        return [without_empty_lists(item) for item in value] if isinstance(value, list) else value
    kept = {name: without_empty_lists(item) for name, item in value.items()}
    return {name: item for name, item in kept.items() if item not in ([], {})}
