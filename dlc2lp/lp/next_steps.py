"""What is done with a finished project, as it is typed: one list, for the terminal and for the target's page. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dlc2lp.model import Command

#: The releases that are installed: without a number pip may quietly take an old one, as a package that the present one
#: asks for (nvidia-dali-cuda110) can't always be had. Targets were trained and opened with these.
_RELEASES = ("lightning-pose==2.4.3", "lightning-pose-app==2.4.2.3")


@dataclass(frozen=True)
class NextStep:
    """A command, and what it is for."""

    command: str
    words: str
    is_without_gpu: bool = False  #: Whether it is only for who has no NVIDIA GPU where the project lies.


def next_steps(target: str) -> tuple[NextStep, ...]:
    """Return the commands that come next for the project in a folder."""
    config = f"{target}/configs/default.yaml"
    return (
        NextStep(
            _typed("pip", "install", *_RELEASES),
            "once, in an environment of its own (Linux or WSL, Python 3.10 to 3.12)",
        ),
        NextStep(_typed("litpose", "train", config), "train a network on the labeled frames"),
        NextStep(_typed("litpose", "run_app"), "label, train and look at results in the browser"),
        NextStep(
            _typed("litpose", "recommend", target, "--print_only"), "Lightning Pose's own proposal for the config"
        ),
        NextStep(
            _typed("dlc2lp", "config", target, "--data-dir", "/path/there"),
            "no NVIDIA GPU here? give the path that it will have where there is one, then copy the folder there "
            "(labeling needs none; on a CPU training takes days)",
            is_without_gpu=True,
        ),
    )


def _typed(*words: str) -> str:
    return Command.of(*words).line
