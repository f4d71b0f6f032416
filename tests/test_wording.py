"""Numbers are told in words that agree with them."""

import ast
import itertools
import math
import re
from pathlib import Path

import pytest

import dlc2lp
from dlc2lp.wording import as_written, counted, pixels_text, two_points

PACKAGE = Path(dlc2lp.__file__).parent

#: A number by its name: ``len(names)``, ``n_rows``, ``info.n_frames``, ``wrong.sum()``, ``size_bytes``.
NUMBER = re.compile(r"(len|sum)\(.*|(.*[._])?n_\w+(\[.*\])?|.*\.(sum|total)\(\)|.*_bytes")
#: `` rows``, `` label files``, but not `` of its rows``.
PLURAL = re.compile(r" (?!of |or )([a-z-]+ )?[a-z]{3,}s\b")

#: What follows a number that is always 2 or more there: nothing is said, or something else, of a single one.
ALWAYS_SEVERAL = (
    " bytes, expected at most ",  # beyond the most that is read
    " columns",  # the axes of a keypoint
    " digits",  # of a number that has too many
    " frames, for which the file has no room",
    " images)",  # of several views
    " individuals whose keypoints have the same names",
    " label files and ",
    " labelled points exactly at ",
    " networks (",
    " projects that could be ",
    " rows of one image ",
    " scorers in one file",
    " sizes (",
    " sizes occur",
    " splits that are called so",
    " times, expected it once",
    " video streams; the first ",
    " videos, told apart ",
    " views (",
)


@pytest.mark.parametrize(
    ("n", "words", "text"),
    [
        (0, ("image",), "0 images"),
        (1, ("image",), "1 image"),
        (2, ("image",), "2 images"),
        (1, ("image that is", "images that are"), "1 image that is"),
        (0, ("image that is", "images that are"), "0 images that are"),
        (1, ("was", "were"), "1 was"),
    ],
)
def test_words_agree_with_their_number(n, words, text):
    assert counted(n, *words) == text


def test_no_plural_stands_by_itself_after_a_number():
    """``f"{len(rows)} rows"`` says "1 rows" one day; ``counted(len(rows), "row")`` does not."""
    found = [
        f"{place}: {{{number}}}{text}"
        for place, number, text in numbers_with_what_follows()
        if NUMBER.fullmatch(number) and PLURAL.match(text) and not text.startswith(ALWAYS_SEVERAL)
    ]
    assert not found


def numbers_with_what_follows():
    """Each value in an f-string of the package, as it stands in the code, with the text right behind it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            for value, text in itertools.pairwise(parts):
                if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant):
                    yield f"{path.relative_to(PACKAGE)}:{value.lineno}", ast.unparse(value.value), text.value


@pytest.mark.parametrize(
    ("px", "other_px", "text"),
    [
        (12.3456789012345, None, "12.346"),
        (12.3456789012345, 99.0, "12.346"),
        (12.3456789012345, 12.3456789012346, "12.3456789012345"),
        (5.0, 5.0, "5.0"),
        (math.nan, 1.0, "nothing"),
        (math.inf, 1.0, "infinite"),
    ],
)
def test_coordinates_have_as_many_digits_as_tell_them_apart(px, other_px, text):
    assert pixels_text(px, other_px) == text


def test_two_points_that_differ_look_so():
    assert two_points((1.23456789, 2.0), (3.0, 2.0)) == ("(1.235, 2.0)", "(3.0, 2.0)")
    assert two_points((1.23456789, 2.0), (1.23456788, 2.0)) == ("(1.23456789, 2.0)", "(1.23456788, 2.0)")
    assert two_points((math.nan, math.nan), (1.0, 2.0)) == ("empty", "(1.0, 2.0)")


@pytest.mark.parametrize(
    ("value", "text"), [(None, "null"), (True, "true"), ([1, None], "[1, null]"), ({"a": False}, '{"a": false}')]
)
def test_values_of_files_are_told_as_files_say_them(value, text):
    assert as_written(value) == text
    loop = [value]
    loop.append(loop)
    assert as_written(loop)
