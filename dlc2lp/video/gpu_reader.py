"""What of h264 graphics cards decode: Lightning Pose trains with DALI, which reads videos by NVDEC. Pure.

* Profiles: NVDEC decodes Baseline, Main and High; High 10 and High 4:2:2 on Blackwell and later only, High 4:4:4
  nowhere (NVIDIA Video Codec SDK 13.0, "NVDEC Application Note", table of capabilities; NVIDIA/DALI#2197). The
  constrained and progressive kinds of these are parts of them (ITU-T H.264, A.2; GStreamer's ``nvh264dec`` names them).
  x264 without loss (``-qp 0``) writes High 4:4:4 Predictive whatever the pixel format is.
* Sizes: 48x16 to 4096x4096 px, which is also the number of macroblocks, 65536 (GStreamer's ``nvh264dec`` as it asks the
  driver; the same note: no 8192x8192 for h264). DALI asks the driver and refuses what is smaller or larger
  (``cuvideodecoder.cc``; NVIDIA/DALI#2197).
* Level: none is refused, by DALI or the driver. It bounds the size, which is judged here, and the speed, which is
  nothing to a reader that waits: x264 writes 6.2 for a small video of a high rate.
* Flexible macroblock order of Baseline is decoded by no one, OpenCV included; such a file fails before it comes here.
"""

from __future__ import annotations

#: ffmpeg's names; the last two it does not tell from High so far.
_PROFILES = {"Baseline", "Constrained Baseline", "Main", "High", "Progressive High", "Constrained High"}

_SMALLEST_PX, _LARGEST_PX = (48, 16), (4096, 4096)


def decodes_profile(profile: str) -> bool:
    """Whether graphics cards decode a profile of h264; one that is not known is not held against a video."""
    return not profile or profile in _PROFILES


def against_size(width_px: int, height_px: int) -> tuple[str, str, str] | None:
    """The code, the message and the advice if a video of this size, made even, is none that graphics cards decode.

    No encode at the same size mends that, and the labels are of this size.
    """
    width, height = width_px + width_px % 2, height_px + height_px % 2
    if width > _LARGEST_PX[0] or height > _LARGEST_PX[1]:
        code, bound, way = "video-too-large-for-gpus", "at most {}x{}".format(*_LARGEST_PX), "down"
        share = min(_LARGEST_PX[0] / width, _LARGEST_PX[1] / height)
        scaled = int(width * share) // 2 * 2
    elif width < _SMALLEST_PX[0] or height < _SMALLEST_PX[1]:
        code, bound, way = "video-too-small-for-gpus", "at least {}x{}".format(*_SMALLEST_PX), "up"
        share = max(_SMALLEST_PX[0] / width, _SMALLEST_PX[1] / height)
        scaled = -int(-width * share // 2) * 2
    else:
        return None
    message = (
        f"its {width_px}x{height_px} px are no size that graphics cards decode in h264 ({bound} px): OpenCV reads it, "
        "the GPU reader of Lightning Pose (DALI) does not"
    )
    advice = (
        f"scale the recording {way} before it is labeled, with `ffmpeg -i FILE -vf scale={scaled}:-2 -fps_mode "
        "passthrough SCALED.mp4`; labels that are there already are of the old size"
    )
    return code, message, advice
