"""``python scripts/benchmarks`` and ``python -m benchmarks``."""

import sys
from pathlib import Path

if not __package__:  # run as a folder: without this, `import measure` anywhere would find our own measure.py
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.cli import main

sys.exit(main())
