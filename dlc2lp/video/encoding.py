"""What a video needs to be what Lightning Pose reads, and the ffmpeg command that makes it so. Pure.

Lightning Pose reads ``.mp4`` files with h264 video in yuv420p (its documentation, FAQ "What video formats are
supported?"); its readers take the frame rate as constant and the header's frame count as true, and one of them decodes
on the graphics card (:mod:`~dlc2lp.video.gpu_reader`). A video that is not like this is brought there by the cheapest
way that changes no frame:

========  ==========================================================================================
place     it is so already; it travels as it is
remux     the coded pictures are copied into an mp4, the clock stays as it is
rewrite   the coded pictures are copied into an mp4 and get the times 0, 1, 2, ... in the order of display
encode    every frame is decoded and encoded again, exactly one frame for each
========  ==========================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

from dlc2lp.errors import UsageError
from dlc2lp.model import VideoInfo
from dlc2lp.video.colors import UNREADABLE_MATRICES, WRITTEN, Colors, as_opencv_reads, tagged
from dlc2lp.video.formats import AS_ARGUMENTS
from dlc2lp.video.gpu_reader import decodes_profile
from dlc2lp.wording import counted

Action = Literal["place", "remux", "rewrite", "encode"]


@dataclass(frozen=True)
class Reason:
    """What was found in a video, and its stable kebab-case name."""

    code: str
    message: str


@dataclass(frozen=True)
class Treatment:
    """The cheapest way that makes a video what Lightning Pose needs, and what stands against a cheaper one.

    The reasons of ``place`` are only what is worth knowing.
    """

    action: Action
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class EncodeSettings:
    """How frames are encoded with x264."""

    profile: str  # the one they started from
    preset: str
    crf: int  # constant rate factor, 0 to 51, lower is better
    gop: int  # the largest distance of key frames
    threads: int = 1  # for decoding, filters and encoding; x264's bytes depend on it, so it is part of the settings
    tuning: str = ""  # what is other than the preset has it, as x264 writes it


#: Against x264's defaults (medium, crf 23, GOP 250; Lightning Pose's documentation), on clean, noisy, dark and large
#: recordings and a real one of an open field (``scripts/bench profiles``; docs/benchmarks.md). Each is faster and
#: nowhere worse in PSNR and SSIM:
#: balanced  1.5 to 3.3 times less CPU, 1.6 to 2.1 times the size (more where the noise is just what the defaults smooth
#:           away), PSNR +0.1 to +2.7 dB. Without B-frames, which take a third of the time, and with the planning ahead
#:           that `superfast` lacks: without it the size is up to tenfold. OpenCV seeks in it as fast as where every
#:           twelfth frame is a key frame.
#: small     1.1 to 1.4 times less CPU, 0.9 to 1.9 times the size, PSNR +0.2 to +3.0 dB
#: intra     1.2 to 3.3 times less CPU, 2.5 to 15 times the size, PSNR +0.1 to +6.1 dB; LP's viewer is frame-accurate
PROFILES = {
    "balanced": EncodeSettings(
        "balanced",
        preset="superfast",
        crf=20,
        gop=30,
        tuning="bframes=0:mbtree=1:rc-lookahead=20:weightp=0:aq-strength=0.95",
    ),
    "small": EncodeSettings("small", preset="faster", crf=22, gop=250),
    "intra": EncodeSettings("intra", preset="veryfast", crf=20, gop=1),
}

#: x264's presets, the fastest first.
PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo",
)  # fmt: skip

#: The smallest and the largest value of a setting. crf 0 is x264's lossless mode, a profile of h264 that graphics cards
#: do not decode.
BOUNDS = {"crf": (1, 51), "gop": (1, 100_000), "threads": (1, 128)}


def encode_settings(
    profile: str, *, crf: int | None = None, preset: str | None = None, gop: int | None = None, threads: int = 1
) -> EncodeSettings:
    """Settings from a profile's name and what a person changed in it; another preset is taken as x264 has it.

    Raises ``UsageError``: ``unknown-profile``, ``unknown-preset`` or ``out-of-range``.
    """
    if profile not in PROFILES:
        raise UsageError.of("unknown-profile", "--profile", f"found {profile!r}, expected one of {', '.join(PROFILES)}")
    if preset is not None and preset not in PRESETS:
        raise UsageError.of("unknown-preset", "--preset", f"found {preset!r}, expected one of {', '.join(PRESETS)}")
    for option, value in (("crf", crf), ("gop", gop), ("threads", threads)):
        lowest, highest = BOUNDS[option]
        if value is not None and not lowest <= value <= highest:
            raise UsageError.of("out-of-range", f"--{option}", f"found {value}, expected {lowest} to {highest}")
    chosen = PROFILES[profile]
    tuning = chosen.tuning if preset in (None, chosen.preset) else ""
    return EncodeSettings(profile, preset or chosen.preset, crf or chosen.crf, gop or chosen.gop, threads, tuning)


class Crop(NamedTuple):
    """A rectangle of a video as it is displayed, in pixels from its top-left corner."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int


