"""What who watches hears adds up, and whatever goes wrong with who watches, the work does not suffer."""

import json
from collections import Counter

import pytest
from archives import break_project, build_archive, debris
from builder import Video, build_project
from test_resume import tree

import dlc2lp as library
from dlc2lp.errors import Interrupted
from dlc2lp.events import Event, Watch

JPEG = Video(codec="mjpeg", container="avi", pixel_format="yuvj420p")


class Ear:
    """Keeps what it hears."""

    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    def of(self, thing, what):
        return [event for event in self.events if (event.thing, event.what) == (thing, what)]


@pytest.fixture
def project(tmp_path):
    return build_project(tmp_path / "dlc", sessions=("m1", "m2"), video=JPEG, n_frames=24, frames=(4, 9))


def frames_to_write(target):
    """Frames of all videos that a target was made with, and those that were cut out of them."""
    steps = json.loads((target / ".dlc2lp/plan.json").read_text())["steps"]
    return sum(len(step["frames"]) if "frames" in step else step.get("n_frames", 0) for step in steps)


def expect_steps_in_order(events):
    """Hold the events of one step to its life: it begins, goes on and ends, once, with no frame too many."""
    first, *between, last = events
    assert (first.what, last.what, last.state) == ("began", "ended", "done")
    assert {event.what for event in between} <= {"advanced"}
    counts = [event.n_frames for event in events]
    assert counts == sorted(counts)
    assert counts[-1] == last.n_frames_all
    assert len({(event.kind, event.target, event.weight, event.n_frames_all) for event in events}) == 1


def test_the_events_of_a_conversion_add_up(project, tmp_path):
    ear = Ear()
    came = library.convert(project.root, tmp_path / "lp", on_event=ear)
    assert came.exit_code == 0
    assert [event.subject for event in ear.of("target", "decided")] == [came.plan.target]
    (planned,) = ear.of("step", "planned")
    ended = ear.of("step", "ended")
    assert sorted(event.subject for event in ended) == sorted(step.id for step in came.plan.steps)
    assert planned.n == len(ended)
    assert planned.n_frames_all == sum(event.n_frames for event in ended) == frames_to_write(tmp_path / "lp")
    assert planned.weight == sum(event.weight for event in ended)
    assert any(event.n_frames for event in ear.of("step", "advanced"))
    for step in came.plan.steps:
        expect_steps_in_order([event for event in ear.events if event.subject == step.id])
    again = Ear()
    assert library.convert(project.root, tmp_path / "lp", on_event=again).exit_code == 0
    (nothing,) = again.of("step", "planned")
    assert (nothing.n, nothing.n_frames_all, nothing.weight) == (0, 0, 0)
    assert Counter(event.state for event in again.of("step", "ended")) == {"skipped": len(ended)}
    assert {event.state for event in again.of("session", "ended")} == {"skipped"}


def test_a_step_that_fails_and_one_that_is_kept_end_with_the_reason(project, tmp_path):
    assert library.convert(project.root, tmp_path / "lp").exit_code == 0
    config = tmp_path / "lp/configs/default.yaml"
    config.write_text("mine: 1\n")
    (tmp_path / "lp/videos/m1.mp4").unlink()
    plan = json.loads((tmp_path / "lp/.dlc2lp/plan.json").read_text())
    ear = Ear()

    def break_the_source(event):
        ear(event)
        if event.what == "planned" and event.thing == "step":
            project.videos["m1"].write_bytes(b"no video")

    came = library.convert(project.root, tmp_path / "lp", on_event=break_the_source)
    assert came.exit_code == 1
    failed = {event.kind: event for event in ear.of("step", "ended") if event.state == "failed"}
    assert {kind: event.findings[0].code for kind, event in failed.items()} == {
        "write-text": "target-edited",
        "encode-video": "source-changed",
    }
    (told,) = failed["encode-video"].findings
    assert told.subject == str(project.videos["m1"])
    assert len(ear.of("step", "ended")) == len(plan["steps"])
    assert config.read_text() == "mine: 1\n"
    # Planned again, it is told what is there by now.
    again = {(found.code, found.subject) for found in library.convert(project.root, tmp_path / "lp").findings}
    assert ("video-unreadable", told.subject) in again


def test_the_events_of_an_archive_add_up(tmp_path):
    names = build_archive(tmp_path / "root", 4)
    break_project(tmp_path / "root", names[3])
    ear = Ear()
    out = tmp_path / "lp"
    planned = library.plan_archive(tmp_path / "root", out, on_event=ear)
    (project,) = ear.of("project", "planned")
    ended = {event.subject: event.state for event in ear.of("project", "ended")}
    assert (project.n, project.weight) == (4, 4)
    assert ended == {name: "failed" if name == names[3] else "done" for name in names}
    for _ in range(2):
        ear = Ear()
        came = library.run_archive(out, on_event=ear)
        entries = [entry for entry in planned.index.entries() if entry.state == "planned"]
        steps = {(entry.target, step.id): step.cost for entry in entries for step in entry.steps}
        assert not ear.of("step", "planned")
        (pieces,) = ear.of("piece", "planned")
        ended = ear.of("step", "ended")
        assert Counter((event.within, event.subject) for event in ended) == Counter(steps.keys())
        assert pieces.weight == sum(event.weight for event in ended) == sum(steps.values())
        assert pieces.n == len(ear.of("piece", "ended"))
        assert came.n_done + came.n_skipped == len(steps)
    assert {event.state for event in ended} == {"skipped"}
    ear = Ear()
    library.finish_archive(out, on_event=ear)
    (targets,) = ear.of("target", "planned")
    assert targets.n == len(ear.of("target", "ended")) == 4
    assert Counter(event.state for event in ear.of("target", "ended")) == {"done": 3, "failed": 1}


