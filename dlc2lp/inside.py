r"""Names and paths as plans, records and indexes hold them: such as lead to no place outside of their folder.

Whoever can write to a target, or to a folder that holds one, can write its plan and its records, and what is decoded of
them is written to, and deleted. So a path in them is one of these types, and the decoder refuses any other
(:mod:`dlc2lp.codec`): absolute ones, those with a drive or ``..``, those that a system reads as another path than they
are compared as (``a//b``, ``a/./b``, ``a\b``, and ``.. `` with a blank, which Windows drops), those that lead into
dlc2lp's own folder, and those with signs that no file system holds or no terminal shows.
"""

from __future__ import annotations

from typing import Annotated

from dlc2lp.codec import Says

_SIGN = r"[^/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_PART = rf"(?![. ]+(?:/|$)){_SIGN}+"

#: A path inside a folder, relative to it, with forward slashes and in its only spelling.
_INNER = rf"(?![^/]:)(?!\.[dD][lL][cC]2[lL][pP]){_PART}(?:/{_PART})*"

InnerPath = Annotated[str, Says("pattern", f"^{_INNER}$")]

#: The same, or an empty text for none.
InnerPathOrNone = Annotated[str, Says("pattern", f"^(?:{_INNER})?$")]

#: A view, which is a part of files' names.
ViewName = Annotated[str, Says("pattern", rf"^{_SIGN}+$")]

#: A step, which is a file's name too.
StepId = Annotated[str, Says("pattern", "^[0-9a-f]{16}$")]
