"""Which calibration of the cameras is taken: what a person names is used or refused, and nothing is passed over."""

import shutil
import tomllib

import cv2
import pytest
import rig
from builder import build_project
from command import dlc2lp

import dlc2lp as library
from dlc2lp.errors import UsageError

CAMERAS = ("top", "side")
SIZE = (128, 96)


@pytest.fixture
def views(tmp_path):
    """Two cameras' projects of two recordings, as arguments."""
    return pair(tmp_path)


def pair(root, **options):
    for name in CAMERAS:
        build_project(root / name, **{"sessions": ("m1", "m2"), "frames": (2, 5), "video": "none", **options})
    return [part for name in CAMERAS for part in ("--view", f"{name}={root / name}")]


def write(path, shift=10.0, names=CAMERAS):
    rig.write_anipose(path, names, SIZE)
    path.write_text(path.read_text().replace("translation = [10.0", f"translation = [{shift}"))
    return path


def shift(path):
    return tomllib.loads(path.read_text())["cam_1"]["translation"][0]


def refused(tmp_path, views, *options):
    """The finding that a conversion is refused with; inspect says the same, and nothing is written."""
    result = dlc2lp("convert", *views, tmp_path / "lp", *options, "--json")
    assert result.exit_code == 3, result.stdout
    assert not (tmp_path / "lp").exists()
    assert dlc2lp("inspect", *views, *options).exit_code == 3
    finding = result.document["findings"][0]
    assert finding["severity"] == "error"
    assert finding["hint"]
    return finding


# ----------------------------------------------------------------------------------------------- named by a person


def test_an_empty_folder_is_refused(tmp_path, views):
    (tmp_path / "cal").mkdir()
    finding = refused(tmp_path, views, "--calibration", tmp_path / "cal")
    assert finding["code"] == "calibration-not-there"
    assert "an empty folder" in finding["message"]
    (tmp_path / "cal/notes.txt").touch()
    assert "notes.txt" in refused(tmp_path, views, "--calibration", tmp_path / "cal")["message"]


def test_files_that_fit_no_session_are_refused(tmp_path, views):
    for name in ("rec1", "rec2"):
        write(tmp_path / f"cal/calibrations/{name}.toml")
    finding = refused(tmp_path, views, "--calibration", tmp_path / "cal")
    assert finding["code"] == "calibration-unused"
    assert "rec1.toml" in finding["subject"] and "rec2.toml" in finding["subject"]
    assert "m1, m2" in finding["message"]


def test_files_that_do_not_fit_all_sessions_are_refused(tmp_path, views):
    write(tmp_path / "cal/calibrations/m1.toml")
    finding = refused(tmp_path, views, "--calibration", tmp_path / "cal")
    assert (finding["code"], "(m2)" in finding["message"]) == ("calibration-partial", True)


def test_the_folder_of_the_sessions_files_itself(tmp_path, views):
    for number, name in enumerate(("m1", "m2", "m9")):
        write(tmp_path / f"cal/calibrations/{name}.toml", 10.0 + number)
    result = dlc2lp("convert", *views, tmp_path / "lp", "--calibration", tmp_path / "cal/calibrations", "--json")
    assert result.exit_code == 0, result.stdout
    assert [shift(tmp_path / f"lp/calibrations/{name}.toml") for name in ("m1", "m2")] == [10.0, 11.0]
    assert result.finding("calibration-unused")["severity"] == "note"  # m9
    files = [part for name in ("m2", "m1") for part in ("--calibration", tmp_path / f"cal/calibrations/{name}.toml")]
    assert dlc2lp("convert", *views, tmp_path / "lp2", *files).exit_code == 0
    assert [shift(tmp_path / f"lp2/calibrations/{name}.toml") for name in ("m1", "m2")] == [10.0, 11.0]
    # Of files that were named one by one, each must be used.
    finding = refused(tmp_path / "no", views, *files, "--calibration", tmp_path / "cal/calibrations/m9.toml")
    assert "m9.toml" in finding["subject"] and "m1.toml" not in finding["subject"]


