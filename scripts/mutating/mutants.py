"""All mutants of a module: its source with one small thing changed.

What is changed: comparisons, and / or, not, signs and arithmetic, numbers, True and False, strings that are no words
(names, suffixes, keys), conditions (always, never), arguments (one keyword left out, two neighbours swapped), ``min``
for ``max`` and the like, statements that only do something (left out), cases of a match, ``break`` and ``continue``.

What is not: strings with a space, which are words for people, and the keywords that give them; annotations, docstrings
and decorators; ``strict=`` of zip, which is no behaviour but a check of our own.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

#: Keywords of which no mutant tells anything: words for people, and checks of our own.
_WORDS = {"advice", "remedies", "hint", "message", "strict", "encoding"}

_COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "/"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
_FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_METHODS = {
    **{"lstrip": "rstrip", "rstrip": "lstrip", "partition": "rpartition", "rpartition": "partition"},
    **{"find": "rfind", "rfind": "find", "startswith": "endswith", "endswith": "startswith"},
    **{"removeprefix": "removesuffix", "removesuffix": "removeprefix", "append": "extend"},
}
#: Methods that may be left out where they are called without arguments.
_LEFT_OUT = {"strip", "lower", "upper", "casefold", "resolve", "absolute", "lstrip", "rstrip"}


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes
    ----------
    name
        Ten digits that stay the same while the function around the change does, wherever it stands in its file.
    path
        The module, relative to the root of the project.
    scope
        The function or class, ``<module>`` outside of any.
    is_called
        Whether it runs when a function is called; else when the module is imported.
    lines
        First and last line of the statement that is changed.
    start, end, new
        The bytes of the source that are replaced, and by what.
    """

    name: str
    path: str
    scope: str
    is_called: bool
    lines: tuple[int, int]
    start: int
    end: int
    new: str

    def applied(self, source: bytes) -> bytes:
        """Return the module's source with the change."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def shown(self, source: bytes) -> str:
        """Return the change as a short diff."""
        before, after = (text.decode().splitlines() for text in (source, self.applied(source)))
        lines = [*difflib.unified_diff(before, after, n=0, lineterm="")][2:]
        return "\n".join([f"{self.name} {self.path} {self.scope}", *lines])


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """Return all mutants of a module, in the order of its lines."""
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    found, seen, counts = [], set(), Counter[str]()
    for scope, is_called, lines, start, end, new in sorted(finder.found, key=lambda each: each[3:]):
        old = source[start:end].decode()
        if (start, end, new) in seen or old == new:
            continue
        seen.add((start, end, new))
        what = f"{PurePosixPath(path)}/{scope}/{old}/{new}"
        counts[what] += 1
        name = hashlib.sha256(f"{what}/{counts[what]}".encode()).hexdigest()[:10]
        mutant = Mutant(name, path, scope, is_called, lines, start, end, new)
        try:
            compile(mutant.applied(source), path, "exec")
        except (SyntaxError, ValueError):
            continue
        found.append(mutant)
    return found


def is_in_sample(mutant: Mutant, share: float, seed: int) -> bool:
    """Whether a mutant is among such a share of all; the same on every machine."""
    return int(hashlib.sha256(f"{seed}/{mutant.name}".encode()).hexdigest()[:8], 16) < share * 2**32


class _Finder(ast.NodeVisitor):
    """Collects (scope, is_called, lines, start, end, new) of every change that can be made."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._scope: list[str] = []
        self._n_functions = 0
        self._lines = (1, 1)
        self.found: list[tuple[str, bool, tuple[int, int], int, int, str]] = []

    def _at(self, node: ast.AST) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def _text(self, node: ast.AST) -> str:
        start, end = self._at(node)
        return self._source[start:end].decode()

    def _add(self, start: int, end: int, new: str) -> None:
        scope = ".".join(self._scope) or "<module>"
        self.found.append((scope, self._n_functions > 0, self._lines, start, end, new))

    def _replace(self, node: ast.AST, new: str) -> None:
        self._add(*self._at(node), new)

    def _swap_sign(self, left: ast.AST, right: ast.AST, old: str, new: str) -> None:
        """Replace the sign that stands between two expressions."""
        start, end = self._at(left)[1], self._at(right)[0]
        words = r"\s+".join(map(re.escape, old.split()))
        match = re.search(words.encode(), self._source[start:end])
        if match:
            self._add(start + match.start(), start + match.end(), new)

    def visit(self, node: ast.AST) -> None:
        """Visit what lies in a statement with its lines: those of its head, where it has a body."""
        if not isinstance(node, ast.stmt):
            super().visit(node)
            return
        before = self._lines
        body = getattr(node, "body", None)
        end = max(node.lineno, body[0].lineno - 1) if body else (node.end_lineno or node.lineno)
        self._lines = (node.lineno, end)
        super().visit(node)
        self._lines = before

    def _visit_all(self, nodes: list[ast.stmt] | list[ast.expr]) -> None:
        for node in nodes:
            self.visit(node)

    def _in_scope(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        self._scope.append(node.name)
        self._visit_all(node.body[1:] if ast.get_docstring(node) is not None else node.body)
        self._scope.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_all([*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)])
        self._n_functions += 1
        self._in_scope(node)
        self._n_functions -= 1

    visit_ClassDef = _in_scope  # noqa: N815

    def visit_Module(self, node: ast.Module) -> None:
        self._visit_all(node.body)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        before = node.left
        for operator, after in zip(node.ops, node.comparators, strict=True):
            self._swap_sign(before, after, *_COMPARISONS[type(operator)])
            before = after
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for before, after in pairwise(node.values):
            self._swap_sign(before, after, old, new)
        for value in node.values:  # as if it were not asked
            self._replace(value, str(old == "and"))
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if type(node.op) in _ARITHMETIC:
            self._swap_sign(node.left, node.right, *_ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        start = self._at(node)[0]
        self._add(start, start + (3 if isinstance(node.op, ast.Not) else 1), "")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if type(node.op) in _ARITHMETIC:
            old, new = _ARITHMETIC[type(node.op)]
            self._swap_sign(node.target, node.value, f"{old}=", f"{new}=")
            self._swap_sign(node.target, node.value, f"{old}=", "=")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._replace(node, str(not value))
        elif isinstance(value, int | float):
            self._replace(node, repr(value + 1))
        elif isinstance(value, str) and " " not in value:
            self._replace(node, repr(f"XX{value}"))
        elif isinstance(value, bytes) and b" " not in value:
            self._replace(node, repr(b"XX" + value))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """A name that is put together; where a space stands in it, words."""
        if any(" " in str(part.value) for part in node.values if isinstance(part, ast.Constant)):
            return
        for number, part in enumerate(node.values):
            if isinstance(part, ast.FormattedValue):
                others = [*node.values[:number], *node.values[number + 1 :]]
                self._replace(node, ast.unparse(ast.JoinedStr(others)))

    def _condition(self, test: ast.expr, answers: tuple[bool, ...] = (True, False)) -> None:
        if not isinstance(test, ast.NamedExpr):
            for answer in answers:
                self._replace(test, str(answer))

    def visit_If(self, node: ast.If) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    visit_IfExp = visit_If  # noqa: N815

    def visit_While(self, node: ast.While) -> None:
        self._condition(node.test, (False,))
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def visit_match_case(self, node: ast.match_case) -> None:
        if node.guard is None:
            self._add(*[self._at(node.pattern)[1]] * 2, " if False")
        else:
            self._condition(node.guard)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self._replace(node, "pass")
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "break")

    def visit_Call(self, node: ast.Call) -> None:
        self._mutate_function(node)
        for before, after in pairwise(node.args):
            if not any(isinstance(each, ast.Starred) for each in (before, after)):
                start, end = self._at(before)[0], self._at(after)[1]
                between = self._source[self._at(before)[1] : self._at(after)[0]].decode()
                self._add(start, end, self._text(after) + between + self._text(before))
        for keyword, after in pairwise([*node.keywords, None]):
            if keyword is not None and keyword.arg is not None and keyword.arg not in _WORDS:
                start, end = self._at(keyword)
                self._add(start, self._at(after)[0] if after else end, "")
        self.visit(node.func)
        self._visit_all(node.args)
        self._visit_all([each.value for each in node.keywords if each.arg not in _WORDS])

    def _mutate_function(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) if name in _FUNCTIONS:
                self._replace(node.func, _FUNCTIONS[name])
            case ast.Name(id="sorted" | "reversed"):
                self._replace(node, f"list({self._text(node.args[0])})")
            case ast.Attribute(attr=name):
                end = self._at(node.func)[1]
                if name in _METHODS:
                    self._add(end - len(name), end, _METHODS[name])
                if name in {"split", "rsplit"} and len(node.args) + len(node.keywords) == 2:
                    self._add(end - len(name), end, "rsplit" if name == "split" else "split")
                if name in _LEFT_OUT and not node.args and not node.keywords:
                    self._add(end - len(name) - 1, self._at(node)[1], "")
