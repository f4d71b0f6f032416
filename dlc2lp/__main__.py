"""``python -m dlc2lp`` is ``dlc2lp``."""

from dlc2lp.cli.main import main

if __name__ == "__main__":
    main()
