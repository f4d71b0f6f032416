"""The check of a target: silent for good ones, and each way to break one has its name."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lp_targets import make_multiview_target, make_target, png_bytes

from dlc2lp.lp.check import check_target
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.model import Severity

CSV, QUEUE, CONFIG = "CollectedData.csv", "CollectedData.unlabeled.jsonl", "configs/default.yaml"
FRAME, JPEG = "labeled-data/m1/img00000010.png", "labeled-data/m1/img00000010.jpg"

Breaker = Callable[[Path], object]


def codes(target: Path, *, every_image: bool = True) -> set[str]:
    findings = check_target(target, every_image=every_image)
    assert all(re.fullmatch(r"target(-[a-z]+)+", finding.code) for finding in findings)
    assert all(finding.subject and finding.message for finding in findings)
    return {finding.code for finding in findings}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_target(tmp_path_factory.mktemp("good") / "target")


@pytest.fixture(scope="module")
def good_multiview(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_multiview_target(tmp_path_factory.mktemp("good") / "views")


@pytest.fixture
def target(good: Path, tmp_path: Path) -> Path:
    """Return a copy of the good target that may be broken, its config moved along."""
    copy = Path(shutil.copytree(good, tmp_path / "target"))
    change(CONFIG, json.dumps(str(good.resolve()))[1:-1], json.dumps(str(copy.resolve()))[1:-1])(copy)
    return copy


def change(name: str, old: str, new: str, count: int = -1) -> Breaker:
    def act(target: Path) -> None:
        text = (target / name).read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        (target / name).write_text(text.replace(old, new, count), encoding="utf-8", newline="")

    return act


def setting(key: str, value: str) -> Breaker:
    """Set a key of the config that stands once."""

    def act(target: Path) -> None:
        text = (target / CONFIG).read_text(encoding="utf-8")
        text, n_changed = re.subn(rf"(?m)^( *){key}:.*$", lambda match: f"{match[1]}{key}: {value}", text)
        assert n_changed, key
        (target / CONFIG).write_text(text, encoding="utf-8")

    return act


def without(key: str) -> Breaker:
    """Delete a key of the config with all that is below it."""

    def act(target: Path) -> None:
        text = (target / CONFIG).read_text(encoding="utf-8")
        text, n_changed = re.subn(rf"(?m)^( *){key}:.*\n(\1 +.*\n|\n)*", "", text, count=1)
        assert n_changed, key
        (target / CONFIG).write_text(text, encoding="utf-8")

    return act


def write(name: str, content: str | bytes = "") -> Breaker:
    def act(target: Path) -> None:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return act


def delete(name: str) -> Breaker:
    return lambda target: (target / name).unlink()


def move(name: str, to: str) -> Breaker:
    return lambda target: shutil.move(target / name, target / to)


def line(name: str, number: int, edit: Callable[[str], str]) -> Breaker:
    def act(target: Path) -> None:
        lines = (target / name).read_text(encoding="utf-8").splitlines(keepends=True)
        lines[number] = edit(lines[number])
        (target / name).write_text("".join(lines), encoding="utf-8")

    return act


def cell(row: int, column: int, value: str) -> Breaker:
    """Set a cell of a row of numbers; column 0 is the image."""

    def edit(text: str) -> str:
        cells = text.rstrip("\n").split(",")
        cells[column] = value
        return ",".join(cells) + "\n"

    return line(CSV, 3 + row, edit)


def queue_entry(entry: object) -> Breaker:
    return line(QUEUE, 0, lambda _: json.dumps(entry) + "\n")


def damaged(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def test_good_targets_have_nothing_to_find(good: Path, good_multiview: Path, tmp_path: Path) -> None:
    assert check_target(good, every_image=True) == check_target(good, every_image=False) == []
    assert check_target(good_multiview, every_image=True) == []
    odd = ("a${b}", "no", "1", "ü", "x\ny", " lead", "- a: 'b'")
    assert check_target(make_target(tmp_path / "odd", names=odd), every_image=True) == []
    assert check_target(make_target(tmp_path / "visible", visible=True), every_image=True) == []
    assert check_target(make_target(tmp_path / "no-video", n_videos=0), every_image=True) == []
    choices = ConfigChoices(losses=("temporal", "pca_singleview"), backbone="vits_dino", num_gpus=2)
    assert check_target(make_target(tmp_path / "losses", choices=choices), every_image=True) == []


def test_a_copied_target_is_good(target: Path) -> None:
    assert check_target(target, every_image=True) == []


BROKEN: dict[str, tuple[Breaker, set[str]]] = {
    # project.yaml
    "no project.yaml": (delete("project.yaml"), {"target-project-missing"}),
    "project.yaml is no YAML": (write("project.yaml", "a: [b"), {"target-project-invalid"}),
    "project.yaml is a list": (write("project.yaml", "- a"), {"target-project-invalid"}),
    "project.yaml is binary": (write("project.yaml", b"\xff\xfe\0"), {"target-project-invalid"}),
    "views null": (change("project.yaml", "view_names: []", "view_names: null"), {"target-project-invalid"}),
    "keypoint is a boolean": (change("project.yaml", "'no'", "no"), {"target-project-invalid"}),
    "schema version a text": (change("project.yaml", "version: 1", "version: x"), {"target-project-invalid"}),
    "keypoint twice": (
        change("project.yaml", "- ear, left\n", "- snout\n", 1),
        {"target-project-keypoints", "target-keypoints-differ", "target-project-skeleton"},
    ),
    "no keypoints": (
        write("project.yaml", "view_names: []\nkeypoint_names: []\n"),
        {"target-project-keypoints", "target-keypoints-differ"},
    ),
    "other keypoint order": (
        write("project.yaml", "keypoint_names: ['no', snout, 'ear, left', 'tail \"base\"']\n"),
        {"target-keypoints-differ"},
    ),
    "skeleton of a stranger": (change("project.yaml", "- - snout", "- - wing"), {"target-project-skeleton"}),
    "skeleton to itself": (change("project.yaml", "- - snout", "- - ear, left"), {"target-project-skeleton"}),
    "skeleton twice": (change("project.yaml", "  - 'no'", "  - snout"), {"target-project-skeleton"}),
    "skeleton is a text": (
        lambda target: (target / "project.yaml").write_text(
            re.sub(r"skeleton:[^$]*", "skeleton: x\n", (target / "project.yaml").read_text())
        ),
        {"target-project-skeleton"},
    ),
    # label file
    "no label file": (delete(CSV), {"target-labels-missing", "target-config-value"}),
    "label file of DeepLabCut's name": (
        move(CSV, "CollectedData_Ann.csv"),
        {"target-labels-missing", "target-stray-csv", "target-config-value"},
    ),
    "label file empty": (write(CSV), {"target-labels-header"}),
    "label file binary": (write(CSV, b"scorer,\xff"), {"target-labels-unreadable"}),
    "open quote": (line(CSV, 4, lambda text: text[:-1] + '"x\n'), {"target-labels-unreadable", "target-labels-row"}),
    "first cell": (change(CSV, "bodyparts", "keypoints"), {"target-labels-header"}),
    "two scorers": (change(CSV, '"Ann, Ö"\n', "Bob\n"), {"target-labels-header"}),
    "blank scorers": (change(CSV, '"Ann, Ö"', ""), {"target-labels-header"}),
    "y before x": (line(CSV, 2, lambda text: text.replace("x,y", "y,x", 1)), {"target-labels-header"}),
    "likelihood column": (line(CSV, 2, lambda text: text.replace("y", "likelihood")), {"target-labels-header"}),
    "keypoint twice in the header": (
        line(CSV, 1, lambda text: text.replace("no,no", "snout,snout")),
        {"target-labels-header"},
    ),
    "blank keypoint": (line(CSV, 1, lambda text: text.replace("no,no", ",")), {"target-labels-header"}),
    "index name line": (line(CSV, 2, lambda text: text + "image,,,,,,,,\n"), {"target-labels-index-name"}),
    "row too short": (line(CSV, 4, lambda text: text[: text.rindex(",")] + "\n"), {"target-labels-row"}),
    "row too long": (line(CSV, 4, lambda text: text[:-1] + ",1\n"), {"target-labels-row"}),
    "half a point": (cell(1, 1, ""), {"target-labels-half-point"}),
    "other half of a point": (cell(1, 2, ""), {"target-labels-half-point"}),
    "text for a number": (cell(1, 1, "left"), {"target-labels-number"}),
    "infinite": (cell(1, 1, "inf"), {"target-labels-number"}),
    "truth for a number": (cell(1, 1, "True"), {"target-labels-number"}),
    "absolute index": (cell(1, 0, "/data/labeled-data/m1/img00000010.png"), {"target-labels-index"}),
    "backslash index": (cell(1, 0, FRAME.replace("/", "\\")), {"target-labels-index"}),
    "index out of the project": (cell(1, 0, "labeled-data/../img00000010.png"), {"target-labels-index"}),
    "frame name with two numbers": (cell(1, 0, "labeled-data/m1/cam1_0010.png"), {"target-labels-index"}),
    "row twice": (cell(1, 0, "labeled-data/m1/img00000020.png"), {"target-labels-twice"}),
    "image missing": (delete(FRAME), {"target-image-missing"}),
    "no rows": (
        lambda target: line(CSV, 3, lambda _: "")(target) or write(CSV, "".join(head(target)))(target),
        {"target-too-few-labels"},
    ),
    "one row": (
        lambda target: write(CSV, "".join([*head(target), f"{FRAME},1,2,,,,,,\n"]))(target),
        {"target-too-few-labels"},
    ),
    "test frames are training frames": (
        lambda target: shutil.copy(target / CSV, target / "CollectedData_test.csv"),
        {"target-labels-leak"},
    ),
    "test file broken": (write("CollectedData_test.csv", "x"), {"target-labels-header"}),
    # images
    "image damaged": (write(FRAME, damaged(png_bytes())), {"target-image-unreadable"}),
    "image empty": (write(FRAME), {"target-image-unreadable"}),
    "image is a text": (write(FRAME, "no image"), {"target-image-unreadable"}),
    "image of 16 bits": (write(FRAME, png_bytes(bits=16, color=0)), {"target-image-depth"}),
    "context frame damaged": (
        write("labeled-data/m1/img00000011.png", b"\x89PNG\r\n\x1a\n"),
        {"target-image-unreadable"},
    ),
    # labeled-data
    "no labeled-data": (
        lambda target: shutil.rmtree(target / "labeled-data"),
        {"target-labeled-data-missing", "target-image-missing", "target-queue-image-missing"},
    ),
    "DeepLabCut's table left": (write("labeled-data/m1/CollectedData_Ann.csv", "scorer"), {"target-stray-file"}),
    "DeepLabCut's H5 left": (write("labeled-data/m1/CollectedData_Ann.h5", "x"), {"target-stray-file"}),
    "selected frames": (write("labeled-data/m1/selected_frames.csv", "x"), {"target-stray-file"}),
    "frame without a number": (write("labeled-data/m1/img.png", png_bytes()), {"target-stray-file"}),
    "frame with a space": (write("labeled-data/m1/img 1.png", png_bytes()), {"target-stray-file"}),
    "frame in capitals": (write("labeled-data/m1/img1.PNG", png_bytes()), {"target-stray-file"}),
    "folder in a session": (write("labeled-data/m1/more/img1.png", png_bytes()), {"target-stray-file"}),
    "file beside the sessions": (write("labeled-data/readme.txt"), {"target-stray-file"}),
    "Finder's litter": (write("labeled-data/m1/.DS_Store"), {"target-stray-file"}),
    "session with a space": (write("labeled-data/m 1/img1.png", png_bytes()), {"target-session-name"}),
    # videos
    "avi": (write("videos/m9.avi"), {"target-video-suffix"}),
    "mp4 in capitals": (write("videos/m9.MP4"), {"target-video-suffix"}),
    "video with a space": (write("videos/m 9.mp4"), {"target-video-name"}),
    "video with an accent": (write("videos_new/é.mp4"), {"target-video-name"}),
    # queue
    "queue is no JSON": (line(QUEUE, 0, lambda _: "{\n"), {"target-queue-invalid"}),
    "queue is binary": (write(QUEUE, b"\xff"), {"target-queue-invalid"}),
    "queue of paths": (line(QUEUE, 0, lambda _: f'"{FRAME}"\n'), {"target-queue-invalid"}),
    "queue out of the project": (queue_entry({"frame_path": "../img1.png"}), {"target-queue-invalid"}),
    "queue frame missing": (queue_entry({"frame_path": JPEG}), {"target-queue-image-missing"}),
    "queue frame labeled": (queue_entry({"frame_path": FRAME}), {"target-queue-labeled"}),
    "queue frame twice": (queue_entry({"frame_path": "labeled-data/m1/img00000008.png"}), {"target-queue-twice"}),
    "queue prediction a list": (
        queue_entry({"frame_path": "labeled-data/m1/img00000007.png", "predictions": []}),
        {"target-queue-invalid"},
    ),
    "queue date a text": (
        line(QUEUE, 0, lambda text: text.replace("1700000000000", '"now"')),
        {"target-queue-invalid"},
    ),
    "queue point null": (line(QUEUE, 0, lambda text: text.replace("1.5", "null")), {"target-queue-invalid"}),
    "old app's queue": (write("CollectedData.unlabeled", FRAME), {"target-queue-legacy"}),
    # what does not belong there
    "stray table": (write("old/CollectedData_old.csv", "x"), {"target-stray-csv"}),
    # config
    "no config": (delete(CONFIG), {"target-config-missing"}),
    "config no YAML": (write(CONFIG, "a: ["), {"target-config-invalid"}),
    "config a list": (write(CONFIG, "- a"), {"target-config-invalid"}),
    "config binary": (write(CONFIG, b"\xff"), {"target-config-invalid"}),
    "config key twice": (
        change(CONFIG, "  imgaug: dlc\n", "  imgaug: dlc\n  imgaug: dlc\n"),
        {"target-config-invalid"},
    ),
    "config key deleted": (without("train_frames"), {"target-config-key"}),
    "config section deleted": (without("losses"), {"target-config-key"}),
    "config predicts without a threshold": (without("confidence_thresh_for_vid"), {"target-config-key"}),
    "size not of 128": (setting("height", "200"), {"target-config-value"}),
    "size null": (setting("height", "null"), {"target-config-value"}),
    "transformer not square": (
        lambda target: (setting("backbone", "vits_dino")(target), setting("height", "256")(target)),
        {"target-config-value"},
    ),
    "batch of none": (setting("train_batch_size", "0"), {"target-config-value"}),
    "batch a text": (setting("train_batch_size", "'16'"), {"target-config-value"}),
    "learning rate a text": (setting("learning_rate", "'1e-3'"), {"target-config-value"}),
    "shares that miss 1 by a bit": (
        lambda target: (setting("train_prob", "0.7")(target), setting("val_prob", "0.08")(target)),
        {"target-config-value"},
    ),
    "shares above 1": (setting("val_prob", "0.9"), {"target-config-value"}),
    "milestone after the end": (
        setting("lr_scheduler_params", "{multisteplr: {milestones: [150, 501], gamma: 0.5}}"),
        {"target-config-value"},
    ),
    "epochs and steps": (
        change(CONFIG, "  train_frames: 1", "  unfreezing_step: 3\n  train_frames: 1"),
        {"target-config-value"},
    ),
    "checkpoints between validations": (setting("ckpt_every_n_epochs", "7"), {"target-config-value"}),
    "unknown backbone": (setting("backbone", "resnet51"), {"target-config-value"}),
    "backbone a list": (setting("backbone", "[a]"), {"target-config-value"}),
    "unknown model": (setting("model_type", "heatmaps"), {"target-config-value"}),
    "multi-view model": (setting("model_type", "heatmap_multiview_transformer"), {"target-config-value"}),
    "unknown augmentation": (setting("imgaug", "flip"), {"target-config-value"}),
    "unknown loss": (setting("losses_to_use", "[temporl]"), {"target-config-key", "target-config-value"}),
    "loss without settings": (
        lambda target: (setting("losses_to_use", "[temporal]")(target), without("temporal")(target)),
        {"target-config-key"},
    ),
    "loss without fading": (
        lambda target: (setting("losses_to_use", "[temporal]")(target), without("callbacks")(target)),
        {"target-config-key"},
    ),
    "weight of a loss a text": (
        lambda target: (setting("losses_to_use", "[temporal]")(target), setting("log_weight", "auto")(target)),
        {"target-config-value"},
    ),
    "pca of a stranger": (
        lambda target: (
            setting("losses_to_use", "[pca_singleview]")(target),
            setting("columns_for_singleview_pca", "[7]")(target),
        ),
        {"target-config-value"},
    ),
    "keypoints of another project": (change(CONFIG, "    - snout\n", "    - nose\n"), {"target-keypoints-differ"}),
    "number of keypoints": (setting("num_keypoints", "9"), {"target-config-value"}),
    "one view": (change(CONFIG, "  num_keypoints", "  view_names: [top]\n  num_keypoints"), {"target-config-value"}),
    "empty views": (change(CONFIG, "  num_keypoints", "  view_names: []\n  num_keypoints"), {"target-config-value"}),
    "config of another label file": (setting("csv_file", "CollectedData_new.csv"), {"target-config-value"}),
    "relative project path": (setting("data_dir", "target"), {"target-config-value"}),
    "project path with a NUL": (setting("data_dir", '"/a\\0b"'), {"target-config-value"}),
    "project elsewhere": (setting("data_dir", "/cluster/mouse"), {"target-config-elsewhere"}),
    "no video folder": (lambda target: shutil.rmtree(target / "videos"), {"target-config-value"}),
    "no video to predict": (delete("videos/m1.mp4"), {"target-config-value"}),
}  # fmt: skip


def head(target: Path) -> list[str]:
    return (target / CSV).read_text(encoding="utf-8").splitlines(keepends=True)[:3]


@pytest.mark.parametrize("case", BROKEN)
def test_broken_targets(target: Path, case: str) -> None:
    act, expected = BROKEN[case]
    act(target)
    found = codes(target)
    assert found & expected, f"{case}: found {found}, expected {expected}"
    assert found <= expected, f"{case}: found {found}, expected only {expected}"


def test_too_few_frames_for_the_pca(tmp_path: Path) -> None:
    target = make_target(tmp_path / "t", n_frames=6)
    setting("losses_to_use", "[pca_singleview]")(target)
    assert codes(target) == {"target-config-value"}
    setting("columns_for_singleview_pca", "[0, 1]")(target)
    assert codes(target) == set()


def test_visible(tmp_path: Path) -> None:
    target = make_target(tmp_path / "t", visible=True)
    assert codes(target) == set()
    text = (target / CSV).read_text(encoding="utf-8")
    for old, new in ((",2,", ",3,"), (",2,", ",,"), (",2,", ",1,"), (",,,1", ",,,2")):
        (target / CSV).write_text(text.replace(old, new, 1), encoding="utf-8")
        assert codes(target) == {"target-labels-visible"}, (old, new)


def test_a_test_file_of_its_own_is_fine(target: Path) -> None:
    rows = (target / CSV).read_text(encoding="utf-8").splitlines(keepends=True)
    (target / CSV).write_text("".join(rows[:-2]), encoding="utf-8")
    (target / "CollectedData_test.csv").write_text("".join([*rows[:3], *rows[-2:]]), encoding="utf-8")
    assert codes(target) == set()


def test_models_and_predictions_are_their_owners(target: Path) -> None:
    write("models/a/predictions.csv", "x")(target)
    write(".dlc2lp/plan.json", "{}")(target)
    write("migration-report.html", "x")(target)
    assert codes(target) == set()


def test_what_a_file_manager_leaves_is_a_warning(target: Path) -> None:
    write("labeled-data/.DS_Store")(target)
    (finding,) = check_target(target, every_image=False)
    assert finding.severity == Severity.WARNING


def test_places_are_told(target: Path) -> None:
    cell(1, 1, "")(target)
    (finding,) = check_target(target, every_image=False)
    assert finding.where == f"row 2, {FRAME}, snout"
    assert finding.subject == CSV


def test_a_config_for_a_cluster_is_only_noted(target: Path, tmp_path: Path) -> None:
    setting("data_dir", "/cluster/mouse")(target)
    (finding,) = check_target(target, every_image=False)
    assert finding.severity == Severity.NOTE
    setting("data_dir", json.dumps(str(tmp_path)))(target)
    (finding,) = check_target(target, every_image=False)
    assert finding.severity == Severity.WARNING


def test_a_sample_of_images_is_read_whole_and_every_header(target: Path) -> None:
    for index in range(100, 300):
        write(f"labeled-data/m1/img{index:08d}.png", png_bytes(4, 4))(target)
    write("labeled-data/m1/img00000101.png", damaged(png_bytes(4, 4)))(target)
    write("labeled-data/m1/img00000103.png", png_bytes(4, 4)[:20])(target)
    sampled = {finding.subject for finding in check_target(target, every_image=False)}
    every = {finding.subject for finding in check_target(target, every_image=True)}
    assert sampled == {"labeled-data/m1/img00000103.png"}
    assert every == {"labeled-data/m1/img00000101.png", "labeled-data/m1/img00000103.png"}


def test_interpolations_in_paths_are_understood(target: Path) -> None:
    """Lightning Pose's own `litpose recommend` writes them."""
    setting("test_videos_directory", "${data.video_dir}")(target)
    assert codes(target) == set()


