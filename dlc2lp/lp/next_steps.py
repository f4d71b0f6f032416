"""What is done with a finished project, as it is typed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dlc2lp.model import Command


@dataclass(frozen=True)
class NextStep:
    """A command, and what it is for."""

    command: str
    words: str


def next_steps(target: str) -> tuple[NextStep, ...]:
    """Return the commands of Lightning Pose that come next for the project in a folder."""
    config = f"{target}/configs/default.yaml"
    return (
        NextStep(_typed("litpose", "train", config), "train a network on the labeled frames"),
        NextStep(
            _typed("litpose", "recommend", target, "--print_only"), "Lightning Pose's own proposal for the config"
        ),
        NextStep(_typed("litpose", "run_app"), "label, train and look at results in the browser"),
    )


def _typed(*words: str) -> str:
    return Command.of(*words).line
