"""What was planned is what is placed: a source that changes between the two, or in the middle, is told and not done."""

import json
import os
import shutil
import struct
import time
import zlib
from pathlib import Path

import pytest
from archives import SMALL, target_digests
from builder import Session, Video, build_project
from command import LARGE, dlc2lp, start_slowly, wait_for
from rig import write_anipose

from dlc2lp import files
from dlc2lp.batch import index as batch_index
from dlc2lp.errors import SourceChanged, VideoFailed
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.plan import PLAN_FILE, Plan
from dlc2lp.run import carry_out
from dlc2lp.run.sources import held_still

#: One session whose video and images travel as they are, one whose are made anew, one whose video is only repacked.
SESSIONS = (
    Session("m1"),
    Session("m2", video=Video(codec="mpeg4"), image_suffix=".tif"),
    Session("m3", video=Video(suffix=".mov")),
)
PADDED_BYTES = 200_000


def pad(path: Path) -> None:
    """Bring a video to a size, with a box that readers pass over."""
    rest = PADDED_BYTES - path.stat().st_size
    assert rest >= 8
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", rest, b"free") + bytes(rest - 8))


@pytest.fixture
def root(tmp_path):
    """An archive of one project, all of whose videos have the same size and as many frames."""
    build_project(tmp_path / "root/p", **{**SMALL, "sessions": SESSIONS})
    for video in (tmp_path / "root/p/videos").iterdir():
        pad(video)
    return tmp_path / "root"


def batch(*arguments):
    return dlc2lp("batch", *arguments, "--json")


def in_place(path: Path, change) -> Path:
    """Change a file's content, and put the time back, as some copies do."""
    found, content = path.stat(), path.read_bytes()
    changed = change(content)
    assert changed != content
    path.write_bytes(changed)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    return path


