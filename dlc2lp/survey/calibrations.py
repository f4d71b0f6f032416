"""Where the cameras' calibration comes from: what a person named, else what lies beside the projects. Only reads.

Calibrations come in two forms: Anipose's (``calibration.toml``, ``calibrations/<session>.toml``), and DeepLabCut's
(``camera_matrix/stereo_params.pickle`` of a 3D project), whose lengths are squares of a checkerboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlc2lp.dlc.cameras import CAMERA_MATRIX, STEREO_FILE, DlcCalibration, calibrated_names, in_millimetres, read_stereo
from dlc2lp.dlc.config import read_config
from dlc2lp.errors import UnreadableFile, UsageError
from dlc2lp.files import FileRecord, content_of
from dlc2lp.limits import SMALL_TEXT_BYTES
from dlc2lp.lp.calibration import CALIBRATION_FILE, CALIBRATIONS
from dlc2lp.lp.calibration_reading import parse_calibration
from dlc2lp.model import Camera, Finding, Setting, Severity, question
from dlc2lp.wording import some


@dataclass(frozen=True)
class Calibration:
    """What one file says of the cameras."""

    path: Path  #: The file.
    cameras: tuple[Camera, ...]  #: The cameras; empty where it can't be used.
    findings: tuple[Finding, ...] = ()  #: Why it can't, or what is odd.
    is_named: bool = False  #: Whether a person named this very file.
    content: FileRecord | None = None  #: The file as it was when it was read; None where that was not possible.


@dataclass(frozen=True)
class Calibrations:
    """How the cameras stand, as far as the sources say."""

    for_all: Calibration | None = None  #: That of all recordings without one of their own; None if there is none.
    #: Those of single recordings, by the files' names. They may be of other recordings than the source has.
    by_session: Mapping[str, Calibration] = field(default_factory=dict, hash=False)
    is_chosen: bool = False  #: Whether a person named them, so that they must be used or refused.
    #: Whether DeepLabCut's own is among them, in squares of the checkerboard before it was scaled.
    in_squares: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """All files."""
        return tuple(each.path for each in (self.for_all, *self.by_session.values()) if each)

    @property
    def described(self) -> tuple[object, ...]:
        """What tells two places apart: the cameras, and the file where these can't be read."""
        found = [("", self.for_all), *self.by_session.items()]
        return tuple((name, each.cameras or each.path) for name, each in found if each)


@dataclass(frozen=True)
class FoundCalibrations:
    """The calibrations, and what must be said of finding them."""

    calibrations: Calibrations = field(default_factory=Calibrations)
    findings: tuple[Finding, ...] = ()
    questions: tuple[Finding, ...] = ()
    refusals: tuple[Finding, ...] = ()


def check_calibration_paths(paths: Iterable[Path]) -> None:
    """Raise UsageError (``path-missing``) for what can be known to be wrong before anything is read."""
    for path in paths:
        if not path.exists():
            message, advice = "found no such file or folder", "check the path for a typing error"
            raise UsageError.of("path-missing", str(path), message, where="--calibration", advice=advice)


def unused_options(square_size: float | None, calibration: Sequence[Path], *, why: str) -> list[Finding]:
    """Tell those of ``--square-size`` and ``--calibration`` that were given and change nothing."""
    given = ["--square-size"] if square_size is not None else []
    given += ["--calibration"] if calibration else []
    message, advice = f"changes nothing here: {why}", "leave the option out, or check that this is the source you meant"
    return [Finding(Severity.WARNING, "option-unused", option, message, "", advice) for option in given]


# --- finding them ---------------------------------------------------------------------------------------------------


def find_calibrations(
    named: Sequence[Path],
    square_size: float | None,
    beside: Sequence[Path],
    views: Sequence[str],
    own: DlcCalibration | None = None,
) -> FoundCalibrations:
    """Find the cameras' calibrations: those that a person named; else Anipose's beside the projects; else DeepLabCut's.

    ``beside`` are the projects' folders, ``own`` is that of a 3D project; by the names of the views a lone pickle of
    DeepLabCut is read. :func:`check_calibration_paths` has passed what is named.
    """
    if named:
        return _named(named, square_size, views)
    found = [calibrations for place in dict.fromkeys(beside) if (calibrations := _anipose(place)).files]
    if len({each.described for each in found}) > 1:
        files = tuple(str(each.files[0]) for each in found)
        message = f"found different calibrations of the cameras: {' and '.join(files)}; which one holds?"
        ways = (Setting("calibration", ("PATH",)),)
        return FoundCalibrations(questions=(question("calibrations-differ", files[0], message, "{}", ways, files),))
    if found:
        return FoundCalibrations(found[0])
    return FoundCalibrations() if own is None else _scaled(own, square_size)


def _named(paths: Sequence[Path], size_mm: float | None, views: Sequence[str]) -> FoundCalibrations:
    """Return what a person named; each place must have something to give."""
    places = dict.fromkeys(paths)
    joined = FoundCalibrations(Calibrations(is_chosen=True))
    for place in places:
        found = _in_place(place, size_mm, views, is_one_of_several=len(places) > 1)
        if not found.calibrations.files and not found.questions:
            found = replace(found, refusals=(_nothing_in(place),))
        joined = _both(joined, found)
    return joined


