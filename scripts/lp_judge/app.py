"""The app's own server code, asked through a test client as its browser side would ask."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

from lp_judge.report import Report, Verdict, require, some
from lp_judge.subject import Subject, trailing_digits

PROJECT_KEY = "accept"


def check_app(subject: Subject, report: Report) -> None:
    """Open the project in the app and look at each of its screens' answers."""
    if not subject.wants_app:
        return
    with report.check("app.path_parser") as verdict:
        check_path_parser(subject, verdict)
    client = None
    with report.check("app.import_server") as verdict:
        client = open_in_app(subject)
        version = importlib.metadata.version("lightning-pose-app")
        verdict.say(f"litpose_app {version}, project registered in a temporary projects.toml")
    if client is None:
        return
    with report.check("app.migrations") as verdict:
        check_migrations(subject, verdict)
    with report.check("app.getProjectInfo") as verdict:
        check_project_info(subject, client, verdict)
    with report.check("app.listProjects") as verdict:
        check_statistics(subject, client, verdict)
    with report.check("app.findLabelFiles") as verdict:
        check_label_files(subject, client, verdict)
    for folder in ("labels", "labeled-data", "calibration"):
        with report.check(f"app.validate[{folder}]") as verdict:
            check_validator(folder, verdict)
    with report.check("app.video_names"):
        check_video_names(subject)
    if subject.mp4s:
        with report.check("app.ffprobe") as verdict:
            check_ffprobe(subject, verdict)
    for file in sorted(subject.directory.glob("configs/*.yaml")):
        with report.check(f"app.getYamlFile[{file.name}]"):
            where = {"file_path": str(file.relative_to(subject.directory)), "projectKey": PROJECT_KEY}
            answer = client.get("/app/v0/getYamlFile", params=where)
            require(answer.status_code == 200, answer.text[:200])


def check_path_parser(subject: Subject, verdict: Verdict) -> None:
    """The app takes session, view and frame index from the paths as they are meant."""
    from litpose_app.paths.path_util_legacy import PathUtilLegacy

    parser = PathUtilLegacy(subject.views)
    bad: list[str] = []
    n_frames = 0
    for file, labels in subject.labels.items():
        for name in labels.image_names:
            n_frames += 1
            try:
                key = parser.frames.parse_path(str(name))
            except Exception as error:
                bad.append(f"{name} ({type(error).__name__})")
                continue
            if (str(key.session_key), key.view, key.frame_index) != meaning(name, subject.view_of(file)):
                bad.append(f"{name} parsed as {tuple(key)}")
    for video in subject.mp4s:
        inside = video.is_relative_to(subject.directory)
        path = video.relative_to(subject.directory) if inside else Path("videos") / video.name
        try:
            key = parser.videos.parse_path(path)
        except Exception as error:
            bad.append(f"{video.name} ({type(error).__name__})")
            continue
        if subject.views and not video.stem.endswith(f"_{key.view}"):
            bad.append(f"{video.name} parsed as view {key.view}")
    require(not bad, f"{len(bad)} names not parsed as meant: {some(bad, 3)}")
    verdict.say(f"{n_frames} frames, {len(subject.mp4s)} videos")


def meaning(image_name: str, view: str | None) -> tuple[str, str | None, int | None]:
    """Session, view and frame index of an image of a view's label file."""
    path = Path(image_name)
    digits = trailing_digits(path.stem)
    session = path.parent.name.removesuffix(f"_{view}") if view else path.parent.name
    return session, view, int(digits[0]) if digits else None


def open_in_app(subject: Subject) -> Any:
    """Register the project in the app's (temporary) state and start its server in this process."""
    from fastapi.testclient import TestClient
    from litpose_app.main import app
    from litpose_app.project import ProjectUtil
    from litpose_app.rootconfig import RootConfig

    ProjectUtil(RootConfig()).update_project_paths(PROJECT_KEY, project_paths(subject))
    return TestClient(app, raise_server_exceptions=False)  # no lifespan: no migrations, no schedulers


def project_paths(subject: Subject) -> Any:
    """The app's value for where a project lies."""
    from litpose_app.datatypes import ProjectPaths

    return ProjectPaths(data_dir=subject.directory, model_dir=subject.directory / "models")


def call(client: Any, procedure: str, **arguments: Any) -> Any:
    """Answer of one of the app's remote procedures."""
    answer = client.post(f"/app/v0/rpc/{procedure}", json=arguments)
    require(answer.status_code == 200, f"HTTP {answer.status_code} {answer.text.strip()[-250:]}")
    return answer.json()


