"""``litpose train`` itself, on the CPU and with random weights, then prediction.

Two runs, each if asked for. The small one (``--train``) takes a small network and small images whatever the
config says, and is quick. The other (``--as-written``) changes nothing of the config but its length (epochs,
batches per epoch) and the number of data workers: backbone, image size, batch size, accumulation, evaluation and
the prediction of videos afterwards are the user's. Only videos that are long for a CPU are left out, and said so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lp_judge.report import SKIP, Report, Skipped, Verdict, require, some
from lp_judge.subject import Subject

SMALL_BATCHES = 4
AS_WRITTEN_BATCHES = 2
AS_WRITTEN_MAX_VIDEO_FRAMES = 500  # at 5 to 10 frames/s on two cores
CLIP_FRAMES = 40


def check_training(subject: Subject, report: Report) -> None:
    """Do the runs that the command line asks for."""
    if not subject.wants_lp:
        return
    if subject.options.train:
        check_small_training(subject, report)
    if subject.options.as_written:
        check_training_as_written(subject, report)


def check_small_training(subject: Subject, report: Report) -> None:
    """Train a small network, then predict the labeled images, one image and a clip."""
    if subject.config is None:
        report.line(SKIP, "train", "no usable config")
        return
    model_dir = subject.scratch / "model"
    trained = False
    with report.check("train.cli") as verdict:
        n_epochs = subject.options.epochs
        overrides = [*subject.options.override, *small_overrides(subject.config, n_epochs)]
        litpose_train(subject, model_dir, n_epochs, overrides, verdict)
        trained = True
    if not trained:
        return
    with report.check("train.predictions") as verdict:
        check_image_predictions(subject, model_dir, verdict)
    with report.check("train.pose_pca") as verdict:
        check_pose_errors(subject, model_dir, verdict)
    model = None
    with report.check("predict.frame") as verdict:
        from lightning_pose.api import Model

        model = Model.from_dir(model_dir)
        predict_frame(subject, model, verdict)
    with report.check("predict.video") as verdict:
        predict_clip(subject, model, model_dir, verdict)


def check_training_as_written(subject: Subject, report: Report) -> None:
    """Train as a user would after the migration, only for a shorter time."""
    if subject.config is None:
        report.line(SKIP, "train.as_written", "no usable config")
        return
    losses = [name for name in (subject.config.model.losses_to_use or []) if name]
    if losses:
        report.line(SKIP, "train.as_written", f"unsupervised losses {losses} need a GPU and DALI")
        return
    overrides = [*length_overrides(subject.config, 1, AS_WRITTEN_BATCHES), "++training.num_workers=0"]
    predicts_videos = subject.config.eval.predict_vids_after_training
    n_video_frames = sum(subject.n_packets.values())
    if predicts_videos and n_video_frames > AS_WRITTEN_MAX_VIDEO_FRAMES:
        predicts_videos = False
        overrides.append("eval.predict_vids_after_training=false")
        report.line(SKIP, "train.as_written.videos", f"{n_video_frames} frames take a CPU too long")
    model_dir = subject.scratch / "model-as-written"
    trained = False
    with report.check("train.as_written") as verdict:
        litpose_train(subject, model_dir, 1, overrides, verdict)
        trained = True
    if not trained:
        return
    with report.check("train.as_written.predictions") as verdict:
        check_image_predictions(subject, model_dir, verdict)
    if predicts_videos:
        with report.check("train.as_written.videos") as verdict:
            for video in subject.mp4s:
                check_video_predictions(model_dir, video, subject.n_packets.get(video))
            verdict.say(f"all frames of {some(video.stem for video in subject.mp4s)}")


def length_overrides(config: Any, n_epochs: int, n_batches: int) -> list[str]:
    """Hydra overrides that shorten a training, by steps or by epochs as the config counts.

    Validation runs in every epoch, else a training this short would end without a checkpoint.
    """
    by_steps = "min_steps" in config.training
    unit, milestones, n = ("step", "milestone_steps", 2) if by_steps else ("epoch", "milestones", n_epochs)
    overrides = [
        f"training.min_{unit}s={n}",
        f"training.max_{unit}s={n}",
        f"training.unfreezing_{unit}=0",
        "++training.check_val_every_n_epoch=1",
        f"++training.limit_train_batches={n_batches}",
    ]
    if "multisteplr" in config.training.lr_scheduler_params:  # LP refuses milestones after the end
        overrides.append(f"training.lr_scheduler_params.multisteplr.{milestones}=[1]")
    return overrides


def small_overrides(config: Any, n_epochs: int) -> list[str]:
    """Hydra overrides for a training that is quick on any machine."""
    needs_vit = config.model.model_type == "heatmap_multiview_transformer"
    return [
        f"model.backbone={'vits_dino' if needs_vit else 'resnet18'}",
        "++model.backbone_pretrained=false",
        "++model.losses_to_use=[]",
        "eval.predict_vids_after_training=false",
        "++training.num_workers=0",
        "training.num_gpus=1",
        "++training.log_every_n_steps=1",
        "training.train_batch_size=4",
        "training.val_batch_size=4",
        "data.image_resize_dims.height=128",
        "data.image_resize_dims.width=128",
        "++training.ckpt_every_n_epochs=null",
        *length_overrides(config, n_epochs, SMALL_BATCHES),
    ]


def litpose_train(subject: Subject, model_dir: Path, n_epochs: int, overrides: list[str], verdict: Verdict) -> None:
    """Run ``litpose train`` in this process, where the patches are."""
    from hydra.core.global_hydra import GlobalHydra
    from lightning_pose.cli.main import main as litpose

    GlobalHydra.instance().clear()
    started_s = time.monotonic()
    arguments = sys.argv
    sys.argv = ["litpose", "train", str(subject.config_path), "--output_dir", str(model_dir)]
    sys.argv += ["--overrides", *overrides]
    try:
        litpose()
    finally:
        sys.argv = arguments
        os.chdir(subject.scratch)  # litpose train changes it
    status = json.loads((model_dir / "train_status.json").read_text())
    require(status["status"] == "COMPLETED", str(status))
    predictions = sorted(path.name for path in model_dir.glob("predictions*.csv"))
    require(predictions, "no predictions*.csv")
    length = "2 steps" if "min_steps" in subject.config.training else f"{n_epochs} epoch(s)"
    verdict.say(f"{length} in {time.monotonic() - started_s:.0f} s; {some(predictions, 6)}")


def read_predictions(file: Path) -> Any:
    """A table of LP's predictions."""
    import pandas as pd

    return pd.read_csv(file, header=[0, 1, 2], index_col=0)


