"""Makes the files of single steps under temporary names."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, assert_never, cast

from dlc2lp.disks import copying, disks_asked, sync
from dlc2lp.errors import VideoFailed
from dlc2lp.events import Watch
from dlc2lp.files import FileRecord, digest, digest_of, read_bytes
from dlc2lp.model import VideoInfo
from dlc2lp.options import RunOptions
from dlc2lp.planning.steps import (
    EncodeVideo,
    ExtractFrames,
    ImagePlacement,
    PlaceImages,
    PlaceVideo,
    RemuxVideo,
    Step,
    VideoStep,
    WritePredictions,
    WriteText,
)
from dlc2lp.run.journal import Journal
from dlc2lp.run.place import place, place_read
from dlc2lp.run.predictions import predicted_lines
from dlc2lp.run.scratch import on_fast_disk
from dlc2lp.run.sources import check_placed, held_still, refuse_other_frames
from dlc2lp.video.checks import against_original
from dlc2lp.video.convert import copy_or_encode, make_video
from dlc2lp.video.encoding import EncodeSettings
from dlc2lp.video.frames import read_frames
from dlc2lp.video.pictures import decode_image, encode_image, to_eight_bit
from dlc2lp.video.probe import probe

_ROWS_BETWEEN_LOOKS = 1000

#: Hears how many frames of a step are written.
OnFrames = Callable[[int], None]


@dataclass(frozen=True)
class Made:
    """What a step made, not yet in its place."""

    files: tuple[tuple[str, Path], ...]  #: Each file's path in the target, and where it lies now.
    detail: dict[str, Any]  #: What was measured on the way.
    digests: tuple[FileRecord, ...] = ()  #: Size and digest of each file, where they are known already.


#: Characters of a text that are written at once.
_N_CHARACTERS = 2**20


def make_text(step: WriteText, scratch: Path) -> Made:
    """Write the text of a step into a folder of temporaries."""
    temporary = scratch / "text"
    with temporary.open("w", encoding="utf-8", newline="") as file:
        for start in range(0, len(step.text), _N_CHARACTERS):  # never a second time as a whole
            file.write(step.text[start : start + _N_CHARACTERS])
    sync(temporary)
    return Made(((step.target, temporary),), {})


@dataclass(frozen=True)
class Maker:
    """Makes the files of any step; shared by the threads, so it holds nothing that changes."""

    run_options: RunOptions  #: How it is done.
    watch: Watch  #: Whether it is to stop.

    def make(self, step: Step, scratch: Path, on_frames: OnFrames) -> Made:
        """Make the files of a step in a folder of temporaries.

        Raises VideoFailed, UnreadableFile, ToolMissing, DiskTrouble or OSError where they can't be made, SourceChanged
        where their source is not what was planned, Interrupted where the work is to stop.
        """
        if isinstance(step, WriteText):
            return make_text(step, scratch)
        if isinstance(step, WritePredictions):
            return self._make_predictions(step, scratch / "predictions")
        if isinstance(step, PlaceImages):
            return self._make_images(step, scratch)
        if isinstance(step, ExtractFrames):
            return self._extract(step, scratch, on_frames)
        if isinstance(step, PlaceVideo):
            return self._place_video(step, scratch / "video")
        if isinstance(step, RemuxVideo | EncodeVideo):
            video = scratch / "video.mp4"
            return self._from_twin(step, video) or self._make_video(step, video, on_frames)
        assert_never(cast("Any", step))

    def _make_images(self, step: PlaceImages, scratch: Path) -> Made:
        folder, made, digests = str(scratch), [], []
        for number, image in enumerate(step.images):
            self.watch.check(image.target)
            temporary = f"{folder}{os.sep}{number}"
            digests.append(_make_image(image, temporary, step.link))
            made.append((image.target, Path(temporary)))
        return Made(tuple(made), {}, tuple(digests))

    def _make_predictions(self, step: WritePredictions, temporary: Path) -> Made:
        # What they were when they were planned, the step knows by a hash of its own.
        with held_still(Path(step.source), ""), temporary.open("w", encoding="utf-8", newline="") as file:
            for number, line in enumerate(predicted_lines(step)):
                if not number % _ROWS_BETWEEN_LOOKS:
                    self.watch.check(step.target)
                file.write(line)
        sync(temporary)
        return Made(((step.target, temporary),), {"n_rows": step.n_rows})

    def _extract(self, step: ExtractFrames, scratch: Path, on_frames: OnFrames) -> Made:
        """Cut frames out of a video; one frame may have several names."""
        with held_still(Path(step.source), step.digest):
            return self._cut(step, scratch, on_frames)

    def _cut(self, step: ExtractFrames, scratch: Path, on_frames: OnFrames) -> Made:
        info = _as_planned(step)
        targets: dict[int, list[str]] = {}
        for frame in step.frames:
            targets.setdefault(frame.index, []).append(frame.target)
        made: list[tuple[str, Path]] = []
        shown: dict[str, Any] = {"crop": step.crop, "turn_deg": step.turn_deg, "colors": step.colors}
        cut = read_frames(info.path, info, targets, stop=self.watch.stop, **shown)
        with disks_asked(info.path, stop=self.watch.stop):
            for index, picture in cut:
                for target in targets[index]:
                    temporary = scratch / str(len(made))
                    temporary.write_bytes(encode_image(picture, PurePosixPath(target).suffix))
                    made.append((target, temporary))
                on_frames(len(made))
        return Made(tuple(made), {"n_frames": len(step.frames)})

    def _from_twin(self, step: RemuxVideo | EncodeVideo, temporary: Path) -> Made | None:
        """Take a video that another target of the same source has: the same step makes the same bytes."""
        for twin in self.run_options.twins:
            record = Journal(twin).read().get(step.id)
            if record is None or not record.done or not (twin / step.target).is_file():
                continue
            if replace(digest(twin / step.target), path=step.target) in record.files:
                place(twin / step.target, temporary, "auto")
                sync(temporary)
                return Made(((step.target, temporary),), record.detail)
        return None

    def _place_video(self, step: PlaceVideo, temporary: Path) -> Made:
        """Bring a conforming video over, compare what was copied, and decode some of it: a header can lie."""
        source, verify = Path(step.source), self.run_options.verify
        with held_still(source, step.digest):
            info = _as_planned(step)
            is_copied = place(source, temporary, step.link)
            sync(temporary)
            if verify != "none":
                with disks_asked(source, temporary, written=temporary, stop=self.watch.stop):
                    faults = against_original(source, info, temporary, verify, self.watch.stop, is_copied=is_copied)
                    if faults:
                        raise VideoFailed(*faults)
        return Made(((step.target, temporary),), {"n_frames": step.n_frames})

    def _make_video(self, step: RemuxVideo | EncodeVideo, temporary: Path, on_frames: OnFrames) -> Made:
        on_disk = on_fast_disk(self.run_options.tmp_dir, temporary, step.space_bytes)
        with held_still(Path(step.source), step.digest), on_disk as path:
            info = _as_planned(step)
            how: dict[str, Any] = {"verify": self.run_options.verify, "on_frames": on_frames, "stop": self.watch.stop}
            settings = EncodeSettings(
                step.profile, step.preset, step.crf, step.gop, threads=step.threads, tuning=step.tuning
            )
            detail: dict[str, Any] = {}
            if isinstance(step, EncodeVideo):
                how |= {"crop": step.crop, "turn_deg": step.turn_deg, "colors": step.colors}
                written = make_video(info.path, path, info, "encode", settings, **how)
            else:
                written, verdict = copy_or_encode(info.path, path, info, step.action, settings, **how)
                if verdict is not None:
                    detail["encoded_because"] = str(verdict)
        sync(temporary)
        if written.remarks:
            detail["complaints"] = "; ".join(remark.message for remark in written.remarks)
        return Made(((step.target, temporary),), {"n_frames": written.n_frames} | detail)


def _make_image(image: ImagePlacement, temporary: str, link: str) -> FileRecord:
    """Make one image, and return its size and digest; the source is opened once."""
    if image.is_as_it_is:
        placed = place_read(image.source, temporary, link)
        check_placed(image, placed)
        return placed
    source = Path(image.source)
    with copying(source):
        read = read_bytes(source)
    check_placed(image, digest_of(read))
    pixels = decode_image(read, source)
    if image.shift is not None:
        pixels = to_eight_bit(pixels, image.shift)
    content = encode_image(pixels)
    Path(temporary).write_bytes(content)
    return digest_of(content)


def _as_planned(step: VideoStep | ExtractFrames) -> VideoInfo:
    """Return what the source holds, if that still is what was planned for; else raise SourceChanged."""
    # The plan decided whether a damaged one is taken.
    info = probe(Path(step.source), keep_damaged=True)
    refuse_other_frames(step, info.n_frames, info.size_bytes)
    if isinstance(step, EncodeVideo | RemuxVideo):
        info = replace(info, trimmed_to=step.trimmed_to)
    return replace(info, held=step.held) if isinstance(step, EncodeVideo | ExtractFrames) else info