def _both(one: FoundCalibrations, other: FoundCalibrations) -> FoundCalibrations:
    """Join what two named places hold; the same recording must not have two different ones."""
    first, second = one.calibrations, other.calibrations
    known = {"": first.for_all, **first.by_session}
    twice = []
    for session, has in [("", second.for_all), *second.by_session.items()]:
        had = known.get(session)
        if has is not None and had is not None and had.cameras != has.cameras:
            message = f"found another calibration {f'of {session}' if session else 'of all recordings'} in {has.path}"
            advice, ways = "name one of the two with {}", (Setting("calibration"),)
            twice.append(Finding(Severity.ERROR, "calibration-twice", str(had.path), message, "", advice, ways))
    sessions, in_squares = {**second.by_session, **first.by_session}, first.in_squares or second.in_squares
    return FoundCalibrations(
        Calibrations(first.for_all or second.for_all, sessions, first.is_chosen, in_squares),
        (*one.findings, *other.findings),
        (*one.questions, *other.questions),
        (*one.refusals, *other.refusals, *twice),
    )


def _in_place(
    place: Path, size_mm: float | None, views: Sequence[str], *, is_one_of_several: bool
) -> FoundCalibrations:
    """Return what a file or folder holds that a person named."""
    stereo = _stereo_file(place)
    if place.is_file() and stereo is None:
        read = replace(_read(place), is_named=True)
        if is_one_of_several and place.name != CALIBRATION_FILE:
            return FoundCalibrations(Calibrations(by_session={place.stem: read}))
        return FoundCalibrations(Calibrations(read))
    found = Calibrations() if place.is_file() else _anipose(place)
    if not found.files and stereo is not None:
        return _scaled(read_stereo(stereo, _camera_names(stereo, views)), size_mm)
    if not found.files:
        found = Calibrations(by_session=_by_session(place))  # the folder of the recordings' files itself
    return FoundCalibrations(found)


def _anipose(place: Path) -> Calibrations:
    """Return what lies in a project's folder in Anipose's form."""
    single = place / CALIBRATION_FILE
    return Calibrations(_read(single) if single.exists() else None, _by_session(place / CALIBRATIONS))


def _by_session(folder: Path) -> dict[str, Calibration]:
    return {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}


def _read(path: Path) -> Calibration:
    content = content_of(path)
    try:
        parsed = parse_calibration(SMALL_TEXT_BYTES.read_text(path), str(path))
    except (OSError, UnicodeDecodeError) as error:
        message = f"can't be read: {getattr(error, 'strerror', None) or error}"
        advice = getattr(error, "advice", "save it again as UTF-8")
        finding = Finding(Severity.ERROR, "calibration-unreadable", str(path), message, advice=advice)
        return Calibration(path, (), (finding,))
    return Calibration(path, parsed.cameras, parsed.findings, content=content)


def _stereo_file(place: Path) -> Path | None:
    """Return DeepLabCut's calibration where a 3D project, a folder in it or the file itself was named."""
    if place.is_file():
        if place.suffix == ".pickle":
            return place
        place = place.parent if place.suffix in {".yaml", ".yml"} else place
    found = (place / CAMERA_MATRIX / STEREO_FILE, place / STEREO_FILE)
    return next((path for path in found if path.exists()), None)


def _camera_names(stereo: Path, views: Sequence[str]) -> tuple[str, ...]:
    """Return the cameras of a pickle, whose pairs are told apart by knowing the names."""
    path = stereo.parent.parent / "config.yaml"
    try:
        config = read_config(path) if path.is_file() else None
    except UnreadableFile:
        config = None
    if config is not None and config.is_3d:
        return tuple(config.camera_names)
    return calibrated_names(stereo) or tuple(views)


def _scaled(own: DlcCalibration, size_mm: float | None) -> FoundCalibrations:
    """Bring DeepLabCut's calibration, in squares of the checkerboard, to millimetres."""
    if own.cameras and size_mm is None:
        message = (
            "its calibration is in squares of the checkerboard, whose size DeepLabCut does not store; "
            "how long is the side of a square?"
        )
        advice = "{} (1 keeps squares as the unit of length)"
        asked = question("square-size-unknown", str(own.path), message, advice, (Setting("square-size", ("MM",)),))
        return FoundCalibrations(findings=own.findings, questions=(asked,))
    cameras = in_millimetres(own.cameras, size_mm) if size_mm is not None else ()
    read = Calibration(own.path, cameras, own.findings, content=content_of(own.path))
    return FoundCalibrations(Calibrations(read, in_squares=True))


def _nothing_in(place: Path) -> Finding:
    try:
        names = sorted(path.name for path in place.iterdir()) if place.is_dir() else [place.name]
    except OSError as error:
        names = [f"a folder that can't be looked into ({error.strerror})"]
    message = (
        f"found {some(names) or 'an empty folder'}, expected {CALIBRATION_FILE}, {CALIBRATIONS}/<session>.toml or "
        f"DeepLabCut's {CAMERA_MATRIX}/{STEREO_FILE}"
    )
    advice, ways = "name the file itself with {}, or leave the option out", (Setting("calibration"),)
    return Finding(Severity.ERROR, "calibration-not-there", str(place), message, "--calibration", advice, ways)