def test_a_target_that_can_not_be_worked_on_ends_each_of_its_steps(tmp_path):
    build_archive(tmp_path / "root", 2, n_encoded=0)
    out = tmp_path / "lp"
    index = library.plan_archive(tmp_path / "root", out).index
    first, other = index.entries()
    (out / first.target / ".dlc2lp/plan.json").unlink()
    ear = Ear()
    assert library.run_archive(out, on_event=ear).exit_code == 1
    ended = {(event.within, event.subject): event.state for event in ear.of("step", "ended")}
    expected = {first: "failed", other: "done"}
    assert ended == {(entry.target, step.id): state for entry, state in expected.items() for step in entry.steps}
    assert {event.findings[0].code for event in ear.of("piece", "ended") if event.findings} == {"not-a-target"}


class Refusing:
    """Raises when it hears of something for the first time, and goes on raising."""

    def __init__(self, thing, what, error):
        self.thing, self.what, self.error = thing, what, error
        self.heard = False

    def __call__(self, event):
        self.heard = self.heard or (event.thing, event.what) == (self.thing, self.what)
        if self.heard:
            raise self.error


MOMENTS = [
    ("session", "planned"),
    ("session", "ended"),
    ("target", "decided"),
    ("step", "planned"),
    ("step", "began"),
    ("step", "advanced"),
    ("step", "ended"),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=" ".join)
def test_an_error_of_who_watches_ends_the_run_cleanly_and_is_raised(project, tmp_path, moment):
    # What video libraries raise too: it must not make a video a damaged one.
    refusing = Refusing(*moment, IndexError("of who watches"))
    with pytest.raises(IndexError, match="of who watches"):
        library.convert(project.root, tmp_path / "lp", on_event=refusing)
    assert refusing.heard
    assert debris(tmp_path / "lp") == []
    if moment[0] != "step":
        assert not (tmp_path / "lp").exists()
    came = library.convert(project.root, tmp_path / "lp")
    assert (came.exit_code, came.findings) == (0, library.convert(project.root, tmp_path / "other").findings)
    for path, content in tree(tmp_path / "other").items():
        if (
            path not in {".dlc2lp/plan.json", ".dlc2lp/manifest.json", "configs/default.yaml", "migration-report.html"}
            and "steps/" not in path
        ):
            assert (tmp_path / "lp" / path).read_bytes() == content, path


@pytest.mark.parametrize("moment", MOMENTS, ids=" ".join)
def test_a_terminal_that_has_gone_ends_nothing(project, tmp_path, moment):
    refusing = Refusing(*moment, OSError(5, "Input/output error"))
    came = library.convert(project.root, tmp_path / "lp", on_event=refusing)
    assert refusing.heard
    assert came.exit_code == 0
    log = (tmp_path / "lp/.dlc2lp/run.log").read_text().splitlines()
    assert [sum(line.endswith(": start") for line in log), sum(": done after " in line for line in log)] == [
        len(came.plan.steps)
    ] * 2


@pytest.mark.parametrize("moment", [("piece", "planned"), ("step", "began"), ("step", "ended"), ("piece", "ended")])
def test_an_error_of_who_watches_an_archive_ends_the_shard_and_is_raised(tmp_path, moment):
    build_archive(tmp_path / "root", 2, n_encoded=0)
    library.plan_archive(tmp_path / "root", tmp_path / "lp")
    with pytest.raises(ZeroDivisionError):
        library.run_archive(tmp_path / "lp", on_event=Refusing(*moment, ZeroDivisionError()))
    assert debris(tmp_path / "lp") == []
    assert library.run_archive(tmp_path / "lp").exit_code == 0
    assert library.finish_archive(tmp_path / "lp").exit_code == 0


def test_a_watch_keeps_the_first_fault_and_tells_no_more():
    heard = []

    def ear(event):
        heard.append(event.subject)
        raise KeyError(event.subject)

    def work():
        with Watch(ear) as watch:
            part = watch.heard_by(watch.tell)
            part.tell(Event("began", "step", "a"))
            part.tell(Event("began", "step", "b"))
            watch.check("a")

    with pytest.raises(KeyError, match="a") as caught:
        work()
    assert heard == ["a"]
    assert isinstance(caught.value.__context__, Interrupted)
