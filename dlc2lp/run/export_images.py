"""Where the images of an export are copied from: as DeepLabCut has them, or as the target does. Only looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dlc2lp.files import digest, mark_of
from dlc2lp.model import Finding, Severity
from dlc2lp.planning.plan import Plan
from dlc2lp.planning.steps import ImagePlacement, PlaceImages
from dlc2lp.run.journal import Journal
from dlc2lp.wording import counted, some


@dataclass(frozen=True)
class ExportImages:
    """All images of a target that can be had."""

    #: Where an image is copied from, and its size in bytes, by its path in the target.
    places: Mapping[str, tuple[str, int]]
    #: Those that were of another format in DeepLabCut and no longer are.
    only_png: frozenset[str]
    findings: tuple[Finding, ...]

    @classmethod
    def find(cls, plan: Plan, target: Path) -> ExportImages:
        """Look for them; of an image that the conversion changed the original is taken, if nobody drew on it since."""
        found = {
            path.relative_to(target).as_posix(): (str(path), path.stat().st_size)
            for path in sorted((target / "labeled-data").glob("*/*"))
            if path.is_file()
        }
        records = Journal(target).read()
        written = {file.path: file for record in records.values() for file in record.files}
        only_png, converted = set[str](), list[str]()
        for image in (image for step in plan.steps if isinstance(step, PlaceImages) for image in step.images):
            is_converted = image.as_png or image.shift is not None
            is_as_written = image.target not in found or (
                is_converted
                and image.target in written
                and replace(digest(target / image.target), path=image.target) == written[image.target]
            )
            if is_as_written and _is_original(image):
                found[image.target] = (image.source, image.size_bytes)
            elif is_converted and image.target in found:
                converted.append(image.target)
                only_png |= {image.target} if image.as_png else set()
        if not converted:
            return cls(found, frozenset(only_png), ())
        n_images = counted(len(converted), "image is", "images are")
        message = f"{n_images} exported as the conversion made them (PNG of 8 bits): the originals are gone or changed"
        finding = Finding(Severity.NOTE, "export-images-converted", "labeled-data", message, some(converted))
        return cls(found, frozenset(only_png), (finding,))


def _is_original(image: ImagePlacement) -> bool:
    source = Path(image.source)
    try:
        if source.stat().st_size != image.size_bytes:
            return False
        return not image.digest or mark_of(digest(source).digest) == image.digest
    except OSError:
        return False
