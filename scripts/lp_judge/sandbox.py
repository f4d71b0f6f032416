"""What keeps a run off the network, the GPU and the project, and the few things that are patched.

- ``pl.Trainer`` runs on one CPU, as LP before 2.4.3 asks for a GPU unconditionally.
- Downloads of pretrained weights become random weights.
- Names that the app's path parser imports from ``lightning_pose.data.datatypes`` are added where LP lacks them
  (app 2.4.2.3 imports them, LP 2.4.0 and 2.4.3 do not have them).
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import warnings
from collections import namedtuple
from pathlib import Path
from typing import Any

from lp_judge.report import PASS, WARN, Report


def isolate(scratch: Path, lp_source: Path | None) -> None:
    """Set the environment, before anything of LP is imported."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    os.environ.setdefault("TQDM_DISABLE", "1")
    # Threads of torch that wait by spinning make training three times slower on a machine busy with other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    state = scratch / "app-state"  # else the app uses ~/.lightning-pose
    state.mkdir()
    os.environ["LP_SYSTEM_DIR"] = str(state)
    os.chdir(scratch)  # whatever LP or hydra write to the current directory lands here
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    if lp_source:
        sys.path.insert(0, str(lp_source))


def patch(report: Report) -> None:
    """Import LP, apply the patches and say which LP this is."""
    with contextlib.redirect_stderr(io.StringIO()):
        import lightning_pose
        import pandas as pd
        import torch

    place = Path(lightning_pose.__file__).parent
    versions = f"pandas {pd.__version__}, torch {torch.__version__}"
    report.line(PASS, "env", f"lightning_pose {lightning_pose.version} from {place}; {versions}")
    train_on_cpu()
    use_random_weights(report)
    add_missing_datatypes()


def train_on_cpu() -> None:
    """Make every trainer a quiet one on one CPU."""
    import lightning.pytorch as pl

    trainer = pl.Trainer

    def cpu_trainer(*args: Any, **kwargs: Any) -> pl.Trainer:
        kwargs.pop("sync_batchnorm", None)
        kwargs |= {"accelerator": "cpu", "devices": 1}
        kwargs |= {"enable_progress_bar": False, "enable_model_summary": False}
        return trainer(*args, **kwargs)

    pl.Trainer = cpu_trainer


def use_random_weights(report: Report) -> None:
    """Replace the downloads of backbones, torch.hub's and the Hugging Face hub's."""
    import torch

    torch.hub.load_state_dict_from_url = lambda *_, **__: {"state_dict": {}}
    try:
        from transformers import AutoModel, SamModel, ViTModel
    except Exception as error:
        report.line(WARN, "env.transformers", error)
        return
    ViTModel.from_pretrained = classmethod(lambda model_class, name, **_: random_vit(model_class, name, n_layers=3))
    AutoModel.from_pretrained = classmethod(lambda _, name, **__: random_dinov2(name))
    SamModel.from_pretrained = classmethod(lambda *_, **__: random_sam())


def random_vit(model_class: type, name: str, n_layers: int) -> Any:
    """A vision transformer of the named one's widths, with random weights."""
    from transformers import ViTConfig

    config = ViTConfig(**widths(name), num_hidden_layers=n_layers, image_size=224, patch_size=16)
    return model_class(config, add_pooling_layer=False)


def widths(name: str) -> dict[str, int]:
    """The widths of a small or base vision transformer."""
    base = "vitb" in name or "base" in name
    return {
        "hidden_size": 768 if base else 384,
        "num_attention_heads": 12 if base else 6,
        "intermediate_size": 3072 if base else 1536,
    }


def random_dinov2(name: str) -> Any:
    """A DINOv2 of the named one's widths, three layers deep, with random weights."""
    from transformers import Dinov2Config, Dinov2Model

    sizes = {key: value for key, value in widths(name).items() if key != "intermediate_size"}
    return Dinov2Model(Dinov2Config(**sizes, num_hidden_layers=3, image_size=518, patch_size=14))


def random_sam() -> Any:
    """A SAM of the base one's widths, three layers deep, with random weights."""
    from transformers import SamConfig, SamModel

    return SamModel(SamConfig(vision_config={"num_hidden_layers": 3, "global_attn_indexes": [2]}))


def add_missing_datatypes() -> None:
    """Add what the app imports from LP and LP does not have."""
    from lightning_pose.data import datatypes

    missing: dict[str, Any] = {
        "FrameKey": namedtuple("FrameKey", "session_key frame_index view"),
        "VideoFileKey": namedtuple("VideoFileKey", "session_key view"),
        "LabelFileKey": str,
        "SessionKey": str,
        "ViewName": str,
    }
    for name, substitute in missing.items():
        if not hasattr(datatypes, name):
            setattr(datatypes, name, substitute)
