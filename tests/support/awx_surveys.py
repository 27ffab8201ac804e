# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How AWX validates the variables of a launch, which of them it ignores, and which defaults it adds.

Rules and messages are those of AWX 24.6.1.
"""

from __future__ import annotations

import typing as t

Values = dict[str, t.Any]


class Rejected(Exception):
    """AWX rejects the launch with status 400 and these messages; no job starts."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def questions(template: Values) -> list[Values]:
    """The questions of a template; none if its survey is not enabled."""
    return t.cast("list[Values]", template["survey_spec"]["spec"]) if template.get("survey_enabled") else []


def accepted(template: Values, variables: Values) -> Values:
    """The variables of a launch that AWX passes to the job: answers, and other variables if the template prompts for them."""
    asked = questions(template)
    messages = [message for question in asked for message in _mistakes(question, variables)]
    if messages:
        raise Rejected(messages)
    names = {question["variable"] for question in asked}
    return {name: value for name, value in variables.items() if name in names or template.get("ask_variables_on_launch")}


def defaults(template: Values) -> Values:
    """The defaults that AWX adds to each job: those that are valid answers."""
    values = {question["variable"]: (question, question["default"]) for question in questions(template) if question.get("default") is not None}
    return {name: default for name, (question, default) in values.items() if not _mistakes(question, {name: default})}


def _mistakes(question: Values, variables: Values) -> list[str]:
    name, kind = question["variable"], question["type"]
    if name not in variables:
        return [f"'{name}' value missing"] if question["required"] else []
    value = variables[name]
    if kind in ("text", "textarea"):
        if not isinstance(value, str):
            return [f"Value {value} for '{name}' expected to be a string."]
        return _outside(question, value, len(value), f"length is {len(value)} must be at least")
    if kind == "integer":
        if not isinstance(value, int) or isinstance(value, bool):
            return [f"Value {value} for '{name}' expected to be an integer."]
        return _outside(question, value, value, "must be at least")
    assert kind == "multiplechoice", f"unknown type of question: {kind}"
    return [] if value in question["choices"] else [f"Value {value} for '{name}' expected to be one of {question['choices']}."]


def _outside(question: Values, value: t.Any, size: int, least: str) -> list[str]:
    minimum, maximum = question.get("min"), question.get("max")
    if minimum is not None and size < minimum:
        return [f"'{question['variable']}' value {value} is too small ({least} {minimum})."]
    if maximum is not None and size > maximum:
        return [f"'{question['variable']}' value {value} is too large (must be no more than {maximum})."]
    return []
