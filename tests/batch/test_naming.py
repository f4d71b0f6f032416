"""Targets mirror the archive's folders, and never meet."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from dlc2lp.batch.naming import OUT_FILES, name_targets


def test_folders_are_mirrored():
    assert name_targets(["lab/a", "lab/b", "c"], "root") == {"c": "c", "lab/a": "lab/a", "lab/b": "lab/b"}


def test_a_project_inside_a_project_becomes_its_neighbour():
    assert name_targets(["lab/a", "lab/a/backups/old"], "root") == {
        "lab/a": "lab/a",
        "lab/a/backups/old": "lab/a--backups-old",
    }
    assert name_targets([".", "inner"], "my archive") == {".": "my archive", "inner": "my archive--inner"}


def test_names_that_are_one_where_case_does_not_count_are_told_apart_in_any_order():
    names = ["Reach", "reach", "REACH"]
    chosen = name_targets(names, "root")
    assert chosen == name_targets(reversed(names), "root")
    assert len({target.casefold() for target in chosen.values()}) == 3


def test_windows_can_hold_every_name():
    chosen = name_targets(["aux", 'a:b"c', "dot.", "-rf", "index.html"], "root")
    assert chosen == {
        "-rf": "_-rf",
        'a:b"c': "a-b-c",
        "aux": "_aux",
        "dot.": "dot",
        "index.html": chosen["index.html"],
    }
    assert chosen["index.html"] not in OUT_FILES


def test_a_project_that_joins_later_moves_no_other():
    before = name_targets(["b"], "root")
    assert name_targets(["B", "b"], "root", before)["b"] == "b"


def test_a_project_that_vanished_for_a_while_keeps_its_name_and_moves_no_other():
    both = name_targets(["z/REACH", "z/Reach", "a"], "root")
    without = name_targets(["a"], "root", both)
    assert without == {"a": "a"}
    assert name_targets(["z/Reach", "a"], "root", both) == {"a": "a", "z/Reach": both["z/Reach"]}
    assert name_targets(["lab/new"], "root", {"lab": "lab"}) == {"lab/new": "lab--new"}


def test_a_folder_that_is_another_projects_target_but_for_case_gets_another_name():
    chosen = name_targets(["Lab", "lab/x", "lab/y", "report.json/z"], "root")
    assert chosen["Lab"] == "Lab"
    folder, _, name = chosen["lab/x"].partition("/")
    assert (name, folder.casefold() != "lab", chosen["lab/y"]) == ("x", True, f"{folder}/y")
    assert chosen["report.json/z"].startswith("report.json-")


names = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=12
).filter(lambda name: name not in {".", ".."})
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@given(st.sets(paths, max_size=12), st.randoms())
def test_no_target_is_another_or_lies_inside_it(projects, random):
    shuffled = list(projects)
    random.shuffle(shuffled)
    chosen = name_targets(shuffled, "root")
    assert chosen == name_targets(projects, "root")
    assert chosen.keys() == projects
    folded = [unicodedata.normalize("NFC", target).casefold() for target in chosen.values()]
    assert len(set(folded)) == len(folded)
    for one in folded:
        assert not any(other.startswith(one + "/") for other in folded)
        assert not set(one.split("/")) & {"", ".", ".."}
