"""Makes one video into what Lightning Pose needs, and believes nothing that it has not counted and looked at."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import threading
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from dlc2lp.disks import copying, disks_asked, sync
from dlc2lp.errors import (
    DiskTrouble,
    Dlc2LpError,
    Interrupted,
    TargetRefused,
    UsageError,
    VideoFailed,
    advice_on,
    disk_trouble,
    raise_disk_trouble,
)
from dlc2lp.files import open_regular
from dlc2lp.model import Finding, Setting, VideoInfo
from dlc2lp.renaming import rename
from dlc2lp.temporaries import inside, own_tag, remove_left
from dlc2lp.video import encoding
from dlc2lp.video.checks import VideoOrder, against_order, against_original, against_source, damage_in, finding
from dlc2lp.video.colors import Colors
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.encoder import encode_video
from dlc2lp.video.encoding import Action, Crop, EncodeSettings, Reason, Treatment, encode_settings
from dlc2lp.video.kept import Damaged, measure_video
from dlc2lp.video.probe import probe
from dlc2lp.video.remux import NotCopied, rewrite_packets
from dlc2lp.wording import counted, one_line

Verify = Literal["sample", "full", "none"]

_COPY_CHUNK_BYTES = 8 * 1024 * 1024

#: The end of the names of files that are being made.
_PART = ".dlc2lp-part"


@dataclass(frozen=True)
class VideoVerdict:
    """What a video is and what has to be done with it."""

    info: VideoInfo
    treatment: Treatment
    faults: tuple[Finding, ...] = ()  #: What is damaged, where every frame was decoded.

    @property
    def conforms(self) -> bool:
        """Whether it is what Lightning Pose needs."""
        return self.treatment.action == "place" and not self.faults

    def __repr__(self) -> str:
        return one_line(self, self.info.path.name, counted(self.info.n_frames, "frame"), self.treatment.action)


@dataclass(frozen=True)
class ConvertedVideo:
    """What was there of one video, what was written, what was done and why nothing cheaper would do."""

    source: VideoInfo
    target: VideoInfo
    action: Action
    reasons: tuple[Reason, ...]

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """What a person should know of it."""
        return tuple(dict.fromkeys((*self.source.remarks, *self.target.remarks)))

    def __repr__(self) -> str:
        return one_line(self, self.target.path.name, counted(self.target.n_frames, "frame"), self.action)


def check_video(
    path: Path, *, verify: Literal["none", "full"] = "none", stop: threading.Event | None = None
) -> VideoVerdict:
    """Whether a video is what Lightning Pose needs, and if not, the cheapest way there.

    ``verify`` says whether every frame is decoded, to find the damaged ones. Raises as ``probe`` does, and then
    ``ToolMissing`` where there is no ffmpeg.
    """
    info = probe(path, stop=stop)
    faults = damage_in(path, info, stop) if verify == "full" else ()
    return VideoVerdict(info, encoding.choose(info), tuple(faults))


def make_video(
    source: Path,
    temp: Path,
    info: VideoInfo,
    action: Action,
    settings: EncodeSettings | None,
    *,
    verify: Verify = "sample",
    crop: Crop | None = None,
    turn_deg: int | None = None,
    colors: Colors | None = None,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> VideoInfo:
    """Write a video's frames into an mp4, check the result and return what it holds, measured.

    Its remarks are on what ffmpeg complained about without need.

    ``temp`` may have any suffix; it exists afterwards only if all checks passed, and is synced to its disk then.
    ``remux`` and ``rewrite`` take no settings, ``encode`` does. ``verify`` says how many frames of an encode are
    decoded and compared, and whether every packet of a copy is compared and how many are decoded; the count, the
    codec, the rate and the size are checked always. ``crop`` and ``turn_deg`` say what to keep of the picture after
    the stored one was turned clockwise; by default all of it, turned as the source's display matrix asks. ``colors``
    says how those of the source are read, by default as OpenCV 4 does. ``on_frames`` is called with the number of
    frames written so far; ``stop`` ends the work within seconds.

    Raises ``VideoFailed`` (``encode-failed``, ``video-decode-errors``, ``video-frames-lost``, ``video-frames-differ``,
    ``video-not-conforming``, ``source-changed`` or what :func:`~dlc2lp.video.probe.probe` raises), ``NotCopied`` of a
    copy of a stream that only an encode can bring over, ``DiskTrouble`` where a disk is to blame, ``ToolMissing`` where
    an encode is needed and there is no ffmpeg, and ``Interrupted``.
    """
    order = VideoOrder.of(info, action, settings, crop=crop, turn_deg=turn_deg, colors=colors)
    try:
        with disks_asked(source, temp, written=temp, stop=stop):
            if settings is not None:
                made, findings, notes = encode_video(source, temp, info, order, settings, on_frames, stop)
            else:
                made, findings = _copy_packets(source, temp, info, order, on_frames, stop)
                notes = ()
            _sync(temp)
            if not findings and verify != "none":
                findings = against_source(source, info, temp, made, order, verify, stop)
            if findings:
                raise VideoFailed(*findings) if settings is not None else NotCopied(*findings)
    except BaseException:
        _remove(temp)
        raise
    return replace(made, remarks=notes)


def _copy_packets(
    source: Path,
    temp: Path,
    info: VideoInfo,
    order: VideoOrder,
    on_frames: Callable[[int], None] | None,
    stop: threading.Event | None,
) -> tuple[VideoInfo, list[Finding]]:
    """Copy a video's packets; return what was written, and what it is and should not be."""
    rewrite_packets(source, temp, info, on_frames=on_frames, stop=stop)
    try:
        made = probe(temp, stop=stop)
    except VideoFailed as failure:
        raise NotCopied(*failure.findings) from failure
    return made, against_order(source, made, order)