def check_migrations(subject: Subject, verdict: Verdict) -> None:
    """The app would not rewrite anything at its next start."""
    from litpose_app.migrations import MIGRATIONS

    paths = project_paths(subject)
    pending = [migration.MIGRATION_ID for migration in MIGRATIONS if migration.needs_migration(paths)]
    verdict.say(f"pending: {pending}")
    if pending:
        verdict.warn()


def check_project_info(subject: Subject, client: Any, verdict: Verdict) -> None:
    """The project screen shows the views and keypoints of project.yaml."""
    info = call(client, "getProjectInfo", projectKey=PROJECT_KEY)["projectInfo"]
    views, keypoints = info["views"], info["keypoint_names"]
    require(
        (views, keypoints) == (subject.views, subject.project_keypoints),
        f"{views}, {keypoints} != project.yaml {subject.views}, {subject.project_keypoints}",
    )
    verdict.say({"views": views, "keypoint_names": keypoints})


def check_statistics(subject: Subject, client: Any, verdict: Verdict) -> None:
    """The list of projects shows as many labeled frames as the label file has rows."""
    statistics = call(client, "listProjects")["projects"][0]["stats"]
    require(statistics, "no stats")
    require(not statistics["error"], statistics["error"])
    n_rows = len(next(iter(subject.labels.values())).image_names) if subject.labels else None
    n_shown = statistics["labeled_frames_count"]
    require(n_shown == n_rows, f"labeled_frames_count {n_shown} != {n_rows} (looks for CollectedData[_*].csv)")
    shown = ("session_count", "label_file_count", "labeled_frames_count", "model_count")
    verdict.say({name: statistics[name] for name in shown})


def check_label_files(subject: Subject, client: Any, verdict: Verdict) -> None:
    """The labeler offers the label file of every view."""
    shown = call(client, "findLabelFiles", projectKey=PROJECT_KEY)["labelFiles"]
    wanted = [f"CollectedData_{view}.csv" for view in subject.views] or ["CollectedData.csv"]
    hidden = [name for name in wanted if name not in shown]
    require(not hidden, f"the labeler would not show {hidden}, only {shown}")
    verdict.say(shown)


def check_validator(folder: str, verdict: Verdict) -> None:
    """The file manager marks nothing as Invalid."""
    from litpose_app.deps import project_info_getter
    from litpose_app.project import ProjectUtil
    from litpose_app.rootconfig import RootConfig
    from litpose_app.routes import validate_files

    project = project_info_getter(ProjectUtil(RootConfig()))(PROJECT_KEY)
    if folder == "labels":  # remember=True would write a cache into the project
        items = validate_files._validate_labels(project, remember=False)[0]
    elif folder == "labeled-data":
        items = validate_files._validate_labeled_data(project)[0]
    else:
        items = validate_files._validate_calibrations(project)[0]
    invalid = [f"{item.path}: {'; '.join(item.issues)}" for item in items if item.issues]
    doubtful = [f"{item.path}: {'; '.join(item.warnings)}" for item in items if item.warnings]
    require(not invalid, f"{len(invalid)}/{len(items)} Invalid: {some(invalid, 3)}")
    verdict.say(f"{len(items)} items")
    if doubtful:
        verdict.warn(f"warnings: {some(doubtful, 2)}")


def check_video_names(subject: Subject) -> None:
    """The app's video routes take every name and find a known view in it."""
    from litpose_app.routes.videos import parse_session_view

    for video in subject.videos:
        try:
            _, view, _ = parse_session_view(video.name, bool(subject.views))
        except Exception as error:
            # FastAPI's HTTPException says why in `detail`, its str() may be empty
            require(False, f"{video.name}: {getattr(error, 'detail', error)}")
        require(not subject.views or view in subject.views, f"{video.name}: unknown view {view}")


def check_ffprobe(subject: Subject, verdict: Verdict) -> None:
    """The app's own probe reads every video; its viewer is frame-accurate only where each frame is a key frame."""
    from litpose_app.routes.ffprobe import run_ffprobe

    probes = {video.name: run_ffprobe(str(video)) for video in subject.mp4s}
    errors = {name: probe["error"] for name, probe in probes.items() if probe.get("error")}
    require(not errors, str(errors))
    variable = [name for name, probe in probes.items() if probe["is_vfr"]]
    with_gop = [name for name, probe in probes.items() if not probe["is_all_intra"]]
    verdict.say(
        f"{len(probes)} videos; is_vfr: {some(variable, 2) or 'none'}; "
        f"not all-intra (viewer not frame-accurate): {some(with_gop, 3) or 'none'}"
    )
    if variable or with_gop:
        verdict.warn()