def choose(
    info: VideoInfo, *, crop: Crop | None = None, turn_deg: int | None = None, colors: Colors | None = None
) -> Treatment:
    """The cheapest way for one video.

    ``crop`` and ``turn_deg`` are the part of the picture, and its clockwise turn from what is stored, that the target
    must show, because the labeled images show it so; None for all of it, and for what players show. ``colors`` is the
    reading of its colours that the images show; None for that of OpenCV 4.
    """
    pictures = _against_these_pictures(info) + _against_this_framing(info, crop, turn_deg)
    pictures += _against_these_colors(info, colors)
    wrapping = _against_this_wrapping(info)
    if not pictures and not wrapping:
        return Treatment("place", _worth_knowing(info))
    if pictures or not info.all_packets_timed:
        return Treatment("encode", pictures + wrapping)
    return Treatment("remux" if info.constant_rate else "rewrite", wrapping)


def _against_these_pictures(info: VideoInfo) -> tuple[Reason, ...]:
    """What only a new encode can change."""
    full_range = info.pixel_format == "yuv420p" and info.color_range == "pc"
    turned = f"players turn it by {info.rotation_deg} degrees, Lightning Pose does not"
    is_plain = info.codec == "h264" and info.pixel_format == "yuv420p"
    undecoded = is_plain and not decodes_profile(info.profile)
    profile = f"graphics cards do not decode its profile of h264, {info.profile}"
    held = counted(len(info.held), "frame that can't be decoded is", "frames that can't be decoded are")
    held += " held by a neighbor"
    hidden = "an edit list hides a part of it"
    changing = f"size, format or range of its pictures may change at frame {info.changes_at}, as of joined files"
    unread = info.color_matrix in UNREADABLE_MATRICES
    return _those_that_hold(
        (info.codec != "h264", "not-h264", f"the codec is {info.codec}, not h264"),
        (info.pixel_format != "yuv420p", "not-yuv420p", f"the pixel format is {info.pixel_format}, not yuv420p"),
        (undecoded, "not-for-gpus", profile),
        (full_range, "full-range", "the color range is full (pc), not tv"),
        (info.held, "frames-held", held),
        (info.rotation_deg and not info.is_mirrored, "rotated", turned),
        (info.changes_at is not None, "parameters-change", changing),
        (unread, "matrix-not-readable", f"the color matrix is {info.color_matrix}, which newer readers refuse"),
        (info.is_mirrored, "mirrored", "players mirror its picture, Lightning Pose does not"),
        (not info.square_pixels, "stretched-pixels", "the pixels are not square, players stretch them"),
        (info.width_px % 2 or info.height_px % 2, "odd-size", f"the size {info.width_px}x{info.height_px} px is odd"),
        (info.n_hidden_packets, "hidden-frames", hidden),
        (not info.starts_with_keyframe, "starts-between-keyframes", "the first frame is no key frame"),
    )


def _worth_knowing(info: VideoInfo) -> tuple[Reason, ...]:
    """What is odd in a video that is what it should be."""
    asked, read = tagged(info), as_opencv_reads(info.pixel_format)
    tags = f"its tags ask for {asked.matrix}, Lightning Pose's readers take {read.matrix}, as DeepLabCut did"
    return _those_that_hold(
        (info.has_audio, "has-audio", "it has a sound track, which Lightning Pose ignores"),
        (asked.matrix != read.matrix, "matrix-not-read", tags),
    )


def _those_that_hold(*facts: tuple[object, str, str]) -> tuple[Reason, ...]:
    """Reasons from what is to be the case, the code and the message."""
    return tuple(Reason(code, message) for holds, code, message in facts if holds)


def _against_this_framing(info: VideoInfo, crop: Crop | None, turn_deg: int | None) -> tuple[Reason, ...]:
    """What the labeled images show otherwise."""
    found = []
    if turn_deg not in (None, info.rotation_deg):
        message = f"the labeled images show its stored picture turned by {turn_deg} degrees clockwise"
        found.append(Reason("turned", message))
    if crop is not None:
        size, place = f"{crop.width_px}x{crop.height_px}", f"({crop.x_px}, {crop.y_px})"
        found.append(Reason("cropped", f"the labeled images are its part of {size} px at {place}"))
    return tuple(found)