def copy_or_encode(
    source: Path,
    temp: Path,
    info: VideoInfo,
    action: Action,
    settings: EncodeSettings,
    *,
    verify: Verify,
    on_frames: Callable[[int], None] | None,
    stop: threading.Event | None,
) -> tuple[VideoInfo, NotCopied | None]:
    """Remux or rewrite a video, or encode it where its stream can't be copied; return what was written, and why not.

    Only a verdict about the stream itself makes an encode of it: what a full disk, a server that has gone or another
    program brings about passes, and the next run copies. Parameters and errors are those of :func:`make_video`.
    """
    write = partial(make_video, source, temp, info, verify=verify, on_frames=on_frames, stop=stop)
    try:
        return write(action, None), None
    except NotCopied as verdict:
        return write("encode", settings), verdict


def convert_video(
    source: Path,
    target: Path,
    *,
    profile: str = "balanced",
    crf: int | None = None,
    preset: str | None = None,
    gop: int | None = None,
    threads: int | None = None,
    damaged: Damaged = "refuse",
    verify: Verify = "sample",
    overwrite: bool = False,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> ConvertedVideo:
    """Make one video into what Lightning Pose needs, frame for frame, in the cheapest way.

    The target appears only whole and checked: it is written under a temporary name beside it, then renamed. The
    encoder's bytes depend on its threads; by default they are as many as this process may use. ``damaged``: whether
    frames that can't be decoded refuse the video, or are held by the picture before them. Raises as
    :func:`make_video` does, and ``UsageError`` (an option's value makes no sense, or the target is not named ``.mp4``)
    and ``TargetRefused`` (``target-exists``, ``target-is-source``, ``target-not-writable``); of trouble with a disk the
    next call does what this one should have done.
    """
    threads = allowed_cpus() if threads is None else threads
    settings = encode_settings(profile, crf=crf, preset=preset, gop=gop, threads=threads)
    _refuse_target(source, target, overwrite)
    temporaries = _Temporaries(target)
    temporaries.sweep()
    info = measure_video(source, damaged, stop=stop)
    treatment = encoding.choose(info)
    action, reasons = treatment.action, treatment.reasons
    how: dict[str, Any] = {"verify": verify, "on_frames": on_frames, "stop": stop}
    with temporaries.new() as temp:
        if action == "place":
            made = _place(info, temp, **how)
        elif action == "encode":
            made = make_video(source, temp, info, action, settings, **how)
        else:
            made, verdict = copy_or_encode(source, temp, info, action, settings, **how)
            if verdict is not None:
                reasons, action = (Reason(f"{action}-failed", str(verdict)), *reasons), "encode"
        _publish(temp, target, overwrite=overwrite)
    return ConvertedVideo(info, replace(made, path=target), action, reasons)


@dataclass(frozen=True)
class _Temporaries:
    """The folders in which one target is made, beside it.

    Their names are short, so that no file system finds them too long, and say of which target and of which process they
    are: two runs never write into one file, and what a killed one left the next one for the same target removes. They
    are folders, as the ffmpeg of a killed run may open its file only after that was removed: there it finds no place.
    """

    target: Path

    @property
    def _of_target(self) -> str:
        name = unicodedata.normalize("NFC", self.target.name).casefold()
        return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]

    @contextlib.contextmanager
    def new(self) -> Iterator[Path]:
        """Lend the name of a file that nobody else has; trouble with its disk is told of the target."""
        folder = self.target.with_name(f".{own_tag()}-{secrets.token_hex(4)}-{self._of_target}{_PART}")
        temp = folder / "video.mp4"
        try:
            folder.mkdir()
        except OSError as problem:
            raise _unwritable(self.target, problem) from problem
        try:
            yield temp
        except DiskTrouble as trouble:
            if trouble.path != temp:
                raise
            raise trouble.told_of(self.target) from trouble
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove those of processes that have ended."""
        end = f"-{self._of_target}{_PART}"
        remove_left(path for path in inside(self.target.parent) if path.name.endswith(end))


def _refuse_target(source: Path, target: Path, overwrite: bool) -> None:
    name = str(target)
    if target.suffix != ".mp4":
        message = "Lightning Pose takes only names that end in .mp4"
        raise UsageError.of("target-not-mp4", name, message, advice="name it .mp4")
    try:
        is_there = target.exists() or target.is_symlink()
    except OSError as problem:  # a name that is too long for the file system
        raise TargetRefused.of(
            "target-not-writable", name, f"no file can be called so: {problem.strerror}"
        ) from problem
    if is_there:
        if source.exists() and target.exists() and source.samefile(target):
            raise TargetRefused.of("target-is-source", name, "the target is the source, which is never written to")
        if not overwrite:
            raise _exists(target)
        if target.is_dir():
            raise TargetRefused.of("target-exists", name, "the target is a folder")
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK | os.X_OK):
        raise TargetRefused.of("target-not-writable", name, "its folder does not exist or can't be written to")


def _place(
    info: VideoInfo, temp: Path, verify: Verify, on_frames: Callable[[int], None] | None, stop: threading.Event | None
) -> VideoInfo:
    """Copy a video that is already what it should be, compare the bytes, and look whether frames can be decoded."""
    source = info.path
    try:
        with disks_asked(source, temp, written=temp, stop=stop):
            _copy(source, temp, stop)
            findings = []
            if temp.stat().st_size != info.size_bytes:
                findings = [finding("video-changed", source, "the file changed while it was copied")]
            elif verify != "none":
                findings = against_original(source, info, temp, verify, stop)
            if findings:
                raise VideoFailed(*findings)
    except BaseException as problem:
        _remove(temp)
        if isinstance(problem, OSError):
            raise _unwritable(temp, problem) from problem
        raise
    if on_frames is not None:
        on_frames(info.n_frames)
    return replace(info, path=temp)


def _copy(source: Path, temp: Path, stop: threading.Event | None) -> None:
    with copying(source), temp.open("xb") as copy:
        for chunk in _chunks(source):
            if stop is not None and stop.is_set():
                raise Interrupted.of("interrupted", str(temp), "stopped while the file was copied")
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())


def _chunks(source: Path) -> Iterator[bytes]:
    """A file's bytes; a disk that does not give them up is not taken for one that takes no more."""
    try:
        with open_regular(source) as original:
            while chunk := original.read(_COPY_CHUNK_BYTES):
                yield chunk
    except OSError as problem:
        raise_disk_trouble(source, problem)
        message = f"can't be read: {problem.strerror}"
        advice = "check the disk that it lies on, and copy it again from its origin"
        raise VideoFailed.of("video-unreadable", str(source), message, advice=advice) from problem