def flip(path: Path, at: int = -1) -> Path:
    """Change one byte."""

    def flipped(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[at] ^= 1
        return bytes(changed)

    return in_place(path, flipped)


def other_video(root: Path, name: str) -> Path:
    """Put another recording of the same size and as many frames in a video's place."""
    (session,) = (each for each in SESSIONS if each.name == Path(name).stem)
    other = build_project(root.parent / "other", **{**SMALL, "sessions": (Session("x", video=session.video),)})
    path = root / "p/videos" / name
    new = next(iter(other.videos.values()))
    pad(new)
    assert new.stat().st_size == path.stat().st_size
    return in_place(path, lambda _: new.read_bytes())


def other_image(root: Path) -> Path:
    """Replace an image by another frame's."""
    path = root / "p/labeled-data/m1/img05.png"
    shutil.copy(path.with_name("img02.png"), path)
    return path


def other_label(root: Path, kind: str) -> Path:
    (path,) = (root / "p/labeled-data/m1").glob(f"CollectedData*.{kind}")
    if kind == "csv":
        return in_place(path, lambda content: content[:-2] + (b"8\n" if content.endswith(b"7\n") else b"7\n"))
    return flip(path)


#: How a source is changed -> the file, and a file of the target that must not be made of it.
CHANGES = {
    "another image": (other_image, "labeled-data/m1/img00000005.png"),
    "a byte of an image": (lambda root: flip(root / "p/labeled-data/m1/img05.png"), "labeled-data/m1/img00000005.png"),
    "a byte of an image that is made anew": (
        lambda root: flip(root / "p/labeled-data/m2/img05.tif"),
        "labeled-data/m2/img00000005.png",
    ),
    "labels in CSV": (lambda root: other_label(root, "csv"), "CollectedData.csv"),
    "labels in HDF5": (lambda root: other_label(root, "h5"), "CollectedData.csv"),
    "the configuration": (
        lambda root: in_place(root / "p/config.yaml", lambda content: content + b"\n# mine\n"),
        "configs/default.yaml",
    ),
    "a video that is placed": (lambda root: other_video(root, "m1.mp4"), "videos/m1.mp4"),
    "a video that is encoded": (lambda root: other_video(root, "m2.mp4"), "videos/m2.mp4"),
    "a video that is repacked": (lambda root: other_video(root, "m3.mov"), "videos/m3.mp4"),
    "a video that frames are cut from": (lambda root: other_video(root, "m1.mp4"), "labeled-data/m1/img00000004.png"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_after_it_was_planned_is_told_and_not_done(root, tmp_path, what):
    change, lacking = CHANGES[what]
    out = tmp_path / "out"
    assert batch("plan", root, out).exit_code == 0
    path = change(root)
    came = batch("run", out)
    assert came.exit_code == 1
    told = [each for each in came.document["findings"] if each["code"] == "source-changed"]
    assert {each["subject"] for each in told} == {str(path)}
    assert "expected" in told[0]["message"]
    assert f"dlc2lp batch plan ROOT {out}" in told[0]["hint"]
    target = out / "p"
    assert not (target / lacking).exists()
    # All else was done.
    assert (target / "labeled-data/m3/img00000005.png").is_file()
    assert (target / "videos/m3.mp4").is_file() == (lacking != "videos/m3.mp4")
    status = batch("status", out).document
    assert (status["targets"]["failed"], status["targets"]["done"]) == (1, 0)
    finished = batch("finish", out)
    assert finished.exit_code == 1
    assert "source-changed" in {each["code"] for each in finished.document["findings"]}
    assert dlc2lp("verify", target).exit_code == 1


@pytest.mark.parametrize("what", ["another image", "labels in CSV", "the configuration", "a video that is placed"])
def test_planned_again_it_becomes_what_a_new_conversion_makes(root, tmp_path, what):
    out = tmp_path / "out"
    assert batch("plan", root, out).exit_code == 0
    CHANGES[what][0](root)
    assert batch("run", out).exit_code == 1
    for step in (("plan", root, out), ("run", out), ("finish", out)):
        came = batch(*step)
        assert came.exit_code == 0, came.stderr
    again = migrated(out)
    shutil.rmtree(out)
    assert batch("convert", root, out).exit_code == 0
    assert migrated(out) == again


def migrated(out: Path) -> dict[str, str]:
    return target_digests(out)


def test_other_times_and_other_places_on_the_disk_are_no_change(root, tmp_path):
    """What a restored archive, a copy, another mount or `touch` makes of the same files."""
    out = tmp_path / "out"
    assert batch("plan", root, out).exit_code == 0
    root.rename(tmp_path / "away")
    shutil.copytree(tmp_path / "away", root, copy_function=shutil.copyfile)
    for number, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + 2 * number))
    came = batch("run", out)
    assert came.exit_code == 0, came.stdout
    assert batch("finish", out).exit_code == 0


def test_a_calibration_that_changed_is_told(tmp_path):
    views = {}
    for name in ("top", "side"):
        build_project(tmp_path / name, **{**SMALL, "sessions": ("m1",), "video": "none"})
        views[name] = tmp_path / name
    (tmp_path / "cal").mkdir()
    calibration = write_anipose(tmp_path / "cal/calibration.toml", ["top", "side"], SMALL["size_px"])
    arguments = [part for name, path in views.items() for part in ("--view", f"{name}={path}")]
    arguments += ["--calibration", tmp_path / "cal/calibration.toml"]
    with changed_before_it_is_placed(lambda: in_place(calibration, lambda content: content + b"\n")):
        came = dlc2lp("convert", *arguments, tmp_path / "lp", "--json")
    assert came.exit_code == 1
    assert came.finding("source-changed")["subject"] == str(calibration)
    assert not (tmp_path / "lp/calibration.toml").exists()
    assert dlc2lp("convert", *arguments, tmp_path / "lp").exit_code == 0
    assert (tmp_path / "lp/calibration.toml").is_file()


class changed_before_it_is_placed:
    """Does something between the plan inside `convert` and the placing."""

    def __init__(self, change):
        self._change, self._execute = change, carry_out.execute

    def __enter__(self):
        def execute(*args, **options):
            self._change()
            return self._execute(*args, **options)

        carry_out.execute = execute

    def __exit__(self, *_):
        carry_out.execute = self._execute


@pytest.mark.parametrize("link", ["auto", "copy", "hardlink", "symlink"])
def test_an_image_of_the_same_size_that_is_changed_within_convert_is_told(root, tmp_path, link):
    image, target = root / "p/labeled-data/m1/img05.png", tmp_path / "lp"
    arguments = ("convert", root / "p", target, "--link", link, "--json")
    with changed_before_it_is_placed(lambda: flip(image, at=-9)):  # in the last checksum
        came = dlc2lp(*arguments)
    assert came.exit_code == 1
    found = came.finding("source-changed")
    assert found["subject"] == str(image)
    assert found["hint"] == "run the same command once more; it plans anew"
    assert not (target / "labeled-data/m1").exists() or not list((target / "labeled-data/m1").glob("img00000005*"))
    flip(image, at=-9)
    assert dlc2lp(*arguments).exit_code == 0
    assert (target / "labeled-data/m1/img00000005.png").read_bytes() == image.read_bytes()


def with_comment(png: bytes, letter: bytes) -> bytes:
    """Return a PNG with a comment of one letter behind its header."""
    chunk = b"tEXtComment\0" + letter
    return png[:33] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]


