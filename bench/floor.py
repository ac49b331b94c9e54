"""The floor: a plain-JavaScript app that builds what a recorded run of our app built.

jsii's Python side sends one JSON line for each call of the library. Written again as JavaScript, with a variable for
each object and token that a call returned, the same calls make the same assembly without Python and without jsii.
Where JavaScript asked Python something, the floor gives the recorded answer: our own rules cost it nothing.
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
    """A call that the floor cannot make: one that failed, or of a class of the library with overridden methods."""


def translate(recording: Path) -> str:
    """The recorded run as a CommonJS app."""
    messages = [json.loads(line[1:]) for line in recording.read_bytes().splitlines()][1:]
    exchanges = list(zip(messages[::2], messages[1::2], strict=False))
    program = _Program(_said_to_callbacks(exchanges))
    waiting: list[dict[str, Any]] = []
    for sent, answer in exchanges:
        if "error" in answer:
            raise UntranslatableError(f"a call that failed: {answer['error']}")
        if "complete" not in sent:
            waiting.append(sent)
        if "callback" in answer:
            continue
        call = waiting.pop()
        if not waiting:  # else Python made it within a callback, whose answer stands in the floor
            program.add(call, answer["ok"])
    return program.text()


def _said_to_callbacks(exchanges: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> dict[tuple[str, str], Any]:
    """What Python answered when JavaScript asked it: by object and member."""
    asked: dict[str, tuple[str, str]] = {}
    said: dict[tuple[str, str], Any] = {}
    for sent, answer in exchanges:
        if "complete" in sent:
            done = sent["complete"]
            member, result = asked[done["cbid"]], done.get("result")
            if said.setdefault(member, result) != result:
                raise UntranslatableError(f"callback {member} was answered in two ways")
        if "callback" in answer:
            callback = answer["callback"]
            about = callback.get("invoke") or callback["get"]
            asked[callback["cbid"]] = about["objref"]["$jsii.byref"], str(about.get("method") or about["property"])
    return said


class _Program:
    """Statements, and the variables that hold what earlier ones returned."""

    def __init__(self, said: dict[tuple[str, str], Any]) -> None:
        self._said = said
        self._modules: dict[str, str] = {}
        self._statements: list[str] = []
        self._objects: dict[str, str] = {}
        self._tokens: dict[str | float, str] = {}

    def text(self) -> str:
        requires = [f"const {name} = require({json.dumps(path)});" for path, name in sorted(self._modules.items())]
        return "\n".join(["'use strict';", *requires, *self._statements, ""])

    def add(self, call: dict[str, Any], answer: dict[str, Any]) -> None:
        """One call, and a variable for its result where a later call could need it."""
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
        # An object of Python's that JavaScript asks: here it says at once what Python said after some thought.
        members = []
        for override in overrides:
            name = override.get("method") or override["property"]
            said = self._value(self._said.get((answer["$jsii.byref"], name)))
            members.append(f"{'' if override.get('method') else 'get '}{name}() {{ return {said} ?? undefined; }}")
        return f"({{{', '.join(members)}}})"

    def _object(self, call: dict[str, Any]) -> str:
        return self._objects[call["objref"]["$jsii.byref"]]

    def _arguments(self, call: dict[str, Any]) -> str:
        given = list(call.get("args") or [])
        while given and given[-1] is None:
            given.pop()
        return ", ".join(self._value(argument) for argument in given)

    def _class(self, fqn: str) -> str:
        """`aws-cdk-lib.aws_ec2.Vpc` as `aws_ec2.Vpc`, with the module required."""
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
        """Note which objects and tokens can be had from an expression; whether there are any."""
        if isinstance(result, dict) and "$jsii.byref" in result:
            return self._objects.setdefault(result["$jsii.byref"], name) == name
        if isinstance(result, dict):
            inner = result.get("$jsii.map", result)
            return any([self._learn(f"{name}[{json.dumps(key)}]", value) for key, value in inner.items()])  # noqa: C419 - each must be learnt
        if isinstance(result, list):
            return any([self._learn(f"{name}[{index}]", value) for index, value in enumerate(result)])  # noqa: C419 - each must be learnt
        if isinstance(result, str) and _TOKEN.search(result):
            return self._tokens.setdefault(result, name) == name
        if isinstance(result, float) and result < -1e280:  # noqa: PLR2004 - as CDK writes a token as a number
            return self._tokens.setdefault(result, name) == name
        return False

    def _value(self, value: Any) -> str:  # noqa: PLR0911 - one line for each form a value has on the wire
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
        """A text with tokens in it; one that no call returned stays as it is, and the comparison will tell."""
        texts = [token for token in self._tokens if isinstance(token, str) and token in value]
        if not texts:
            return json.dumps(value)
        longest = max(texts, key=len)
        before, _, after = value.partition(longest)
        parts = [self._text(before) if before else "", self._tokens[longest], self._text(after) if after else ""]
        return " + ".join(part for part in parts if part)