def check_image_predictions(subject: Subject, model_dir: Path, verdict: Verdict) -> None:
    """One prediction for every labeled image, with the project's keypoints in order."""
    for file, labels in subject.labels.items():
        predictions = read_predictions(model_dir / "image_preds" / file.name / "predictions.csv")
        n_rows, n_labels = len(predictions), len(labels.image_names)
        require(n_rows == n_labels, f"{file.name}: {n_rows} prediction rows, {n_labels} labels")
        names = list(dict.fromkeys(predictions.columns.get_level_values(1)))
        require(
            names[: len(labels.keypoint_names)] == labels.keypoint_names,
            f"{file.name}: keypoint names of the predictions differ",
        )
        verdict.add(f"{file.name} {n_rows} rows")


def check_pose_errors(subject: Subject, model_dir: Path, verdict: Verdict) -> None:
    """LP computed how far each prediction is from the poses of the labels; it does not where the list is null."""
    config = subject.config
    columns = config.data.get("columns_for_singleview_pca", [])
    if subject.views or columns == []:
        raise Skipped("no keypoints to compute it of")
    require(columns is not None, "columns_for_singleview_pca is null, and LP computes no Pose-PCA error then")
    n_frames = min(len(labels.image_names) for labels in subject.labels.values())
    if int(n_frames * config.training.train_prob) < 2 * len(columns):
        raise Skipped(f"{n_frames} labeled frames are too few for a PCA of {len(columns)} keypoints")
    errors = read_errors(model_dir / "predictions_pca_singleview_error.csv")
    require(errors.iloc[:, list(columns)].notna().all().all(), "errors are empty")
    verdict.say(f"{len(errors)} frames, {len(columns)} keypoints")


