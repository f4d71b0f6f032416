"""What is still there of the DeepLabCut projects that the views of a target came from. Only looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from dlc2lp.dlc.config import DlcConfig
from dlc2lp.dlc.locate import open_project
from dlc2lp.errors import DiskTrouble, SourceRefused
from dlc2lp.limits import CONFIG_BYTES
from dlc2lp.model import Finding, RunAgain, Severity
from dlc2lp.planning.labels import identity
from dlc2lp.planning.origins import Origin, former_origin
from dlc2lp.planning.plan import Plan


@dataclass(frozen=True)
class FormerProject:
    """A project of one or several views, as far as it is known and there."""

    origins: tuple[Origin, ...]  #: What the keypoints of each view were there, in the order of the target's views.
    #: Its configuration and the bytes of that; None where it is gone or is another project's now.
    config: DlcConfig | None
    config_bytes: bytes | None
    findings: tuple[Finding, ...] = ()  #: What can't be told of it.

    @property
    def root(self) -> str:
        """Its absolute path."""
        return self.origins[0].root

    @property
    def views(self) -> tuple[str, ...]:
        """The views that it holds, as the target calls them; none in a single-view target."""
        return tuple(origin.view for origin in self.origins if origin.view)

    @classmethod
    def open_all(cls, plan: Plan) -> list[FormerProject]:
        """Look for the projects of all views, in the order of their first views; one that is gone is no fault.

        Views belong together whose labels lay in one project, as where ``--view-pattern`` told its cameras apart.
        """
        known = {origin.view: origin.root for origin in plan.origins}
        found: dict[PurePath, list[str]] = {}
        for view in plan.views or ("",):
            root = known[view] if view in known else _former_root(plan, view)
            found.setdefault(PurePath(root), []).append(view)
        return [cls._open(plan, str(root), views) for root, views in found.items()]

    @classmethod
    def _open(cls, plan: Plan, root: str, views: Sequence[str]) -> FormerProject:
        known = {origin.view: origin for origin in plan.origins}
        config, raw = _config_at(root, plan, is_first=not views[0] or plan.views[0] in views)
        keypoints, choice = tuple(plan.keypoints), str(plan.options.get("individuals", "auto"))
        origins = [known.get(view) or former_origin(view, root, keypoints, choice, config) for view in views]
        if all(origins):
            return cls(tuple(filter(None, origins)), config, raw)
        message = (
            "the plan of an earlier version does not tell of which individuals the keypoints are, and neither does "
        )
        message += f"{root}; exported as the bodyparts of a single animal"
        again = RunAgain("run the conversion again, which writes it down")
        unknown = Finding(Severity.WARNING, "export-individuals-unknown", "individuals", message, "", "{}", (again,))
        plain = [former_origin(view, root, keypoints, "auto", None) for view in views]
        return cls(tuple(filter(None, plain)), None, None, (unknown,))


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
        raw = CONFIG_BYTES.read(project.config_path) if project.config and project.config_path else None
    except (SourceRefused, DiskTrouble, OSError):  # it need not be there
        return None, None
    if raw is None or project.config is None or (is_first and identity(project.config) != plan.project):
        return None, None
    return project.config, raw


def source_roots(plan: Plan, projects: Iterable[FormerProject]) -> set[str]:
    """Return all projects that the target was made of, as far as the plan tells."""
    named = [str(each[-1]) for each in _listed(plan.options.get("views")) if isinstance(each, list) and each]
    return {plan.source, *(each.root for each in projects), *map(str, _listed(plan.options.get("merge"))), *named}


def _listed(value: object) -> list[object]:
    """Return what an option lists; a plan, which anybody may have written, may say anything of its options."""
    return value if isinstance(value, list) else []
