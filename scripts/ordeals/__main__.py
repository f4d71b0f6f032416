"""``python scripts/ordeals`` and ``python -m ordeals``."""

import os
import sys
from pathlib import Path

# As the command line does before numpy is loaded: threads that wait would be copied half by every fork.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MALLOC_ARENA_MAX", "2")

if not __package__:  # run as a folder: without this, `import kill` anywhere would find our own kill.py
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from ordeals.cli import main

sys.exit(main())
