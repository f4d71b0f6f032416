"""Names of images and row indexes, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.dlc.framenames import (
    FrameName,
    RowName,
    frame_index,
    has_image_suffix,
    is_preview,
    natural_order,
    parse_frame_name,
    parse_row,
)


@pytest.mark.parametrize(
    ("cells", "folder", "file_name"),
    [
        (("labeled-data", "m4s1", "img0000.png"), "m4s1", "img0000.png"),
        (("labeled-data/m4s1/img0000.png",), "m4s1", "img0000.png"),
        (("labeled-data\\m4s1\\img0000.png",), "m4s1", "img0000.png"),
        (("labeled-data/m4s1\\img0000.png",), "m4s1", "img0000.png"),
        (("img0000.png",), None, "img0000.png"),
        (("./img0000.png",), None, "img0000.png"),
        (("/home/jane doe/p/labeled-data/v/img1.png",), "v", "img1.png"),
        (("C:\\Users\\Jane Doe\\p\\labeled-data\\v\\img1.png",), "v", "img1.png"),
        (("\\\\server\\share\\labeled-data\\v\\img1.png",), "v", "img1.png"),
        (("labeled-data", "007", "10.png"), "007", "10.png"),
        (("labeled-data/m4s1/img0000.png", "", ""), "m4s1", "img0000.png"),
        (("", "", "labeled-data/m4s1/img0000.png"), "m4s1", "img0000.png"),
        (("labeled-data//m4s1//img0000.png",), "m4s1", "img0000.png"),
        (("labeled-data", "a.b c", "souris é 1.png"), "a.b c", "souris é 1.png"),
        (("labeled_mice/proj/",), "proj", ""),
        (("labeled_mice\\proj\\",), "proj", ""),
        (("labeled-data", "m4s1", ""), "labeled-data", "m4s1"),
        (("", "", ""), None, ""),
        ((), None, ""),
    ],
)
def test_parse_row(cells: tuple[str, ...], folder: str | None, file_name: str) -> None:
    assert parse_row(cells) == RowName(folder, file_name)


@given(cells=st.lists(st.text(), max_size=3))
def test_a_file_name_never_leads_anywhere(cells: list[str]) -> None:
    name = parse_row(cells)
    assert not set("/\\") & set(name.file_name + (name.folder or ""))


@pytest.mark.parametrize(
    ("file_name", "prefix", "index", "crop"),
    [
        ("img0044.png", "", 44, None),
        ("img44.png", "", 44, None),
        ("img0.png", "", 0, None),
        ("IMG0044.PNG", "", 44, None),
        ("img0044c0.png", "", 44, 0),
        ("img44c01.png", "", 44, 1),
        ("img0044c12.png", "", 44, 12),
        ("07a-img310.png", "07a-", 310, None),
        ("12a-img310c3.png", "12a-", 310, 3),
        ("img2-img310.png", "img2-", 310, None),
        ("frame_001.jpg", "frame_", 1, None),
        ("frame001.tif", "frame", 1, None),
        ("10.png", "", 10, None),
        ("cam2_0012.png", "cam2_", 12, None),
        ("cam_img_0012.png", "cam_img_", 12, None),
        ("2019-05-03 v1.2.bmp", "2019-05-03 v1.", 2, None),
        ("1234567890.png", "", 1234567890, None),
        ("two\nlines-img7.png", "two\nlines-", 7, None),
        ("two\nlines_7.png", "two\nlines_", 7, None),
    ],
)
def test_numbered_names(file_name: str, prefix: str, index: int, crop: int | None) -> None:
    assert parse_frame_name(file_name) == FrameName(prefix, index, crop, file_name[file_name.rfind(".") :])
    assert frame_index(file_name) == index


@pytest.mark.parametrize(
    "file_name",
    [
        "mouse.png",
        "",
        ".png",
        "img.png",
        "img0044labeled.png",
        "img0044 - Copy.png",
        "img0044 (1).png",
        "img0044_2.png",
        "IMG0044_2.PNG",
        "img0044c.png",
        "20190503123456789.png",
        "frame١٢.png",
    ],
)
def test_names_without_a_frame_number(file_name: str) -> None:
    name = parse_frame_name(file_name)
    assert (name.prefix, name.index, name.crop) == ("", None, None)
    assert frame_index(file_name) is None


@given(index=st.integers(0, 10**9), width=st.integers(1, 10), crop=st.none() | st.integers(0, 99))
def test_whatever_deeplabcut_writes(index: int, width: int, crop: int | None) -> None:
    tail = "" if crop is None else f"c{crop}"
    assert parse_frame_name(f"img{index:0{width}d}{tail}.png") == FrameName("", index, crop, ".png")


@pytest.mark.parametrize("file_name", ["a.png", "a.PNG", "a.jpg", "a.JPEG", "a.tif", "a.TIFF", "a.bmp", "a.b.png "])
def test_image_suffixes(file_name: str) -> None:
    assert has_image_suffix(file_name)


@pytest.mark.parametrize("file_name", ["", "png", ".png", "a.png.h5", "CollectedData_Jane.csv", "Thumbs.db"])
def test_other_suffixes(file_name: str) -> None:
    assert not has_image_suffix(file_name)


@pytest.mark.parametrize(
    ("file_name", "preview"),
    [
        ("img0001labeled.png", True),
        ("img0001_labeled.png", True),
        ("07a-img1labeled.PNG", True),
        ("IMG0001LABELED.PNG", True),
        ("two\nlines-img1labeled.png", True),
        ("img0001.png", False),
        ("unlabeled.png", False),
        ("labeled.png", False),
        ("img0001unlabeled.png", False),
    ],
)
def test_previews(file_name: str, preview: bool) -> None:
    assert is_preview(file_name) is preview


def test_natural_order_is_by_number_not_by_text() -> None:
    names = ["mouse.png", "b-img2.png", "img0777.png", "img744.png", "img0744.png", "b-img10.png", "img7.png"]
    assert sorted(names, key=natural_order) == [
        *("img7.png", "img0744.png", "img744.png", "img0777.png", "mouse.png", "b-img2.png", "b-img10.png"),
    ]
