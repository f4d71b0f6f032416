"""A headless Chromium that is started once and driven through its debugging pipe: pages load, are asked and drawn."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

#: Why there is no browser; empty where there is one.
ABSENT = (
    "no Chromium is installed" if CHROMIUM is None
    else "Chromium's debugging pipe is given otherwise on Windows" if sys.platform == "win32"
    else ""
)  # fmt: skip

_TIMEOUT_S = 60

#: What a page calls trouble.
_LEVELS = frozenset({"error", "warning", "assert"})


class Browser:
    """One page at a time; what pages complain of on their consoles is in ``told``."""

    def __init__(self, profile: Path) -> None:
        self.told: list[str] = []
        self._n, self._buffer = 0, b""
        from_us, self._write = os.pipe()
        self._read, to_us = os.pipe()
        # Chromium takes commands from descriptor 3 and answers on 4.
        command = ["bash", "-c", f'exec "$0" "$@" 3<&{from_us} 4>&{to_us}', str(CHROMIUM)]
        command += [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-extensions", "--disable-background-networking", "--hide-scrollbars",
            "--force-color-profile=srgb", "--font-render-hinting=none", "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]  # fmt: skip
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, pass_fds=(from_us, to_us))
        os.close(from_us)
        os.close(to_us)
        self._session = ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self._arrived = False

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        with contextlib.suppress(AssertionError, OSError, subprocess.TimeoutExpired):  # gone before it says so
            self._call("Browser.close")
            self._process.wait(10)
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def open(
        self, page: Path, width_px: int = 1280, height_px: int = 900, *, dark: bool = False, zoom: float = 1
    ) -> None:
        """Load a page from disk into a window of some size."""
        self.look(width_px, height_px, dark=dark, zoom=zoom)
        self.open_address(page.as_uri())

    def open_address(self, address: str) -> None:
        """Load what an address leads to."""
        self.told.clear()
        self._arrived = False
        said = self._call("Page.navigate", url=address)
        assert "errorText" not in said, (address, said)
        while not self._arrived:
            self._take(self._next())

    def look(
        self, width_px: int, height_px: int, *, dark: bool = False, zoom: float = 1, media: str = "screen"
    ) -> None:
        """Make the window of some size, light or dark, on a screen or on paper."""
        size = {"width": width_px, "height": height_px, "deviceScaleFactor": zoom, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def ask(self, script: str) -> Any:
        """Run the body of a function in the page, which may wait, and return what it returns."""
        expression = f"(async function () {{ {script} }})()"
        said = self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if trouble := said.get("exceptionDetails"):
            raise AssertionError(json.dumps(trouble)[:2000])
        return said["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press a key, as a person does who has no mouse."""
        for kind in ("keyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13, " ": 32}[key]
            self._call("Input.dispatchKeyEvent", type=kind, key=key, text=text, windowsVirtualKeyCode=code)

    def shot(self, clip: Mapping[str, float] | None = None) -> NDArray[np.uint8]:
        """Return what is to be seen, of shape (height, width, 3), BGR.

        ``clip``: x, y, width and height in the page, in its own pixels.
        """
        asked: dict[str, Any] = {"format": "png"}
        if clip is not None:
            asked |= {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True}
        png = base64.b64decode(self._call("Page.captureScreenshot", **asked)["data"])
        decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        return decoded.astype(np.uint8, copy=False)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._n += 1
        message: dict[str, Any] = {"id": self._n, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._write, content) :]
        while (said := self._next()).get("id") != self._n:
            self._take(said)
        if "error" in said:
            raise AssertionError(f"{method}: {said['error']}")
        result: dict[str, Any] = said["result"]
        return result

    def _next(self) -> dict[str, Any]:
        until_s = time.monotonic() + _TIMEOUT_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0, until_s - time.monotonic()))
            assert ready, "the browser is silent"
            content = os.read(self._read, 2**20)
            assert content, "the browser has ended"
            self._buffer += content
        message, _, self._buffer = self._buffer.partition(b"\0")
        said: dict[str, Any] = json.loads(message)
        return said

    def _take(self, event: Mapping[str, Any]) -> None:
        what = event.get("params", {})
        if event.get("method") == "Page.loadEventFired":
            self._arrived = True
        elif event.get("method") == "Runtime.exceptionThrown":
            self.told.append(json.dumps(what["exceptionDetails"]))
        elif event.get("method") == "Runtime.consoleAPICalled" and what["type"] in _LEVELS:
            self.told.append(json.dumps(what["args"]))
        elif event.get("method") == "Log.entryAdded" and what["entry"]["level"] in _LEVELS:
            self.told.append(json.dumps(what["entry"]))
