"""See dlc2lp at work: make a small synthetic DeepLabCut project and convert it.

::

    python scripts/demo.py [DIR]      DIR: where the two projects go (default: dlc2lp-demo)

Needs Python 3.11+, nothing else; runs wherever that does, Windows too. DLC2LP_VENV=DIR chooses the place of the
environment (default: .venv in the clone).
"""

from __future__ import annotations

import subprocess
import sys

from environment import VENV, beside, command_of, made

TEXT = """
Look at
  {directory}/dlc-project    what a lab has: config.yaml, labeled-data/, videos/
  {directory}/lp-project     what Lightning Pose trains on: CollectedData.csv, labeled-data/, videos/*.mp4,
                            project.yaml for its app, configs/default.yaml for `litpose train`
and try it on a project of your own (`inspect` writes nothing, and no command ever writes into the source):
  {dlc2lp} inspect YOUR_DLC_PROJECT
  {dlc2lp} convert YOUR_DLC_PROJECT NEW_FOLDER"""


def main() -> int:
    """Make the environment and the demo; end as the demo does."""
    arguments = sys.argv[1:]
    if len(arguments) > 1 or any(each.startswith("-") for each in arguments):
        print("usage: scripts/demo [DIR]", file=sys.stderr)
        return 2
    directory = arguments[0] if arguments else "dlc2lp-demo"
    dlc2lp = command_of(made(beside(VENV, "demo")), "dlc2lp")
    if code := subprocess.run([dlc2lp, "demo", directory], check=False).returncode:
        return code
    print(TEXT.format(directory=directory, dlc2lp=dlc2lp))
    return 0


if __name__ == "__main__":
    sys.exit(main())