MULTIVIEW: dict[str, tuple[Breaker, set[str]]] = {
    "one view": (
        change("project.yaml", "- side\n", ""),
        {"target-views", "target-config-value", "target-session-name", "target-video-name", "target-stray-csv"},
    ),
    "a view holds another": (
        change("project.yaml", "- top", "- sidetop"),
        {"target-views", "target-labels-missing", "target-config-value", "target-session-name", "target-video-name",
         "target-stray-csv"},
    ),
    "a view with an underscore": (
        change("project.yaml", "- top", "- to_p"),
        {"target-views", "target-labels-missing", "target-config-value", "target-session-name", "target-video-name",
         "target-stray-csv"},
    ),
    "rows missing in one view": (line("CollectedData_top.csv", 5, lambda _: ""), {"target-views-differ"}),
    "rows in another order": (
        lambda target: (
            line("CollectedData_top.csv", 4, lambda text: text.replace("img00000010", "img00000020"))(target),
            line("CollectedData_top.csv", 5, lambda text: text.replace("img00000020", "img00000010"))(target),
        ),
        {"target-views-differ"},
    ),
    "another view's folder": (
        line("CollectedData_top.csv", 4, lambda text: text.replace("s1_top", "s1_side")),
        {"target-labels-index", "target-views-differ"},
    ),
    "a session without a view": (write("labeled-data/s1/img1.png", png_bytes()), {"target-session-name"}),
    "a video without a view": (write("videos/s1.mp4"), {"target-video-name"}),
    "views in another order": (change(CONFIG, "[top, side]", "[side, top]"), {"target-config-value"}),
    "label files missing": (change(CONFIG, "[CollectedData_top.csv, ", "["), {"target-config-value"}),
    "regression": (setting("model_type", "regression"), {"target-config-value"}),
    "a resnet": (setting("backbone", "resnet50"), {"target-config-value"}),
}  # fmt: skip


@pytest.mark.parametrize("case", MULTIVIEW)
def test_broken_multiview_targets(good_multiview: Path, tmp_path: Path, case: str) -> None:
    target = Path(shutil.copytree(good_multiview, tmp_path / "views"))
    change(CONFIG, json.dumps(str(good_multiview.resolve()))[1:-1], json.dumps(str(target.resolve()))[1:-1])(target)
    assert codes(target) == set()
    act, expected = MULTIVIEW[case]
    act(target)
    assert codes(target) == expected


def test_no_folder(tmp_path: Path) -> None:
    assert codes(tmp_path / "nothing") == {"target-missing"}
    (tmp_path / "file").touch()
    assert codes(tmp_path / "file") == {"target-missing"}
    assert {"target-project-missing", "target-labels-missing", "target-config-missing"} <= codes(tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_folder_that_may_not_be_read(target: Path) -> None:
    (target / "labeled-data" / "m1").chmod(0)
    try:
        assert "target-unreadable" in codes(target)
    finally:
        (target / "labeled-data" / "m1").chmod(0o755)


def test_only_looks(target: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    check_target(target, every_image=True)
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before
