"""A finding says what settles it as data, and its words are made from that."""

import json

import pytest

from dlc2lp import codec
from dlc2lp.model import Command, Finding, RunAgain, Setting, Severity

ROOT = Setting("video-root", ("DIR",))
REPLACE = Setting("edited", ("replace",))
IDENTITY = (Severity.WARNING, "odd", "a", "found it", "row 1")


@pytest.mark.parametrize(
    ("advice", "remedies", "candidates", "hint"),
    [
        ("", (), (), ""),
        ("look at it", (), (), "look at it"),
        ("{}", (Setting("scorer", ("NAME",)),), ("b", "c"), "--scorer NAME; candidates: b, c"),
        ("give {}, or leave out {}", (ROOT, Setting("videos")), (), "give --video-root DIR, or leave out --videos"),
        ("{}", (Setting("individuals", ("split", "NAME")),), (), "--individuals split|NAME"),
        ("{}", (Setting("sbatch-arg", ("--account=lab",)),), (), "--sbatch-arg=--account=lab"),
        ("{}, or {}", (Setting("split", ("{}",)), ROOT), (), "--split {}, or --video-root DIR"),
        ("as {session}: {}", (Setting("view-pattern"),), (), "as {session}: --view-pattern"),
        ("else {}", (RunAgain("run it", (REPLACE, ROOT)),), (), "else run it with --edited replace --video-root DIR"),
        ("{}", (RunAgain("run the same command again"),), (), "run the same command again"),
        ("first {}", (Command("dlc2lp batch plan ROOT {}"),), (), "first dlc2lp batch plan ROOT {}"),
    ],
)
def test_hints_are_made_from_what_settles_a_finding(advice, remedies, candidates, hint):
    finding = Finding(*IDENTITY, advice, remedies, candidates)
    assert finding.hint == hint
    # By its fields in the index of an archive, in words in plans and documents.
    assert codec.decode_fields(Finding, json.loads(json.dumps(codec.encode_fields(finding)))) == finding
    told = codec.decode(Finding, codec.encode(finding))
    assert (told.hint, codec.encode(told)) == (hint, codec.encode(finding))
