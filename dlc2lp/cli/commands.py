"""The commands about projects. Each calls the library once and shows what came of it; none decides anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dlc2lp.cli import output
from dlc2lp.cli.everywhere import everywhere
from dlc2lp.cli.grouped import Grouped
from dlc2lp.cli.options import (
    GIVEN_PATH,
    SOURCE_AND_TARGET,
    SOURCE_OR_VIEWS,
    TARGET,
    options_of,
    take_source,
)
from dlc2lp.cli.progress import watching
from dlc2lp.cli.terminal import has_gpu
from dlc2lp.lp.config_choices import ConfigChoices
from dlc2lp.options import Options, RunOptions
from dlc2lp.wording import shown


@click.command(cls=Grouped)
@SOURCE_OR_VIEWS
@options_of("inspect")
@everywhere
def inspect(source: Path | None, **options: Any) -> int:
    """Say what is in SOURCE, what would be done and what needs a decision. Writes nothing.

    SOURCE is a DeepLabCut project folder, its config.yaml, a DeepLabCut 3D project, a folder that has only
    labeled-data/, a data set of DeepLabCut 1, or a folder in which label files lie beside their images. With --view
    NAME=SOURCE for each camera there is no other, but for a 3D project that they belong to.

    \b
    Examples:
      dlc2lp inspect my-dlc-project
      dlc2lp inspect my-dlc-project --video-root /mnt/old-videos
      dlc2lp inspect --view top=lab/top --view side=lab/side
    """
    chosen = Options.of(options)
    if chosen.split == "list":
        return _show_splits(source, chosen)
    with watching(_reading(source, chosen)) as watch:
        from dlc2lp import migration

        found = migration.inspect(source, chosen, watch=watch)
    from dlc2lp.report import json, text

    output.result(text.inspection_text(found), json.inspection(found))
    return found.exit_code


@click.command(cls=Grouped)
@SOURCE_AND_TARGET
@options_of("convert")
@click.option("--dry-run", is_flag=True, help="Print the plan and write nothing.")
@everywhere
def convert(places: tuple[Path, ...], *, dry_run: bool, register: str | None, **options: Any) -> int:
    """Turn the DeepLabCut project SOURCE into the Lightning Pose project TARGET.

    Several cameras become one multi-view project: a DeepLabCut 3D project as SOURCE, one project with --view-pattern,
    or one project for each camera with --view NAME=SOURCE and no other SOURCE but the 3D project that they belong to.

    Run the same command again to finish what was interrupted; what is done stays done. SOURCE is never written to.

    \b
    Examples:
      dlc2lp convert my-dlc-project my-lp-project --dry-run
      dlc2lp convert my-dlc-project my-lp-project
      dlc2lp convert two-mice lp --individuals flatten
      dlc2lp convert my-dlc-project lp --video-root /mnt/old-videos
      dlc2lp convert --view top=lab/top --view side=lab/side lp
      dlc2lp convert my-dlc-project lp --gpu-memory 24 --data-dir /scratch/lp
    """
    source, target = take_source(places, options)
    chosen, run_options = Options.of(options), RunOptions.of(options)
    if chosen.split == "list":
        return _show_splits(source, chosen)
    if chosen.individuals == "split" and source is not None and not chosen.views:
        return _convert_each(source, target, chosen, run_options, register_as=register, dry_run=dry_run)
    if dry_run:
        return _preview(source, target, chosen)
    with watching(_reading(source, chosen)) as watch:
        from dlc2lp import migration

        came = migration.convert(source, target, chosen, run_options, register_as=register, watch=watch)
    from dlc2lp.report import json, text

    output.result(text.outcome_text(came, has_gpu=has_gpu()), json.outcome(came))
    return came.exit_code


def _preview(source: Path | None, target: Path, chosen: Options) -> int:
    with watching(_reading(source, chosen)) as watch:
        from dlc2lp import migration

        preview = migration.preview(source, target, chosen, watch=watch)
    from dlc2lp.report import json, text

    output.result(text.preview_text(preview), json.dry_run(preview))
    return preview.exit_code


def _reading(source: Path | None, chosen: Options) -> str:
    """Say what is being read first, before any library is loaded: that takes its time on a cold disk."""
    places = [path for _, path in chosen.views] if source is None else [source]
    return f"reading {', '.join(map(str, places))}"


def _show_splits(source: Path | None, chosen: Options) -> int:
    from dlc2lp import migration
    from dlc2lp.report import json, text

    names = migration.list_project_splits(source, chosen)
    output.result(text.splits_text(names), json.splits(names))
    return 0


def _convert_each(
    source: Path, target: Path, chosen: Options, run_options: RunOptions, *, register_as: str | None, dry_run: bool
) -> int:
    """Convert a multi-animal project into one target per individual."""
    with watching(_reading(source, chosen)):
        from dlc2lp import each_individual, migration
        from dlc2lp.report import json, text

    if dry_run:
        with watching(_reading(source, chosen)) as watch:
            proposals = each_individual.propose_each(source, target, chosen, watch=watch)
        previews = {name: migration.preview_of(proposal.plan) for name, proposal in proposals.items()}
        planned = json.each_plan({name: json.dry_run(preview) for name, preview in previews.items()})
        output.result(text.each({name: text.preview_text(preview) for name, preview in previews.items()}), planned)
        return planned.exit_code
    with watching(_reading(source, chosen)) as watch:
        outcomes = each_individual.convert_each_individual(
            source, target, chosen, run_options, register_as=register_as, watch=watch
        )
    document = json.each_outcome({name: json.outcome(came) for name, came in outcomes.items()})
    output.result(
        text.each({name: text.outcome_text(came, has_gpu=has_gpu()) for name, came in outcomes.items()}), document
    )
    return document.exit_code


@click.command()
@TARGET
@options_of("verify")
@everywhere
def verify(target: Path, **options: Any) -> int:
    """Check TARGET again: against the plan it was written by, and against Lightning Pose's own rules."""
    with watching(f"checking {target}"):
        from dlc2lp import migration

        plan, found = migration.verify(target, options["verify"])
    from dlc2lp.errors import EXIT_FAILED, EXIT_OK
    from dlc2lp.report import json, text

    exit_code = EXIT_OK if found.ok else EXIT_FAILED
    output.result(text.verification_text(plan, found), json.verification(plan, found, exit_code))
    return exit_code


