"""Which video belongs to which folder, where names have several spellings and videos several places."""

import shutil
import unicodedata
from itertools import product

import pytest
from builder import Video, barcode, build_project, read_clip
from command import dlc2lp
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.survey.spelling import pair_names
from dlc2lp.wording import name_key, spelled

NFC, NFD = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("names", "sessions", "pairs"),
    [
        (["m1", "m2"], ["m2", "m1"], {"m1": "m1", "m2": "m2"}),
        (["Mouse", "mouse"], ["mouse", "Mouse"], {"Mouse": "Mouse", "mouse": "mouse"}),
        (["MOUSE"], ["mouse"], {"MOUSE": "mouse"}),
        (["MOUSE", "mouse"], ["mouse"], {"mouse": "mouse"}),
        (["mouse"], ["Mouse", "MOUSE"], {"mouse": "Mouse"}),
        ([NFD], [NFC], {NFD: NFC}),
        ([NFD.upper()], [NFC], {NFD.upper(): NFC}),
        (["m1"], ["m1_cropped"], {}),
    ],
)
def test_an_exact_name_comes_first(names, sessions, pairs):
    assert pair_names(names, sessions) == pairs


SPELLINGS = st.lists(st.sampled_from(["a", "A", "b", "B", NFC, NFD, NFC.upper(), NFD.upper()]), max_size=6)


@given(SPELLINGS, SPELLINGS)
def test_no_session_has_two_videos_and_no_two_that_fit_stay_apart(names, sessions):
    pairs = pair_names(names, sessions)
    assert len(set(pairs.values())) == len(pairs)
    assert all(name_key(name) == name_key(session) for name, session in pairs.items())
    left = (set(names) - pairs.keys(), set(sessions) - set(pairs.values()))
    assert not any(name_key(name) == name_key(session) for name, session in product(*left))
    for name, session in product(*map(set, (names, sessions))):
        if spelled(name) == spelled(session):
            twins = [other for other in set(names) if spelled(other) == spelled(name)]
            assert any(spelled(pairs.get(other, "")) == spelled(session) for other in twins)


def test_names_that_differ_in_case_keep_their_own_videos(tmp_path):
    (tmp_path / "Case").mkdir()
    if (tmp_path / "cASE").exists():
        pytest.skip("this disk takes names that differ in case for one")
    project = build_project(tmp_path / "dlc", sessions=("Mouse", "mouse"), frames=(2, 5))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    targets = {session["source"]: session["target"] for session in result.document["sessions"]}
    assert {name.casefold() for name in targets.values()} == {"mouse", "mouse-2"}
    for session, target in targets.items():
        (made,) = [video for video in result.document["videos"] if video["target"] == f"videos/{target}.mp4"]
        assert made["source"] == str(project.videos[session])


def test_a_video_without_a_folder_does_not_take_a_session_s_name(tmp_path):
    """The session ``m.1`` becomes ``m-1``, and there is a video ``m-1.mp4`` besides."""
    project = build_project(tmp_path / "dlc", sessions=("m.1", "m-1"), frames=(2, 5))
    shutil.rmtree(project.folder("m-1"))
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    sources = {video["target"]: video["source"] for video in result.document["videos"]}
    assert sources == {
        "videos/m-1.mp4": str(project.videos["m.1"]),
        "videos/m-1-video.mp4": str(project.videos["m-1"]),
    }


