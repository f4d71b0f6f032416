"""What context frames a target must have, told from its manifest and its pictures with nothing of dlc2lp."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
from scene import barcode

#: Frames on either side of a labeled one that Lightning Pose's context models look at.
N_NEIGHBORS = 2


def expected_context(document: dict[str, Any]) -> dict[str, int]:
    """Path -> frame of every neighbor of a labeled frame that is proven to be a frame of its session's video."""
    n_frames = {
        video["session"]: video["n_frames"]
        for video in document["videos"]
        if video["tie"] and not any(part["scaled"] for part in video["tie"]["images"])
    }
    images = [(session, image) for session in document["sessions"] for image in session["images"]]
    there = {image["target"] for _, image in images}
    wanted = {}
    for session, image in images:
        index = image["video_frame_index"]
        if image["state"] not in {"labeled", "test"} or index is None or session["source"] not in n_frames:
            continue
        for step in range(-N_NEIGHBORS, N_NEIGHBORS + 1):
            path = _counted_on(image["target"], step)
            if path not in there and 0 <= index + step < n_frames[session["source"]]:
                wanted[path] = index + step
    return wanted


def _counted_on(path: str, step: int) -> str:
    folder, name = path.rsplit("/", 1)
    return f"{folder}/" + re.sub(
        r"[0-9]+", lambda digits: str(int(digits[0]) + step).zfill(len(digits[0])), name, count=1
    )


def expect_context(target: Path, document: dict[str, Any], *, coded: bool = True) -> None:
    """Hold a target to its context frames: all there, none besides, each the frame that its name says.

    ``coded``: the pictures carry the index of their frame.
    """
    wanted = expected_context(document)
    there = {image["target"] for session in document["sessions"] for image in session["images"]}
    files = {path.relative_to(target).as_posix() for path in (target / "labeled-data").rglob("*") if path.is_file()}
    assert files - there == set(wanted)
    for path, index in wanted.items():
        image = cv2.imread(str(target / path))
        assert image is not None, path
        if coded:
            assert barcode(image) == index, path
