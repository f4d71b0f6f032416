"""The cases of ``scripts/accept``: each is made by dlc2lp's command line and judged by lightning-pose's own code.

A case is data. To add one, add it to :data:`CASES`; a new kind of expectation is a function of the case's target.
Runs in an environment with dlc2lp and nothing else, so that what is tested is what a user installs.
"""

from __future__ import annotations

import argparse
import functools
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
DLC2LP = Path(sys.executable).with_name("dlc2lp")
SHARED_DATA = SCRIPTS.parents[1] / "shared" / "data"  # real projects, beside the clone in some workplaces
FIXTURES = SCRIPTS.parent / "fixtures" / "projects"
OPENFIELD = SHARED_DATA / "openfield-Pranav-2018-10-30"


@dataclass(frozen=True)
class Place:
    """Where a case was made, and the Python that has lightning-pose."""

    target: Path
    lp_python: Path


#: Raises an error, or ends a program with another code than 0, where the target is not as expected.
Expectation = Callable[[Place], None]


def labels_equal(file_name: str, source: Path) -> Expectation:
    """The target's label file has every row and value of the source's HDF5, bit for bit."""

    def expect(place: Place) -> None:
        run([place.lp_python, SCRIPTS / "compare_labels.py", place.target / file_name, source])

    return expect


def header_has(coordinate: str) -> Expectation:
    """The target's label file has this column for each keypoint."""

    def expect(place: Place) -> None:
        coords = (place.target / "CollectedData.csv").read_text(encoding="utf-8").splitlines()[2]
        if coordinate not in coords.split(","):
            raise AssertionError(f"found the columns {coords}, expected {coordinate} among them")

    return expect


def video_frames(n_frames: dict[str, int]) -> Expectation:
    """The target has exactly these videos with exactly these numbers of packets, by ffprobe."""

    def expect(place: Place) -> None:
        found = {path.name: count_packets(path) for path in sorted((place.target / "videos").iterdir())}
        if found != n_frames:
            raise AssertionError(f"found videos {found}, expected {n_frames}")

    return expect


def context_loads(last_frame: int) -> Expectation:
    """LP's context dataset finds both neighbors on each side of every labeled frame up to the last of its video."""

    def expect(place: Place) -> None:
        run([place.lp_python, SCRIPTS / "load_context.py", place.target, last_frame])

    return expect


def seen_in_viewer(place: Place) -> None:
    """The app shows the predictions on the animal, LP measures them; and all of that leaves the target as it was."""
    run([place.lp_python, SCRIPTS / "lp_viewer.py", place.target])
    run([DLC2LP, "verify", place.target, "--verify", "full"])


def with_analyses(work: Path, lp_python: Path) -> None:
    """The demo project, with analyses of its videos by two networks, of which one was evaluated."""
    project = work / "demo" / "dlc-project"
    run([DLC2LP, "demo", work / "demo"])
    run([sys.executable, SCRIPTS / "demo_predictions.py", project])
    run([lp_python, SCRIPTS / "demo_evaluation.py", project])


def labeling_goes_on() -> Expectation:
    """What is labeled in the app afterwards is trained on, once ``dlc2lp labels`` has mended the files."""

    def expect(place: Place) -> None:
        run([place.lp_python, SCRIPTS / "lp_labeling.py", place.target, DLC2LP])

    return expect


