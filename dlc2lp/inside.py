r"""Names and paths as plans, records and indexes hold them: such as lead to no place outside of their folder.

Whoever can write to a target, or to a folder that holds one, can write its plan and its records, and what is decoded of
them is written to, and deleted. So a path in them is one of these types, and the decoder refuses any other
(:mod:`dlc2lp.codec`): absolute ones, those with a drive or ``..``, those that a system reads as another path than they
are compared as (``a//b``, ``a/./b``, ``a\b``, and ``.. `` with a blank, which Windows drops), those that lead into
dlc2lp's own folder, and those with signs that not every file system holds.
"""

from __future__ import annotations

from typing import Annotated

from dlc2lp.codec import Says

_SIGN = r"[^/\\\x00-\x1f\x7f\ud800-\udfff]"
_PART = rf"(?![. ]+(?:/|$)){_SIGN}+"

#: A path inside a folder, relative to it, with forward slashes and in its only spelling.
_INNER = rf"(?![^/]:)(?!\.[dD][lL][cC]2[lL][pP]){_PART}(?:/{_PART})*"

_INSIDE = Says("description", "a path that leads to no place outside of its folder")

InnerPath = Annotated[str, Says("pattern", f"^{_INNER}$"), _INSIDE]

#: The same, or an empty text for none.
InnerPathOrNone = Annotated[str, Says("pattern", f"^(?:{_INNER})?$"), _INSIDE]

#: A view, which is a part of files' names.
ViewName = Annotated[
    str, Says("pattern", rf"^{_SIGN}+$"), Says("description", "a name of a view, a part of files' names")
]

#: A step, which is a file's name too.
StepId = Annotated[str, Says("pattern", "^[0-9a-f]{16}$"), Says("description", "sixteen hexadecimal digits")]
