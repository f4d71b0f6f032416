"""What stands in ``.dlc2lp/manifest.json``: the map from every name of the source to its name in the target.

It holds no clock, host or duration: two runs that end with the same target end with the same manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from dlc2lp.files import STATE_FOLDER
from dlc2lp.model import Finding
from dlc2lp.planning.plan import Plan, PlannedFrame, PlannedVideo
from dlc2lp.run.journal import Record
from dlc2lp.survey.ties import SessionTie, by_view
from dlc2lp.video.encoding import Crop
from dlc2lp.video.ties import Tie

SCHEMA = "dlc2lp/manifest/1"
MANIFEST_FILE = f"{STATE_FOLDER}/manifest.json"


def describe(plan: Plan) -> dict[str, Any]:
    """What a plan says about sessions, videos, counts and configuration, as every document shows it."""
    ties = by_view(plan.ties)
    return {
        "source": plan.source,
        "target": plan.target,
        "project": plan.project,
        "keypoints": [{"name": name, "hidden_share": share} for name, share in plan.keypoints.items()],
        "counts": {name: asdict(count) for name, count in plan.counts.items()},
        "sessions": [
            {
                "source": session.source,
                "target": session.target,
                "view": session.view or None,
                "label_file": session.label_file,
                "images": [_image(frame, ties.get((session.view, session.source))) for frame in session.frames],
            }
            for session in plan.sessions
        ],
        "videos": [_video(video, ties.get((video.view, video.session))) for video in plan.videos],
        "views": list(plan.views),
        "view_frames": list(plan.view_frames),
        "config": list(plan.config_reasons),
    }


def _image(frame: PlannedFrame, tie: SessionTie | None) -> dict[str, Any]:
    """Return one image; with a video, also how it was tied to a frame of it."""
    found = tie.images.get(frame.source) if tie else None
    return {
        "source": frame.source,
        "target": frame.target or None,
        "frame_index": frame.frame_index,
        "video_frame_index": frame.video_frame_index,
        "tie": found.outcome if found else None,
        "best_error": found.best_error if found else None,
        "second_error": found.second_error if found else None,
        "state": frame.state,
    }


def _video(video: PlannedVideo, tie: SessionTie | None) -> dict[str, Any]:
    return {
        **asdict(video),
        "session": video.session or None,
        "view": video.view or None,
        "reasons": list(video.reasons),
        "crop": describe_crop(video.crop),
        "tie": describe_tie(tie),
    }


def describe_tie(tie: SessionTie | None) -> dict[str, Any] | None:
    """What a document says of how a session's images and its video belong together."""
    if tie is None:
        return None
    return {"kind": tie.kind, "shift": tie.shift, "images": [_part(part) for part in tie.parts]}


def _part(part: Tie) -> dict[str, Any]:
    """Return what is known of the images of one size, with the numbers behind it."""
    return {
        "kind": part.kind,
        "shift": part.shift,
        "width_px": part.size_px[0] if part.size_px else None,
        "height_px": part.size_px[1] if part.size_px else None,
        "turn_deg": part.rotation_deg,
        "crop": describe_crop(part.crop),
        "scaled": part.scaled,
        "reason": part.reason,
        "evidence": asdict(part.evidence),
    }


def describe_crop(crop: Crop | None) -> dict[str, int] | None:
    """What a document says of a part of a picture."""
    return crop._asdict() if crop else None


def manifest_text(plan: Plan, records: Mapping[str, Record], failed: Iterable[str], findings: Iterable[Finding]) -> str:
    """Return the manifest of a target as it is after a run."""
    lost = set(failed)
    document = {
        "schema": SCHEMA,
        "dlc2lp_version": plan.dlc2lp_version,
        **describe(plan),
        "options": plan.options,
        "findings": [finding.as_json() for finding in findings],
        "steps": [
            {
                "id": step.id,
                "kind": step.kind,
                "state": "failed" if step.id in lost else "done",
                "files": [asdict(file) for file in records[step.id].files] if step.id in records else [],
            }
            for step in plan.steps
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
