"""What stands in ``.dlc2lp/manifest.json``: the map from every name of the source to its name in the target.

It holds no clock, host or duration: two runs that end with the same target end with the same manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from dlc2lp.migrate.journal import Record
from dlc2lp.migrate.plan import STATE_FOLDER, Plan
from dlc2lp.model import Finding

SCHEMA = "dlc2lp/manifest/1"
MANIFEST_FILE = f"{STATE_FOLDER}/manifest.json"


def describe(plan: Plan) -> dict[str, Any]:
    """What a plan says about sessions, videos, counts and configuration, as every document shows it."""
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
                "label_file": session.label_file,
                "images": [
                    {
                        "source": frame.source,
                        "target": frame.target or None,
                        "frame_index": frame.frame_index,
                        "state": frame.state,
                    }
                    for frame in session.frames
                ],
            }
            for session in plan.sessions
        ],
        "videos": [asdict(video) | {"reasons": list(video.reasons)} for video in plan.videos],
        "config": list(plan.config_reasons),
    }


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
