"""Every variant that DeepLabCut projects come in, through ``dlc2lp convert`` and ``dlc2lp inspect``.

The table stands in :mod:`variants`. Of every row are asserted: the exit code; the errors and warnings, no more and no
less; every labelled cell of the target, bit for bit, and that the others were counted; every image byte for byte; the
labeling queue; the untouched source; that no traceback came; and that ``inspect`` says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from builder import snapshot
from command import Result, dlc2lp
from context import expect_context
from targets import Labels, read_labels, read_queue
from variants import VARIANTS, Outcome, Variant
from variants.table import labels_of, whole

CASES = [
    pytest.param(variant, case, id=name)
    for variant in VARIANTS
    for case, name in zip(variant.cases, variant.ids(), strict=True)
]


def test_every_row_of_the_table_is_here_once() -> None:
    assert [variant.number for variant in VARIANTS] == list(range(1, 96))
    names = [name for variant in VARIANTS for name in variant.ids()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("variant", "case"), CASES)
def test_variant(tmp_path: Path, variant: Variant, case: str) -> None:
    outcome = variant.build(tmp_path / "dlc", case)
    source, target = outcome.project.root, tmp_path / "lp"
    before = snapshot(source)
    result = dlc2lp("convert", source, target, "--json", *outcome.options)
    assert result.exit_code == outcome.exit_code, result.stderr
    inspected = dlc2lp("inspect", source, "--json", *outcome.options)
    assert snapshot(source) == before
    for document in documents(result).values():
        expect_findings(outcome, document["findings"])
    expect_same(outcome, result, inspected)
    if outcome.exit_code == 3:
        assert not target.exists()
    else:
        expect_targets(outcome, target, result)
    outcome.check(target, result)


def documents(result: Result) -> dict[str, dict[str, Any]]:
    """The documents by folder below the target; one for most variants, several where individuals are split."""
    document = result.document
    found: dict[str, dict[str, Any]] = document.get("individuals") if "-each/" in document["schema"] else {"": document}
    return found


def expect_findings(outcome: Outcome, findings: Iterable[Mapping[str, str]]) -> None:
    """No error and no warning but those expected, the expected notes, and the words that they must hold."""
    found = {
        severity: {finding["code"] for finding in findings if finding["severity"] == severity}
        for severity in ("error", "warning", "note")
    }
    texts = [f"{finding['code']}: {finding['message']}" for finding in findings]
    assert found["error"] == set(outcome.errors), texts
    assert found["warning"] == set(outcome.warnings), texts
    assert found["note"] >= set(outcome.notes), texts
    for code, words in outcome.says.items():
        said = [" ".join(finding.values()) for finding in findings if finding["code"] == code]
        assert any(all(word in text for word in words) for text in said), (words, said)
    for finding in findings:
        if finding["severity"] == "error":
            assert finding["hint"], finding


def expect_same(outcome: Outcome, converted: Result, inspected: Result) -> None:
    """``inspect`` ends alike and says the same of the source as ``convert`` does."""
    assert (inspected.exit_code == 3) == (converted.exit_code == 3), inspected.stderr
    if len(outcome.targets) > 1:
        return  # inspect shows the first of several targets
    assert inspected.exit_code in {0, 3}

    def told(result: Result) -> set[tuple[str, ...]]:
        return {
            (finding["severity"], finding["code"], finding["subject"], finding["where"])
            for finding in result.document["findings"]
        }

    assert told(inspected) == told(converted)
    assert inspected.document.get("counts") == converted.document.get("counts")


def expect_targets(outcome: Outcome, target: Path, result: Result) -> None:
    """Every target holds the labels that it must, and the counts say so."""
    whole_source = labels_of(outcome.project) if outcome.labels is None else dict(outcome.labels)
    expected = outcome.targets or {"": whole_source}
    n_source = sum(map(whole, outcome.project.labels.values())) if outcome.n_source is None else outcome.n_source
    found = documents(result)
    assert found.keys() == expected.keys()
    for folder, labels in expected.items():
        document = found[folder]
        cells = document["counts"]["labeled_cells"]
        assert cells == {"source": n_source, "written": len(labels), "left_out": n_source - len(labels)}
        frames = document["counts"]["labeled_frames"]
        assert frames["source"] == frames["written"] + frames["left_out"]
        assert frames["written"] == len({key[:2] for key in labels})
        expect_labels(outcome, target / folder, document, labels)
        expect_images(outcome, target / folder, document, labels)


def expect_labels(outcome: Outcome, target: Path, document: dict[str, Any], labels: Mapping[Any, Any]) -> None:
    """Cell by cell, in the row of the right image; a float64 is equal only if all its digits are."""
    placed = images_by_source(document)
    found: Labels = read_labels(target)
    held_out: Labels = read_labels(target, "CollectedData_test.csv") if outcome.test_frames else {}
    assert (target / "CollectedData_test.csv").exists() == bool(outcome.test_frames)
    keypoints = outcome.keypoints or outcome.project.bodyparts
    assert list(dict.fromkeys(keypoint for _, keypoint in found)) == list(keypoints)
    expected = {(placed[key[:2]], key[2]): point for key, point in labels.items()}
    written = {key: point for key, point in {**found, **held_out}.items() if whole(point)}
    assert written == expected
    assert len(found) + len(held_out) == len({**found, **held_out})
    rows = {path for path, _ in found}
    assert rows | {path for path, _ in held_out} == {path for path, _ in expected} | {
        placed[frame] for frame in outcome.empty_rows
    }
    assert {path for path, _ in held_out} == {placed[frame] for frame in outcome.test_frames}


def images_by_source(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """(session, image) of the source -> path in the target, as the map back in the document has it."""
    return {
        (session["source"], image["source"]): image["target"]
        for session in document["sessions"]
        for image in session["images"]
        if image["target"]
    }


def expect_images(outcome: Outcome, target: Path, document: dict[str, Any], labels: Mapping[Any, Any]) -> None:
    """Every image arrives byte for byte under its frame number, and those without a label are in the queue.

    What else is there are neighbors of labeled frames.
    """
    project = outcome.project
    placed = images_by_source(document)
    assert len(set(placed.values())) == len(placed)
    for (session, image), path in placed.items():
        assert (target / path).read_bytes() == project.image(session, image).read_bytes()
        name = outcome.names.get((session, image))
        if name is None:
            suffix = ".jpg" if image.endswith(".jpg") else ".png"
            name = f"img{project.frame_index[session, image]:08d}{suffix}"
        assert path.rpartition("/")[2] == name
    expect_context(target, document, coded=outcome.coded)
    unlabeled = {
        frame
        for frame in project.frame_index
        if project.image(*frame).exists() and frame not in {key[:2] for key in labels}
    }
    queued = unlabeled - set(outcome.not_queued) - set(outcome.empty_rows)
    assert read_queue(target).keys() == {placed[frame] for frame in queued}
