"""``python scripts/lp_judge TARGET`` and ``python -m lp_judge TARGET``."""

import sys
from pathlib import Path

if not __package__:  # run as a folder: without this, `import config` anywhere would find our own config.py
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from lp_judge.cli import main

main()
