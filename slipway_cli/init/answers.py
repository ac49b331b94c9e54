"""Answers that no checkout contains, such as the account: prompts at a terminal, else placeholders."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from products.regions import REGIONS
from slipway_cli.init.findings import Findings

PLACEHOLDER = "FILL-IN"
"""The placeholder of a missing answer. The loader refuses it, with key and line."""


@dataclass(frozen=True)
class Answers:
    """The user's answers; empty texts for those that are not given."""

    account: str = ""
    region: str = ""
    owner: str = ""
    repository: str = ""
    owner_id: str = ""
    repository_id: str = ""
    domain: str = ""
    hosted_zone: str = ""
    email: str = ""
    connection: str = ""


# Accounts and ids of AWS's documentation and of nobody: the local cloud accepts them.
FOR_DEMO = Answers(
    account="111122223333",
    region="us-east-1",
    owner="example",
    owner_id="1",
    repository_id="1",
    email="ops@example.org",
)


@dataclass(frozen=True)
class Question:
    """A question at the terminal."""

    field: str
    text: str
    pattern: str
    wanted: str
    """The correction shown after a wrong answer."""


_DOMAIN = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}"
QUESTIONS = (
    Question("account", "AWS account id", r"\d{12}", "12 digits"),
    Question("region", "AWS region", "|".join(map(re.escape, REGIONS)), "a region, e.g. eu-central-1"),
    Question("owner", "GitHub owner", r"[A-Za-z0-9][A-Za-z0-9-]{0,38}", "a user or an organisation"),
    Question("repository", "GitHub repository", r"[A-Za-z0-9._-]{1,100}", "its name without the owner"),
    Question("owner_id", "the owner's id (gh api users/OWNER --jq .id)", r"[1-9]\d{0,17}", "a number"),
    Question("repository_id", "the repository's id (gh api repos/OWNER/NAME --jq .id)", r"[1-9]\d{0,17}", "a number"),
    Question("email", "e-mail address for approvals and alarms", r"[^@\s]+@[^@\s]+", "an e-mail address"),
    Question("domain", "domain of production, e.g. shop.example.org", _DOMAIN, "a domain name in small letters"),
    Question("hosted_zone", "its Route 53 hosted zone", r"Z[A-Z0-9]+", "an id that begins with Z"),
)


def wrong(answers: Answers) -> str:
    """Returns what is wrong with the first wrong answer, and what to write instead; an empty text if all are right."""
    for question in QUESTIONS:
        given = getattr(answers, question.field)
        if given and not re.fullmatch(question.pattern, given):
            return f"{question.field.replace('_', ' ')}: got '{given}'; write {question.wanted}"
    return ""


def seen(answers: Answers, findings: Findings) -> Answers:
    """Returns the answers with what the checkout says where the user said nothing."""
    domain = next((found for found in findings.environments if found.domain and found.name.startswith("prod")), None)
    return replace(
        answers,
        owner=answers.owner or findings.owner,
        repository=answers.repository or findings.repository,
        domain=answers.domain or (domain.domain if domain else ""),
        hosted_zone=answers.hosted_zone or (domain.hosted_zone if domain else ""),
    )


def asked(answers: Answers, ask: Callable[[str], str], say: Callable[[str], None]) -> Answers:
    """Returns the answers with those of the terminal: an empty one leaves a placeholder."""
    for question in QUESTIONS:
        if getattr(answers, question.field) or (question.field == "hosted_zone" and not answers.domain):
            continue
        while given := ask(f"{question.text}: ").strip():
            if re.fullmatch(question.pattern, given):
                answers = replace(answers, **{question.field: given})
                break
            say(f"  write {question.wanted}, or nothing for a placeholder")
    return answers


def for_demo(answers: Answers, name: str) -> Answers:
    """Returns the answers with values that the local cloud accepts where there are none."""
    given = {question.field: getattr(answers, question.field) for question in QUESTIONS}
    demo = replace(FOR_DEMO, repository=name, domain=f"{name}.example.org", hosted_zone="Z0EXAMPLE")
    return replace(answers, **{field: value or getattr(demo, field) for field, value in given.items()})
