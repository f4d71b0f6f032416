"""What the names of images and the cells of a row index say: folder, file, frame number, random crop.

Text in, values out; nothing here looks at the disk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Suffixes of still images that labs label, in lower case. DeepLabCut itself writes only ``.png``; napari
#: also takes ``.jpg`` and ``.jpeg``, and frames from microscopes and other tools come as ``.tif`` and
#: ``.bmp``.
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})

#: DeepLabCut's own names: ``img`` and the frame number, padded to as many digits as that pass over the video
#: needed (``frame_extraction.extract_frames``); 2.1.10 to 2.2rc add ``c<k>`` for the k-th random crop of the
#: frame (``trainingsetmanipulation.cropimagesandlabels``). People put a prefix before them when they join
#: folders.
_IMG = re.compile(r"(?P<prefix>.*?)img(?P<index>[0-9]{1,10})(?:c(?P<crop>[0-9]{1,3}))?", re.DOTALL | re.IGNORECASE)

#: Other tools' names: the number stands last (``frame_001``, ``cam2_0012``, ``10``). More than ten digits are
#: a time. A name that holds ``img<digit>`` and still is none of the above (``img0044_2``) numbers something
#: else.
_NUMBERED = re.compile(r"(?!.*img[0-9])(?P<prefix>(?:.*[^0-9])?)(?P<index>[0-9]{1,10})", re.DOTALL | re.IGNORECASE)

#: ``img0001labeled.png``: what ``extract_outlier_frames(savelabeled=True)`` draws beside the frame.
_PREVIEW = re.compile(r".*[0-9]_?labeled", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RowName:
    """What the index cells of a row name."""

    folder: str | None  #: The folder before the image; None where the row names only the image.
    file_name: str  #: The image; empty where the row names none.


@dataclass(frozen=True)
class FrameName:
    """The parts of an image's file name."""

    #: What stands before the frame number, without DeepLabCut's own ``img``: ``07a-`` in ``07a-img310.png``, empty in
    #: ``img0310.png``. Empty where there is no number.
    prefix: str
    #: The number that the name carries, None if it carries none. It is a claim that the video must prove: what
    #: DeepLabCut wrote counts from 0, other tools may count from 1 or count something else.
    index: int | None
    crop: int | None  #: Number of the random crop (``img0044c1.png`` -> 1); None for a whole frame.
    suffix: str  #: With its dot and as written; empty if there is none.


def parse_row(cells: Sequence[str]) -> RowName:
    r"""Read the index cells of a row, of whatever era.

    The last path component is the image and the one before it the folder, with either separator: three cells
    ``labeled-data``, ``m4s1``, ``img0.png`` (DeepLabCut since 2.2.0.4, PR #1584); before that one cell
    ``labeled-data/m4s1/img0.png``, on Windows with ``\``; ``img0.png`` alone (early napari-deeplabcut);
    absolute paths. A path that ends in a separator names no image: of any project below a folder whose name
    holds "labeled", the labeling GUI before 2.3 made ``labeled_mice/proj/``.
    """
    if len(cells) == 3:  # mostly names, which are then not held twice
        top, folder, image = cells
        both = f"{folder}{image}"
        if top.strip() and folder.strip() and image.strip() and folder != "." and "/" not in both and "\\" not in both:
            return RowName(folder, image)
    parts = "/".join(cell for cell in cells if cell.strip()).replace("\\", "/").split("/")
    folders = [part for part in parts[:-1] if part not in {"", "."}]
    return RowName(folders[-1] if folders else None, parts[-1])


def has_image_suffix(file_name: str) -> bool:
    """Whether a name ends like that of a still image, in any case."""
    return _split_suffix(file_name)[1].rstrip().lower() in IMAGE_SUFFIXES


def parse_frame_name(file_name: str) -> FrameName:
    """Take an image's file name apart.

    DeepLabCut takes the first number of a name. That is wrong as soon as a prefix holds digits
    (``07a-img310.png`` is frame 310), so here it is the number after the last ``img``, and in names without
    ``img`` the number at the end. Where anything but the suffix follows it (``img0044 - Copy.png``,
    ``img0044_2.png``, ``img0044labeled.png``), the name carries no frame number.
    """
    stem, suffix = _split_suffix(file_name)
    digits = stem.removeprefix("img")
    if len(digits) == len(stem) - 3 <= 10 and digits.isdecimal() and digits.isascii():
        return FrameName("", int(digits), None, suffix)  # as most are called
    found = _IMG.fullmatch(stem) or _NUMBERED.fullmatch(stem)
    if found is None:
        return FrameName("", None, None, suffix)
    crop = found.groupdict().get("crop")
    return FrameName(found["prefix"], int(found["index"]), int(crop) if crop else None, suffix)


def frame_index(file_name: str) -> int | None:
    """Return the frame number that a name carries (``img0044c0.png`` -> 44), None if it carries none."""
    return parse_frame_name(file_name).index


def is_preview(file_name: str) -> bool:
    """Whether a name looks like that of a frame with labels drawn on it (``img0001labeled.png``).

    A frame may be called so too; one that a label file names is a frame. ``unlabeled.png`` is none of these.
    """
    return _PREVIEW.fullmatch(_split_suffix(file_name)[0]) is not None


def natural_order(file_name: str) -> tuple[str, bool, int, str]:
    """Sort key: by prefix, then by frame number, names without a number last, then by the name itself.

    Text order puts ``img744.png`` behind ``img0777.png``, and one folder does hold both widths (issue #2128).
    """
    name = parse_frame_name(file_name)
    return name.prefix, name.index is None, name.index or 0, file_name


def _split_suffix(file_name: str) -> tuple[str, str]:
    """Split off the last dot and what follows; a leading dot begins no suffix."""
    dot = file_name.rfind(".")
    return (file_name[:dot], file_name[dot:]) if dot > 0 else (file_name, "")
