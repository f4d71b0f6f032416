"""The app and Lightning Pose themselves on models that hold predictions only: listed, served, drawn, measured.

    lp_viewer.py TARGET [--screenshots DIR]

Runs in the environment of lightning-pose. The app's server is asked over HTTP, its viewer is driven in a Chromium
without a window, whose screenshots must show the points where the files say. Without a Chromium that part is left out,
loudly.
"""

from __future__ import annotations

import argparse
import base64
import csv
import functools
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KEY = "accept"
BIN = Path(sys.executable).parent
SECONDS = 120
#: Frames that are looked at: the first, and one that is reached by keys which the viewer jumps ten frames by.
JUMPS = (0, 3)
#: How far the middle of a drawn point may be from where its file says, in pixels of the screen.
MAX_OFF_PX = 2.5
#: Drawn points are the only coloured thing on a grey video.
MIN_COLOUR = 60


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Look again and again until there is something; an AssertionError where nothing comes."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            if found := look():
                return found
        except (OSError, ValueError, LookupError):
            pass
        time.sleep(0.3)
    raise AssertionError(f"waited {SECONDS} s in vain for {what}")


@contextmanager
def running(command: list[object], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with its children meanwhile, and end them all."""
    process = subprocess.Popen([str(word) for word in command], start_new_session=True, **options)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def app_of(target: Path, work: Path) -> Iterator[str]:
    """Serve a project by the app on a free port; its address."""
    system = work / "system"
    system.mkdir()
    (system / "projects.toml").write_text(f"[{KEY}]\ndata_dir = {json.dumps(str(target))}\n", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    variables = os.environ | {"LP_SYSTEM_DIR": str(system), "DO_NOT_TRACK": "1"}
    with (
        (work / "app.log").open("wb") as log,
        running([BIN / "litpose", "run_app", "--port", port], env=variables, stdout=log, stderr=log, cwd=work),
    ):
        wait_for("the app", lambda: ask(address, "listModels"))
        yield address


def ask(address: str, call: str, **arguments: Any) -> Any:
    """Return the app's answer to a call about the project."""
    body = json.dumps({"projectKey": KEY} | arguments).encode()
    request = urllib.request.Request(
        f"{address}/app/v0/rpc/{call}", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)


def model_names(target: Path) -> list[str]:
    """The models of a project; the app keeps a file of its own beside them."""
    return sorted(path.name for path in (target / "models").iterdir() if path.is_dir())


def check_served(address: str, target: Path) -> None:
    """The app lists the models as completed, finds nothing wrong with them, and serves what they hold."""
    expected = model_names(target)
    listed = {model["model_name"]: model for model in ask(address, "listModels")["models"]}
    assert sorted(listed) == expected, (sorted(listed), expected)
    states = {name: model["status"]["status"] for name, model in listed.items()}
    assert set(states.values()) == {"COMPLETED"}, states
    checked = ask(address, "validateProjectFiles", sector="models")
    issues = [issue for item in checked["items"] for issue in item["issues"]]
    assert checked["items"] and not issues, checked
    for path in sorted(target.glob("models/*/video_preds/*.csv")):
        with urllib.request.urlopen(f"{address}/app/v0/files/{urllib.parse.quote(str(path))}") as answer:
            assert answer.read() == path.read_bytes(), path
    print(f"served: {', '.join(expected)}")


class Browser:
    """A Chromium without a window, driven through its debugging protocol."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._n_calls = 0

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Do something, and return what came of it."""
        self._n_calls += 1
        self._connection.send(json.dumps({"id": self._n_calls, "method": method, "params": arguments}))
        while True:
            answer = json.loads(self._connection.recv(timeout=SECONDS))
            if answer.get("id") == self._n_calls:
                return dict(answer["result"])

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def screenshot(self) -> bytes:
        """What is shown, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextmanager
def chromium(program: str, work: Path) -> Iterator[Browser]:
    """Start a Chromium with a profile of its own."""
    from websockets.sync.client import connect

    profile = work / "profile"
    port_file = profile / "DevToolsActivePort"
    flags = ["--headless=new", "--disable-gpu", "--remote-debugging-port=0", "--window-size=1400,900"]
    # As root, which a container's programs are, it starts only without its sandbox.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running([program, *flags, *sandbox, f"--user-data-dir={profile}", "about:blank"], **quiet):
        port = wait_for("Chromium", lambda: port_file.read_text(encoding="utf-8").split()[0])
        pages = wait_for("a page", functools.partial(pages_of, port))
        with connect(pages[0]["webSocketDebuggerUrl"], max_size=None) as connection:
            yield Browser(connection)


def pages_of(port: str) -> list[dict[str, Any]]:
    """The pages that a Chromium shows."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
        return [page for page in json.load(answer) if page["type"] == "page"]


CLICK = (
    "(() => {{ const found = [...document.querySelectorAll('{what}')].filter(e => e.innerText.trim() === '{text}');"
    " if (found.length) found[found.length - 1].click(); return found.length; }})()"
)
#: Where the video is on the screen, and its own size; nothing before it can be shown.
VIDEO = (
    "(() => { const v = document.querySelector('video'); if (!v || v.readyState < 2 || v.seeking) return null;"
    " const r = v.getBoundingClientRect(); return [r.x, r.y, r.width, r.height, v.videoWidth, v.currentTime]; })()"
)


def check_drawn(address: str, browser: Browser, target: Path, model: str, session: str, shots: Path | None) -> None:
    """The viewer draws the points of a model where its file says, and none before it is chosen."""
    browser.call("Page.enable")
    browser.call("Page.navigate", url=f"{address}/project/{KEY}/viewer/{session}")
    wait_for("the video", lambda: browser.run(VIDEO))
    wait_for("the list of models", lambda: browser.run(CLICK.format(what="button.select", text="- None -")))
    assert not coloured_spots(browser.screenshot(), browser.run(VIDEO)), "something is drawn before a model is chosen"
    wait_for(f"the model {model}", lambda: browser.run(CLICK.format(what="a", text=model)))
    rows = list(csv.reader((target / f"models/{model}/video_preds/{session}.csv").open(encoding="utf-8")))[3:]
    frame = 0
    for n_jumps in JUMPS:
        for _ in range(n_jumps):
            key = {"key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39, "modifiers": 8}
            browser.call("Input.dispatchKeyEvent", type="keyDown", **key)
            browser.call("Input.dispatchKeyEvent", type="keyUp", **key)
            frame += 10
        expected = [
            (float(row_x), float(row_y)) for row_x, row_y in zip(rows[frame][1::3], rows[frame][2::3], strict=True)
        ]
        wait_for(f"{model}'s points of frame {frame}", functools.partial(are_drawn, browser, expected))
        if shots:
            (shots / f"{model}-{session}-{frame}.png").write_bytes(browser.screenshot())
    print(f"drawn: {model} on {session}, frames up to {frame}")


def are_drawn(browser: Browser, expected: list[tuple[float, float]]) -> bool:
    """Whether there is a spot at each of some points of the video, and not one elsewhere."""
    place = browser.run(VIDEO)
    if place is None:
        return False
    spots = coloured_spots(browser.screenshot(), place)
    left, top, width, _, video_width, _ = place
    on_screen = [(left + x * width / video_width, top + y * width / video_width) for x, y in expected]

    def near(one: tuple[float, float], others: list[tuple[float, float]]) -> bool:
        return any(abs(one[0] - x) <= MAX_OFF_PX and abs(one[1] - y) <= MAX_OFF_PX for x, y in others)

    return all(near(point, spots) for point in on_screen) and all(near(spot, on_screen) for spot in spots)


def coloured_spots(png: bytes, place: list[float] | None) -> list[tuple[float, float]]:
    """Middles of the reddish spots over the video, in pixels of the screen."""
    import numpy as np
    from PIL import Image
    from scipy import ndimage

    if place is None:
        return []
    left, top, width, height, *_ = place
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    red = pixels[..., 0] - np.maximum(pixels[..., 1], pixels[..., 2]) > MIN_COLOUR
    inside = np.zeros_like(red)
    inside[int(top) : int(top + height) + 1, int(left) : int(left + width) + 1] = True
    labels, n_found = ndimage.label(red & inside)
    middles = ndimage.center_of_mass(red, labels, range(1, n_found + 1)) if n_found else []
    return [(float(x), float(y)) for y, x in middles]


def check_measured(target: Path, model: str, session: str) -> None:
    """Lightning Pose computes its metrics of a video from the predictions: temporal norm and Pose-PCA."""
    from lightning_pose.data import get_data_module, get_dataset, get_imgaug_transform
    from lightning_pose.metrics import compute_metrics_single
    from omegaconf import OmegaConf

    folder = target / "models" / model
    config = OmegaConf.load(folder / "config.yaml")
    config.model.losses_to_use = []
    config.training.num_workers = 0
    transform = get_imgaug_transform(config, str(target))
    dataset = get_dataset(config, str(target), transform)
    data_module = get_data_module(config, dataset, str(target / "videos"))
    found = compute_metrics_single(config, None, folder / "video_preds" / f"{session}.csv", data_module)
    for table in (found.temporal_norm_df, found.pca_sv_df):
        assert table is not None and table.notna().to_numpy().any(), (model, session)
    norm, pca = (table.to_numpy()[1:] for table in (found.temporal_norm_df, found.pca_sv_df))
    import numpy as np

    print(
        f"measured: {model} on {session}, temporal norm {np.nanmean(norm):.2f} px, PCA error {np.nanmean(pca):.2f} px"
    )


def check_evaluated(target: Path, work: Path) -> None:
    """Lightning Pose reads predictions of labeled images, and finds the same distances from the labels."""
    import numpy as np
    import pandas as pd
    from lightning_pose.metrics import compute_metrics_single
    from omegaconf import OmegaConf

    for path in sorted(target.glob("models/*/predictions.csv")):
        copied = work / f"{path.parent.name}.csv"
        shutil.copyfile(path, copied)
        config = OmegaConf.load(path.parent / "config.yaml")
        found = compute_metrics_single(config, target / "CollectedData.csv", copied).pixel_error_df
        ours = pd.read_csv(path.with_name("predictions_pixel_error.csv"), index_col=0)
        assert list(ours.columns) == list(found.columns) and list(ours.index) == list(found.index), path
        assert list(ours["set"]) == list(found["set"]), path
        errors = ours.drop(columns="set").to_numpy()
        assert np.allclose(errors, found.drop(columns="set").to_numpy(dtype=float), equal_nan=True), path
        print(f"evaluated: {path.parent.name}, {len(ours)} labeled images, error {np.nanmean(errors):.2f} px")


def check_ensemble(target: Path, models: list[str], session: str, work: Path) -> None:
    """EKS smooths the predictions of several networks as an ensemble."""
    if not (BIN / "eks").exists():
        print("left out: no EKS in this environment")
        return
    files = [target / f"models/{model}/video_preds/{session}.csv" for model in models]
    options = ["--save-dir", work / "eks", "--save-filename", "smoothed.csv", "--s", "1"]
    command = [BIN / "eks", "singlecam", "--input-files", *files, *options]
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)
    n_rows = sum(1 for _ in (work / "eks/smoothed.csv").open(encoding="utf-8")) - 3
    assert n_rows == sum(1 for _ in files[0].open(encoding="utf-8")) - 3, n_rows
    print(f"smoothed: {', '.join(models)} on {session}")


def main() -> None:
    """Check one project."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--screenshots", type=Path, help="folder that keeps what the viewer showed")
    options = parser.parse_args()
    target = options.target.resolve()
    models = model_names(target)
    sessions = sorted(path.stem for path in (target / "videos").iterdir())
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory(prefix="dlc2lp-viewer-") as folder:
        work = Path(folder)
        with app_of(target, work) as address:
            check_served(address, target)
            if program is None:
                print("****  NOT LOOKED AT: no Chromium on this machine, so nobody saw the viewer.  ****")
            else:
                with chromium(program, work) as browser:
                    for model in models:
                        for session in sessions:
                            check_drawn(address, browser, target, model, session, options.screenshots)
        for model in models:
            check_measured(target, model, sessions[0])
        check_evaluated(target, work)
        check_ensemble(target, models, sessions[0], work)


if __name__ == "__main__":
    main()
