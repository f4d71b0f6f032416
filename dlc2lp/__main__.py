"""The program ``dlc2lp``, and ``python -m dlc2lp``: from its first line on it can be stopped cleanly."""

from dlc2lp.cli.early import keep_signals

keep_signals()


def main() -> None:
    """Run the command line and end the process with the documented exit code."""
    from dlc2lp.cli.main import main as run_main

    run_main()


if __name__ == "__main__":
    main()
