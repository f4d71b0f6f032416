"""The encode profiles beside the commands of Lightning Pose's documentation and app, on each kind of clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import reference
from benchmarks.measure import gain, say, table
from benchmarks.quality import frames, quality
from benchmarks.recordings import Recording, Size, kinds
from dlc2lp.video.convert import Verify, check_video, convert_video, make_video
from dlc2lp.video.cpus import allowed_cpus
from dlc2lp.video.encoding import PROFILES, EncodeSettings, encode_settings

_HEADS = ("", "wall", "CPU", "size", "PSNR-Y dB", "SSIM-Y", "frames in → out")


def report(folder: Path, size: Size, given: Path | None) -> str:
    """One table for each kind of clip."""
    tables = [_table(recording, folder, size) for recording in kinds(folder, size, given)]
    return "\n\n".join(["## Encoding", *tables])


def encode(source: Path, target: Path, settings: EncodeSettings, verify: Verify) -> None:
    """Encode as ``dlc2lp`` does, also what it would rather copy."""
    verdict = check_video(source)
    if verdict.treatment.action == "encode":
        convert_video(
            source,
            target,
            profile=settings.profile,
            crf=settings.crf,
            preset=settings.preset,
            gop=settings.gop,
            threads=settings.threads,
            verify=verify,
            overwrite=True,
        )
    else:
        make_video(source, target, verdict.info, "encode", settings, verify=verify)


def _table(recording: Recording, folder: Path, size: Size) -> str:
    """All candidates against the documentation's command."""
    source, baseline = recording.path, folder / "docs.mp4"

    def docs() -> None:
        reference.run(reference.docs_command(source, baseline))

    docs()  # the first reading of a file is the slowest
    before = quality(source, baseline)
    rows = [["the documentation's command", "1.00", "1.00", "1.00", f"{before.psnr_db:.2f}", f"{before.ssim:.4f}",
             frames(source, baseline)]]  # fmt: skip
    for name, candidate in _candidates(source, folder / "candidate.mp4"):
        say(f"  {recording.kind}: {name}")
        found = gain(docs, candidate, size.repeats)
        made = folder / "candidate.mp4"
        after = quality(source, made)
        rows.append(
            [
                name,
                f"{found.wall:.2f}",
                f"{found.cpu:.2f}",
                f"{made.stat().st_size / baseline.stat().st_size:.2f}",
                f"{after.psnr_db:.2f} ({after.psnr_db - before.psnr_db:+.2f})",
                f"{after.ssim:.4f} ({after.ssim - before.ssim:+.4f})",
                frames(source, made),
            ]
        )
    n_frames = check_video(source).info.n_frames
    return f"### {recording.kind}, {n_frames} frames\n\n" + table(_HEADS, rows)


def _candidates(source: Path, target: Path) -> list[tuple[str, Callable[[], None]]]:
    """Names of what is compared, and how each makes ``target``."""

    def encoding(settings: EncodeSettings, verify: Verify) -> Callable[[], None]:
        return lambda: encode(source, target, settings, verify)

    found: list[tuple[str, Callable[[], None]]] = [
        ("the app's command", lambda: reference.run(reference.app_command(source, target)))  # type: ignore[list-item]
    ]
    for profile in PROFILES:
        settings = encode_settings(profile, threads=allowed_cpus())
        words = f"{settings.preset} crf {settings.crf} GOP {settings.gop}"
        for verify in ("none", "sample"):
            found.append((f"`{profile}` ({words}), verify {verify}", encoding(settings, verify)))
    return found