def test_two_named_calibrations_of_one_recording_are_refused(tmp_path, views):
    one, two = write(tmp_path / "a/calibration.toml"), write(tmp_path / "b/calibration.toml", 11.0)
    finding = refused(tmp_path, views, "--calibration", one, "--calibration", two)
    assert finding["code"] == "calibration-twice"
    assert str(one) in finding["subject"] and str(two) in finding["message"]


def test_a_path_that_is_not_there_is_refused_everywhere(tmp_path, views):
    named = {name: tmp_path / name for name in CAMERAS}
    for given in (str(tmp_path / "none.toml"), (tmp_path / "none.toml",)):
        with pytest.raises(UsageError, match="found no such file"):
            library.convert(None, tmp_path / "lp", views=named, calibration=given)
        with pytest.raises(UsageError):
            library.inspect(None, views=named, calibration=given)
    out = tmp_path / "out"
    out.mkdir()
    text = "top:\n  view: {top: top, side: side}\n  calibration: none.toml\nside:\n  skip: true\n"
    (out / "decisions.yaml").write_text(text, encoding="utf-8")
    result = dlc2lp("batch", "plan", tmp_path, out, "--json")
    assert result.exit_code == 3
    assert "none.toml" in str(result.finding("decision-invalid"))


@pytest.mark.parametrize("size", ["nan", "inf", "1e400"])
def test_a_square_without_a_size_is_refused(tmp_path, views, size):
    result = dlc2lp("convert", *views, tmp_path / "lp", "--square-size", size)
    assert result.exit_code == 2
    assert "--square-size" in result.stderr
    with pytest.raises(UsageError, match="finite number"):
        library.convert(tmp_path / "top", tmp_path / "lp", square_size=float(size))
    with pytest.raises(UsageError, match="finite number"):
        library.plan_archive(tmp_path, tmp_path / "out", square_size=float(size))
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out/decisions.yaml").write_text(f"top:\n  square-size: {size}\n", encoding="utf-8")
    result = dlc2lp("batch", "plan", tmp_path, tmp_path / "out", "--json")
    assert "square-size, expected a number" in result.finding("decision-invalid")["message"]


def test_options_that_change_nothing_are_told(tmp_path, views):
    calibration = write(tmp_path / "calibration.toml")
    result = dlc2lp("inspect", tmp_path / "top", "--calibration", calibration, "--square-size", "2", "--json")
    assert result.exit_code == 0
    told = [finding for finding in result.document["findings"] if finding["code"] == "option-unused"]
    assert {(each["severity"], each["subject"]) for each in told} == {
        ("warning", "--calibration"),
        ("warning", "--square-size"),
    }
    result = dlc2lp("inspect", *views, "--calibration", calibration, "--square-size", "2", "--json")
    assert [each["subject"] for each in result.document["findings"] if each["code"] == "option-unused"] == [
        "--square-size"
    ]
    # Said of a whole archive, it is meant for those that have several cameras.
    result = dlc2lp("batch", "plan", tmp_path, tmp_path / "out", "--square-size", "2", "--json")
    assert "option-unused" not in result.stdout


def test_fisheye_beside_five_coefficients_is_told(tmp_path, views):
    path = write(tmp_path / "calibration.toml")
    wide = path.read_text().replace("[0.0, 0.0, 0.0, 0.0, 0.0]", "[0.1, 0.0, 0.0, 0.0]", 1)
    path.write_text(wide.replace("fisheye = false", "fisheye = true", 1))
    assert dlc2lp("convert", *views, tmp_path / "lp", "--calibration", path).exit_code == 0
    assert (tmp_path / "lp/calibration.toml").exists()
    path.write_text(path.read_text().replace("[0.0, 0.0, 0.0, 0.0, 0.0]", "[0.0, 0.0, 0.0, 0.0, 0.1]"))
    result = dlc2lp("convert", *views, tmp_path / "lp2", "--calibration", path, "--json")
    assert result.exit_code == 1
    finding = result.finding("calibration-lenses")
    assert finding["subject"] == str(path)
    assert "top 4" in finding["message"] and "side 5" in finding["message"]


# --------------------------------------------------------------------------------------------- found by searching


