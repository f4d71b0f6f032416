"""Ties labeled images to the frames of their video, with proof.

DeepLabCut names an image after the number with which OpenCV sought its frame. In a video of constant rate that is the
frame's position in the order of display; where the rate varies, or an AVI has empty chunks, it is not; and the file may
be another video, a cut of it, or turned. So the pictures decide: grey, 64 px wide, compared by their mean squared
difference (:mod:`dlc2lp.video.likeness`), judged together (:mod:`dlc2lp.video.frame_proof`).

First each image is compared with the frames around its number, by seeks. Only where that does not settle everything is
the whole video decoded, once. Small frames are held of a batch, 400 kB, and of the first that were decoded, 6 MB; each
image takes 3 kB for every rotation that comes into question. Whole frames and images that are likely to be asked for
again are held up to 16 MB each (:mod:`dlc2lp.video.decoded_once`); where the place of a crop is sought, a few more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlc2lp.disks import disks_asked
from dlc2lp.errors import UnreadableFile, VideoFailed
from dlc2lp.model import VideoInfo
from dlc2lp.video.colors import as_opencv_reads, has_matrix, tagged
from dlc2lp.video.decoded_once import FrameReader, Kept, StillReader, evenly
from dlc2lp.video.encoding import Crop
from dlc2lp.video.frame_proof import Proof, accept_expected, expected_of_rest, is_absent, is_ahead, prove
from dlc2lp.video.framing import CropHint, Framing, part_framing, whole_framing
from dlc2lp.video.image_colors import image_colors, sampled
from dlc2lp.video.likeness import Looks, look
from dlc2lp.video.pyav import VideoFrame
from dlc2lp.video.ties import Evidence, ImageTie, Outcome, StillImage, Tie, explain, kind_of, six_digits

#: OpenCV's seeks miss by up to 5 frames in 600 of varying rate; moviepy, with which DeepLabCut 2.0 cut, by one.
WINDOW_FRAMES = 8

_N_PLACES = 8  # of a video are looked at at least, to know how much its frames differ
_N_PROBES = 9
#: A rotation is the right one where the others are this much worse.
_ROTATION_MARGIN, _ROTATION_MARGIN_BY = 2.0, 0.5


def find_frames(
    video: Path,
    info: VideoInfo,
    images: Sequence[StillImage],
    *,
    crop_hint: CropHint | None = None,
    window: int = WINDOW_FRAMES,
    on_frames: Callable[[int], None] | None = None,
    stop: threading.Event | None = None,
) -> tuple[Tie, ...]:
    """Find out which frames of a video a session's images, whose sizes may differ, are.

    The crop of DeepLabCut's config, ``x1, x2, y1, y2``, is believed only where the pictures leave it open. ``window``
    frames on either side of an image's number are compared first. ``on_frames`` is called now and then with the number
    of frames decoded so far.

    Gives one tie for each size of images, in the order of their first image; those of images that cannot be read come
    last. ``VideoFailed`` (``video-frame-unreadable``): the video is so damaged that its frames can't be counted;
    ``Interrupted``: ``stop`` was set.
    """
    reader = StillReader(dict.fromkeys(images, False) | dict.fromkeys(sampled(images), True))
    groups: dict[tuple[int, int], _Group] = {}
    unreadable = []
    for still in images:
        try:
            gray = reader.gray(still)
        except UnreadableFile:
            unreadable.append(still)
            continue
        size_px = (gray.shape[1], gray.shape[0])
        group = groups.setdefault(size_px, _Group(size_px, whole_framing(info, size_px)))
        group.stills.append(still)
        if group.framing is not None:
            group.small.append(group.framing.small(gray))
    frames = _frame_reader(video, info, images, reader, on_frames, stop)
    whole = [group.stills for group in groups.values() if group.framing is not None]
    for stills in whole:
        frames.ahead |= _looked_at(info.n_frames, [still.frame_index for still in stills], window)
    ties = [
        _with_colors(frames, group, _tie_by_any_colors(frames, group, crop_hint, window)) for group in groups.values()
    ]
    if unreadable:
        ties.append(_untied(unreadable, None, "unreadable", f"images that cannot be read: {len(unreadable)}"))
    return tuple(ties)


def _frame_reader(
    video: Path,
    info: VideoInfo,
    images: Sequence[StillImage],
    reader: StillReader,
    on_frames: Callable[[int], None] | None,
    stop: threading.Event | None,
) -> FrameReader:
    """A reader that keeps whole frames that images claim to be, those that are compared in color rather than others."""
    numbers, likely = ({still.frame_index for still in some} for some in (images, sampled(images)))
    kept: Kept[int, VideoFrame] = Kept({number: number in likely for number in numbers if number is not None})
    # Images of a damaged place may show what a decoder made of it then, as it does now.
    return FrameReader(video, replace(info, held=()), reader, kept, on_frames, stop)


def _looked_at(n_frames: int, numbers: Iterable[int | None], window: int) -> set[int]:
    """The frames around some numbers, and a few from elsewhere."""
    centers = {at for at in numbers if at is not None and 0 <= at < n_frames}
    wanted = {at for center in centers for at in range(center - window, center + window + 1)}
    wanted.update(evenly(n_frames, max(1, _N_PLACES - len(centers))))
    return {at for at in wanted if 0 <= at < n_frames}


@dataclass
class _Group:
    """Images of one size; K of them, as small pictures of P pixels in R rotations if it is known how they lie."""

    size_px: tuple[int, int]
    framing: Framing | None
    stills: list[StillImage] = field(default_factory=list)
    small: list[NDArray[np.uint8]] = field(default_factory=list)  # K of shape (R, P)

    def seen_as(self, framing: Framing, images: StillReader) -> _Group:
        """The same images in another framing."""
        small = [framing.small(images.gray(still)) for still in self.stills]
        return _Group(self.size_px, framing, self.stills, small)


def _tie_group(frames: FrameReader, group: _Group, hint: CropHint | None, window: int) -> Tie:
    framing = group.framing
    if framing is None:
        probes = group.stills[:: -(-len(group.stills) // _N_PROBES)]
        pairs = frames.pairs(probes, frames.likely(probes))
        framing = part_framing(frames.info, pairs, hint) if pairs else None
        if framing is None:
            return _nowhere(group, frames.info)
        group = group.seen_as(framing, frames.images)
    numbers = [still.frame_index for still in group.stills]
    tie = _FrameSearch(frames, group, framing, window, numbers).tie()
    if framing.crop is None or (framing.is_sure and tie.kind not in ("shifted", "renumbered")):
        return tie
    # The crop's place was found in the frames that the numbers name. If these are wrong it may be some pixels off, and
    # that may be taken for a step of the animal.
    crop = _crop_in_proven_frames(frames, group, tie, hint)
    if crop is None:
        return _nowhere(group, frames.info)
    if crop == framing.crop:
        return tie
    indices = [image.claimed_index if image.frame_index is None else image.frame_index for image in tie.images]
    framing = replace(framing, crop=crop, is_sure=True)
    return _FrameSearch(frames, group.seen_as(framing, frames.images), framing, window, indices).tie()


def _tie_by_any_colors(frames: FrameReader, group: _Group, hint: CropHint | None, window: int) -> Tie:
    """Where images are no frames of the video, try again as a program that follows its tags would have cut them."""
    tie = _tie_group(frames, group, hint, window)
    asked = tagged(frames.info)
    if tie.is_proven or asked == as_opencv_reads(frames.info.pixel_format) or not has_matrix(frames.info.pixel_format):
        return tie
    again = _tie_group(replace(frames, colors=asked), group, hint, window)
    return again if again.is_proven else tie


def _with_colors(frames: FrameReader, group: _Group, tie: Tie) -> Tie:
    try:
        with disks_asked(frames.info.path, stop=frames.stop):
            found = image_colors(frames, group.stills, tie)
    except VideoFailed:  # one of these very frames is damaged
        found = None
    return replace(tie, **vars(found)) if found else tie


def _crop_in_proven_frames(frames: FrameReader, group: _Group, tie: Tie, hint: CropHint | None) -> Crop | None:
    indices = [image.frame_index for image in tie.images]
    known = [(still, at) for still, at in zip(group.stills, indices, strict=True) if at is not None]
    if not known:
        return None
    stills, proven = zip(*known[:: -(-len(known) // _N_PROBES)], strict=True)
    pairs = frames.pairs(stills, proven)
    framing = part_framing(frames.info, pairs, hint) if pairs else None
    is_right = framing and framing.is_sure and framing.rotations_deg == (tie.rotation_deg,)
    return framing.crop if framing and is_right else None


def _nowhere(group: _Group, info: VideoInfo) -> Tie:
    """Images whose place in the picture cannot be told."""
    longer, shorter = sorted(group.size_px, reverse=True)
    fits = longer <= max(info.width_px, info.height_px) and shorter <= min(info.width_px, info.height_px)
    size = f"the images have {group.size_px[0]}x{group.size_px[1]} px, the video {info.width_px}x{info.height_px} px"
    if fits:
        return _untied(group.stills, group.size_px, "cannot-tell", f"cannot tell which part of the picture: {size}")
    return _untied(group.stills, group.size_px, "not-found", f"{size}: it is another video")


def _untied(stills: Sequence[StillImage], size_px: tuple[int, int] | None, outcome: Outcome, reason: str) -> Tie:
    """Images that cannot be compared with the video at all."""
    images = tuple(ImageTie(still.name, still.frame_index, None, outcome) for still in stills)
    return Tie(
        kind=kind_of(images)[0],
        shift=0,
        size_px=size_px,
        rotation_deg=None,
        crop=None,
        scaled=False,
        images=images,
        evidence=Evidence.of(images, whole_video=False),
        reason=reason,
    )


@dataclass(frozen=True)
class _Compared:
    """What comparing K images gave in one of the rotations."""

    turn: int  # which of the framing's rotations it is
    is_sure: bool  # whether the pictures leave no other rotation
    proof: Proof
    looks: Looks


class _FrameSearch:
    """Compares the images of a group, K of them, with frames until nothing more can be learned.

    First with those at most ``window`` from ``starts``: the images' numbers, unless more is known.
    """

    def __init__(
        self, frames: FrameReader, group: _Group, framing: Framing, window: int, starts: Sequence[int | None]
    ) -> None:
        self.frames = frames
        self.framing = framing
        self.window = window
        self.group = group
        self.small = np.stack(group.small, axis=1)  # (R, K, P)
        self.n_frames = frames.info.n_frames
        self.claims = _as_array([still.frame_index for still in group.stills])
        self.starts = _as_array(starts)

    def tie(self) -> Tie:
        """What is known of the images in the end."""
        found = self._find()
        images = tuple(self._image_tie(found, row) for row in range(len(self.claims)))
        kind, shift = kind_of(images)
        return Tie(
            kind=kind,
            shift=shift,
            size_px=self.group.size_px,
            rotation_deg=self.framing.rotations_deg[found.turn] if found.is_sure else None,
            crop=self.framing.crop,
            scaled=self.framing.scaled,
            images=images,
            evidence=Evidence.of(images, whole_video=bool(found.looks.everywhere.any())),
            reason=explain(images, self.n_frames),
        )

    def _find(self) -> _Compared:
        in_video = (self.starts >= 0) & (self.starts < self.n_frames)
        if in_video.any():
            found = self._judge(self._look_around(np.where(in_video, self.starts, -1)))
            settled = found.proof.index >= 0
            if found.proof.believable and 2 * (settled & in_video).sum() >= in_video.sum():
                # Also what is numbered beyond the end may be in the video, as where frames were lost.
                return found if settled.all() else self._search_for(found, np.flatnonzero(~settled))
        return self._judge(self._look(self.small, None))

    def _search_for(self, found: _Compared, rows: NDArray[np.int64]) -> _Compared:
        """Compare single images of a session that is tied with all frames."""
        (seen,) = self._look(self.small[found.turn][None, rows], None)
        looks = found.looks.replaced(rows, seen)
        return replace(found, looks=looks, proof=self._prove(found.turn, looks))

    def _judge(self, looks: Sequence[Looks]) -> _Compared:
        """Decide on the rotation, and on the frames in it."""
        proofs = [prove(self.claims, seen) for seen in looks]
        errors = [float(np.median(seen.best_error)) for seen in looks]
        turn, *others = sorted(
            range(len(looks)), key=lambda it: (-proofs[it].believable, -proofs[it].n_proven, errors[it], it)
        )
        least = _ROTATION_MARGIN * errors[turn] + _ROTATION_MARGIN_BY
        is_sure = proofs[turn].believable or all(errors[other] >= least for other in others)
        return _Compared(turn, is_sure, self._prove(turn, looks[turn]), looks[turn])

    def _prove(self, turn: int, looks: Looks) -> Proof:
        proof = prove(self.claims, looks)
        expected = expected_of_rest(self.claims, proof, self.n_frames)
        if not proof.believable or (expected < 0).all():
            return proof
        wanted = sorted(set(expected[expected >= 0].tolist()))
        (there,) = self._look(self.small[turn][None], wanted, around=expected)
        return accept_expected(proof, looks, expected, there.best_error)

    def _look_around(self, around: NDArray[np.int64]) -> list[Looks]:
        """Compare each image with the frames around a position, and all with a few frames from elsewhere."""
        indices = sorted(_looked_at(self.n_frames, around.tolist(), self.window))
        return self._look(self.small, indices, around=around, half_window=self.window)

    def _look(
        self,
        small: NDArray[np.uint8],
        indices: Sequence[int] | None,
        *,
        around: NDArray[np.int64] | None = None,
        half_window: int = 0,
    ) -> list[Looks]:
        """Compare images, shape (R, K, P), with frames in one pass; one answer for each rotation."""
        n_turns, n_images, n_pixels = small.shape
        looks = look(
            small.reshape(-1, n_pixels),
            self.frames.small(self.framing, indices),
            self.n_frames,
            around=None if around is None else np.tile(around, n_turns),
            half_window=half_window,
        )
        return [looks.taken(slice(turn * n_images, (turn + 1) * n_images)) for turn in range(n_turns)]

    def _image_tie(self, found: _Compared, row: int) -> ImageTie:
        still, looks = self.group.stills[row], found.looks.taken(slice(row, row + 1))
        index = int(found.proof.index[row]) if found.proof.believable else -1
        best_index, best, second = int(looks.best_index[0]), float(looks.best_error[0]), float(looks.second_error[0])
        outcome: Outcome
        if index >= 0:
            outcome = "proven" if index == best_index and bool(is_ahead(looks)[0]) else "agrees"
        elif int(self.claims[row]) >= self.n_frames:
            outcome = "beyond-end"
        elif bool(is_absent(looks)[0]):
            outcome = "not-found"
        else:
            outcome = "contradicts" if found.proof.believable and found.proof.denied[row] else "cannot-tell"
        return ImageTie(
            name=still.name,
            claimed_index=still.frame_index,
            frame_index=index if index >= 0 else None,
            outcome=outcome,
            best_index=best_index if best_index >= 0 else None,
            best_error=six_digits(best) if best_index >= 0 else None,
            second_error=six_digits(second) if second < float("inf") else None,
        )


def _as_array(indices: Sequence[int | None]) -> NDArray[np.int64]:
    """int64 (K), -1 for None."""
    return np.array([-1 if index is None else index for index in indices], dtype=np.int64)