@click.command()
@TARGET
@everywhere
def report(target: Path) -> int:
    """Make the page of TARGET for people anew, migration-report.html, of what stands there now.

    Every conversion writes it: what was moved and from where, with pictures of the labels, and all that should be
    known. Made anew it shows what people labeled since.
    """
    with watching(f"making the page of {target}"):
        from dlc2lp.pages.write import remake_page

        page = remake_page(target)
    from dlc2lp.report import json

    output.result(str(page), json.reported(page))
    return 0


@click.command(cls=Grouped)
@TARGET
@options_of("config")
@everywhere
def config(target: Path, *, discard_edits: bool, data_dir: str | None, **options: Any) -> int:
    """Write the starter config of TARGET again with other options.

    What a person changed by hand in configs/default.yaml is kept. Options of earlier calls stay in force.
    """
    with watching(f"reading {target}"):
        from dlc2lp.reconfigure import reconfigure

        made = reconfigure(target, ConfigChoices.of(options), data_dir=data_dir, discard_edits=discard_edits)
    from dlc2lp.report import json, text

    output.result(text.reconfigured_text(made), json.reconfigured(made))
    return 0


@click.command()
@TARGET
@click.argument("folder", type=GIVEN_PATH, metavar="DLC-FOLDER")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@everywhere
def export(target: Path, folder: Path, *, dry_run: bool) -> int:
    """Write the labels of TARGET, as they are now, as a DeepLabCut project into DLC-FOLDER.

    Frames and individuals get DeepLabCut's names back, and what people labeled since comes along. Views that one
    DeepLabCut project held become that one project again; of several projects each is DLC-FOLDER/<view>, or
    DLC-FOLDER/<view>_<view> where it held two of the views. DLC-FOLDER is new, empty, or an earlier export in which
    nothing was changed; TARGET and the project that it was made from are never written to.
    """
    with watching(f"reading {target}") as watch:
        from dlc2lp import exporting

        came = exporting.export(target, folder, dry_run=dry_run, watch=watch)
    from dlc2lp.report import json
    from dlc2lp.report.export_text import export_text

    output.result(export_text(came), json.exported(came))
    return came.exit_code


@click.command()
@TARGET
@click.option("--dry-run", is_flag=True, help="Show what would be mended and write nothing.")
@everywhere
def labels(target: Path, *, dry_run: bool) -> int:
    """Make the label files of TARGET what Lightning Pose trains on, after labeling in its app.

    The app writes x and y but never the column `visible`, rewrites every number, and adds a frame to the label files
    of the views that were labeled. Labels stay as people made them. Run again, it finds nothing to do.
    """
    with watching(f"reading {target}"):
        from dlc2lp.relabel import relabel

        made = relabel(target, dry_run=dry_run)
    from dlc2lp.report import json, text

    output.result(text.relabeled_text(made), json.relabeled(made))
    return made.exit_code


@click.command()
@click.argument("folder", type=GIVEN_PATH, default=Path("dlc2lp-demo"), required=False)
@everywhere
def demo(folder: Path) -> int:
    """Make a small synthetic DeepLabCut project in FOLDER and convert it.

    FOLDER/dlc-project is the source, FOLDER/lp-project the target.
    """
    with watching(f"drawing a project in {folder}"):
        from dlc2lp import migration
        from dlc2lp.demo import make_demo_project

        source = make_demo_project(folder / "dlc-project")
    from dlc2lp.report import json, text

    if not output.wants_quiet():
        output.say(
            f"$ dlc2lp convert {shown(str(source))} {shown(str(folder / 'lp-project'))}\n", err=output.wants_json()
        )
    with watching(f"reading {source}") as watch:
        came = migration.convert(source, folder / "lp-project", watch=watch)
    output.result(text.outcome_text(came, has_gpu=has_gpu()), json.outcome(came))
    return came.exit_code
