"""What holds for the package as a whole."""

import ast
import configparser
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from builder import build_project

import dlc2lp
from dlc2lp.cli.main import COMMANDS, cli

PACKAGE = Path(dlc2lp.__file__).parent

#: Rooms in which findings are data to the end: what settles one stands beside its advice, and nobody reads its words.
ROOMS_OF_DATA = ("", "batch", "cli", "dlc", "lp", "pages", "planning", "report", "run", "survey", "video")

#: What of a finding is for people, and not for dlc2lp itself; nor is its code, which is for scripts.
PROSE = {"message", "advice", "hint", "way"}


@pytest.mark.parametrize("arguments", [["--help"], ["convert", "--help"], ["--version"], ["explain", "missing-image"]])
def test_help_answers_without_the_heavy_libraries(arguments):
    code = (
        "import sys\nfrom dlc2lp.cli.main import run\n"
        f"run({arguments!r})\n"
        "heavy = {'pandas', 'numpy', 'cv2', 'av', 'h5py', 'yaml', 'tqdm'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_the_version_and_the_list_of_commands_need_nothing_but_click(arguments):
    code = (
        "import sys\nfrom dlc2lp.cli.main import run\n"
        f"run({arguments!r})\n"
        "print('IMPORTED', *sorted(name for name in sys.modules if name.split('.')[0] == 'dlc2lp'))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = process.stdout.partition("IMPORTED ")[2].split()
    assert imported == [
        *("dlc2lp", "dlc2lp.cli", "dlc2lp.cli.early", "dlc2lp.cli.main", "dlc2lp.cli.signals"),
        "dlc2lp.version",
    ]


def test_each_command_is_listed_with_the_first_sentence_of_its_own_help():
    with click.Context(cli) as context:
        for name, (_, text) in COMMANDS.items():
            command = cli.get_command(context, name)
            assert command is not None
            assert command.get_short_help_str(limit=200) == text, name
            assert command.name == name
    known = {path.stem for path in (PACKAGE / "cli").glob("*.py")}
    assert {module for module, _ in COMMANDS.values()} <= known


def test_nothing_in_the_package_uses_what_the_house_forbids():
    """No shell, no unsafe YAML, no pickle or read_hdf: names that must not even occur as calls."""
    forbidden = {
        *((owner, name) for owner in ("pd", "pandas") for name in ("read_hdf", "read_pickle", "HDFStore")),
        *(("yaml", name) for name in ("load", "unsafe_load", "full_load")),
        *(("pickle", name) for name in ("load", "loads")),
        ("os", "system"),
        ("os", "popen"),
    }
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                owner = getattr(getattr(node.func, "value", None), "id", "")
                assert (owner, getattr(node.func, "attr", "")) not in forbidden, path
                assert not [keyword for keyword in node.keywords if keyword.arg == "shell"], path


def test_names_are_given_in_one_place_which_knows_what_windows_needs():
    """``os.replace``, ``shutil.move``, ``path.rename`` and their like fail on what is held open."""
    modules = {("os", "replace"), ("os", "rename"), ("os", "renames"), ("shutil", "move")}
    for path in PACKAGE.rglob("*.py"):
        if path.name == "renaming.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner, name = getattr(node.func.value, "id", ""), node.func.attr
            # a text is replaced by another one, a path by nothing but itself
            of_path = name in {"rename", "replace"} and len(node.args) == 1 and not node.keywords
            assert (owner, name) not in modules and not of_path, f"{path}, line {node.lineno}: use dlc2lp.renaming"


def test_the_library_does_what_the_commands_do(tmp_path, capfd):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    seen = dlc2lp.inspect(project.root)
    assert (seen.exit_code, len(seen.labels.project.sessions)) == (0, 1)
    plan = dlc2lp.plan(project.root, tmp_path / "lp", train_batch_size=4)
    assert plan.counts["labeled_frames"].source == 5
    came = dlc2lp.convert(project.root, tmp_path / "lp", train_batch_size=4, jobs=1)
    assert came.exit_code == 0
    assert came.plan == plan
    assert dlc2lp.verify(tmp_path / "lp").ok
    assert dlc2lp.check_video(project.videos["m1"]).treatment.action == "place"
    made = dlc2lp.convert_video(project.videos["m1"], tmp_path / "m1.mp4")
    assert made.target.n_frames == project.n_frames["m1"]
    assert capfd.readouterr() == ("", "")


def test_the_library_splits_individuals_where_it_is_asked_by_name(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",), individuals=("a", "b"), video="none")
    with pytest.raises(dlc2lp.Dlc2LpError, match="several targets"):
        dlc2lp.convert(project.root, tmp_path / "lp", individuals="split")
    came = dlc2lp.convert_individuals(project.root, tmp_path / "lp")
    assert {name: outcome.exit_code for name, outcome in came.items()} == {"a": 0, "b": 0}


def test_library_errors_are_typed_and_carry_findings(tmp_path):
    with pytest.raises(dlc2lp.Dlc2LpError) as caught:
        dlc2lp.convert(tmp_path / "nowhere", tmp_path / "lp")
    assert (caught.value.exit_code, caught.value.findings[0].code) == (3, "source-missing")
    with pytest.raises(dlc2lp.Dlc2LpError, match="colour"):
        dlc2lp.plan(tmp_path, tmp_path / "lp", colour="red")


def test_the_library_stops_when_asked(tmp_path):
    project = build_project(tmp_path / "dlc", sessions=("m1",))
    stop = threading.Event()
    stop.set()
    with pytest.raises(dlc2lp.Dlc2LpError) as caught:
        dlc2lp.convert(project.root, tmp_path / "lp", stop=stop)
    assert caught.value.exit_code == 75


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").exists()


def test_what_is_no_python_in_the_package_is_shipped_with_it():
    settings = configparser.ConfigParser()
    settings.read(PACKAGE.parent / "setup.cfg", encoding="utf-8")
    patterns = settings["options.package_data"]["dlc2lp"].split()
    others = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.is_file()]
    others = [path for path in others if path.suffix not in {".py", ".pyc"}]
    assert Path("report/codes/labels.toml") in others
    assert not [str(path) for path in others if not any(path.match(pattern) for pattern in patterns)]


def modules_of_data() -> Iterator[tuple[str, ast.Module]]:
    """Yield the name and the tree of each module in the rooms where findings are data."""
    for room in ROOMS_OF_DATA:
        for path in sorted((PACKAGE / room).glob("*.py")):
            yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text(encoding="utf-8"))


def is_one_of(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression is such an attribute: ``finding.code``, ``error.findings[0].message``."""
    return isinstance(node, ast.Attribute) and node.attr in names


def reads_words(node: ast.AST) -> bool:
    """Whether code compares a finding's words or its code, searches in the words or changes them."""
    match node:
        case ast.Compare(left=left, comparators=others):
            return any(is_one_of(each, PROSE | {"code"}) for each in (left, *others))
        case ast.Match(subject=subject):
            return is_one_of(subject, PROSE | {"code"})
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=given):
            is_search = name in {"sub", "search", "match", "fullmatch", "split", "findall", "finditer"}
            changes = is_one_of(owner, PROSE) and name not in {"split", "splitlines"}  # to lay it out
            return changes or (is_search and any(is_one_of(each, PROSE) for each in given))
    return False


def test_no_code_reads_what_findings_say():
    """Refusals that code must tell apart are types; what settles a finding is its remedies."""
    found = [
        f"{name}:{node.lineno}" for name, tree in modules_of_data() for node in ast.walk(tree) if reads_words(node)
    ]
    assert not found


def options_of(command: click.Command) -> Iterator[str]:
    """Yield the names of the options of a command and of all below it, without dashes."""
    for parameter in command.params:
        yield from (name.lstrip("-") for name in (*parameter.opts, *parameter.secondary_opts))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            other = command.get_command(context, name)
            assert other is not None
            yield from options_of(other)


def test_options_that_settle_a_finding_exist():
    known = set(options_of(cli))
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Setting":
                option = node.args[0]
                assert not isinstance(option, ast.Constant) or option.value in known, (path, node.lineno, option.value)


def advices(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield every expression that is an advice: by its keyword, its name, or its place among the arguments."""
    place = {"question": 3, "Finding": 5}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [each.arg for each in node.args.args if each.arg != "self"]
            if "advice" in names:
                place[node.name] = names.index("advice")
            yield from node.args.defaults
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=given, keywords=keywords):
                yield from (keyword.value for keyword in keywords if keyword.arg == "advice")
                yield from given[place[name] : place[name] + 1] if name in place else ()
            case (
                ast.Assign(targets=[ast.Name(id="advice")], value=value)
                | ast.AugAssign(target=ast.Name(id="advice"), value=value)
            ):
                yield value


def test_advices_name_options_by_remedies():
    """``advice="choose one: {}", remedies=(Setting("scorer", ("NAME",)),)``, not ``advice="choose one: --scorer"``."""
    found = [
        f"{name}:{part.lineno}: {part.value}"
        for name, tree in modules_of_data()
        for advice in advices(tree)
        for part in ast.walk(advice)
        if isinstance(part, ast.Constant) and re.search(r"(?<![\w-])--[a-z]", str(part.value))
    ]
    assert not found


def test_each_remedy_has_its_place_in_the_advice():
    for name, tree in modules_of_data():
        for node in ast.walk(tree):
            given = {each.arg: each.value for each in getattr(node, "keywords", ())}
            match given.get("advice"), given.get("remedies"):
                case ast.Constant(value=str(words)), ast.Tuple(elts=remedies):
                    assert words.count("{}") == len(remedies), (name, node.lineno)
                case ast.Constant(value=str(words)), None:
                    assert "{}" not in words, (name, node.lineno)


def test_pure_rooms_return_their_findings():
    """A list that is handed in to be filled hides what a function says; findings are part of its result."""
    paths = [*(PACKAGE / "planning").glob("*.py"), *(PACKAGE / "lp").glob("*.py"), PACKAGE / "video" / "encoding.py"]
    filled = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        for given in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if given.annotation is not None and "list[Finding]" in ast.unparse(given.annotation)
    ]
    assert not filled


#: Modules that read files by another way than the door in files.py, and why they may.
OTHER_DOORS = {
    "files.py": "it is the door",
    "video/cpus.py": "the system's own files, which are always there to be read",
    "dlc/hdf_file.py": "h5py, when the door has looked at the path",
    "video/pyav.py": "PyAV, when the door has looked at the path (video/formats)",
    "lp/check_labels.py": "pandas as Lightning Pose calls it, when the door has looked at the path",
    "run/verify_predictions.py": "pandas, when the door has looked at the path",
    "report/explaining.py": "the package's own table of codes",
    "pages/render.py": "the package's own templates",
}

#: Functions that open the file that a path names.
READERS = {
    *(("cv2", name) for name in ("imread", "VideoCapture", "imreadmulti")),
    *(("np", name) for name in ("load", "loadtxt", "genfromtxt", "fromfile", "memmap")),
    *(("pd", name) for name in ("read_csv", "read_table", "read_excel", "read_json", "read_parquet")),
    ("h5py", "File"),
    ("av", "open"),
    ("io", "open"),
    ("io", "FileIO"),
    ("mmap", "mmap"),
    ("tomllib", "load"),
    ("json", "load"),
}


def opens_for_reading(call: ast.Call) -> bool:
    """Whether a call opens a file by its path to read it."""
    given = [
        each.value for each in (*call.args, *(word.value for word in call.keywords)) if isinstance(each, ast.Constant)
    ]
    modes = [each for each in given if isinstance(each, str) and re.fullmatch(r"[rwxabt+U]{1,3}", each)]
    writes = any(set(mode) & set("wxa+") for mode in modes)
    match call.func:
        case ast.Name(id="open"):
            return not writes
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in READERS:
            return not writes and not ast.unparse(call.args[0]).startswith("io.")  # of what is in memory
        case ast.Attribute(value=owner, attr="open"):
            return not writes and ast.unparse(owner) not in {"h5py.h5a", "os"}
        case ast.Attribute(value=owner, attr="read_bytes" | "read_text"):
            return not getattr(owner, "id", "a").isupper()  # of a limit, which goes through the door
    return False


def test_files_are_read_through_one_door():
    """A named pipe in the place of an image was waited for; ``/dev/zero`` in that of a label file was read for ever."""
    found = [
        f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}: {ast.unparse(node.func)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in OTHER_DOORS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and opens_for_reading(node)
    ]
    assert not found


@pytest.mark.parametrize(
    ("code", "opens"),
    [
        ("open(path)", True),
        ("open(path, 'rb')", True),
        ("open(path, 'wb')", False),
        ("path.open('rb')", True),
        ("path.open(encoding='utf-8')", True),
        ("path.open('x', encoding='ascii')", False),
        ("path.open('rb+')", False),
        ("path.read_bytes()", True),
        ("CONFIG_BYTES.read_text(path)", False),
        ("read_bytes(path)", False),
        ("cv2.imread(str(path))", True),
        ("np.fromfile(path)", True),
        ("h5py.File(path, 'r')", True),
        ("pd.read_csv(io.BytesIO(content))", False),
    ],
)
def test_what_opens_a_file_is_known(code, opens):
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and ast.unparse(node) == code)
    assert opens_for_reading(call) is opens
