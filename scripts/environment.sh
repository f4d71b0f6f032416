# Sourced by the scripts beside it: finds a Python and makes the virtual environments they run in.
# Written for bash 3.2 (macOS has no newer one) and Git Bash on Windows.
#
#   PYTHON        the interpreter to use instead of the newest one found
#   DLC2LP_VENV   where the environments go: $DLC2LP_VENV, $DLC2LP_VENV-3.12, $DLC2LP_VENV-demo, ...
#                 (default: .venv in the clone)
#   DLC2LP_LP_ENV where the environment of lightning-pose goes (default: outside the clone, so that all share it)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${DLC2LP_VENV:-$root/.venv}
lp_environment=${DLC2LP_LP_ENV:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/dlc2lp-lp-env}

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit "${2:-1}"
}

heading() { printf '\n======== %s\n' "$*"; }

# python_works COMMAND: it really runs (pyenv leaves a `python3.13` on PATH that only prints an error), is
# new enough, and can make virtual environments (Debian's python3 can't before `apt install python3-venv`).
python_works() {
    "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# find_python VERSION...: prints the first interpreter that works; first those on PATH, then pyenv's, which are
# on PATH only while selected. Returns 1 where there is none.
find_python() {
    local version candidate
    local candidates=()
    for version in "$@"; do candidates+=("python$version"); done
    for version in "$@"; do candidates+=("${HOME:-}/.pyenv/versions/$version".*/bin/python); done
    for candidate in "${candidates[@]}"; do
        if python_works "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# any_python: $PYTHON, else the newest on this machine, else words and the end.
any_python() {
    if [[ -n ${PYTHON:-} ]]; then
        python_works "$PYTHON" || fail "PYTHON=$PYTHON does not run, is older than 3.11, or has no venv module"
        echo "$PYTHON"
        return
    fi
    find_python 3.13 3.12 3.11 3 || fail "needs Python 3.11 or newer with its venv module, found none.
Install it from https://www.python.org or your package manager (Debian, Ubuntu: apt install python3 python3-venv),
or name one: PYTHON=/path/to/python3.12 $0"
}

# make_environment PYTHON DIR [EXTRAS]: prints the interpreter of the virtual environment DIR, which has this
# clone's dlc2lp installed, with the extras (`test`, `dev`). Reuses DIR where it is complete.
make_environment() { "$1" "$root/scripts/environment.py" "$2" "${3:-}"; }
