"""Mutations of texts: tables of cells, YAML, JSON, and lines of any kind."""

from __future__ import annotations

import csv
import io
import json
import re
from random import Random
from typing import Any

from ordeals.binaries import mutated_bytes
from ordeals.values import ODD_TEXTS, mutated

_CODES = ("utf-16", "utf-8-sig", "latin-1", "cp1252", "utf-16-be", "utf-32", "shift_jis")

_YAML_TRICKS = (
    "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}' if n else '*a'] * 9)}]\n" for n in range(9)),
    "!!python/object/apply:os.system ['touch {precious}']\n",
    "video_sets: !!python/object/apply:os.system ['touch {precious}']\n",
    "a: &x\n  b: *x\n",
    "<<: {Task: x}\n",
    "<<: [1, 2]\n",
    "? [a, b]\n: c\n",
    "? {a: b}\n: c\n",
    "bodyparts: !!set {a, b}\n",
    "bodyparts: !!binary aGVsbG8=\n",
    "bodyparts: !!omap [a: 1]\n",
    "scorer: !unknown x\n",
    "---\nTask: other\n...\n",
    "%YAML 9.9\n---\n",
    "\tTask: tab\n",
    "bodyparts: [" * 40 + "\n",
    "x: " + "[" * 2000 + "]" * 2000 + "\n",
    "x: " + "{a: " * 1500 + "\n",
    "date: 2018-10-30\n",
    "iteration: 0o17\n",
    "date: 190:20:30\n",
    "TrainingFraction: .nan\n",
    "cropping: 99999999999999999999999999\n",
    "iteration: " + "9" * 5000 + "\n",
    "Task: 'it''s\n  open\n",
    "Task: |2\n x\n",
    "? \n",
    ": \n",
    "- a\n",
    "@x\n",
    "`x`\n",
)  # fmt: skip


def mutated_text(randomly: Random, content: bytes) -> bytes:
    """Return a text with a line, a word or a character of it changed, or in another code."""
    text = content.decode("utf-8", "surrogateescape")
    lines = text.splitlines(keepends=True) or [""]
    number, odd = randomly.randrange(len(lines)), str(randomly.choice(ODD_TEXTS))
    match randomly.randrange(14):
        case 0:
            del lines[number]
        case 1:
            lines[number:number] = [lines[number]] * randomly.choice((1, 1, 100))
        case 2:
            other = randomly.randrange(len(lines))
            lines[number], lines[other] = lines[other], lines[number]
        case 3:
            lines[number] = lines[number][: randomly.randrange(len(lines[number]) + 1)]
        case 4:
            lines = lines[:number]
        case 5 | 6 | 7:
            words = re.split(r"(\W+)", lines[number])
            words[randomly.randrange(len(words))] = odd
            lines[number] = "".join(words)
        case 8:
            place = randomly.randrange(len(lines[number]) + 1)
            lines[number] = lines[number][:place] + odd + lines[number][place:]
        case 9:
            lines = [line.rstrip("\r\n") + randomly.choice(("\r\n", "\r", "\n\n", "", "\n")) for line in lines]
        case 10:
            return text.encode(randomly.choice(_CODES), "replace")
        case 11:
            lines[number] = randomly.choice((" ", "\t", "    ", "- ", "#", "\ufeff")) + lines[number]
        case 12:
            lines[number] = re.sub(
                r"-?[0-9.]+", lambda _: randomly.choice(("9" * 5000, "1e999", "-1", "0", "nan")), lines[number], count=1
            )
        case 13:
            return mutated_bytes(randomly, content)
    return "".join(lines).encode(
        "utf-8", "surrogatepass" if any("\ud800" <= c <= "\udbff" for c in odd) else "surrogateescape"
    )


#: So long a row becomes at most, by one mutation.
_MANY_BYTES = 2**22


