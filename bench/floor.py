"""Generates the floor, a plain JavaScript app that makes the library calls of a recorded run of our app.

jsii's Python side sends one JSON line per call of the library. The floor makes the same calls in JavaScript, with a
variable for each returned object and token, so it builds the same assembly without Python and jsii. Callbacks to Python
are replaced by their recorded answers, so our own rules cost it no time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_TOKEN = re.compile(r"[$#]\{Token\[[^\]]*\]\}")
_IDENTIFIER = re.compile(r"^[A-Za-z_$][\w$]*$")


class UntranslatableError(Exception):
    """The floor cannot make a call, because it failed or overrides methods of a library class."""


def translate(recording: Path) -> str:
    """Returns the recorded run as a CommonJS app."""
    messages = [json.loads(line[1:]) for line in recording.read_bytes().splitlines()][1:]
    exchanges = list(zip(messages[::2], messages[1::2], strict=False))
    program = _Program(_callback_answers(exchanges))
    waiting: list[dict[str, Any]] = []
    for sent, answer in exchanges:
        if "error" in answer:
            raise UntranslatableError(f"a call that failed: {answer['error']}")
        if "complete" not in sent:
            waiting.append(sent)
        if "callback" in answer:
            continue
        call = waiting.pop()
        if not waiting:  # other calls are made in a callback, whose answer is recorded
            program.add(call, answer["ok"])
    return program.text()


def _callback_answers(exchanges: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> dict[tuple[str, str], Any]:
    """Returns the answers of Python to JavaScript's callbacks, by object and member."""
    members: dict[str, tuple[str, str]] = {}
    answers: dict[tuple[str, str], Any] = {}
    for sent, answer in exchanges:
        if "complete" in sent:
            done = sent["complete"]
            member, result = members[done["cbid"]], done.get("result")
            if answers.setdefault(member, result) != result:
                raise UntranslatableError(f"callback {member} was answered in two ways")
        if "callback" in answer:
            callback = answer["callback"]
            about = callback.get("invoke") or callback["get"]
            members[callback["cbid"]] = about["objref"]["$jsii.byref"], str(about.get("method") or about["property"])
    return answers