def test_the_recorded_video_goes_before_one_of_another_case_or_suffix(tmp_path):
    project = build_project(
        tmp_path / "dlc", sessions=("m1",), frames=(2, 5), video=Video(suffix=".avi", codec="mpeg4")
    )
    other = build_project(tmp_path / "other", sessions=("m1",), frames=(2,), n_frames=4)
    shutil.copy(other.videos["m1"], project.root / "videos" / "m1.mp4")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert len(read_clip(tmp_path / "lp/videos/m1.mp4")) == 20
    project.videos["m1"].unlink()
    again = dlc2lp("convert", project.root, tmp_path / "lp2", "--json")
    assert again.finding("video-renamed")["severity"] == "warning"
    assert [barcode(frame) for frame in read_clip(tmp_path / "lp2/videos/m1.mp4")] == list(range(4))


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("difference", ["none", "size", "content"])
def test_a_video_listed_twice_is_a_note_only_if_both_hold_the_same_or_the_pictures_tell(tmp_path, difference, images):
    original = tmp_path / "day1" / "m1.mp4"
    listed = {str(path): {"crop": "0, 128, 0, 96"} for path in (tmp_path / "dlc" / "videos" / "m1.mp4", original)}
    project = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5), video_sets=listed, images=images)
    original.parent.mkdir()
    content = bytearray(project.videos["m1"].read_bytes())
    if difference == "content":
        content[len(content) // 2] ^= 1
    original.write_bytes(bytes(content) + (b"\0" if difference == "size" else b""))
    finding = dlc2lp("inspect", project.root, "--json").finding("video-listed-twice")
    assert finding["severity"] == ("note" if difference == "none" or images else "warning")


#: What DeepLabCut 2.0 to 3.0 leaves beside a video ``m1.mp4``.
DRAWN_ON = (
    "m1DLC_resnet50_reachAug30shuffle1_100000_labeled.mp4",
    "m1DLC_resnet50_reachAug30shuffle1_100000filtered_labeled.mp4",
    "m1DLC_resnet50_reachAug30shuffle1_100000_p60_labeled.mp4",
    "m1DLC_resnet50_reachAug30shuffle1_100000_bp_labeled.mp4",
    "m1DLC_dlcrnetms5_reachAug30shuffle1_50000_el_id_labeled.mp4",
    "m1DLC_Resnet50_reachAug30shuffle1_snapshot_200_p60_labeled.mp4",
    "m1DLC_HrnetW32_reachAug30shuffle1_detector_best-200_labeled.mp4",
    "m1DLC_resnet50_reachAug30shuffle1_100000_full.mp4",
    "m1DeepCut_resnet50_reachAug30shuffle1_50000_labeled.mp4",
    "m1DLClabeled.mp4",
    "m1_superanimal_topviewmouse_hrnet_w32_labeled_before_adapt.mp4",
    "m1_superanimal_topviewmouse_hrnet_w32_labeled_after_adapt.mp4",
)


@pytest.mark.parametrize("choice", ["listed", "all"])
def test_what_deeplabcut_drew_on_is_no_video(tmp_path, choice):
    project = build_project(tmp_path / "dlc", sessions=("m1",), frames=(2, 5))
    for name in DRAWN_ON:
        shutil.copy(project.videos["m1"], project.root / "videos" / name)
    for other in ("m1cropped.mp4", "m1short.mp4"):  # made by DeepLabCut's tools, and videos like any other
        shutil.copy(project.videos["m1"], project.root / "videos" / other)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json", "--videos", choice)
    assert result.exit_code == 0, result.stderr
    made = {path.name for path in (tmp_path / "lp/videos").iterdir()}
    assert made == ({"m1.mp4"} if choice == "listed" else {"m1.mp4", "m1cropped.mp4", "m1short.mp4"})


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_video_that_is_called_like_an_output_and_was_labelled_is_a_source(tmp_path, is_listed):
    name = "tailDLC_test_labeled"
    options = {} if is_listed else {"video_sets": "placeholder"}
    project = build_project(tmp_path / "dlc", sessions=(name,), frames=(2, 5), **options)
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json")
    assert result.exit_code == 0, result.stderr
    assert [video["session"] for video in result.document["videos"]] == [name]


def test_every_place_that_was_looked_at_is_told(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1", "m2"), frames=(2, 5), video_sets="windows")
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    project.videos["m1"].rename(tmp_path / "disk" / "deep" / "m1.mp4")
    project.videos["m2"].rename(tmp_path / "elsewhere.mp4")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--json", "--video-root", tmp_path / "disk")
    assert result.exit_code == 0, result.stderr
    assert [video["session"] for video in result.document["videos"]] == ["m1"]
    told = result.finding("video-missing")
    assert "C:\\Users\\Jane Doe" in told["message"]
    assert str(project.root / "videos") in told["message"]
    assert str(tmp_path / "disk") in told["message"]
    assert "--video-root" in told["hint"]
    unlisted = build_project(tmp_path / "dlc2", sessions=("m3",), frames=(2, 5), video="none", video_sets="empty")
    told = dlc2lp("inspect", unlisted.root, "--json").finding("session-without-video")
    assert str(unlisted.root / "videos") in told["message"]
