"""Measure the memory that lightning-pose's models need, on the CPU: the figures in ``dlc2lp/lp/sizing.py``.

Run with the Python that has lightning-pose (``scripts/make_lp_env``)::

    PYTHONPATH=scripts python scripts/lp_memory.py [--side 128 256] [--keypoints 4 60] [MODEL:BACKBONE...]

For each it prints, per pixel and sample (frame or moment; a context sample has five frames), with random weights:

kept
    bytes that autograd keeps until the backward pass (``torch.autograd.graph.saved_tensors_hooks``; a storage that two
    operations keep counts once, weights do not count)
peak
    the most bytes that torch had allocated at a time in forward and backward pass, beyond weights and gradients
predicted
    the same in prediction without gradients, per frame of ``--sequence`` frames (``torch.profiler``)

Both peaks are differences of two batch sizes, so that what does not grow with the batch falls out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import torch
from lp_judge.sandbox import random_vit
from torch.profiler import ProfilerActivity, profile

DEFAULT = (
    "heatmap:resnet18", "heatmap:resnet50", "heatmap:resnet101", "heatmap:efficientnet_b0", "heatmap:vits_dino",
    "heatmap:vitb_dino", "heatmap_mhcrnn:resnet18", "heatmap_mhcrnn:resnet50", "heatmap_mhcrnn:resnet101",
    "heatmap_mhcrnn:efficientnet_b0", "heatmap_mhcrnn:vits_dino", "heatmap_mhcrnn:vitb_dino", "regression:resnet18",
    "regression:resnet50", "heatmap_multiview_transformer:vits_dino", "heatmap_multiview_transformer:vitb_dino",
)  # fmt: skip
N_VIEWS = 3
N_CONTEXT = 5


def use_random_weights() -> None:
    """Vision transformers of their real depth; nothing is downloaded."""
    from transformers import ViTModel

    ViTModel.from_pretrained = classmethod(lambda cls, name, **_: random_vit(cls, name, n_layers=12))
    torch.hub.load_state_dict_from_url = lambda *_, **__: {"state_dict": {}}


def build(kind: str, backbone: str, n_keypoints: int, side_px: int) -> Any:
    """LP's own model with random weights of the real shapes."""
    from lightning_pose.models.factory import get_model_class

    options: dict[str, Any] = {"image_size": side_px, "pretrained": False, "backbone": backbone}
    if kind == "heatmap_multiview_transformer":
        options["num_views"] = N_VIEWS
    return get_model_class(kind, False)(num_keypoints=n_keypoints, **options).train()


def images(kind: str, n: int, side_px: int) -> torch.Tensor:
    """A training batch as the model takes it."""
    between = {"heatmap_mhcrnn": (N_CONTEXT,), "heatmap_multiview_transformer": (N_VIEWS,)}.get(kind, ())
    return torch.rand(n, *between, 3, side_px, side_px)


def forward_loss(model: Any, kind: str, batch: torch.Tensor, *, finds_keypoints: bool = True) -> torch.Tensor:
    """As in LP's training step: heatmaps, keypoints from them that only a metric looks at, and a squared error."""
    found = model(batch)
    if kind == "regression":
        return (found**2).mean()
    maps = found if isinstance(found, tuple) else (found,)
    keypoints = [model.head.run_subpixelmaxima(each) for each in maps] if finds_keypoints else []
    heatmaps = torch.cat(maps)
    loss = ((heatmaps - torch.zeros_like(heatmaps)) ** 2).mean()
    del keypoints  # they live until here, with all that their way back would need, and take no part in it
    return loss


def kept_bytes(model: Any, kind: str, batch: torch.Tensor) -> int:
    """Bytes that autograd keeps for the backward pass, weights left out."""
    weights = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    seen: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # a tensor that is kept by what made it would never be freed

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = forward_loss(model, kind, batch, finds_keypoints=False)
        del loss
        return sum(seen.values())


def peak_bytes(act: Any) -> int:
    """The most bytes that were allocated at a time while something was done, beyond those from before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        act()
    held = highest = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            highest = max(highest, held)
    return highest


def train_peak(model: Any, kind: str, n: int, side_px: int) -> int:
    """Peak of one forward and backward pass, after a first one has made the gradients."""
    batch = images(kind, n, side_px)
    forward_loss(model, kind, batch).backward()
    return peak_bytes(lambda: forward_loss(model, kind, batch).backward())


def predict_peak(model: Any, kind: str, n: int, side_px: int) -> int:
    """Peak of the prediction of a sequence of frames."""
    frames = images("heatmap" if kind == "heatmap_mhcrnn" else kind, n, side_px)

    def predict() -> None:
        with torch.inference_mode():
            found = model(frames)
            for each in found if isinstance(found, tuple) else (found,):
                if kind != "regression":
                    model.head.run_subpixelmaxima(each)

    model.eval()
    predict()
    highest = peak_bytes(predict)
    model.train()
    return highest


def measure(kind: str, backbone: str, n_keypoints: int, side_px: int, sequence: int) -> str:
    """One line of the table."""
    model = build(kind, backbone, n_keypoints, side_px)
    area_px = side_px**2
    kept = kept_bytes(model, kind, images(kind, 2, side_px)) - kept_bytes(model, kind, images(kind, 1, side_px))
    peak = train_peak(model, kind, 2, side_px) - train_peak(model, kind, 1, side_px)
    more, fewer = (predict_peak(model, kind, n, side_px) for n in (2 * sequence, sequence))
    weights = sum(each.numel() for each in model.parameters()) / 1e6
    figures = f"{kept / area_px:9.0f} {peak / area_px:9.0f} {(more - fewer) / sequence / area_px:9.0f} {weights:8.1f}"
    return f"{kind:30s} {backbone:16s} {n_keypoints:4d} {side_px:5d} {figures}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL:BACKBONE", default=DEFAULT)
    parser.add_argument("--side", type=int, nargs="*", default=[256], metavar="PX")
    parser.add_argument("--keypoints", type=int, nargs="*", default=[4, 60], metavar="N")
    parser.add_argument("--sequence", type=int, default=8, metavar="N", help="frames predicted at a time (default 8)")
    options = parser.parse_args()
    use_random_weights()
    print(
        f"{'model':30s} {'backbone':16s} {'keyp':>4s} {'side':>5s} "
        f"{'kept':>9s} {'peak':>9s} {'predicted':>9s} M weights"
    )
    for name, n_keypoints, side_px in cases(options.models, options.keypoints, options.side):
        kind, backbone = name.split(":")
        print(measure(kind, backbone, n_keypoints, side_px, options.sequence), flush=True)


def cases(names: Iterable[str], keypoints: list[int], sides: list[int]) -> Iterable[tuple[str, int, int]]:
    """All that is asked for."""
    return ((name, n, side) for name in names for n in keypoints for side in sides)


if __name__ == "__main__":
    main()
