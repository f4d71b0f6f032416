"""Names that Lightning Pose, its app and every file system can hold.

The app accepts ``[A-Za-z0-9_.-]`` for sessions (its ``routes/validate_files.py``), Lightning Pose documents
``[A-Za-z0-9_-]`` (``naming_videofiles.rst``), and the app's browser code splits names at dots: so the smaller
alphabet it is. A target may travel between Linux, macOS and Windows, so two names that differ only in case or
in Unicode normalization count as one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from dlc2lp.model import Finding, Setting, Severity

#: Room is left for a view, a collision suffix and an extension below the 255 bytes that file systems give a name.
MAX_SESSION_CHARS = 80

_SAFE_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_UNSAFE_RUN = re.compile(r"[^A-Za-z0-9_-]+")
_HASH_CHARS = 8

#: Windows opens a device for these, whatever the extension (``aux.mp4``).
_DEVICE_NAMES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
)

#: Latin letters that Unicode does not decompose, and the two signs that occur in recordings' names.
_LATIN = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "µ": "u", "μ": "u",
    }
)  # fmt: skip

#: The app's rule for a frame's file name. Lightning Pose's ``get_context_img_paths`` counts up the FIRST group
#: of digits, and replaces it wherever it occurs; here there is only one. ``[0-9]`` and not ``\\d``, which would
#: take the digits of every script.
_APP_FRAME_NAME = re.compile(r"[A-Za-z_-]+[0-9]+\.(png|jpg)")

_VIEW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")

#: ``CollectedData_<view>.csv`` must not be read as a held-out set, nor a view be found in every file's extension.
_TAKEN_VIEW_NAMES = frozenset(["test", "new", "full", "mp4"])


def label_file_name(view: str, suffix: str = "") -> str:
    """Return the name of a view's label file; ``_test`` is the suffix of held-out frames."""
    return f"CollectedData{'_' if view else ''}{view}{suffix}.csv"


def queue_file_name(view: str) -> str:
    """Return the name of a view's labeling queue, which the app looks for beside its label file."""
    return label_file_name(view, ".unlabeled").removesuffix(".csv") + ".jsonl"


def is_safe_session(name: str) -> bool:
    """Whether Lightning Pose, its app and Windows take the name as it is."""
    return (
        _SAFE_SESSION.fullmatch(name) is not None
        and len(name) <= MAX_SESSION_CHARS
        and name.lower() not in _DEVICE_NAMES
    )


def safe_session(name: str) -> str:
    """Return the session name nearest to ``name``, any text, that Lightning Pose, its app and all file systems take.

    It has 1 to 80 characters of ``[A-Za-z0-9_-]``, the first one a letter or digit. A safe name comes back unchanged.
    Accents are dropped, runs of other characters become one ``-``. A short hash of the original is added where the
    name is cut, or where nothing readable is left of it.
    """
    if is_safe_session(name):
        return name
    decomposed = unicodedata.normalize("NFKD", name.translate(_LATIN))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    safe = _UNSAFE_RUN.sub("-", plain).lstrip("-_").rstrip("-")
    if not safe:
        return f"session-{_short_hash(name)}"
    if len(safe) > MAX_SESSION_CHARS:
        return f"{safe[: MAX_SESSION_CHARS - _HASH_CHARS - 1]}-{_short_hash(name)}"
    return f"{safe}-session" if safe.lower() in _DEVICE_NAMES else safe


def _short_hash(name: str) -> str:
    # Undecodable bytes of a Linux file name are lone surrogates, which plain UTF-8 refuses.
    text = unicodedata.normalize("NFC", name).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:_HASH_CHARS]


def unique_sessions(names: Iterable[str]) -> dict[str, str]:
    """Give every name a safe one that no other has, also where a file system ignores case: original -> safe.

    The result is sorted by original, and depends on the set of names only, not on their order. Names that are safe
    already keep themselves; of two that differ only in case the first in code-point order does.
    """
    originals = sorted(set(names))
    # By their lower case; of equal ones the last to be set is the first in code-point order.
    keeping = {name.lower(): name for name in reversed(originals) if is_safe_session(name)}
    taken = set(keeping)
    chosen = {name: name for name in keeping.values()}
    for name in originals:
        if name not in chosen:
            chosen[name] = _free_name(safe_session(name), taken)
            taken.add(chosen[name].lower())
    return {name: chosen[name] for name in originals}


def _free_name(base: str, taken: set[str]) -> str:
    candidate, number = base, 1
    while candidate.lower() in taken:
        number += 1
        suffix = f"-{number}"
        candidate = base[: MAX_SESSION_CHARS - len(suffix)] + suffix
    return candidate


def frame_file_name(index: int, suffix: str = ".png", stem: str = "img") -> str:
    """Return the file name of a frame as the Lightning Pose app writes it: ``img00000042.png``.

    The index counts from 0, the suffix is ``.png`` or ``.jpg``, and the stem has no digits.
    """
    if index < 0 or suffix not in {".png", ".jpg"}:
        raise ValueError(f"no frame is named by index {index} and suffix {suffix!r}")
    return f"{stem}{index:08d}{suffix}"


def is_frame_name(name: str) -> bool:
    """Whether the app takes the file name for a frame, and Lightning Pose finds its neighbors by it."""
    return _APP_FRAME_NAME.fullmatch(name) is not None


def check_views(names: Sequence[str], sessions: Iterable[str] = ()) -> list[Finding]:
    """Return what is wrong with the names of a multi-view project's cameras.

    Lightning Pose and its app look for a view's name anywhere in a file name: with views ``cam1`` and ``cam10``
    it finds no sessions at all, with ``top`` and ``topleft`` it makes ``s_topleft.mp4`` the view ``top`` of a
    session ``sleft``. So the sessions must not hold a view's name either.
    """
    if not names:
        return []
    problems: list[tuple[str, str]] = []
    if len(names) == 1:
        problems.append((names[0], "found one view, expected none (single view) or at least two"))
    for position, name in enumerate(names):
        if not _VIEW_NAME.fullmatch(name):
            reason = "; '_' parts the session from the view" if "_" in name else ""
            problems.append((name, f"expected the letters a to z, digits and '-' only{reason}"))
        if name.lower() in _TAKEN_VIEW_NAMES:
            problems.append((name, "Lightning Pose gives this word in a file name another meaning"))
        for other in names[position + 1 :]:
            if name.lower() == other.lower():
                problems.append((name, f"the same as the view {other!r}"))
            elif name and other and (name in other or other in name):
                problems.append((name, f"one of it and the view {other!r} holds the other"))
    for session in sessions:
        held = [name for name in names if name and name in session]
        problems += [(name, f"the session {session!r} holds the view's name") for name in held]
    advice, remedies = "give the view another name with {}", (Setting("view", ("NAME=SOURCE",)),)
    return [Finding(Severity.ERROR, "bad-view-name", name, message, "", advice, remedies) for name, message in problems]
