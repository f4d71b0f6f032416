"""State and documents are read and written by their types, to the byte and to the last key."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import pytest
from golden import FIXTURES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlc2lp.batch.finish import ProjectReport
from dlc2lp.batch.index import IndexEntry
from dlc2lp.batch.worklog import Said
from dlc2lp.codec import ByFields, Keys, Malformed, OtherForm, Says, decode, encode, read, to_line, to_text
from dlc2lp.errors import UsageError
from dlc2lp.files import FileRecord
from dlc2lp.lp.config_facts import ConfigFacts
from dlc2lp.lp.starter import ChoiceReason
from dlc2lp.model import Finding, RunAgain, Setting, Severity
from dlc2lp.planning import steps
from dlc2lp.planning.align import SessionFrames
from dlc2lp.planning.plan import Count, Plan, PlannedFrame, PlannedSession, PlannedVideo
from dlc2lp.run.journal import Journal, Record
from dlc2lp.run.manifest import manifest_of
from dlc2lp.survey.session_ties import SessionTie
from dlc2lp.video.encoding import Crop
from dlc2lp.video.ties import Evidence, ImageTie, Tie

#: What version 0.1.0 left in a target: three sessions, one of them cropped, one of 16-bit images.
STATE = FIXTURES / "states" / "reach"

_TEXT = st.text(max_size=6)
_INT = st.integers(-(10**18), 10**18)
st.register_type_strategy(int, _INT)  # no state has others: see codec.read
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(st.none() | st.booleans() | _INT | _FLOAT | _TEXT, lambda inner: st.lists(inner, max_size=2))
_PATH = st.sampled_from(["a", "videos/m1.mp4", "labeled-data/m 1/Bild \u00e4.png"])
_CODE = st.from_regex("[a-z0-9]+(-[a-z0-9]+)?", fullmatch=True)
_TURN = st.sampled_from([None, 0, 90, 180, 270])
_CROP = st.none() | st.builds(Crop, _INT, _INT, _INT, _INT)
_FINDING = st.builds(Finding, st.sampled_from(Severity), _CODE, _TEXT, _TEXT, _TEXT, _TEXT)
_FRAME = st.builds(
    PlannedFrame,
    target=_PATH | st.just(""),
    state=st.sampled_from(["labeled", "test", "queued", "left-out"]),
    frame_index=st.none() | _INT,
)
_TIE = st.builds(
    Tie,
    size_px=st.none() | st.tuples(_INT, _INT),
    crop=_CROP,
    images=st.lists(st.builds(ImageTie, best_error=st.none() | _FLOAT), max_size=2).map(tuple),
    evidence=st.builds(Evidence, best_error=_FLOAT, second_error=st.none(), worst_error=_FLOAT),
)
_STEP = st.one_of(
    st.builds(steps.WriteText, target=_PATH),
    st.builds(steps.PlaceImages, images=st.lists(st.builds(steps.ImagePlacement, target=_PATH), max_size=2).map(tuple)),
    st.builds(steps.PlaceVideo, target=_PATH),
    st.builds(steps.RemuxVideo, target=_PATH),
    st.builds(steps.EncodeVideo, target=_PATH, turn_deg=_TURN, crop=_CROP),
    st.builds(steps.ExtractFrames, turn_deg=_TURN, crop=_CROP, frames=st.just((steps.ExtractedFrame(3, "a.png"),))),
)


def _some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=2).map(tuple)


_PLAN = st.builds(
    Plan,
    project=st.fixed_dictionaries(dict.fromkeys(("task", "scorer", "date"), _TEXT)),
    options=st.dictionaries(_TEXT, _JSON, max_size=2),
    keypoints=st.dictionaries(_TEXT, _FLOAT, max_size=2),
    sessions=_some(st.builds(PlannedSession, frames=_some(_FRAME))),
    videos=_some(st.builds(PlannedVideo, target=_PATH, reasons=_some(_TEXT), turn_deg=_TURN, crop=_CROP)),
    ties=_some(st.builds(SessionTie, parts=_some(_TIE))),
    counts=st.fixed_dictionaries(dict.fromkeys(("labeled_frames", "labeled_cells"), st.builds(Count))),
    config_facts=st.builds(
        ConfigFacts,
        keypoint_names=st.lists(_TEXT, min_size=1, max_size=3, unique=True).map(tuple),
        image_sizes=_some(st.tuples(st.tuples(_INT, _INT), _INT)),
        hidden_share=st.dictionaries(_TEXT, _FLOAT, max_size=2),
        view_names=st.just(("top",)),
    ),
    config_reasons=_some(st.builds(ChoiceReason, value=_JSON)),
    findings=_some(_FINDING),
    views=_some(st.sampled_from(["top", "side", "cam 1"])),
    view_frames=_some(st.builds(SessionFrames, n_frames=_some(_INT))),
    calibrations=st.dictionaries(_TEXT, _TEXT, max_size=2),
    steps=_some(_STEP),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(_PLAN)
def test_a_plan_comes_back_as_it_was(plan):
    text = plan.to_text()
    again = Plan.from_text(text, Path("plan.json"))
    assert again == plan
    assert again.to_text() == text
    assert [step.id for step in again.steps] == [step.id for step in plan.steps]


@given(
    st.builds(
        Record,
        files=_some(st.builds(FileRecord, path=_PATH, size_bytes=_INT)),
        detail=st.dictionaries(_TEXT, _JSON, max_size=2),
    )
)
def test_a_record_comes_back_as_it_was(record):
    assert read(Record, to_text(record)) == record


def test_state_of_the_former_version_is_the_same_to_the_byte():
    text = (STATE / "plan.json").read_text(encoding="utf-8")
    plan = Plan.from_text(text, STATE / "plan.json")
    assert plan.to_text() == text
    assert [step.id for step in plan.steps] == [step["id"] for step in json.loads(text)["steps"]]
    records = {}
    for path in (STATE / "steps").iterdir():
        record = read(Record, path.read_bytes())
        assert to_text(record) == path.read_text(encoding="utf-8")
        records[record.step] = record
    assert records.keys() > {step.id for step in plan.steps if step.kind != "write-text"}
    manifest = json.loads((STATE / "manifest.json").read_text(encoding="utf-8"))
    findings = [decode(Finding, finding) for finding in manifest["findings"]]
    for video in manifest["videos"]:
        video |= {"facts": None, "held": [], "trimmed_to": None}  # which that version did not know
    manifest["models"] = []  # nor these
    assert json.loads(to_text(manifest_of(plan, records, (), findings))) == manifest


def _wrong(change):
    document = json.loads((STATE / "plan.json").read_text(encoding="utf-8"))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found no JSON"),
        ("[" * 100_000, "found no JSON"),
        ('{"schema": ' + "9" * 5000 + "}", "found no JSON"),
        (b"\xff\xfe{}", "found no JSON"),
        ("[]", "$: expected dict, found list"),
        ("{}", "$.schema: is missing"),
        (
            _wrong(lambda plan: plan["steps"][3].update(size_bytes="1")),
            "$.steps[3].size_bytes: expected int, found str",
        ),
        (
            _wrong(lambda plan: plan["steps"][3].update(size_bytes=True)),
            "$.steps[3].size_bytes: expected int, found bool",
        ),
        (_wrong(lambda plan: plan["steps"][3].update(kind="x")), "found kind 'x'"),
        (_wrong(lambda plan: plan["steps"][3].pop("n_frames")), "$.steps[3].n_frames: is missing"),
        (_wrong(lambda plan: plan["steps"][0].update(images={})), "$.steps[0].images: expected list, found dict"),
        (
            _wrong(lambda plan: plan["videos"][2].update(crop=[1, 2, 3])),
            "$.videos[2].crop: expected a list of length 4, found 3",
        ),
        (_wrong(lambda plan: plan["videos"][0].update(turn_deg=45)), "$.videos[0].turn_deg: expected one of 0, 90"),
        (
            _wrong(lambda plan: plan["keypoints"].update(nose=float("nan"))),
            "$.keypoints.nose: expected a finite number",
        ),
        (_wrong(lambda plan: plan["counts"].pop("labeled_cells")), "$.counts: expected the keys labeled_frames"),
        (
            _wrong(lambda plan: plan.update(folders=["..", "videos", "configs"])),
            "$.folders[0]: expected one of labeled",
        ),
        (
            _wrong(lambda plan: plan["steps"][3].update(target="../x")),
            "$.steps[3].target: expected a path that leads to no place outside of its folder, found '../x'",
        ),
        (
            _wrong(lambda plan: plan["steps"][3].update(size_bytes=10**30)),
            "found a number of 4611686018427387904 or more",
        ),
        (
            _wrong(lambda plan: plan["steps"][3].update(size_bytes=-(2**62))),
            "found a number of 4611686018427387904 or more",
        ),
        (
            _wrong(lambda plan: plan["config_facts"].update(keypoint_names=["nose", "nose"])),
            "$.config_facts: expected keypoints, each with a name of its own",
        ),
        (_wrong(lambda plan: plan["config_facts"].update(keypoint_names=[])), "$.config_facts: expected keypoints"),
        (_wrong(lambda plan: plan.update(newer=1)), "$.newer: this version of dlc2lp knows no such key"),
        (_wrong(lambda plan: plan.update(schema="dlc2lp/plan/2")), "of the form dlc2lp/plan/2, expected dlc2lp/plan/1"),
    ],
)
def test_a_plan_that_is_none_is_told_with_the_place(text, said):
    with pytest.raises(UsageError) as refused:
        Plan.from_text(text, Path("plan.json"))
    assert refused.value.findings[0].code == "plan-unreadable"
    assert said in refused.value.findings[0].message


def test_a_key_that_is_missing_has_its_default():
    plan = Plan.from_text(_wrong(lambda plan: (plan.pop("views"), plan["videos"][0].pop("crop"))), Path("plan.json"))
    assert (plan.views, plan.videos[0].crop) == ((), None)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"schema": "dlc2lp/record/1", "step": 5}', b"{" * 10**5])
def test_a_damaged_record_is_none(tmp_path, content):
    journal = Journal(tmp_path)
    journal.write(Record("a" * 16, "write-text", (), True, {}))
    (journal.folder / f"{'b' * 16}.json").write_bytes(content)
    assert journal.read().keys() == {"a" * 16}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (
            IndexEntry,
            '{"project": "a", "source": "/a", "target": "a", "state": "planned", "steps": [["id", "kind", 1, 2]]}',
        ),
        (IndexEntry, '{"project": "a", "source": "/a", "target": "a", "state": "gone"}'),
        (
            ProjectReport,
            '{"project": "a", "source": "/a", "target": "a", "state": "done", "counts": {"labeled_frames": 1}}',
        ),
        (Said, '{"target": "a", "done": "0123", "cost": 1, "seconds": 2}'),
        (Said, '{"target": "a", "done": ["0123"], "cost": 1, "seconds": 2}'),
        (Said, '{"target": "a"}'),
        (Said, "3"),
    ],
)
def test_other_state_is_read_as_closely(kind, text):
    with pytest.raises(Malformed):
        read(kind, text)


def test_a_finding_keeps_its_words_or_all_of_it():
    again = RunAgain("run it again", (Setting("labels", ("csv",)),))
    finding = Finding(Severity.ERROR, "a", "b", "c", "d", "{} or {}", (Setting("split"), again), ("x",))
    written = encode(finding)
    assert list(written) == ["severity", "code", "subject", "message", "where", "hint"]
    assert decode(Finding, written).hint == finding.hint
    whole = encode(finding, ByFields[Finding])
    assert decode(ByFields[Finding], json.loads(json.dumps(whole))) == finding


class Colour(enum.StrEnum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: float | None


@dataclass(frozen=True)
class Shape:
    written_first: ClassVar[tuple[str, ...]] = ("area", "kind")

    @property
    def area(self) -> int:
        return 4


@dataclass(frozen=True)
class Square(Shape):
    kind: ClassVar[str] = "square"
    side: int


@dataclass(frozen=True)
class Cloud(Shape):
    kind: ClassVar[str] = "cloud"
    points: tuple[Point, ...]
    path: Path
    rate: Fraction
    colour: Colour = Colour.RED
    level: Literal[1, 2] = 1
    limit: Annotated[int, Says("minimum", 0)] | None = None
    sizes: Annotated[dict[str, float], Keys(("a",), may_be_empty=True)] = field(default_factory=dict)


def test_each_type_has_its_form():
    cloud = Cloud((Point(1, 2.0), Point(3, None), Point(4, 5)), Path("/a"), Fraction(30000, 1001), sizes={"a": 1})
    document = encode(cloud)
    assert document == {
        "area": 4,
        "kind": "cloud",
        "points": [[1, 2.0], [3, None], [4, 5]],
        "path": "/a",
        "rate": "30000/1001",
        "colour": "red",
        "level": 1,
        "limit": None,
        "sizes": {"a": 1},
    }
    assert type(document["colour"]) is str
    assert decode(Shape, json.loads(to_line(cloud))) == cloud
    assert type(decode(Shape, document).points[2].y) is int  # it would be written as 5.0, and the bytes be others
    assert decode(Shape, {"kind": "square", "side": 2}) == Square(2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "line"}, "expected Square or Cloud, found kind 'line'"),
        ({"points": [[1, float("inf")]]}, "$.points[0][1]: expected a finite number"),
        ({"points": [[1]]}, "$.points[0]: expected a list of length 2, found 1"),
        ({"path": 3}, "$.path: expected str, found int"),
        ({"rate": "1/0"}, "$.rate: expected a fraction"),
        ({"colour": "blue"}, "$.colour: expected one of red, found 'blue'"),
        ({"level": True}, "$.level: expected one of 1, 2, found True"),
        ({"limit": "1"}, "$.limit: expected int, found str"),
        ({"sizes": {"b": 1}}, "$.sizes: expected the keys a, found b"),
        ({"sizes": {"a": None}}, "$.sizes.a: expected float, found null"),
    ],
)
def test_each_type_refuses_others(change, said):
    good = encode(Cloud((), Path("/a"), Fraction(1, 2)))
    with pytest.raises(Malformed) as refused:
        decode(Shape, good | change)
    assert said in str(refused.value)


def test_another_version_is_told_from_damage():
    with pytest.raises(OtherForm) as refused:
        read(Record, '{"schema": "dlc2lp/record/2"}')
    assert (refused.value.found, refused.value.expected) == ("dlc2lp/record/2", "dlc2lp/record/1")


def test_names_that_are_no_characters_pass():
    report = ProjectReport("a\udcff", "/a\udcff", "a", "skipped")
    assert read(ProjectReport, to_line(report).encode("ascii")) == report