def _against_these_colors(info: VideoInfo, colors: Colors | None) -> tuple[Reason, ...]:
    """What of its colours Lightning Pose would see otherwise than the labeled images show it."""
    usual = as_opencv_reads(info.pixel_format)
    message = f"the labeled images show its colors as {colors}, Lightning Pose would read {usual}"
    return _those_that_hold((colors not in (None, usual), "colors-differ", message))


def _against_this_wrapping(info: VideoInfo) -> tuple[Reason, ...]:
    """What a copy of the coded pictures into a new mp4 changes, if their display times are known."""
    suffix, declared, timed = info.path.suffix, info.n_frames_declared, info.all_packets_timed
    is_mp4 = "mp4" in info.container.split(",")
    # Content of the mov family under another name; a QuickTime file is not quite an mp4.
    misnamed = is_mp4 and suffix.lower() != ".mp4"
    miscounted = declared not in (None, info.n_frames) and not info.n_hidden_packets
    count = f"the header says {counted(declared or 0, 'frame')}, it has {info.n_frames}"
    trimmed = f"of its {counted(info.n_frames, 'frame')} the first {info.n_wanted} are wanted, since a view has no more"
    streams = f"it has {info.n_video_streams} video streams; the first is used"
    return _those_that_hold(
        (not is_mp4, "not-mp4", f"the container is {info.container}, not mp4"),
        (misnamed, "not-named-mp4", f"the file's name ends in {suffix or 'no suffix'}, not .mp4"),
        (not timed, "untimed-packets", "the packets carry no display times that can be relied on"),
        (timed and not info.constant_rate, "variable-rate", "the distance between frames is not constant"),
        (info.n_video_streams != 1, "several-video-streams", streams),
        (declared is None, "count-not-declared", "the header does not say how many frames there are"),
        (miscounted, "wrong-count-declared", count),
        (info.n_wanted < info.n_frames, "longer-than-other-views", trimmed),
    )


_LONGEST_STEP_TICKS = 2**31 // 32