class _Program:
    """The statements of the program, and the variables of returned objects and tokens."""

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        self._answers = answers
        self._modules: dict[str, str] = {}
        self._statements: list[str] = []
        self._objects: dict[str, str] = {}
        self._tokens: dict[str | float, str] = {}

    def text(self) -> str:
        requires = [f"const {name} = require({json.dumps(path)});" for path, name in sorted(self._modules.items())]
        return "\n".join(["'use strict';", *requires, *self._statements, ""])

    def add(self, call: dict[str, Any], answer: dict[str, Any]) -> None:
        """Adds a call, with a variable for its result if a later call could need it."""
        match call.get("api"):
            case "load":
                return
            case "create":
                self._keep(self._made(call, answer), answer)
            case "sinvoke":
                self._keep(
                    f"{self._class(call['fqn'])}.{call['method']}({self._arguments(call)})", answer.get("result")
                )
            case "invoke":
                self._keep(f"{self._object(call)}.{call['method']}({self._arguments(call)})", answer.get("result"))
            case "sget":
                self._keep(f"{self._class(call['fqn'])}.{call['property']}", answer.get("value"))
            case "get":
                self._keep(f"{self._object(call)}.{call['property']}", answer.get("value"))
            case "set":
                value = self._value(call["value"])
                self._statements.append(f"{self._object(call)}.{call['property']} = {value};")
            case other:
                raise UntranslatableError(f"api {other}")

    def _made(self, call: dict[str, Any], answer: dict[str, Any]) -> str:
        overrides = call.get("overrides") or []
        if not overrides:
            return f"new {self._class(call['fqn'])}({self._arguments(call)})"
        if call["fqn"] != "Object":
            raise UntranslatableError(f"{call['fqn']} overrides {overrides}")
        # An object with callbacks to Python: here its members return the recorded answers.
        members = []
        for override in overrides:
            name = override.get("method") or override["property"]
            answered = self._value(self._answers.get((answer["$jsii.byref"], name)))
            members.append(f"{'' if override.get('method') else 'get '}{name}() {{ return {answered} ?? undefined; }}")
        return f"({{{', '.join(members)}}})"

    def _object(self, call: dict[str, Any]) -> str:
        return self._objects[call["objref"]["$jsii.byref"]]

    def _arguments(self, call: dict[str, Any]) -> str:
        given = list(call.get("args") or [])
        while given and given[-1] is None:
            given.pop()
        return ", ".join(self._value(argument) for argument in given)

    def _class(self, fqn: str) -> str:
        """Returns `aws_ec2.Vpc` for `aws-cdk-lib.aws_ec2.Vpc`, and adds the module."""
        library, *path = fqn.split(".")
        if library == "aws-cdk-lib" and len(path) > 1 and path[0].islower():
            module, *path = path
            return ".".join([self._module(f"{library}/{module.replace('_', '-')}", module), *path])
        return ".".join([self._module(library, library.replace("-", "_")), *path])

    def _module(self, path: str, name: str) -> str:
        return self._modules.setdefault(path, name)

    def _keep(self, expression: str, result: Any) -> None:
        name = f"v{len(self._statements)}"
        if self._learn(name, result):
            self._statements.append(f"const {name} = {expression};")
        else:
            self._statements.append(f"{expression};")

    def _learn(self, name: str, result: Any) -> bool:
        """Records the objects and tokens in a result; returns True if there are any."""
        if isinstance(result, dict) and "$jsii.byref" in result:
            return self._objects.setdefault(result["$jsii.byref"], name) == name
        if isinstance(result, dict):
            inner = result.get("$jsii.map", result)
            return any([self._learn(f"{name}[{json.dumps(key)}]", value) for key, value in inner.items()])  # noqa: C419 - no short circuit
        if isinstance(result, list):
            return any([self._learn(f"{name}[{index}]", value) for index, value in enumerate(result)])  # noqa: C419 - no short circuit
        if isinstance(result, str) and _TOKEN.search(result):
            return self._tokens.setdefault(result, name) == name
        if isinstance(result, float) and result < -1e280:  # noqa: PLR2004 - CDK encodes a token in such a number
            return self._tokens.setdefault(result, name) == name
        return False

    def _value(self, value: Any) -> str:  # noqa: PLR0911 - one return for each wire format
        match value:
            case {"$jsii.byref": ref}:
                return self._objects[ref]
            case {"$jsii.enum": member}:
                fqn, _, name = member.rpartition("/")
                return f"{self._class(fqn)}.{name}"
            case {"$jsii.struct": {"data": data}} | {"$jsii.map": data}:
                return self._mapping(data)
            case dict():
                return self._mapping(value)
            case list():
                return f"[{', '.join(self._value(item) for item in value)}]"
            case str() if _TOKEN.search(value):
                return self._text(value)
            case float() if value in self._tokens:
                return self._tokens[value]
            case _:
                return json.dumps(value)

    def _mapping(self, data: dict[str, Any]) -> str:
        pairs = (
            f"{key if _IDENTIFIER.match(key) else json.dumps(key)}: {self._value(value)}"
            for key, value in data.items()
            if value is not None
        )
        return f"{{{', '.join(pairs)}}}"

    def _text(self, value: str) -> str:
        """Returns a text with tokens as an expression; unknown tokens stay, and then the assemblies differ."""
        texts = [token for token in self._tokens if isinstance(token, str) and token in value]
        if not texts:
            return json.dumps(value)
        longest = max(texts, key=len)
        before, _, after = value.partition(longest)
        parts = [self._text(before) if before else "", self._tokens[longest], self._text(after) if after else ""]
        return " + ".join(part for part in parts if part)
