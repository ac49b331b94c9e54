"""Reads a synthesized pipeline in the terms of the products' documentation: stages, steps, minutes, triggers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

from products.compute import LAMBDA_MINUTES
from tests.support.synthesis import Json, shipped


@dataclass(frozen=True)
class Deployed:
    """One pipeline in a template."""

    template: Json
    properties: Json

    @classmethod
    def of(cls, product: str, flow: str) -> Deployed:
        template = shipped(product)[f"tooling-{product}-delivery"]
        (found,) = [
            resource["Properties"]
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::CodePipeline::Pipeline"
            and resource["Properties"]["Name"] == f"{product}-{flow}"
        ]
        return cls(template, found)

    @property
    def stages(self) -> list[str]:
        return [stage["Name"] for stage in self.properties["Stages"]]

    def steps(self, stage: str) -> list[set[str]]:
        """Returns the names of a stage's actions; actions that run in parallel are in one set."""
        actions = self._stage(stage)["Actions"]
        orders = sorted({action["RunOrder"] for action in actions})
        return [{action["Name"] for action in actions if action["RunOrder"] == order} for order in orders]

    def minutes(self, stage: str) -> int:
        """Returns the timeout of a stage: the sum of each step's longest action."""
        longest: dict[int, int] = {}
        for action in self._stage(stage)["Actions"]:
            order = action["RunOrder"]
            longest[order] = max(longest.get(order, 0), self._limit(action))
        return sum(longest.values())

    def rolls_back(self, stage: str) -> bool:
        return bool(self._stage(stage).get("OnFailure", {}).get("Result") == "ROLLBACK")

    @property
    def mode(self) -> str:
        return str(self.properties["ExecutionMode"])

    @property
    def trigger(self) -> Json:
        (only,) = self.properties["Triggers"]
        git = dict(only["GitConfiguration"])
        del git["SourceActionName"]
        return git

    def variables(self, stage: str, action: str) -> dict[str, str]:
        """Returns the environment variables of a build, from its project and from its action."""
        found = self.action(stage, action)
        project = self._project(found)
        given = {
            variable["Name"]: variable["Value"] for variable in project["Environment"].get("EnvironmentVariables", [])
        }
        ours = json.loads(found["Configuration"].get("EnvironmentVariables", "[]"))
        return {**given, **{variable["name"]: variable["value"] for variable in ours}}

    def commands(self, stage: str, action: str, variable: str) -> list[str]:
        """Returns the commands in a variable of a build: the project's value, or the buildspec's default."""
        text = self.buildspec(stage, action)
        spec = yaml.safe_load(text)
        assert f'"${variable}"' in str(spec["phases"]), f"nothing runs {variable} in {stage}/{action}"
        value = {**spec["env"]["variables"], **self.variables(stage, action)}[variable]
        npm = str(value).replace("{run} test", "npm test").replace("{run}", "npm run")  # both have package-lock.json
        return [command.strip() for command in npm.split("&&")]

    def buildspec(self, stage: str, action: str) -> str:
        return str(self._project(self.action(stage, action))["Source"]["BuildSpec"])

    def action(self, stage: str, name: str) -> Json:
        (found,) = [action for action in self._stage(stage)["Actions"] if action["Name"] == name]
        return dict(found)

    def _stage(self, name: str) -> Json:
        (found,) = [stage for stage in self.properties["Stages"] if stage["Name"] == name]
        return dict(found)

    def _limit(self, action: Json) -> int:
        if action["ActionTypeId"]["Provider"] == "CodeBuild":
            return int(self._project(action).get("TimeoutInMinutes", LAMBDA_MINUTES))
        return int(json.loads(action["Configuration"]["UserParameters"])["deadline_minutes"])

    def _project(self, action: Json) -> Json:
        logical_id = action["Configuration"]["ProjectName"]["Ref"]
        return dict(self.template["Resources"][logical_id]["Properties"])


def events_for(product: str, function: str) -> list[Any]:
    """Returns the event patterns of the rules that call a function of the Delivery stack, by its construct id."""
    resources = shipped(product)[f"tooling-{product}-delivery"]["Resources"]
    return [
        resource["Properties"]["EventPattern"]
        for resource in resources.values()
        if resource["Type"] == "AWS::Events::Rule"
        and resource["Properties"]["Targets"][0]["Arn"]["Fn::GetAtt"][0].startswith(function)
    ]


def settings(product: str, function: str) -> Any:
    """Returns the settings of a function of the Delivery stack, with `?` in place of values that only AWS knows."""
    resources = shipped(product)[f"tooling-{product}-delivery"]["Resources"]
    (found,) = [
        resource["Properties"]["Environment"]["Variables"]["SETTINGS"]
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Function" and logical_id.startswith(function)
    ]
    text = (
        found
        if isinstance(found, str)
        else "".join(part if isinstance(part, str) else "?" for part in found["Fn::Join"][1])
    )
    return json.loads(text)


def host_configuration(product: str, environment: str, stack: str = "hosts") -> Any:
    """Returns what the hosts of an environment's stack read, with `?` in place of values that only AWS knows."""
    value = shipped(product).resource("AWS::SSM::Parameter", f"{environment}-{product}-{stack}")["Value"]
    parts = [value] if isinstance(value, str) else value["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else "?" for part in parts))
