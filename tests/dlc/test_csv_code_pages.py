"""Encodings of CSV label files: Unicode in its forms, and code pages that known names decide, or nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from builder import build_project
from command import dlc2lp

from dlc2lp.dlc.code_pages import CODE_PAGES, UnknownCodePage
from dlc2lp.dlc.csvfile import CsvLabels, read_csv_labels
from dlc2lp.dlc.project import read_project
from dlc2lp.model import Severity

HEAD = "scorer,Jane,Jane,Jane,Jane\nbodyparts,{0},{0},{1},{1}\ncoords,x,y,x,y\n"
TEXT = HEAD + "labeled-data/m4s1/img00.png,1.5,2.5,3.5,4.5\n"


def read(folder: Path, content: bytes, *names: str) -> CsvLabels:
    path = folder / "CollectedData_Jane.csv"
    path.write_bytes(content)
    return read_csv_labels(path, frozenset(names))


def refused(folder: Path, content: bytes, *names: str) -> str:
    """The message of the refusal, which says what to do."""
    with pytest.raises(UnknownCodePage) as caught:
        read(folder, content, *names)
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject) == ("csv-encoding", str(folder / "CollectedData_Jane.csv"))
    assert "CSV UTF-8" in finding.hint
    return finding.message


def keypoints(labels: CsvLabels) -> list[str]:
    assert labels.table.values.tolist() == [[1.5, 2.5, 3.5, 4.5]]
    return [column[1] for column in labels.table.columns][::2]


# ----------------------------------------------------------------------------------------------------- Unicode


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "mark"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_unicode_with_and_without_a_mark(tmp_path: Path, encoding: str, mark: str, separator: str) -> None:
    labels = read(tmp_path, (mark + TEXT.format("鼻子", "Rücken").replace(",", separator)).encode(encoding))
    assert keypoints(labels) == ["鼻子", "Rücken"]
    assert [finding.severity for finding in labels.findings] == [Severity.NOTE] * (encoding != "utf-8-sig")


def test_a_copy_that_ends_within_a_character_is_cut_off(tmp_path: Path) -> None:
    content = (TEXT.format("鼻子", "Rücken") + "labeled-data/尾").encode()[:-1]
    labels = read(tmp_path, content)
    assert [finding.code for finding in labels.findings] == ["csv-short-rows", "csv-cut-off"]
    assert labels.table.columns[0][1] == "鼻子"


# -------------------------------------------------------------------------------------------------- code pages


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        *(
            ("gbk", ("鼻子", "左耳")),
            ("gb18030", ("鼻子", "左耳")),
            ("big5", ("鼻子", "左耳")),
            ("cp950", ("鼻子", "左耳")),
        ),
        *(("cp932", ("表鼻", "ｼｯﾎﾟ")), ("shift_jis", ("表鼻", "しっぽ")), ("euc_jp", ("表鼻", "しっぽ"))),
        *(("cp949", ("꼬리", "귀")), ("euc_kr", ("꼬리", "귀"))),
        *((page, ("нос", "хвост")) for page in ("cp1251", "koi8_r", "cp866", "mac_cyrillic", "iso8859_5")),
        *((page, ("μύτη", "ουρά")) for page in ("cp1253", "iso8859_7", "mac_greek", "cp737")),
        *((page, ("přední", "ocas-č")) for page in ("cp1250", "iso8859_2", "mac_latin2", "cp852")),
        *((page, ("tête", "Rücken")) for page in ("cp1252", "mac_roman", "cp850", "cp437", "latin-1")),
        *(("cp1254", ("göğüs", "baş")), ("cp1255", ("אף", "זנב")), ("cp1256", ("ذيل", "أنف"))),
        *(("cp1257", ("deguns-ā", "ķepa")), ("cp1258", ("đuôi", "m\u0169i")), ("cp874", ("หาง", "จมูก"))),
    ],
)
def test_known_names_decide(tmp_path: Path, encoding: str, names: tuple[str, str]) -> None:
    content = TEXT.format(*names)
    if encoding == "cp1258":  # which writes some accents behind their letters
        content = content.replace("m\u0169i", "mu\u0303i").replace("ô", "ô")
    labels = read(tmp_path, content.encode(encoding), *names, "something else")
    assert keypoints(labels) == keypoints(read(tmp_path, content.encode()))
    assert labels.is_text_certain


def test_the_note_names_the_encoding(tmp_path: Path) -> None:
    labels = read(tmp_path, TEXT.format("鼻子", "左耳").encode("gbk"), "鼻子", "左耳")
    (finding,) = labels.findings
    assert (finding.code, finding.severity) == ("csv-encoding", Severity.NOTE)
    assert "gb18030" in finding.message


@pytest.mark.parametrize(("encoding", "end"), [("mac_roman", b"\r"), ("cp850", b"\r\n"), ("cp437", b"\r\n\x1a")])
def test_line_ends_of_old_systems(tmp_path: Path, encoding: str, end: bytes) -> None:
    content = TEXT.format("tête", "Rücken").encode(encoding).rstrip().replace(b"\n", end.rstrip(b"\x1a")) + end
    assert keypoints(read(tmp_path, content, "tête", "Rücken")) == ["tête", "Rücken"]


def test_all_code_pages_are_ones_that_python_has() -> None:
    for page in CODE_PAGES:
        assert "a,;\t\n\"'".encode(page) == b"a,;\t\n\"'"


def test_names_are_compared_whatever_way_their_accents_are_written(tmp_path: Path) -> None:
    labels = read(tmp_path, TEXT.format("tête", "tail").encode("cp1252"), "te\u0302te ")
    assert keypoints(labels) == ["tête", "tail"]


def test_names_that_fit_nothing_are_refused(tmp_path: Path) -> None:
    """A keypoint under another name would be a keypoint that nobody knows."""
    assert "elsewhere" in refused(tmp_path, TEXT.format("鼻子", "左耳").encode("gbk"), "nose", "ear")
    assert "elsewhere" in refused(tmp_path, TEXT.format("Rücken", "ear").encode("cp1252"), "nose", "ear")


def test_one_known_name_is_enough_where_the_others_are_the_same_in_all_pages(tmp_path: Path) -> None:
    assert keypoints(read(tmp_path, TEXT.format("鼻子", "左耳").encode("gbk"), "鼻子")) == ["鼻子", "左耳"]
    # "ü" is the same byte in code pages of which the other byte is "ê" or "ę".
    assert "more than one" in refused(tmp_path, TEXT.format("Rücken", "tête").encode("cp1252"), "Rücken")


def test_the_folder_and_its_images_help(tmp_path: Path) -> None:
    folder = tmp_path / "хвост"
    folder.mkdir()
    content = TEXT.replace("m4s1", "хвост").format("нос", "ear").encode("cp1251")
    assert keypoints(read(folder, content)) == ["нос", "ear"]


def test_without_any_name_only_what_looks_the_same_everywhere_is_read(tmp_path: Path) -> None:
    labels = read(tmp_path, TEXT.format("Rücken", "tail").encode("cp1252"))
    assert keypoints(labels) == ["Rücken", "tail"]
    assert not labels.is_text_certain
    (finding,) = labels.findings
    assert (finding.code, finding.severity) == ("csv-encoding", Severity.WARNING)
    assert "cp1252" in finding.message
    assert finding.hint


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        *(
            ("gbk", ("鼻子", "左耳")),
            ("cp932", ("鼻", "尾")),
            ("cp1251", ("нос", "хвост")),
            ("koi8_r", ("нос", "хвост")),
        ),
        *(("cp1250", ("přední", "tail")), ("mac_roman", ("Rücken", "tail")), ("cp850", ("Rücken", "tail"))),
        *(("cp949", ("꼬리", "tail")), ("gbk", ("右ear", "tail"))),
    ],
)
def test_without_any_name_nothing_is_guessed(tmp_path: Path, encoding: str, names: tuple[str, str]) -> None:
    assert "another session" in refused(tmp_path, TEXT.format(*names).encode(encoding))


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "mac_roman"])
def test_scorers_and_paths_need_no_known_name(tmp_path: Path, encoding: str) -> None:
    name = "鼻子" if encoding == "gbk" else "Mäuse"
    for old in ("m4s1", "Jane"):
        labels = read(tmp_path, TEXT.replace(old, name).format("nose", "tail").encode(encoding), "nose")
        assert keypoints(labels) == ["nose", "tail"]
        assert [finding.severity for finding in labels.findings] == [Severity.NOTE]
    (tmp_path / f"{name}.png").touch()
    labels = read(tmp_path, TEXT.replace("img00", name).format("nose", "tail").encode(encoding), "nose")
    assert labels.table.rows == ((f"labeled-data/m4s1/{name}.png",),)


def test_bytes_that_are_utf8_by_chance(tmp_path: Path) -> None:
    """The two bytes of one character in GBK may be those of one character in UTF-8."""
    content = TEXT.format("莫", "tail").encode("gbk")
    assert content.decode() == TEXT.format("Ī", "tail")
    assert keypoints(read(tmp_path, content, "莫")) == ["莫", "tail"]
    assert keypoints(read(tmp_path, content, "Ī")) == ["Ī", "tail"]
    assert keypoints(read(tmp_path, content, "nose")) == ["Ī", "tail"]
    assert keypoints(read(tmp_path, content)) == ["Ī", "tail"]


# --------------------------------------------------------------------------------------------------- projects

NAMES = ("鼻子", "左耳", "尾巴")


def in_code_page(path: Path, encoding: str) -> None:
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))


@pytest.mark.parametrize("others", ["config", "h5", "csv"])
def test_names_of_the_project_decide(tmp_path: Path, others: str) -> None:
    files = ("csv", "h5") if others == "h5" else ("csv",)
    project = build_project(
        *(tmp_path / "dlc",), bodyparts=NAMES, skeleton=(), files=files, video="none", write_config=others == "config"
    )
    # The folder that comes first is in the code page: what decides it is read after it.
    in_code_page(project.label_file("m1", "csv"), "gbk")
    read = read_project(project.root)
    files_of = {file.kind: file for file in read.sessions[0].label_files}
    table = files_of["csv"].table
    assert table is not None
    assert tuple(dict.fromkeys(column[1] for column in table.columns)) == NAMES
    assert [finding.severity for finding in files_of["csv"].findings] == [Severity.NOTE]


def test_a_guess_gives_way_to_the_names_of_another_session(tmp_path: Path) -> None:
    names = ("Rücken", "nose")
    project = build_project(
        *(tmp_path / "dlc",), bodyparts=names, skeleton=(), files=("csv",), video="none", write_config=False
    )
    in_code_page(project.label_file("m1", "csv"), "cp1252")
    (file,) = read_project(project.root).sessions[0].label_files
    assert file.is_text_certain
    assert [finding.severity for finding in file.findings] == [Severity.NOTE]


def test_a_project_in_a_code_page_is_converted(tmp_path: Path) -> None:
    project = build_project(tmp_path / "dlc", bodyparts=NAMES, skeleton=(), files=("csv",), video="none")
    for session in ("m1", "m2"):
        in_code_page(project.label_file(session, "csv"), "gbk")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--videos", "none", "--json")
    assert result.exit_code == 0
    assert result.document["counts"]["labeled_cells"]["written"] == len(project.labels)
    assert (tmp_path / "lp" / "CollectedData.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[1::2] == [
        *NAMES
    ]


def test_a_project_that_nobody_can_read_is_refused_by_that_reason(tmp_path: Path) -> None:
    project = build_project(
        *(tmp_path / "dlc",), bodyparts=NAMES, skeleton=(), files=("csv",), video="none", write_config=False
    )
    for session in ("m1", "m2"):
        in_code_page(project.label_file(session, "csv"), "gbk")
    result = dlc2lp("convert", project.root, tmp_path / "lp", "--videos", "none", "--json")
    assert result.exit_code != 0
    assert "csv-encoding" in result.codes
    assert "CSV UTF-8" in result.finding("csv-encoding")["hint"]