@pytest.mark.parametrize("link", ["auto", "copy", "hardlink", "symlink"])
def test_what_was_placed_from_an_earlier_content_is_replaced(root, tmp_path, link):
    """Also where the image is as large as before, and its time is that of before."""
    image, target = root / "p/labeled-data/m1/img05.png", tmp_path / "lp"
    plain = image.read_bytes()
    in_place(image, lambda _: with_comment(plain, b"a"))
    assert dlc2lp("convert", root / "p", target, "--link", link).exit_code == 0
    size = image.stat().st_size
    in_place(image, lambda _: with_comment(plain, b"b"))
    assert image.stat().st_size == size
    told = dlc2lp("verify", target, "--verify", "full", "--json")
    assert told.finding("source-changed")["severity"] == "warning"
    assert told.exit_code == int(link in {"hardlink", "symlink"}), "the target's own file is another one"
    again = dlc2lp("convert", root / "p", target, "--link", link, "--json")
    assert again.exit_code == 0, again.stderr
    assert (target / "labeled-data/m1/img00000005.png").read_bytes() == image.read_bytes()
    plan = Plan.from_text((target / PLAN_FILE).read_bytes(), target)
    (step,) = (each for each in plan.steps if each.kind == "place-images" and each.session == "m1")
    assert step.id in again.document["steps"]["done"]
    assert "source-changed" not in dlc2lp("verify", target, "--verify", "full", "--json").codes


def test_verify_tells_of_labels_that_changed_since_and_of_a_plan_that_was_not_carried_out(root, tmp_path):
    out = tmp_path / "out"
    assert batch("convert", root, out).exit_code == 0
    labels = other_label(root, "csv")
    told = dlc2lp("verify", out / "p", "--json")
    assert told.exit_code == 0
    assert told.finding("source-changed")["subject"] == str(labels)
    other_image(root)
    assert batch("plan", root, out).exit_code == 0
    assert batch("status", out).document["targets"]["done"] == 0
    incomplete = dlc2lp("verify", out / "p", "--json")
    assert incomplete.exit_code == 1
    assert incomplete.finding("target-incomplete")["subject"].startswith("labeled-data/m1/")


def test_a_source_that_is_gone_or_moved_is_nothing_to_tell_of_a_finished_target(root, tmp_path):
    assert dlc2lp("convert", root / "p", tmp_path / "lp").exit_code == 0
    shutil.rmtree(root)
    for level in ("sample", "full"):
        told = dlc2lp("verify", tmp_path / "lp", "--verify", level, "--json")
        assert (told.exit_code, told.codes.count("source-changed")) == (0, 0)


# --- in the middle --------------------------------------------------------------------------------------------------

#: A video whose encode can be met in the middle.
LONG = {
    "video": Video(codec="mjpeg", container="avi", pixel_format="yuvj420p"),
    "n_frames": 60,
    "size_px": (640, 480),
    "frames": (2,),
}


def touch(path: Path, _: Path) -> None:
    path.touch()


def link_to(path: Path, tmp_path: Path) -> None:
    os.link(path, tmp_path / "linked")


def replaced_by_a_copy(path: Path, tmp_path: Path) -> None:
    shutil.copyfile(path, tmp_path / "copy")
    (tmp_path / "copy").replace(path)


