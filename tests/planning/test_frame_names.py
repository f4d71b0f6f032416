"""Every image gets one name that nothing else has, and its number stays what it is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.lp.names import is_frame_name
from dlc2lp.model import ImageInfo
from dlc2lp.planning.frame_names import name_frames


def image(name, kind="png"):
    return ImageInfo(Path("/p/labeled-data/s"), name, kind, 64, 48, 8, 100)


def named(*names, style="lp", kind="png"):
    frames, findings = name_frames("s", [image(name, kind) for name in names], style)
    return {frame.source_name: (frame.folder, frame.target_name) for frame in frames}, [f.code for f in findings]


def test_the_number_is_padded_to_eight_digits():
    assert named("img7.png", "img0044.png") == (
        {"img7.png": ("s", "img00000007.png"), "img0044.png": ("s", "img00000044.png")},
        [],
    )


def test_the_same_number_twice_keeps_both_images_and_their_number():
    names, codes = named("img44.png", "img044.png", "img0044.png")
    assert [target for _, target in names.values()] == [
        "img00000044.png",
        "img-b00000044.png",
        "img-c00000044.png",
    ]
    assert codes == ["frame-number-twice"]


def test_a_folder_of_several_videos_becomes_several_sessions():
    names, codes = named("07a-img310.png", "12a-img310.png", "12a-img311.png")
    assert names == {
        "07a-img310.png": ("s-07a", "img00000310.png"),
        "12a-img310.png": ("s-12a", "img00000310.png"),
        "12a-img311.png": ("s-12a", "img00000311.png"),
    }
    assert codes == ["folder-of-several-videos"]


def test_prefixes_that_never_meet_stay_one_session():
    names, codes = named("07a-img310.png", "12a-img311.png")
    assert {folder for folder, _ in names.values()} == {"s"}
    assert codes == []


def test_images_without_a_number_are_spaced_so_that_none_is_taken_for_a_neighbor():
    names, codes = named("nose.png", "tail.png")
    assert [target for _, target in names.values()] == ["still00000010.png", "still00000020.png"]
    assert codes == ["frame-number-unknown"]


def test_keep_uses_the_old_name_where_lp_takes_it():
    names, _ = named("img0044.png", "0045.png", "frame_12.png", style="keep")
    assert [target for _, target in names.values()] == ["img0044.png", "img00000045.png", "frame_12.png"]


def test_keep_gives_no_name_twice():
    """One image would be written over the other, on disks that tell no case too."""
    names, _ = named("frame_12.jpg", "frame_12.png", style="keep")
    assert [target for _, target in names.values()] == ["frame_12.png", "img00000012.png"]
    names, _ = named("IMG0044.png", "img0044.png", style="keep")
    assert [target for _, target in names.values()] == ["IMG0044.png", "img00000044.png"]


@pytest.mark.parametrize(("kind", "suffix"), [("png", ".png"), ("jpg", ".jpg"), ("tiff", ".png"), ("bmp", ".png")])
def test_the_suffix_follows_the_content(kind, suffix):
    names, _ = named("img1.PNG", kind=kind)
    assert names["img1.PNG"][1] == f"img00000001{suffix}"


@given(
    st.lists(
        st.from_regex(
            r"(07a-|b_|)(img|IMG)[0-9]{1,5}\.(png|PNG|jpg)|[a-z]{1,4}\.png|frame_?[0-9]{1,3}\.jpg", fullmatch=True
        ),
        min_size=1,
        max_size=40,
        unique=True,
    ),
    st.sampled_from(["lp", "keep"]),
)
def test_no_two_images_ever_meet_and_every_name_is_one_that_lp_takes(files, style):
    names, _ = named(*files, style=style)
    assert len(names) == len(files)
    assert len({(folder, target.casefold()) for folder, target in names.values()}) == len(files)
    assert all(is_frame_name(target) for _, target in names.values())
