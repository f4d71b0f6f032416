"""Names: whatever a lab called its recordings, Lightning Pose, its app and every file system take what we make."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.lp.names import check_views, frame_file_name, is_frame_name, safe_session, unique_sessions

APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}

any_name = st.text(st.characters(codec=None), max_size=120)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("m4s1", "m4s1"),
        ("2021-03-04_Mouse-7", "2021-03-04_Mouse-7"),
        ("a--b_", "a--b_"),
        ("mouse 4 (new)", "mouse-4-new"),
        ("mouse.1.left", "mouse-1-left"),
        ("Müller_été", "Muller_ete"),
        ("Mu\u0308ller", "Muller"),
        ("Straße_Ærø_Łódź", "Strasse_AEro_Lodz"),
        ("ｆｕｌｌ", "full"),
        ("  -_x", "x"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\nb\tc", "a-b-c"),
        ("小鼠1号", "1"),
        ("CON", "CON-session"),
        ("lpt1", "lpt1-session"),
    ],
)
def test_safe_session(name: str, safe: str) -> None:
    assert safe_session(name) == safe


def test_nothing_readable_left_gives_a_hash_of_its_own() -> None:
    names = [safe_session(name) for name in ("小鼠", "大鼠", "", "---", "_")]
    assert all(re.fullmatch(r"session-[0-9a-f]{8}", name) for name in names)
    assert len(set(names)) == len(names)
    assert safe_session("é小".replace("é", "")) == safe_session("小")


def test_long_names_are_cut_and_stay_apart() -> None:
    one, two = safe_session("x" * 200 + "1"), safe_session("x" * 200 + "2")
    assert len(one) == len(two) == 80
    assert one != two
    assert safe_session("y" * 80) == "y" * 80


@given(any_name)
def test_any_text_becomes_a_name_that_stays_as_it_is(name: str) -> None:
    safe = safe_session(name)
    assert APP_NAME.fullmatch(safe)
    assert safe.lower() not in WINDOWS_DEVICES
    assert safe_session(safe) == safe


@given(st.lists(st.one_of(any_name, st.text("aAbB-_2é .", max_size=6)), max_size=30), st.randoms())
def test_unique_sessions(names: list[str], random: object) -> None:
    chosen = unique_sessions(names)
    assert set(chosen) == set(names)
    assert all(APP_NAME.fullmatch(name) for name in chosen.values())
    assert len({name.casefold() for name in chosen.values()}) == len(chosen)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert unique_sessions(iter(names)) == chosen
    for name, safe in chosen.items():
        rivals = [other for other in names if other != name and other.casefold() == name.casefold()]
        if safe_session(name) == name and not rivals:
            assert safe == name


def test_collisions_are_numbered_and_never_take_a_name_that_is_somebodys() -> None:
    assert unique_sessions(["m 1", "m.1", "m-1", "M-1", "m-1-2"]) == {
        "M-1": "M-1",
        "m 1": "m-1-3",
        "m-1": "m-1-4",
        "m-1-2": "m-1-2",
        "m.1": "m-1-5",
    }
    assert unique_sessions(["e\u0301t", "\u00e9t"]) == {"e\u0301t": "et", "\u00e9t": "et-2"}
    assert max(map(len, unique_sessions(["z" * 80, "Z" * 80]).values())) == 80


def test_frame_names() -> None:
    assert frame_file_name(42) == "img00000042.png"
    assert frame_file_name(123456789, ".jpg") == "img123456789.jpg"
    assert is_frame_name(frame_file_name(0))
    with pytest.raises(ValueError, match="-1"):
        frame_file_name(-1)
    with pytest.raises(ValueError, match="tif"):
        frame_file_name(1, ".tif")


@pytest.mark.parametrize("name", ["img1.png", "img00000012.jpg", "frame_001.png", "a-b_7.jpg"])
def test_frame_names_that_app_and_trainer_take(name: str) -> None:
    assert is_frame_name(name)


@pytest.mark.parametrize(
    "name",
    ["0001.png", "cam2_0012.png", "img_1_0005.png", "img.0001.png", "img 1.png", "img1.PNG", "img1.jpeg", "img1.tif",
     "img0001_labeled.png", "img١.png", "img1.png\n", "../img1.png", "img.png"],
)  # fmt: skip
def test_frame_names_that_one_of_them_misreads(name: str) -> None:
    assert not is_frame_name(name)


@pytest.mark.parametrize(
    ("views", "sessions", "blamed"),
    [
        ([], [], []),
        (["top", "side"], ["mouse1"], []),
        (["top"], [], ["top"]),
        (["cam_1", "side"], [], ["cam_1"]),
        (["cam1", "cam10"], [], ["cam1"]),
        (["top", "topleft"], [], ["top"]),
        (["Top", "top"], [], ["Top"]),
        (["top", "side"], ["topside"], ["top", "side"]),
        (["test", "side"], [], ["test"]),
        (["mp4", "side"], [], ["mp4"]),
        (["", "side"], [], [""]),
    ],
)
def test_view_names(views: list[str], sessions: list[str], blamed: list[str]) -> None:
    problems = check_views(views, sessions)
    assert [problem.subject for problem in problems] == blamed
    assert {problem.code for problem in problems} <= {"bad-view-name"}
