"""The projects in ``fixtures`` give the golden targets, byte for byte."""

import pytest
from command import dlc2lp
from golden import GOLDEN, OPTIONS, golden_texts, sources


@pytest.mark.parametrize("name", OPTIONS)
def test_the_target_is_the_golden_one(tmp_path, name):
    result = dlc2lp("convert", *sources(name), tmp_path / "lp", *OPTIONS[name])
    assert result.exit_code == 0, result.stderr
    assert golden_texts(tmp_path / "lp") == golden_texts(GOLDEN / name), "run scripts/make_fixtures if this is meant"
