"""What is heard before anything else is loaded: a signal that comes while the program starts is kept until it is up.

Loading takes a tenth of a second, on a cold disk some. Who presses Ctrl-C then wants an end with the documented exit
code, and not the traceback of whichever library was being loaded. So this is the first module, and it loads nothing.
"""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of, without the enumerations

#: The signals that asked to stop, the first one first.
ASKED: list[int] = []

#: SIGHUP comes when the terminal goes, as an ssh session does; SIGUSR1 and SIGUSR2 are what Slurm can be asked to send
#: before a time limit. Windows has none of the three last.
NUMBERS = [
    getattr(_signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if hasattr(_signal, name)
]


def keep_signals() -> None:
    """From here on keep what asks to stop, for :func:`dlc2lp.cli.signals.stop_on_signals`, in a process of our own."""
    for number in NUMBERS:
        if not is_ignored(number):
            _signal.signal(number, _keep)


def ignore_signals() -> None:
    """Ignore them: the exit code is settled, and the interpreter is ending."""
    for number in NUMBERS:
        _signal.signal(number, _signal.SIG_IGN)


def is_ignored(number: int) -> bool:
    """Whether a signal is not for us: ``nohup dlc2lp ...`` asks for what it says."""
    return number == getattr(_signal, "SIGHUP", None) and _signal.getsignal(number) == _signal.SIG_IGN


def _keep(number: int, frame: object) -> None:
    ASKED.append(number)