def flipped(path: Path, _: Path) -> None:
    flip(path, at=path.stat().st_size // 2)


def cut(path: Path, _: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file can't be replaced")
@pytest.mark.parametrize(
    ("change", "is_told"),
    [(touch, False), (link_to, False), (replaced_by_a_copy, False), (flipped, True), (cut, True)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_video_that_changes_while_it_is_encoded_is_told(tmp_path, change, is_told):
    target = tmp_path / "lp"
    project = build_project(tmp_path / "dlc", sessions=("m1",), **LONG)
    video = project.videos["m1"]
    process = start_slowly("convert", project.root, target, "--json", *LARGE)
    wait_for(lambda: any(path.stat().st_size > 0 for path in target.glob(".dlc2lp/scratch/*/video.mp4")), process)
    change(video, tmp_path)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == int(is_told), stderr
    told = {(each["code"], each["subject"]) for each in json.loads(stdout)["findings"] if each["severity"] == "error"}
    # No other word about a good video.
    assert {each for each in told if each[1] in {str(video), "videos/m1.mp4"}} - {
        ("target-incomplete", "videos/m1.mp4")
    } == ({("source-changed", str(video))} if is_told else set())
    assert (target / "videos/m1.mp4").exists() == (not is_told)


def test_of_a_large_file_a_digest_of_blocks_proves_nothing_once_something_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_WHOLE_BYTES", 1000)
    monkeypatch.setattr(files, "_BLOCK_BYTES", 10)
    path = tmp_path / "large"
    path.write_bytes(bytes(5000))
    planned = files.mark_of(files.digest(path).digest)
    with held_still(path, planned):
        path.chmod(0o600)
    with pytest.raises(SourceChanged) as told, held_still(path, planned):
        time.sleep(0.02)
        path.touch()
    assert told.value.findings[0].code == "source-changed"
    with held_still(path, planned):  # the time alone, before: a copy
        pass
    with pytest.raises(SourceChanged), held_still(path, "0123456789abcdef"):
        pass


def test_what_stumbled_over_a_file_that_is_changed_accuses_nobody(tmp_path):
    path = tmp_path / "video"
    path.write_bytes(b"0123456789")
    damaged = VideoFailed(Finding(Severity.ERROR, "video-truncated", "video", "found the end"))
    with pytest.raises(SourceChanged), held_still(path, ""):
        path.write_bytes(b"01234")
        raise damaged
    with pytest.raises(VideoFailed) as told, held_still(path, ""):
        raise damaged
    assert told.value is damaged


# --- targets that do not know what their sources held -----------------------------------------------------------------


def forget_digests(target: Path) -> None:
    """Make a target what versions left that took no digests of sources."""
    plan = Plan.from_text((target / PLAN_FILE).read_bytes(), target)
    for step in plan.steps:
        record, former = target / f".dlc2lp/steps/{step.id}.json", step.without_digests().id
        if former != step.id:
            record.with_name(f"{former}.json").write_text(record.read_text().replace(step.id, former))
            record.unlink()
    text = json.loads((target / PLAN_FILE).read_text())
    text["steps"] = [
        {"id": each.without_digests().id} | {key: value for key, value in step.items() if key not in {"id", "digest"}}
        for each, step in zip(plan.steps, text["steps"], strict=True)
    ]
    for step in text["steps"]:
        for image in step.get("images", []):
            image.pop("digest")
    text.pop("texts_from")
    (target / PLAN_FILE).write_text(json.dumps(text))


@pytest.mark.parametrize("change", [False, True], ids=["as it was", "another image"])
def test_a_target_from_before_digests_is_recognised_where_its_images_are_those(root, tmp_path, change):
    """An image that is as large as before is another one too."""
    image, target = root / "p/labeled-data/m1/img05.png", tmp_path / "lp"
    plain = image.read_bytes()
    image.write_bytes(with_comment(plain, b"a"))
    assert dlc2lp("convert", root / "p", target).exit_code == 0
    names = sorted(path.name for path in (target / ".dlc2lp/steps").iterdir())
    forget_digests(target)
    assert dlc2lp("verify", target).exit_code == 0
    if change:
        image.write_bytes(with_comment(plain, b"b"))
    again = dlc2lp("convert", root / "p", target, "--json")
    assert again.exit_code == 0, again.stderr
    done = again.document["steps"]["done"]
    plan = Plan.from_text((target / PLAN_FILE).read_bytes(), target)
    kinds = {step.kind for step in plan.steps if step.id in done}
    assert kinds.isdisjoint({"place-video", "encode-video", "remux-video"})
    assert ("place-images" in kinds) == change
    if not change:
        assert not kinds
        assert sorted(path.name for path in (target / ".dlc2lp/steps").iterdir()) == names
    assert dlc2lp("convert", root / "p", target, "--json").document["steps"]["done"] == []


def test_an_archive_from_before_digests_keeps_what_is_done_when_it_is_planned_again(root, tmp_path):
    out = tmp_path / "out"
    assert batch("convert", root, out).exit_code == 0
    before = migrated(out)
    forget_digests(out / "p")
    assert batch("plan", root, out).exit_code == 0
    assert batch("finish", out).exit_code == 0
    assert migrated(out) == before
    assert (out / batch_index.INDEX_FILE).is_file()
