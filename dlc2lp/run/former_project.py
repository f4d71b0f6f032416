"""What is still there of the DeepLabCut project that a view of a target came from. Only looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.locate import open_project
from dlc2lp.errors import SourceRefused
from dlc2lp.model import Finding, RunAgain, Severity
from dlc2lp.planning.labels import identity
from dlc2lp.planning.origins import Origin, former_origin
from dlc2lp.planning.plan import Plan


@dataclass(frozen=True)
class FormerProject:
    """The project of one view, as far as it is known and there."""

    name: str  #: The view; empty in a single-view target.
    origin: Origin  #: What the keypoints were there.
    #: Its configuration and the bytes of that; None where it is gone or is another project's now.
    config: DlcConfig | None
    config_bytes: bytes | None
    findings: tuple[Finding, ...] = ()  #: What can't be told of it.

    @classmethod
    def open(cls, plan: Plan, name: str) -> FormerProject:
        """Look for the project of a view; one that is gone is no fault."""
        known = next((origin for origin in plan.origins if origin.view == name), None)
        root = known.root if known else _former_root(plan, name)
        config, raw = _config_at(root, plan, is_first=name in {"", *plan.views[:1]})
        if known is not None:
            return cls(name, known, config, raw)
        keypoints, choice = tuple(plan.keypoints), str(plan.options.get("individuals", "auto"))
        former = former_origin(name, root, keypoints, choice, config)
        if former is not None:
            return cls(name, former, config, raw)
        message = (
            "the plan of an earlier version does not tell of which individuals the keypoints are, and neither does "
        )
        message += f"{root}; exported as the bodyparts of a single animal"
        again = RunAgain("run the conversion again, which writes it down")
        unknown = Finding(Severity.WARNING, "export-individuals-unknown", "individuals", message, "", "{}", (again,))
        plain = former_origin(name, root, keypoints, "auto", None)
        if plain is None:
            raise AssertionError("plain keypoints always have an origin")
        return cls(name, plain, None, None, (unknown,))


def _former_root(plan: Plan, view: str) -> str:
    """Return the project of a view by the plan of a version that did not write it down: by where its labels were."""
    if view:
        files = (Path(session.label_file) for session in plan.sessions if session.view == view and session.label_file)
        for file in files:
            return str(file.parents[2])
    return plan.source


def _config_at(root: str, plan: Plan, *, is_first: bool) -> tuple[DlcConfig | None, bytes | None]:
    """Return the configuration of a project, if that is there and still the one that was converted."""
    try:
        project = open_project(Path(root))
        raw = project.config_path.read_bytes() if project.config and project.config_path else None
    except (SourceRefused, OSError):
        return None, None
    if raw is None or project.config is None or (is_first and identity(project.config) != plan.project):
        return None, None
    return project.config, raw


def source_roots(plan: Plan, views: Iterable[FormerProject]) -> set[str]:
    """Return all projects that the target was made of, as far as the plan tells."""
    given = plan.options
    named = [path for _, path in given.get("views") or ()]
    return {plan.source, *(view.origin.root for view in views), *map(str, given.get("merge") or ()), *map(str, named)}