def mutated_csv(randomly: Random, content: bytes) -> bytes:
    """Return a table with cells, rows or columns changed, or written as another program would."""
    if randomly.random() < 0.3:
        return mutated_text(randomly, content)
    read = io.StringIO(content.decode("utf-8", "replace"), newline="")
    try:
        rows = [row or [""] for row in csv.reader(read)] or [[""]]
    except csv.Error:  # what an earlier mutation made of it
        return mutated_text(randomly, content)
    number = randomly.randrange(len(rows))
    column, width = randomly.randrange(len(rows[number])), max(map(len, rows))
    how: dict[str, Any] = {"lineterminator": "\n"}
    match randomly.randrange(14):
        case 0 | 1 | 2 | 3:
            rows[number][column] = str(randomly.choice(ODD_TEXTS))
        case 4:
            del rows[number]
        case 5:
            rows.insert(randomly.randrange(len(rows) + 1), list(rows[number]))
        case 6:
            rows = [row[:column] + row[column + 1 :] for row in rows]
        case 7:
            rows = [[*row[:column], *row[column : column + 1] * 2, *row[column + 1 :]] for row in rows]
        case 8:
            del rows[number][column:]
        case 9:
            text = str(randomly.choice(ODD_TEXTS))
            # what the mutation itself takes must not be taken for what dlc2lp does
            rows[number] += [text] * min(randomly.choice((1, 3, 2000)), 1 + _MANY_BYTES // (len(text) + 1))
        case 10:
            other = randomly.randrange(width)
            for row in rows:
                if len(row) > max(column, other):
                    row[column], row[other] = row[other], row[column]
        case 11:
            how["delimiter"] = randomly.choice((";", "\t", "|", " "))
        case 12:
            how["quoting"] = csv.QUOTE_ALL
            rows[number][column] += randomly.choice(("\n", '"', ","))
        case 13:
            rows = [list(row) for row in zip(*(row + [""] * (width - len(row)) for row in rows), strict=True)]
    written = io.StringIO()
    csv.writer(written, **how).writerows(rows)
    return written.getvalue().encode("utf-8", "surrogatepass")


def mutated_yaml(randomly: Random, content: bytes) -> bytes:
    """Return YAML with a value of its tree changed, a line, or with something added that only YAML can say."""
    import yaml

    match randomly.randrange(5):
        case 0:
            return mutated_text(randomly, content)
        case 1:
            trick = randomly.choice(_YAML_TRICKS).encode()
            lines = content.splitlines(keepends=True)
            place = randomly.choice((0, len(lines), randomly.randrange(len(lines) + 1)))
            return b"".join([*lines[:place], trick, *lines[place:]])
    try:
        tree = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return str(yaml.safe_dump(mutated(randomly, tree, only_json=False), allow_unicode=True)).encode(
            "utf-8", "surrogatepass"
        )
    except (yaml.YAMLError, RecursionError, ValueError, TypeError):
        return mutated_text(randomly, content)


def mutated_json(randomly: Random, content: bytes) -> bytes:
    """Return JSON, or lines of it, with a value of its tree changed, or its text."""
    if randomly.random() < 0.2:
        return mutated_text(randomly, content)
    lines = content.splitlines()
    number = randomly.randrange(len(lines) or 1)
    try:
        tree = json.loads(content)
        lines, number = [content], 0
    except ValueError:
        try:
            tree = json.loads(lines[number])
        except (ValueError, IndexError):
            return mutated_text(randomly, content)
    try:
        text = json.dumps(
            mutated(randomly, tree), ensure_ascii=randomly.random() < 0.5, indent=randomly.choice((None, 1))
        )
    except (ValueError, RecursionError):
        return mutated_text(randomly, content)
    if randomly.random() < 0.05:
        text = re.sub(r": ?[0-9]+", ": " + "9" * 5000, text, count=1)
    lines[number] = text.encode("utf-8", "surrogatepass")
    return b"\n".join(lines) + b"\n"
