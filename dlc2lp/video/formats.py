"""Which files libavformat may open as videos: what labs record into, and nothing that names other files.

libavformat takes a text that begins with ``#EXTM3U`` or ``ffconcat`` for a video too, whatever it is called, and opens
what stands in it: another disk's device, a file that never ends, an address in the net.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from dlc2lp.errors import VideoFailed
from dlc2lp.files import open_regular
from dlc2lp.limits import PIXELS
from dlc2lp.video.sample_tables import FIRST_BOXES, untrue_count

#: ffmpeg's names of containers and raw streams, as it takes them; of one with several names one will do. Sounds and
#: stills are among them: what is in a file tells them from videos.
FORMATS: Final = ",".join(
    (
        "mov,matroska,avi,mpegts,mpegtsraw,mpeg,mpegvideo,flv,live_flv,kux,asf,asf_o,ogg,rm,nut,mxf,gxf,dv,nuv,wtv,pva",
        "dhav,ifv,lmlm4,amv,cine,ser,mlv,lxf",
        "h261,h263,h264,hevc,vvc,evc,m4v,av1,obu,ivf,vc1,vc1test,dirac,dnxhd,cavsvideo,avs2,avs3",
        "mjpeg,mjpeg_2000,ingenient,smjpeg,mpjpeg,rawvideo,yuv4mpegpipe,bitpacked,v210,gif,apng,webp,jpegxl_anim",
        "jpeg_pipe,jpegls_pipe,jpegxl_pipe,j2k_pipe,png_pipe,bmp_pipe,tiff_pipe,webp_pipe,gif_pipe,ppm_pipe,pgm_pipe",
        "pgmyuv_pipe,pbm_pipe,pam_pipe,dpx_pipe,exr_pipe",
        "wav,w64,mp3,aac,flac,aiff,au,caf,amr,ac3,wv",
    )
)
#: The only way to a file.
PROTOCOLS: Final = "file"
#: What tells the ffmpeg program so, before its input.
AS_ARGUMENTS: Final = ("-format_whitelist", FORMATS, "-protocol_whitelist", PROTOCOLS)

_HEAD_BYTES: Final = 4096
#: How lists of other files begin, and what they are.
_LISTS: Final = (
    (re.compile(rb"\s*#EXTM3U"), "a playlist (M3U)"),
    (re.compile(rb"\s*ffconcat version"), "a list of files to join (ffconcat)"),
    (re.compile(rb"\s*v=0\r?\n", re.IGNORECASE), "a description of a stream (SDP)"),
    (re.compile(rb"\s*\[(playlist|reference)\]", re.IGNORECASE), "a playlist (PLS)"),
    (re.compile(rb"(?s).*<(MPD|asx|smil|SmoothStreamingMedia|manifest|AssetMap)\b", re.IGNORECASE), "a playlist (XML)"),
    (re.compile(rb"\s*(rtsp|rtmp|rtp|https?|mms|udp|tcp)://", re.IGNORECASE), "an address in a network"),
)


def input_options(path: Path) -> dict[str, str]:
    """Return the options with which libavformat opens a video.

    Raises ``VideoFailed`` (``video-unreadable``) for a list of other files and an index that can't be true, and OSError
    where it can't be opened.
    """
    with open_regular(path) as file:
        head = file.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf")
        n_untrue = untrue_count(file, file.seek(0, os.SEEK_END)) if head[4:8] in FIRST_BOXES else 0
    if n_untrue:
        message = f"found an index of {n_untrue} frames, for which the file has no room"
        advice = "copy the file again from its origin; if it is so there, no program can read it"
        raise VideoFailed.of("video-unreadable", str(path), message, advice=advice)
    kind = next((kind for begins, kind in _LISTS if begins.match(head)), "") if b"\0" not in head else ""
    if kind:
        message = f"found {kind}, which only names other files, expected a video"
        raise VideoFailed.of("video-unreadable", str(path), message, advice="give the video itself that it names")
    return {"format_whitelist": FORMATS, "protocol_whitelist": PROTOCOLS} | decoder_options(strictly=False)


def decoder_options(*, strictly: bool) -> dict[str, str]:
    """Return those of a decoder: pictures that become too large on the way can't be decoded.

    ``strictly``: it refuses damaged packets instead of making something of them.
    """
    return {"max_pixels": str(PIXELS.at_most)} | ({"err_detect": "explode"} if strictly else {})


def check_size(path: Path, width_px: int, height_px: int) -> None:
    """Refuse a video whose pictures are larger than memory has room for (``video-too-large``)."""
    if beyond := PIXELS.beyond(width_px * height_px):
        raise VideoFailed.of(
            "video-too-large",
            str(path),
            f"{beyond.message} in a picture of {width_px}x{height_px}",
            advice=beyond.advice,
        )
