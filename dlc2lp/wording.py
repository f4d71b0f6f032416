"""How numbers are told: ``1 image``, ``2 images``. Nothing else belongs here."""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with what it counts.

    Parameters
    ----------
    n
        How many.
    one
        What follows the number 1: a noun, or a noun with all that must agree with it.
    many
        What follows any other number; by default ``one`` with an s.

    Examples
    --------
    >>> counted(1, "image"), counted(3, "image")
    ('1 image', '3 images')
    >>> counted(3, "image that is in no frame", "images that are in no frame")
    '3 images that are in no frame'
    """
    return f"{n} {one if n == 1 else many or one + 's'}"
