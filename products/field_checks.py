"""Rules about the values of one part of a manifest. Each raises ValueError with a sentence for the user.

Imports nothing of the model, which calls these while it reads a part. Rules across parts are in products/checks.py.
"""

from __future__ import annotations

from products.secrets import looks_secret

# Memory in MiB that Fargate offers for each CPU size, as (lowest, highest, step):
# docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size
_FARGATE_MEMORY = {
    256: (512, 2048, 512),
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
_HTTPS = 443


def fargate_size(cpu: int, memory: int) -> None:
    """Refuse a size that Fargate does not sell."""
    low, high, step = _FARGATE_MEMORY[cpu]
    if cpu == 256 and memory == 1536:  # noqa: PLR2004 - the table's one irregular row offers 512, 1024 and 2048
        low = 2048
    if not low <= memory <= high or memory % step:
        offered = "512, 1024 or 2048" if cpu == 256 else f"{low} to {high} in steps of {step}"  # noqa: PLR2004 - the table's one irregular row
        raise ValueError(f"memory: got {memory} MiB for cpu {cpu}; Fargate offers {offered}")


def secret_name(name: str) -> None:
    """Refuse what looks like a secret's value where its name belongs."""
    if kind := looks_secret(name):
        raise ValueError(
            f"name: this looks like {kind}; write the secret's name in Secrets Manager, e.g. allthrive/openai, keep "
            "its value out of git, and change it now if it was ever committed"
        )


def internet_ports(ports: tuple[int, ...]) -> None:
    """Refuse a network in which containers cannot start."""
    if _HTTPS not in ports:
        listed = ", ".join(str(port) for port in (_HTTPS, *ports))
        raise ValueError(
            f"internet_ports: 443 is missing; ECS pulls images and reads secrets there, so write [{listed}]"
        )
