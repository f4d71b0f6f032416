"""How the stored brightness and colours of a video become red, green and blue. Pure.

A video stores brightness and two differences of colour. What they mean is a matrix (ITU-R BT.601, 709, 2020) and a
range (``tv``: black is 16 and white 235; ``pc``: 0 and 255). Files carry tags for both, and readers differ in what they
make of them:

==============  ==========================================  =====================================================
.               matrix                                      range
==============  ==========================================  =====================================================
OpenCV 4        always BT.601                               ``pc`` for gray and the pixel formats ``yuvj...``,
                                                            else ``tv``, whatever the tag says
DALI            always BT.601                               by the tag
OpenCV 5, PyAV  by the tag, else BT.601                     by the tag
17 and newer
==============  ==========================================  =====================================================

OpenCV 4 cut the labeled images (DeepLabCut) and is one of Lightning Pose's readers, DALI another one
(``lightning_pose/data/video``: ``opencv.py``, ``dali.py``, ``pynvvc.py``). So a video is read as OpenCV 4 does, unless
the labeled images prove another reading; and what is encoded is always written in BT.601 and ``tv``, with tags that say
so, which all of them read alike. Measured on images that OpenCV 4.12 cut: read so by PyAV 15 to 18 they are equal to
the last bit; DALI as its source says (``VideoColorSpaceConversion``); PyNvVideoCodec needs a GPU and was not tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dlc2lp.model import VideoInfo

Matrix = Literal["bt601", "bt709", "bt2020"]
Range = Literal["tv", "pc"]

#: ffmpeg's names of matrices, as those that readers apply; the others no reader applies.
_MATRIX_OF: dict[str, Matrix] = {
    "bt470bg": "bt601", "smpte170m": "bt601", "bt709": "bt709", "bt2020nc": "bt2020", "bt2020c": "bt2020",
}  # fmt: skip


#: Matrices from which OpenCV 5 and PyAV 17 can't convert: they show black pictures, or none.
UNREADABLE_MATRICES = frozenset(
    {
        "ycgco",
        "bt2020c",
        "smpte2085",
        "chroma-derived-nc",
        "chroma-derived-c",
        "ictcp",
        "ipt-c2",
        "ycgco-re",
        "ycgco-ro",
    }
)


@dataclass(frozen=True)
class Colors:
    """A reading of stored colours."""

    matrix: Matrix
    range: Range

    def __str__(self) -> str:
        return f"{self.matrix}, {'full' if self.range == 'pc' else 'video'} range"


#: What is written, and what every reader takes it for.
WRITTEN = Colors("bt601", "tv")


def has_matrix(pixel_format: str) -> bool:
    """Whether stored values are brightness and colour differences, and not gray, RGB or numbers of a palette."""
    return pixel_format.startswith(_WITH_MATRIX)


#: Beginnings of ffmpeg's names of pixel formats that have a matrix.
_WITH_MATRIX = ("yuv", "nv", "uyvy", "uyyv", "yvyu", "p0", "p2", "p4", "y2", "vuy", "vyu", "xv", "ayuv")


def is_full_range(pixel_format: str) -> bool:
    """Whether a pixel format is full range by its name: every reader takes it so."""
    return pixel_format.startswith(("yuvj", "gray", "ya8", "ya16"))


def as_opencv_reads(pixel_format: str) -> Colors:
    """The reading of OpenCV 4, whatever the tags say; DeepLabCut's."""
    return Colors("bt601", "pc" if is_full_range(pixel_format) else "tv")


def tagged(info: VideoInfo) -> Colors:
    """The reading that a video's tags ask for; what they leave open as OpenCV reads it."""
    usual = as_opencv_reads(info.pixel_format)
    matrix = _MATRIX_OF.get(info.color_matrix, usual.matrix)
    if info.color_range == "pc" or usual.range == "pc":
        return Colors(matrix, "pc")
    return Colors(matrix, "tv")


def readings(info: VideoInfo) -> tuple[Colors, ...]:
    """The readings by which images may have been cut from a video, OpenCV's first; none where there is one only."""
    if not has_matrix(info.pixel_format):
        return ()
    usual, asked = as_opencv_reads(info.pixel_format), tagged(info)
    matrices = dict.fromkeys((usual.matrix, asked.matrix, "bt709"))
    ranges = dict.fromkeys((usual.range, asked.range))
    return tuple(Colors(matrix, range_) for range_ in ranges for matrix in matrices)