@dataclass(frozen=True)
class Case:
    """One conversion and what must hold of it.

    Attributes
    ----------
    name
        To choose it on the command line.
    prepare
        What makes the source in the empty folder, with lightning-pose's Python; None: it is there already.
    commands
        Arguments of dlc2lp, run in order, each of which must end with 0; ``{work}`` is an empty folder.
    target
        Where the LP project then lies.
    judge
        Options of lp_judge.
    expectations
        What must hold besides.
    needs
        A folder without which the case is left out; None if it needs nothing.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    target: str
    judge: tuple[str, ...] = ("--train",)
    expectations: tuple[Expectation, ...] = ()
    needs: Path | None = None
    prepare: Callable[[Path, Path], None] | None = None


_PAIR = tuple(part for view in ("top", "side") for part in ("--view", f"{view}={FIXTURES / f'pair-{view}'}"))

CASES = (
    Case(
        name="demo",
        commands=(("demo", "{work}/demo"), ("verify", "{work}/demo/lp-project")),
        target="{work}/demo/lp-project",
        judge=("--train", "--as-written"),
    ),
    Case(
        # The context model: it loads the neighbors of labeled frames, trains on them and predicts with them.
        name="context",
        commands=(("demo", "{work}/demo"), ("config", "{work}/demo/lp-project", "--model", "heatmap_mhcrnn")),
        target="{work}/demo/lp-project",
        expectations=(context_loads(last_frame=89),),
    ),
    Case(
        # Whatever a person chooses in the app's create-model dialog trains: 73 choices for a single view.
        name="dialog",
        commands=(("demo", "{work}/demo"),),
        target="{work}/demo/lp-project",
        judge=("--profile", "lp", "--dialog"),
    ),
    Case(
        # The same for several views, calibrated; what lightning-pose refuses with the app's own config too is told.
        name="dialog-views",
        commands=(("convert", *_PAIR, "{work}/lp"),),
        target="{work}/lp",
        judge=("--profile", "lp", "--dialog"),
    ),
    Case(
        # With that model each view stands for itself.
        name="views-one-by-one",
        commands=(("convert", *_PAIR, "{work}/lp", "--model", "heatmap"), ("verify", "{work}/lp")),
        target="{work}/lp",
    ),
    Case(
        # DeepLabCut's analyses become models: the app's viewer shows them, Lightning Pose and EKS take them.
        name="predictions",
        prepare=with_analyses,
        commands=(("convert", "{work}/demo/dlc-project", "{work}/lp"), ("verify", "{work}/lp")),
        target="{work}/lp",
        judge=(),
        expectations=(seen_in_viewer,),
    ),
    Case(
        # A keypoint that was added later: the column `visible`, empty cells of both meanings, suggestions in the queue.
        name="visible",
        commands=(("convert", str(FIXTURES / "grown"), "{work}/lp"), ("verify", "{work}/lp")),
        target="{work}/lp",
        expectations=(header_has("visible"), labeling_goes_on()),
    ),
    Case(
        name="two-mice",
        commands=(
            ("convert", str(FIXTURES / "two-mice"), "{work}/lp", "--individuals", "flatten"),
            ("verify", "{work}/lp"),
        ),
        target="{work}/lp",
    ),
    Case(
        # One project with three cameras and the lab's calibration; one camera's missing frame is cut from its video.
        name="three-cameras",
        commands=(
            ("convert", str(FIXTURES / "three-cameras"), "{work}/lp", "--view-pattern", "{{session}}_{{view}}"),
            ("verify", "{work}/lp"),
        ),
        target="{work}/lp",
    ),
    Case(
        # A project for each camera, calibrated, with frames and keypoints that only one has.
        name="two-cameras",
        commands=(
            ("convert", *_PAIR, "{work}/lp"),
            ("verify", "{work}/lp"),
        ),
        target="{work}/lp",
        judge=("--train", "--as-written"),
        expectations=(labeling_goes_on(),),
    ),
    Case(
        name="openfield",
        commands=(("convert", str(OPENFIELD), "{work}/lp"), ("verify", "{work}/lp")),
        target="{work}/lp",
        judge=("--train", "--as-written"),
        expectations=(
            labels_equal("CollectedData.csv", OPENFIELD / "labeled-data/m4s1/CollectedData_Pranav.h5"),
            video_frames({"m3v1mp4.mp4": 2330}),
        ),
        needs=OPENFIELD,
    ),
)


def run(command: list[object]) -> None:
    """Run a program to its end, its words among ours; another exit code than 0 is an error."""
    words = [str(word) for word in command]
    print("$", " ".join(words), flush=True)
    subprocess.run(words, stdin=subprocess.DEVNULL, check=True)


def count_packets(video: Path) -> int:
    """Number of packets of the first video stream."""
    show = ["-select_streams", "v:0", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]
    probe = ["ffprobe", "-v", "error", "-count_packets", *show, str(video)]
    return int(subprocess.run(probe, capture_output=True, text=True, check=True).stdout)


def steps(case: Case, work: Path, lp_python: Path) -> list[tuple[str, Callable[[], None]]]:
    """What to do for a case: its words and the act."""
    place = Place(Path(case.target.format(work=work)), lp_python)
    todo: list[tuple[str, Callable[[], None]]] = []
    if case.prepare is not None:
        todo.append(("preparation", functools.partial(case.prepare, work, lp_python)))
    for arguments in case.commands:
        command = [DLC2LP, *(word.format(work=work) for word in arguments)]
        todo.append((f"dlc2lp {arguments[0]}", lambda command=command: run(command)))
    judge = [lp_python, SCRIPTS / "lp_judge", place.target, *case.judge]
    todo.append(("lightning-pose's judgement", lambda: run(judge)))
    for n, expectation in enumerate(case.expectations, 1):
        todo.append((f"expectation {n}", lambda expectation=expectation: expectation(place)))
    return todo


def try_case(case: Case, lp_python: Path) -> bool:
    """Make and judge one case in a temporary folder; later steps need the earlier ones."""
    with tempfile.TemporaryDirectory(prefix=f"dlc2lp-accept-{case.name}-") as folder:
        for words, act in steps(case, Path(folder), lp_python):
            try:
                act()
            except (AssertionError, OSError, subprocess.CalledProcessError) as error:
                print(f"FAILED  {case.name}: {words}: {error}", flush=True)
                return False
            print(f"passed  {case.name}: {words}", flush=True)
    return True


def main() -> None:
    """Try all cases, or those that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases to try (default: all)")
    parser.add_argument("--lp-python", type=Path, required=True, help="the Python that has lightning-pose")
    options = parser.parse_args()
    unknown = set(options.names) - {case.name for case in CASES}
    if unknown:
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in CASES)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the running program and removes its folder
    n_passed = n_failed = 0
    for case in CASES:
        if options.names and case.name not in options.names:
            continue
        if case.needs is not None and not case.needs.exists():
            print(f"left out  {case.name}: {case.needs} is not here", flush=True)
            continue
        print(f"\n==== {case.name}", flush=True)
        if try_case(case, options.lp_python):
            n_passed += 1
        else:
            n_failed += 1
    print(f"\n{n_passed} passed, {n_failed} failed")
    sys.exit(n_failed > 0)


if __name__ == "__main__":
    main()