def test_found_files_that_fit_no_session_are_told(tmp_path, views):
    write(tmp_path / "top/calibrations/rec1.toml")
    result = dlc2lp("convert", *views, tmp_path / "lp", "--json")
    assert result.exit_code == 0
    warning = result.finding("calibration-unused")
    assert warning["severity"] == "warning"
    assert "rec1.toml" in warning["subject"]
    assert not (tmp_path / "lp/calibrations").exists()
    # What is not of this project need not even be readable.
    write(tmp_path / "side/calibration.toml")
    (tmp_path / "top/calibrations/rec1.toml").write_text("no toml")
    shutil.move(tmp_path / "top/calibrations", tmp_path / "side/calibrations")
    result = dlc2lp("convert", *views, tmp_path / "lp2", "--json")
    assert result.exit_code == 0
    assert result.finding("calibration-unused")["severity"] == "note"


def test_different_calibrations_are_asked_for(tmp_path, views):
    one, two = write(tmp_path / "top/calibration.toml"), write(tmp_path / "side/calibration.toml", 77.0)
    finding = refused(tmp_path, views)
    assert finding["code"] == "calibrations-differ"
    assert "--calibration" in finding["hint"]
    assert all(str(path) in finding["hint"] for path in (one, two))
    assert dlc2lp("convert", *views, tmp_path / "lp", "--calibration", two).exit_code == 0
    assert shift(tmp_path / "lp/calibration.toml") == 77.0
    shutil.copy(one, two)
    assert dlc2lp("convert", *views, tmp_path / "lp2").exit_code == 0
    assert shift(tmp_path / "lp2/calibration.toml") == 10.0


def test_what_becomes_of_the_calibration_is_said(tmp_path, views):
    assert "calibration: none" in dlc2lp("inspect", *views).stdout
    path = write(tmp_path / "rig.toml")
    expected = f"calibration: calibration.toml, from {path}"
    options = (*views, "--calibration", path)
    assert expected in dlc2lp("inspect", *options).stdout
    assert expected in dlc2lp("convert", *options, tmp_path / "lp", "--dry-run").stdout
    assert expected in dlc2lp("convert", *options, tmp_path / "lp").stdout
    assert "calibration:" not in dlc2lp("inspect", tmp_path / "top").stdout


# --------------------------------------------------------------------------------------------------- 3D projects


def test_the_calibration_of_a_3d_project_can_be_named(tmp_path):
    folder, projects = rig.build_3d_project(tmp_path)
    views = [part for name, project in projects.items() for part in ("--view", f"{name}={project.root}")]
    camera_matrix = folder / "camera_matrix"
    asked = refused(tmp_path, views, "--calibration", folder)
    assert asked["code"] == "square-size-unknown"
    texts = set()
    for number, place in enumerate(
        (folder, folder / "config.yaml", camera_matrix, camera_matrix / "stereo_params.pickle")
    ):
        options = ("--calibration", place, "--square-size", "2.5", "--videos", "none")
        assert dlc2lp("convert", *views, tmp_path / f"lp{number}", *options).exit_code == 0
        texts.add((tmp_path / f"lp{number}/calibration.toml").read_text())
    assert dlc2lp("convert", folder, tmp_path / "own", "--square-size", "2.5", "--videos", "none").exit_code == 0
    assert texts == {(tmp_path / "own/calibration.toml").read_text()}
    # Copied elsewhere, without its project: the cameras are those of the files beside it, or the views.
    for path in (folder / "config.yaml", *camera_matrix.glob("*_intrinsic_params.pickle")):
        path.unlink()
        options = ("--calibration", camera_matrix / "stereo_params.pickle", "--square-size", "2.5")
        result = dlc2lp("inspect", *views, *options)
        assert "calibration: calibration.toml, from" in result.stdout