def track_timescale(rate: Fraction) -> int:
    """Ticks per second of an mp4 track that represents a rate exactly, fine enough for players.

    Distances between frames, and how far decoding runs ahead of display (16 frames at most), are 32-bit numbers of
    ticks (ISO/IEC 14496-12, 8.6.1): at one frame a day, 1000 ticks per second would not fit.
    """
    if rate.numerator >= 1000:
        return rate.numerator
    return rate.numerator * max(1, min(1000, _LONGEST_STEP_TICKS // rate.denominator))


def encoded_size(info: VideoInfo, *, crop: Crop | None = None, turn_deg: int | None = None) -> tuple[int, int]:
    """Width and height in pixels that :func:`encode_argv` gives: upright, cropped, padded to even numbers."""
    width, height = displayed_size(info, turn_deg)
    if crop is not None:
        width, height = crop.width_px, crop.height_px
    return width + width % 2, height + height % 2


def displayed_size(info: VideoInfo, turn_deg: int | None = None) -> tuple[int, int]:
    """Width and height in pixels of the stored picture after a clockwise turn; None for the one players apply."""
    if (info.rotation_deg if turn_deg is None else turn_deg) in (90, 270):
        return info.height_px, info.width_px
    return info.width_px, info.height_px


@dataclass(frozen=True)
class Pipe:
    """Frames that come uncoded through ffmpeg's stdin, as they are stored and not turned."""

    pixel_format: str
    width_px: int
    height_px: int

    def argv(self, rate: Fraction) -> list[str]:
        """What tells ffmpeg so."""
        size, frame_rate = f"{self.width_px}x{self.height_px}", f"{rate.numerator}/{rate.denominator}"
        what = ["-f", "rawvideo", "-pixel_format", self.pixel_format, "-video_size", size, "-framerate", frame_rate]
        return [*what, "-i", "pipe:0"]


def encode_argv(
    ffmpeg: str,
    source: Path | Pipe,
    target: Path,
    rate: Fraction,
    settings: EncodeSettings,
    *,
    crop: Crop | None = None,
    turn_back_deg: int = 0,
    colors: Colors | None = None,
    n_frames: int | None = None,
) -> list[str]:
    """The ffmpeg command that encodes every frame of a video exactly once, in order, at a rate in frames per second.

    ffmpeg turns the pixels as the source's display matrix asks, those of a pipe not at all. They are turned back
    counter-clockwise by ``turn_back_deg`` afterwards: with the source's ``rotation_deg`` the target, an mp4 whatever
    its suffix, holds the picture as it is stored. Either way the target has no such matrix, which ``-noautorotate``
    does not manage: ffmpeg 5 copies the matrix. Then ``crop`` is kept; all of the picture where None. ``colors`` is how
    the source's are read, whatever its tags say (None: it has none to be read, as in RGB); they are always written as
    ``WRITTEN``. With ``n_frames`` it ends after so many.
    """
    threads = str(settings.threads)
    argv = [ffmpeg, "-nostdin", "-hide_banner", "-v", "level+warning", "-y", "-progress", "pipe:1", "-nostats"]
    argv += ["-filter_threads", threads, "-threads", threads]
    # "file:" before both names: a ":" in a name is no protocol, a leading "-" no option.
    argv += source.argv(rate) if isinstance(source, Pipe) else [*AS_ARGUMENTS, "-i", f"file:{source}"]
    # Capital V: a cover picture is not the video, even where it comes first. Chapters would become a second track.
    argv += ["-map", "0:V:0", "-map_metadata", "-1", "-map_chapters", "-1", "-an", "-sn", "-dn"]
    argv += ["-vf", ",".join(_filters(rate, crop, _TURNS_BACK[turn_back_deg], colors))]
    argv += ["-fps_mode", "passthrough"]  # ffmpeg itself may not drop or double a frame
    argv += [] if n_frames is None else ["-frames:v", str(n_frames)]
    argv += ["-c:v", "libx264", "-preset", settings.preset, "-crf", str(settings.crf), "-g", str(settings.gop)]
    argv += ["-threads", threads, "-pix_fmt", "yuv420p"]
    # Its lookahead is a thread of its own, and what it decides for the last frames would depend on who is first: 6 of
    # 250 encodes beside a busy machine were other bytes.
    tuning = [settings.tuning, "sync-lookahead=0" if settings.threads > 1 else ""]
    if any(tuning):
        argv += ["-x264-params", ":".join(filter(None, tuning))]
    argv += ["-color_range", WRITTEN.range, "-colorspace", _TAGS[WRITTEN.matrix]]
    argv += ["-movflags", "+faststart", "-video_track_timescale", str(track_timescale(rate))]
    # The format by name, so that the target can have a temporary name with any suffix.
    return [*argv, "-f", "mp4", f"file:{target}"]


def _filters(rate: Fraction, crop: Crop | None, turns: list[str], colors: Colors | None) -> list[str]:
    chain = []
    if colors is not None:
        # First: what follows may convert, and newer versions refuse to convert from matrices that they do not know.
        chain.append(f"setparams=range={colors.range}:colorspace={_TAGS[colors.matrix]}")
    chain += turns
    if crop is not None:
        # exact=1: otherwise yuv420p rounds odd offsets down, and every label is one pixel off.
        chain.append(f"crop={crop.width_px}:{crop.height_px}:{crop.x_px}:{crop.y_px}:exact=1")
    # From one matrix to another ffmpeg goes only by way of RGB. Where it makes RGB, or brightness of RGB, it rounds
    # down by two levels unless told otherwise; where it need not, being told takes time for nothing.
    precise = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    is_read = colors is not None and colors.matrix == WRITTEN.matrix
    if colors is not None and not is_read:
        chain += [f"scale=in_color_matrix={colors.matrix}:in_range={colors.range}:{precise}", "format=gbrp"]
    matrix = "" if is_read else f"out_color_matrix={WRITTEN.matrix}:{precise}:"
    return [
        *chain,
        "pad=ceil(iw/2)*2:ceil(ih/2)*2:0:0",  # x264 refuses odd sizes; right and bottom, so labels stay where they are
        "setsar=1",
        f"scale={matrix}out_range={WRITTEN.range}",  # else ffmpeg 6 and newer write yuvj420p for full-range sources
        "format=yuv420p",
        f"settb={rate.denominator}/{rate.numerator}",
        "setpts=N",  # the time of a frame is its number, whatever the source's clock says
        f"fps={rate.numerator}/{rate.denominator}",  # after setpts=N it changes no frame; it sets the rate written
    ]


#: ffmpeg's tags of the matrices.
_TAGS = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020nc"}

#: Filters that undo a clockwise turn.
_TURNS_BACK = {0: [], 90: ["transpose=cclock"], 180: ["hflip", "vflip"], 270: ["transpose=clock"]}


def demux_argv(ffmpeg: str, source: Path) -> list[str]:
    """The ffmpeg command that reads a video's packets and writes nothing: on stderr is what is wrong between them."""
    argv = [ffmpeg, "-nostdin", "-hide_banner", "-v", "level+warning", "-progress", "pipe:1", "-nostats"]
    argv += [*AS_ARGUMENTS, "-i", f"file:{source}"]
    return [*argv, "-map", "0:V:0", "-an", "-sn", "-dn", "-c", "copy", "-f", "null", "-"]
