"""The table of variants that DeepLabCut projects come in: each row with what must come out of it.

``VARIANTS`` holds them by number; the rows stand by topic in the modules of this folder.
"""

from variants import columns, config, files, images, rows, splits, videos
from variants.table import VARIANTS, Outcome, Variant

__all__ = ["VARIANTS", "Outcome", "Variant", "columns", "config", "files", "images", "rows", "splits", "videos"]

VARIANTS.sort(key=lambda row: row.number)