def test_views_stand_in_for_the_projects_that_a_3d_project_records(tmp_path):
    folder, projects = rig.build_3d_project(tmp_path)
    lost = projects["camera-1"].root
    moved = tmp_path / "elsewhere" / "first"
    moved.parent.mkdir()
    shutil.move(lost, moved)
    options = ("--square-size", "2.5", "--videos", "none")
    result = dlc2lp("convert", folder, tmp_path / "lp", *options, "--json")
    assert result.exit_code == 3
    hint = result.finding("camera-project-missing")["hint"]
    assert "--view camera-1=SOURCE" in hint
    assert "--video-root" in hint
    for number, given in enumerate((["camera-1"], ["camera-2", "camera-1"])):
        places = {"camera-1": moved, "camera-2": projects["camera-2"].config}
        views = [part for name in given for part in ("--view", f"{name}={places[name]}")]
        target = tmp_path / f"lp{number}"
        result = dlc2lp("convert", folder, target, *views, *options, "--json")
        assert result.exit_code == 0, result.stdout
        assert result.document["views"] == ["camera-1", "camera-2"]
        assert (target / "calibration.toml").exists()
    result = dlc2lp("inspect", folder, "--view", f"top={moved}", *options)
    assert result.exit_code == 2
    assert "camera-1, camera-2" in result.stderr


def test_views_of_a_3d_project_by_decision(tmp_path):
    folder, projects = rig.build_3d_project(tmp_path / "root")
    shutil.move(projects["camera-1"].root, tmp_path / "root/first")
    shutil.rmtree(folder / "camera_matrix")
    out = tmp_path / "lp"
    result = dlc2lp("batch", "plan", tmp_path / "root", out, "--videos", "none", "--json")
    assert "camera-project-missing" in result.codes
    (out / "decisions.yaml").write_text("reach-3d:\n  view: {camera-1: first}\n", encoding="utf-8")
    result = dlc2lp("batch", "plan", tmp_path / "root", out, "--videos", "none", "--json")
    assert "camera-project-missing" not in result.codes
    assert (out / "reach-3d/.dlc2lp/plan.json").is_file()
    assert "first" in result.finding("camera-alone")["subject"]


# ------------------------------------------------------------------------------------------------- turned images


def turn_images(root, code):
    for path in root.glob("labeled-data/*/img*.png"):
        cv2.imwrite(str(path), cv2.rotate(cv2.imread(str(path)), code))


@pytest.mark.parametrize(
    ("code", "size", "center", "severity"),
    [
        (cv2.ROTATE_180, [128, 96], (127 - 64.0, 95 - 48.0), "warning"),
        (cv2.ROTATE_90_CLOCKWISE, [96, 128], (95 - 48.0, 64.0), "note"),
    ],
)
def test_a_camera_whose_images_are_turned(tmp_path, code, size, center, severity):
    top = build_project(tmp_path / "top", sessions=("m1",), frames=(2, 5, 11, 14))
    side = build_project(tmp_path / "side", sessions=("m1",), frames=(2, 5, 11, 14))
    turn_images(side.root, code)
    calibration = write(tmp_path / "calibration.toml")
    views = [part for project in (top, side) for part in ("--view", f"{project.root.name}={project.root}")]
    result = dlc2lp("convert", *views, tmp_path / "lp", "--calibration", calibration, "--json")
    assert result.exit_code == 0, result.stdout
    finding = result.finding("calibration-turned")
    assert (finding["severity"], finding["subject"]) == (severity, "side")
    turned = tomllib.loads((tmp_path / "lp/calibration.toml").read_text())["cam_1"]
    assert turned["size"] == size
    assert (turned["matrix"][0][2], turned["matrix"][1][2]) == center


def test_turned_and_cut_images(tmp_path):
    """The part is one of the turned picture, in which the pixel (x, y) of 160x128 stands at (127 - y, x)."""
    for name in CAMERAS:
        crop = (9, 150, 0, 88) if name == "side" else None
        build_project(tmp_path / name, sessions=("m1",), frames=(2, 5, 11, 14), size_px=(160, 128), crop=crop)
    turn_images(tmp_path / "side", cv2.ROTATE_90_CLOCKWISE)
    rig.write_anipose(tmp_path / "calibration.toml", CAMERAS, (160, 128))
    views = [part for name in CAMERAS for part in ("--view", f"{name}={tmp_path / name}")]
    result = dlc2lp("convert", *views, tmp_path / "lp", "--calibration", tmp_path / "calibration.toml", "--json")
    assert result.exit_code == 0, result.stdout
    turned = tomllib.loads((tmp_path / "lp/calibration.toml").read_text())["cam_1"]
    assert turned["size"] == [88, 141]
    assert (turned["matrix"][0][2], turned["matrix"][1][2]) == (127 - 64.0 - 40, 80.0 - 9)