def read_errors(file: Path) -> Any:
    """A table of errors, a column for each keypoint."""
    import pandas as pd

    return pd.read_csv(file, index_col=0)


def check_video_predictions(model_dir: Path, video: Path, n_frames: int | None) -> None:
    """One prediction for every frame of the video."""
    n_rows = len(read_predictions(model_dir / "video_preds" / f"{video.stem}.csv"))
    require(n_frames in (None, n_rows), f"{video.name}: {n_rows} prediction rows for {n_frames} frames")


def predict_frame(subject: Subject, model: Any, verdict: Verdict) -> None:
    """The trained model finds every keypoint somewhere in a labeled image; a context model with its neighbors."""
    import numpy as np
    import torch
    from lightning_pose.utils.io import get_context_img_paths
    from PIL import Image

    if subject.views:
        raise Skipped("predict_frame is single-view")
    labels = subject.labels[subject.label_files[0]]
    path = subject.directory / labels.image_names[0]
    has_context = model.cfg.model.model_type == "heatmap_mhcrnn"
    paths = get_context_img_paths(path) if has_context else [path]
    pictures = [np.asarray(Image.open(each if each.exists() else path).convert("RGB")) for each in paths]
    with (
        torch.inference_mode()
    ):  # LP 2.4.3 changes a context model's result in place outside of it, which torch refuses
        keypoints = model.predict_frame(np.stack(pictures) if has_context else pictures[0])["keypoints"]
    require(keypoints.shape == (len(labels.keypoint_names), 2), f"keypoints of shape {keypoints.shape}")
    require(np.isfinite(keypoints).all(), "keypoints are not finite")
    verdict.say(f"keypoints {keypoints.shape}")


def predict_clip(subject: Subject, model: Any, model_dir: Path, verdict: Verdict) -> None:
    """The trained model predicts every frame of the head of a video, in all views."""
    try:
        import lightning_pose.data.video.opencv  # noqa: F401
    except ImportError:
        raise Skipped(
            "this lightning_pose release reads videos only on a GPU; 2.4.3 and later have an OpenCV reader"
        ) from None
    if model is None:
        raise Skipped("the trained model could not be loaded")
    if not subject.mp4s:
        raise Skipped("no .mp4")
    from lightning_pose.utils.io import find_video_files_for_views

    options = {"compute_metrics": False, "generate_labeled_video": False, "reader": "opencv"}
    if subject.views:
        videos = find_video_files_for_views(str(subject.video_dir), subject.views)[0]
        clips = [cut_clip(video, subject.scratch / "clips") for video in videos]
        model.predict_on_video_file_multiview(clips, **options)
    else:
        videos = subject.mp4s[:1]
        model.predict_on_video_file(cut_clip(videos[0], subject.scratch / "clips"), **options)
    for video in videos:
        n_frames = min(CLIP_FRAMES, subject.n_packets.get(video, CLIP_FRAMES))
        check_video_predictions(model_dir, video, n_frames)
    verdict.say(f"{n_frames} frames of {some(video.stem for video in videos)}")


def cut_clip(video: Path, folder: Path) -> Path:
    """The first frames of a video, under its own name in another folder."""
    folder.mkdir(exist_ok=True)
    clip = folder / video.name
    ffmpeg = ["ffmpeg", "-v", "error", "-y", "-i", str(video), "-frames:v", str(CLIP_FRAMES)]
    encode = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-an", str(clip)]
    subprocess.run([*ffmpeg, *encode], stdin=subprocess.DEVNULL, check=True)
    return clip
