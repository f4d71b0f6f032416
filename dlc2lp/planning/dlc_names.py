"""What DeepLabCut calls the images of a target, those too that it never had. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from dlc2lp.dlc.folders import LABELED_DATA
from dlc2lp.dlc.framenames import parse_frame_name
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.dlc_folders import NewFolders
from dlc2lp.planning.plan import Plan, PlannedSession
from dlc2lp.survey.session_ties import by_view
from dlc2lp.wording import counted, some

#: DeepLabCut's own names of frames.
_DLC_NAME = re.compile(r"img([0-9]{1,10})\.\w+", re.IGNORECASE)
_MOST_DIGITS = 10  # that are read back as a frame's number
_USUAL_DIGITS = 4


@dataclass(frozen=True)
class Home:
    """The folder of DeepLabCut that a session of the target came from."""

    folder: str
    recording: str
    prefix: str = ""  #: What stands before DeepLabCut's names, where images of several videos lie in one folder.
    shift: int = 0  #: Index in the video minus DeepLabCut's number.
    n_digits: int = 0  #: Of the numbers in DeepLabCut's names; 0 where there are none.


class Namer:
    """Gives every image of one project its folder and its name; the one view of a single-view target has no name."""

    def __init__(self, plan: Plan, views: Collection[str], only_png: Collection[str]) -> None:
        self._only_png = only_png
        sessions = [session for session in plan.sessions if session.view in views]
        ties = by_view(plan.ties)
        n_frames = {(video.view, video.session): video.n_frames for video in plan.videos}
        self._homes = {
            session.target: _home(session, getattr(ties.get((session.view, session.source)), "shift", 0), n_frames)
            for session in sessions
            if session.target
        }
        frames = [(session.view, frame) for session in sessions for frame in session.frames if frame.target]
        self._known = {frame.target: frame.source for _, frame in frames}
        #: The view of each path in the target of an image that DeepLabCut has a name for.
        self.known: Mapping[str, str] = {frame.target: view for view, frame in frames}
        self._new_folders = NewFolders(plan, views)
        self._taken: dict[str, dict[str, str]] = {}
        for session in sessions:
            names = self._taken.setdefault(session.folder, {})
            names.update({frame.source.casefold(): frame.source for frame in session.frames})
        self._twice: list[str] = []

    def home(self, path: str, view: str) -> Home:
        """Return where an image of a view belongs; a session that people added is a folder of its own."""
        session = path.split("/")[1]
        if session not in self._homes:
            self._homes[session] = Home(self._new_folders.name(session, view), session)
        return self._homes[session]

    def name(self, path: str, view: str) -> str:
        """Return the name of an image in its folder; asked once for each."""
        home = self.home(path, view)
        return self._known_name(path, home) if path in self._known else self._new_name(path, home)

    def _known_name(self, path: str, home: Home) -> str:
        """Return DeepLabCut's name; with another suffix where the image is there in another format alone."""
        name = PurePosixPath(self._known[path])
        if path not in self._only_png:
            return name.name
        taken, number = self._taken[home.folder], 0
        while (made := f"{name.stem}{'-' * bool(number)}{number or ''}.png").casefold() in taken and made != name.name:
            number += 1
        taken[made.casefold()] = made
        return made

    def _new_name(self, path: str, home: Home) -> str:
        """Return a name that is free: DeepLabCut's for the frame, with more zeros where that is another image's."""
        file = PurePosixPath(path)
        index = parse_frame_name(file.name).index or 0
        number = index - home.shift if index >= home.shift else index
        taken = self._taken.setdefault(home.folder, {})
        stem = f"{home.prefix}img{number:0{home.n_digits or _USUAL_DIGITS}d}"
        same = [known for suffix in (".png", ".jpg", ".jpeg") if (known := taken.get(f"{stem}{suffix}".casefold()))]
        if same:
            self._twice.append(f"{path} and {home.folder}/{same[0]}")
        digits = range(home.n_digits or _USUAL_DIGITS, _MOST_DIGITS + 1)
        names = [f"{home.prefix}img{number:0{n}d}{file.suffix}" for n in digits]
        names += [f"{home.prefix}{file.name}", f"{home.prefix}{file.stem}-{len(taken)}{file.suffix}"]
        name = next(name for name in names if name.casefold() not in taken)
        taken[name.casefold()] = name
        return name

    @property
    def findings(self) -> list[Finding]:
        """Return what a person should know of the names."""
        if not self._twice:
            return []
        frames = counted(len(self._twice), "frame was extracted", "frames were extracted")
        message = f"{frames} again under another name: {some(self._twice, 3, '; ')}; both images are exported"
        advice = "keep the better labels of the two"
        return [Finding(Severity.WARNING, "export-frames-twice", LABELED_DATA, message, "", advice)]


def _home(session: PlannedSession, shift: int, n_frames: Mapping[tuple[str, str], int]) -> Home:
    names = [parse_frame_name(frame.source) for frame in session.frames]
    prefixes = {name.prefix for name in names if name.index is not None}
    prefix = prefixes.pop() if session.source != session.folder and len(prefixes) == 1 else ""
    numbers = [found[1] for frame in session.frames if (found := _DLC_NAME.fullmatch(frame.source[len(prefix) :]))]
    last = n_frames.get((session.view, session.source), 0) - 1
    n_digits = max(map(len, numbers), default=len(str(last)) if last >= 0 else 0)
    return Home(session.folder, session.source, prefix, shift, n_digits)
