"""The Delivery stack: its roles, and the resources that each of them can use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from products import Product, load, names
from products.flows import Action, Kind, Stage, deliveries, pull_requests_publish
from tests.support.synthesis import PRODUCTS, Json, listed, shipped, statements, synthesis, walk

STACK = "tooling-allthrive-delivery"
PIPELINES = ("PullRequest", "Feature", "Main")


def template() -> Json:
    return shipped("allthrive")[STACK]


def roles() -> dict[str, Json]:
    found = shipped("allthrive").resources("AWS::IAM::Role", STACK)
    return {place.partition("/")[2]: resource["Properties"] for place, resource in found.items()}


def trust(role: Json) -> Json:
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    return dict(statement)


def test_codebuild_can_assume_a_build_role_for_its_own_project_only() -> None:
    for place, project in shipped("allthrive").resources("AWS::CodeBuild::Project", STACK).items():
        logical_id = project["Properties"]["ServiceRole"]["Fn::GetAtt"][0]
        condition = trust(roles()[logical_id])["Condition"]

        assert condition["StringEquals"] == {"aws:SourceAccount": "111122223333"}, place
        assert condition["ArnEquals"]["aws:SourceArn"].endswith(f":project/{project['Properties']['Name']}"), place


def test_no_two_builds_share_a_role() -> None:
    projects = shipped("allthrive").resources("AWS::CodeBuild::Project", STACK).values()
    taken = [project["Properties"]["ServiceRole"]["Fn::GetAtt"][0] for project in projects]

    assert len(taken) == len(set(taken)) == 24


def test_codepipeline_can_assume_a_pipeline_role_for_its_own_pipeline_only() -> None:
    for name in PIPELINES:
        (role,) = [properties for logical_id, properties in roles().items() if logical_id.startswith(f"{name}Role")]
        statement = trust(role)

        assert statement["Principal"] == {"Service": "codepipeline.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
        assert statement["Condition"]["ArnEquals"]["aws:SourceArn"].startswith("arn:aws:codepipeline:us-east-1:")


def test_every_action_has_its_own_role_which_only_its_pipeline_can_assume() -> None:
    taken = []
    for pipeline in shipped("allthrive").resources("AWS::CodePipeline::Pipeline", STACK).values():
        own = pipeline["Properties"]["RoleArn"]["Fn::GetAtt"][0]
        for stage in pipeline["Properties"]["Stages"]:
            for action in stage["Actions"]:
                role = action["RoleArn"]["Fn::GetAtt"][0]
                assert trust(roles()[role])["Principal"] == {"AWS": {"Fn::GetAtt": [own, "Arn"]}}
                taken.append(role)

    assert len(taken) == len(set(taken))


@pytest.mark.parametrize("name", PIPELINES)
def test_only_a_pipelines_own_roles_can_use_its_artifacts(name: str) -> None:
    """A build of a feature branch must not change artifacts that main deploys."""
    touching = set()
    for logical_id, statement in statements(template()):
        named = {str(value) for _, value in walk(statement.get("Resource")) if isinstance(value, str)}
        if statement["Effect"] == "Allow" and any(resource.startswith(f"{name}Artifacts") for resource in named):
            touching.add(logical_id)

    assert len(touching) > len(PIPELINES)
    assert {logical_id for logical_id in touching if not logical_id.startswith(name)} == set()


def test_only_builds_with_an_output_write_artifacts() -> None:
    writing = {
        logical_id.partition("RoleDefaultPolicy")[0]
        for logical_id, statement in statements(template())
        if "s3:PutObject" in listed(statement["Action"]) and statement.get("Sid") == "WriteArtifacts"
    }

    assert writing == {f"{flow}Test{what}" for flow in ("Feature", "Main") for what in ("BuildBackend", "Bundle")}


_READ = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"}
_TAG = {"ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage"}
_PUBLISH = {
    "BatchCheckLayerAvailability",
    "CompleteLayerUpload",
    "DescribeImages",
    "InitiateLayerUpload",
    "PutImage",
    "UploadLayerPart",
}
_WRITE = {"ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"}


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_build_can_use_only_the_repository_of_its_own_branches(product: str) -> None:
    rights: dict[str, dict[str, set[str]]] = {}
    for logical_id, statement in statements(shipped(product)[f"tooling-{product}-delivery"]):
        for resource in listed(statement.get("Resource", [])):
            name = json.dumps(resource).partition(":repository/")[2].partition('"')[0]
            if name:
                build = logical_id.partition("Role")[0]
                rights.setdefault(build, {}).setdefault(name, set()).update(listed(statement["Action"]))

    loaded = load(product)
    kinds = {"main": names.repository, "branches": names.branch_repository, "candidates": names.candidate_repository}
    own = {kind: [form(product, image) for image in loaded.images] for kind, form in kinds.items()}
    tagging: dict[str, dict[str, set[str]]] = {}
    copying: dict[str, dict[str, set[str]]] = {}
    for delivery in deliveries(loaded):
        flow = names.pascal(delivery.flow_name)
        for stage in delivery.stages:
            for action in stage.actions:
                if action.kind in (Kind.IMAGE, Kind.SCAN):
                    published = kinds[delivery.origin](product, action.subject)
                    pushed = names.build_repository(published) if delivery.built_beside_tests else published
                    look = {"ecr:DescribeImages"}
                    scan = dict.fromkeys((pushed, published), look | {"ecr:DescribeImageScanFindings"})
                    expected = scan if action.kind is Kind.SCAN else {published: look, pushed: _READ | _WRITE}
                    assert rights.pop(f"{flow}{stage.name}{action.name}") == expected
                elif action.kind is Kind.PUBLISH:
                    published = kinds[delivery.origin](product, action.subject)
                    function = "PublishBuild" if delivery.origin == "main" else "PublishBranchBuild"
                    copying.setdefault(function, {}).update(
                        {
                            names.build_repository(published): {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
                            published: _READ - {"ecr:GetDownloadUrlForLayer"} | _WRITE,
                        }
                    )
                elif who := _tagger(stage, action):
                    tagging.setdefault(who, {}).update(dict.fromkeys([*own["main"], *own[delivery.origin]], _TAG))
    assert rights == {**tagging, **copying, **_of_promotion(loaded)}


def _of_promotion(product: Product) -> dict[str, dict[str, set[str]]]:
    """Returns the rights of the functions that find what another branch built, and copy releases to ECR Public."""
    rights: dict[str, dict[str, set[str]]] = {}
    if any(delivery.flow.images_from for delivery in deliveries(product)):
        rights["FindSnapshot"] = {
            names.repository(product.name, image): {"ecr:DescribeImages"} for image in product.images
        }
    if public := product.public_images():
        copying = {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", *(f"ecr-public:{name}" for name in _PUBLISH)}
        rights["PublishImage"] = {names.repository(product.name, image): copying for image in public}
    return rights


def _tagger(stage: Stage, action: Action) -> str | None:
    """Returns the function of an action that puts tags on images; None for any other action."""
    if action.kind in (Kind.PROMOTE, Kind.PROTECT):
        return action.name
    deploys = action.kind in (Kind.DEPLOY, Kind.DEPLOY_TO_HOSTS, Kind.DEPLOY_TO_KUBERNETES)
    return f"{names.pascal(str(stage.environment))}Deploy" if deploys else None


@pytest.mark.parametrize("product", PRODUCTS)
def test_only_builds_of_pull_requests_may_use_candidates(product: str) -> None:
    using = {
        logical_id
        for stack in shipped(product).templates.values()
        for logical_id, statement in statements(stack)
        if "/candidates/" in json.dumps(statement)
    }

    assert all(logical_id.startswith("PullRequestPublish") for logical_id in using), using
    assert bool(using) is pull_requests_publish(load(product))


def test_a_build_of_a_pull_request_cannot_read_the_secret_of_a_release() -> None:
    projects = shipped("ame-timesheets").resources("AWS::CodeBuild::Project").values()
    given = {
        project["Properties"]["Name"]: variable["Value"]
        for project in projects
        for variable in project["Properties"]["Environment"].get("EnvironmentVariables", [])
        if variable["Type"] == "SECRETS_MANAGER"
    }
    readers = {
        logical_id.partition("Role")[0]
        for logical_id, statement in statements(shipped("ame-timesheets")["tooling-ame-timesheets-delivery"])
        if "secret:ame-timesheets/signing" in json.dumps(statement)
    }

    assert given == {
        "ame-timesheets-pull-request-publish-backend": "ame-timesheets/candidates:signing_key",
        "ame-timesheets-main-publish-backend": "ame-timesheets/signing:releases",
    }
    assert readers == {"MainPublishBackend"}


def test_no_role_may_delete_an_image() -> None:
    for product in PRODUCTS:
        for stack in shipped(product).templates.values():
            for logical_id, statement in statements(stack):
                assert "ecr:BatchDeleteImage" not in listed(statement["Action"]), logical_id


def test_images_are_kept_before_a_person_is_asked() -> None:
    for product in PRODUCTS:
        for pipeline in shipped(product).resources("AWS::CodePipeline::Pipeline").values():
            if pipeline["Properties"]["Name"] == f"{product}-infrastructure":
                continue  # it releases no image
            for stage in pipeline["Properties"]["Stages"]:
                order = {action["Name"]: action["RunOrder"] for action in stage["Actions"]}
                if "Approve" in order:
                    assert order["Protect"] < order["Approve"]


def test_a_build_of_a_release_uses_no_layers_of_its_host() -> None:
    caches = {
        place.partition("/")[2][:-8]: resource["Properties"]["Cache"]["Type"]
        for place, resource in shipped("allthrive").resources("AWS::CodeBuild::Project", STACK).items()
    }
    leaving = {f"{flow}Test{what}" for flow in ("Feature", "Main") for what in ("BuildBackend", "Bundle")}

    assert leaving <= set(caches)
    assert {caches[name] for name in leaving} == {"NO_CACHE"}
    assert caches["MainTestBackend"] == "LOCAL"


def test_a_function_can_assume_one_role_of_one_environment_and_no_other() -> None:
    assumed = {
        logical_id.partition("Role")[0]: statement["Resource"]
        for logical_id, statement in statements(template())
        if statement.get("Sid") == "ActInTheEnvironment" and "Frontend" not in logical_id
    }

    assert assumed == {
        f"{environment.capitalize()}{task.capitalize()}": (
            f"arn:aws:iam::111122223333:role/{environment}-allthrive-pipeline-{task}"
        )
        for environment in ("staging", "production")
        for task in ("deploy", "migrate", "invalidate", "verify")
    }


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_an_environments_role_trusts_one_function_or_build_for_each_task(environment: str) -> None:
    stack = f"{environment}-allthrive-access"
    admitted = {
        resource["Properties"]["RoleName"]: trust(resource["Properties"])["Condition"]["ArnEquals"]["aws:PrincipalArn"]
        for resource in shipped("allthrive").resources("AWS::IAM::Role", stack).values()
    }
    flows = ["main"] if environment == "production" else ["feature", "main"]

    def arns(*names: str) -> list[Any]:
        return [
            {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::111122223333:role/{name}"]]} for name in names
        ]

    prefix = f"{environment}-allthrive-pipeline"
    assert admitted == {
        **{
            f"{prefix}-{task}": arns(f"tooling-allthrive-{environment}-{task}")
            for task in ("deploy", "migrate", "invalidate", "verify")
        },
        f"{prefix}-publish": arns(*(f"tooling-allthrive-{flow}-{environment}-publish" for flow in flows)),
    }


def test_migrations_can_pass_only_the_two_roles_of_their_task_and_only_to_ecs() -> None:
    (passing,) = [
        statement
        for _, statement in statements(shipped("allthrive")["production-allthrive-access"])
        if "iam:PassRole" in listed(statement["Action"])
    ]

    assert len(listed(passing["Resource"])) == 2
    assert "*" not in json.dumps(passing["Resource"])
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_with_before_deploy_only_the_migration_gets_the_new_image_first() -> None:
    app = synthesis({"migration.when": "before_deploy"}, tooling=True)
    (main,) = [
        resource["Properties"]
        for resource in app.resources("AWS::CodePipeline::Pipeline", STACK).values()
        if resource["Properties"]["Name"] == "allthrive-main"
    ]
    (production,) = [stage for stage in main["Stages"] if stage["Name"] == "Production"]
    steps = sorted(production["Actions"], key=lambda action: int(action["RunOrder"]))
    parameters = [json.loads(step["Configuration"].get("UserParameters", "{}")) for step in steps]

    assert [step["Name"] for step in steps[:3]] == ["Prepare", "Migrate", "Deploy"]
    assert parameters[0]["parameters"] == {"MigrationImage": "#{PublishBackend.IMAGE}"}
    assert "BackendImage" in parameters[2]["parameters"]


def test_reports_of_end_to_end_tests_are_kept_thirty_days() -> None:
    (reports,) = [
        resource["Properties"]
        for place, resource in shipped("allthrive").resources("AWS::S3::Bucket", STACK).items()
        if "/Reports" in place
    ]

    assert {rule.get("ExpirationInDays") for rule in reports["LifecycleConfiguration"]["Rules"]} == {30, None}


def test_undelivered_events_are_kept_and_start_an_alarm() -> None:
    app = shipped("allthrive")
    queue = app.resource("AWS::SQS::Queue", STACK)
    alarm = app.resource("AWS::CloudWatch::Alarm", STACK)

    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert len(app.resources("AWS::Lambda::EventInvokeConfig", STACK)) == 3