def _publish(temp: Path, target: Path, *, overwrite: bool) -> None:
    """Give a finished file its name, so that even a power cut leaves the old state or the new one."""
    try:
        if overwrite or not _is_linked(temp, target):
            rename(temp, target)
    except OSError as problem:
        raise _unwritable(target, problem) from problem
    finally:
        _remove(temp)


def _is_linked(temp: Path, target: Path) -> bool:
    """Give a file its name unless another has it by now, which takes a link; False where there are none."""
    try:
        target.hardlink_to(temp)
    except FileExistsError:
        raise _exists(target) from None
    except OSError:
        if os.path.lexists(target):
            raise _exists(target) from None
        return False
    return True


def _exists(target: Path) -> TargetRefused:
    advice, remedies = "remove it or use {}", (Setting("overwrite"),)
    return TargetRefused.of("target-exists", str(target), "the target exists", advice=advice, remedies=remedies)


def _sync(temp: Path) -> None:
    """Have a file on its disk, which may take it only then, or not."""
    try:
        sync(temp)
    except OSError as problem:
        raise _unwritable(temp, problem) from problem


def _remove(temp: Path) -> None:
    with contextlib.suppress(OSError):  # of a disk that takes nothing any more
        temp.unlink(missing_ok=True)


def _unwritable(path: Path, problem: OSError) -> Dlc2LpError:
    if (of_disk := disk_trouble(path, problem)) is not None:
        return of_disk
    advice, remedies = advice_on(problem, path, "check the disk and the permissions, and try again")
    message = f"can't be written: {problem.strerror}"
    return VideoFailed.of("video-not-written", str(path), message, advice=advice, remedies=remedies)
