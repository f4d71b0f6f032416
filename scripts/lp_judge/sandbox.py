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
        from transformers import ViTModel
    except Exception as error:
        report.line(WARN, "env.transformers", error)
        return
    ViTModel.from_pretrained = classmethod(small_vit)


def small_vit(model_class: type, name: str, **_: Any) -> Any:
    """A vision transformer of the named one's widths, three layers deep."""
    from transformers import ViTConfig

    base = "vitb" in name or "base" in name
    config = ViTConfig(
        hidden_size=768 if base else 384,
        num_attention_heads=12 if base else 6,
        num_hidden_layers=3,
        intermediate_size=3072 if base else 1536,
        image_size=224,
        patch_size=16,
    )
    return model_class(config, add_pooling_layer=False)


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
