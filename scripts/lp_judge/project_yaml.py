"""project.yaml, by the app's own model of it."""

from __future__ import annotations

from itertools import permutations

from lp_judge.report import FAIL, SKIP, Report, require_none
from lp_judge.subject import Subject


def check_project_yaml(subject: Subject, report: Report) -> None:
    """Read view and keypoint names for the later checks."""
    path = subject.directory / "project.yaml"
    if not path.exists():
        if subject.wants_app:
            words = 'no project.yaml: the app answers "Could not find a project.yaml file in data directory."'
            report.line(FAIL, "project_yaml.exists", words)
        else:
            report.line(SKIP, "project_yaml.exists", "no project.yaml")
        return
    with report.check("project_yaml.model") as verdict:
        import yaml
        from litpose_app.datatypes import ProjectConfig

        project = ProjectConfig.model_validate(yaml.safe_load(path.read_text()))
        subject.views = list(project.view_names)
        subject.project_keypoints = list(project.keypoint_names)
        skeleton = getattr(project, "skeleton", None) or []
        problems = view_problems(subject.views)
        if skeleton:
            from litpose_app.skeleton import skeleton_problems

            problems += skeleton_problems(skeleton, subject.project_keypoints)
        if not subject.project_keypoints:
            problems.append("keypoint_names is empty")
        require_none(problems)
        verdict.say(
            f"views={subject.views} keypoints={len(subject.project_keypoints)} "
            f"schema_version={project.schema_version} skeleton={len(skeleton)}"
        )


def view_problems(views: list[str]) -> list[str]:
    """What LP or the app can't tell apart."""
    problems = []
    if len(views) == 1:
        problems.append(
            "view_names has exactly one entry (the app refuses it on save, LP raises; a single-view project has [])"
        )
    problems += [f"view name {view!r} contains an underscore" for view in views if "_" in view]
    for inner, outer in permutations(dict.fromkeys(views), 2):
        if inner in outer:
            problems.append(f"view {inner!r} is a substring of {outer!r} (LP and the app match views by substring)")
    if len(set(views)) != len(views):
        problems.append("duplicate view names")
    return problems
