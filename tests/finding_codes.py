"""Collects every code that the package can give a finding: what is given to ``Finding(...)`` is followed back to texts.

A code is a text in the source, but often not where the finding is made: helpers take it, loops unpack it, an error's
``of`` hands it on. What can't be followed is an error here, so that no code is missed in silence.
"""

from __future__ import annotations

import ast
import functools
import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dlc2lp

PACKAGE = Path(dlc2lp.__file__).parent


#: Functions that make a finding of another one, with the same code.
COPYING = {"to_written", "from_written"}


class Text(NamedTuple):
    """What a value can be, and where that is written: ``dlc/hdf.py:126``."""

    text: str
    place: str


class Module:
    """A module: its tree, which knows the way up, and what it imports."""

    def __init__(self, path: Path, package: Path) -> None:
        self.file = path.relative_to(package).as_posix()
        self.name = "dlc2lp." + self.file.removesuffix(".py").replace("/", ".")
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.imported: set[str] = set()
        self.above: dict[ast.AST, ast.AST] = {}
        self.calls: dict[str, list[ast.Call]] = defaultdict(list)  #: By the last part of what is called.
        self.nodes = [*ast.walk(self.tree)]
        for node in self.nodes:
            self.above |= dict.fromkeys(ast.iter_child_nodes(node), node)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                self.calls[getattr(node.func, "attr", getattr(node.func, "id", ""))].append(node)
            if isinstance(node, ast.ImportFrom) and node.module:
                self.imported |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}

    def scopes(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what is around a piece of code and can bind names, the closest first."""
        while node in self.above:
            node = self.above[node]
            if isinstance(node, ast.FunctionDef | ast.ListComp | ast.GeneratorExp | ast.Module):
                yield node

    def place(self, node: ast.expr) -> str:
        """Where something stands."""
        return f"{self.file}:{node.lineno}"

    def knows(self, other: Module) -> bool:
        """Whether it can call a function of another module."""
        return self is other or other.name in self.imported


class Tracer:
    """Follows values back to the texts that they can be."""

    def __init__(self, package: Path = PACKAGE) -> None:
        self.modules = [Module(path, package) for path in sorted(package.rglob("*.py"))]
        self._being_followed: set[tuple[str, int, str]] = set()

    def codes(self) -> dict[str, set[str]]:
        """Return every code with the places in which it is written."""
        found = defaultdict(set)
        for module in self.modules:
            for node in module.nodes:
                for code in self._made_by(module, node):
                    found[code.text].add(code.place)
        return dict(found)

    def _made_by(self, module: Module, node: ast.AST) -> list[Text]:
        match node:
            case ast.Call(func=ast.Name(id="Finding" | "WrittenFinding")):
                if any(isinstance(scope, ast.FunctionDef) and scope.name in COPYING for scope in module.scopes(node)):
                    return []
                return self._argument(module, node, 1, "code")
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Name(id="partial"), args=[ast.Name(id="Finding"), *bound]),
            ):
                calls = [each for each in module.calls[name] if isinstance(each.func, ast.Name)]
                return [text for each in calls for text in self._argument(module, each, 1 - len(bound), "code")]
            case ast.keyword(arg="code", value=ast.Constant() as value):  # of an option's declaration, say
                return [Text(value.value, module.place(value))]
            case ast.AnnAssign(target=ast.Name(id="code"), value=ast.Constant(value=str(text)) as value) if text:
                return [Text(text, module.place(value))]  # of a class
        return []

    @functools.cached_property
    def errors(self) -> set[str]:
        """Names of the classes of errors, whose ``of`` takes a code first."""
        bases = {
            node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
            for module in self.modules
            for node in module.nodes
            if isinstance(node, ast.ClassDef)
        }
        errors = {"Dlc2LpError"}
        while more := {name for name, of in bases.items() if of & errors} - errors:
            errors |= more
        return errors

    def _argument(self, module: Module, call: ast.Call, position: int, name: str) -> list[Text]:
        """Follow an argument of a call, by its position or its name; one with a default may be missing."""
        for each in call.keywords:
            if each.arg == name:
                return self._texts(module, each.value)
        for i, each in enumerate(call.args[: position + 1]):
            if isinstance(each, ast.Starred):
                return self._texts(module, each.value, (position - i,))
        return self._texts(module, call.args[position]) if position < len(call.args) else []

    def _texts(self, module: Module, value: ast.expr, part: tuple[int, ...] = ()) -> list[Text]:
        """Return what a value can be, or a part of it: ``(1, 0)`` is the first part of the second part of a tuple."""
        match value:
            case ast.Constant(value=str(text)) if not part:
                return [Text(text, module.place(value))]
            case ast.Constant(value=None):
                return []
            case ast.Tuple(elts=parts) if part:
                return self._texts(module, parts[part[0]], part[1:])
            case ast.IfExp(body=one, orelse=other):
                return [*self._texts(module, one, part), *self._texts(module, other, part)]
            case ast.JoinedStr(values=pieces):
                told = [
                    self._texts(module, getattr(each, "value", each) if isinstance(each, ast.FormattedValue) else each)
                    for each in pieces
                ]
                return [Text("".join(each.text for each in row), row[0].place) for row in itertools.product(*told)]
            case ast.Attribute(attr="code"):
                return []  # of a finding that was made before, or of a class: found where that is
            case ast.Name():
                return self._name(module, value, part)
            case ast.Call(func=ast.Attribute(value=ast.Dict(values=values), attr="get"), args=[_, default]):
                return [text for each in (*values, default) for text in self._texts(module, each, part)]
            case ast.Call(func=ast.Name(id=name)):
                returned = [(of, each) for of in self.modules if module.knows(of) for each in _returned(of.tree, name)]
                if returned:
                    return [text for of, each in returned for text in self._texts(of, each, part)]
            case ast.Subscript(value=ast.Name(id=name)):
                values = [each for scope in module.scopes(value) for _, each in _entries(scope, name)]
                if values:
                    return [text for each in values for text in self._texts(module, each, part)]
        raise AssertionError(f"{module.place(value)}: nobody can tell which codes {ast.unparse(value)} may be")

    def _name(self, module: Module, value: ast.Name, part: tuple[int, ...]) -> list[Text]:
        for scope in module.scopes(value):
            bound = [
                text for each, of in _bindings(scope, value.id) for text in self._texts_of(module, each, (*of, *part))
            ]
            if bound:
                return bound
            if isinstance(scope, ast.FunctionDef) and value.id in _parameters(scope):
                return self._from_callers(module, scope, value.id)
        raise AssertionError(f"{module.place(value)}: nothing says what {value.id} is")

    def _texts_of(self, module: Module, value: ast.expr, part: tuple[int, ...]) -> list[Text]:
        """Return what a value can be, or a part of one of its items, which ``EACH`` stands for."""
        if part[:1] != (EACH,):
            return self._texts(module, value, part)
        items: list[ast.expr] = []
        match value:
            case ast.Tuple(elts=items) | ast.List(elts=items):
                pass
            case ast.Name(id=name):
                for scope in module.scopes(value):
                    items += _items(scope, name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="items")):
                items = [
                    ast.Tuple([key, each]) for scope in module.scopes(value) for key, each in _entries(scope, name)
                ]
        if not items:
            raise AssertionError(f"{module.place(value)}: nobody can tell which codes are in {ast.unparse(value)}")
        return [text for each in items for text in self._texts(module, each, part[1:])]

    def _from_callers(self, module: Module, function: ast.FunctionDef, name: str) -> list[Text]:
        """Return what the callers of a function give it under this name."""
        key = (module.name, function.lineno, name)
        if key in self._being_followed:
            return []
        self._being_followed.add(key)
        names = _parameters(function)
        position = names.index(name) - _is_method(function)
        found = [
            text
            for each in self.modules
            if each.knows(module)
            for node in each.calls[function.name]
            if self._calls(node.func, function)
            for text in self._argument(each, node, position, name)
        ]
        self._being_followed.remove(key)
        return [*found, *self._texts_of_default(module, function, name)]

    def _texts_of_default(self, module: Module, function: ast.FunctionDef, name: str) -> list[Text]:
        given = function.args
        positional = [*given.posonlyargs, *given.args]
        defaults = [
            *zip(positional[len(positional) - len(given.defaults) :], given.defaults, strict=True),
            *zip(given.kwonlyargs, given.kw_defaults, strict=True),
        ]
        return [text for each, value in defaults if each.arg == name and value for text in self._texts(module, value)]

    def _calls(self, called: ast.expr, function: ast.FunctionDef) -> bool:
        match called:
            case ast.Name(id=name):
                return name == function.name and not _is_method(function)
            case ast.Attribute(value=owner, attr="of") if function.name == "of":
                return isinstance(owner, ast.Name) and owner.id in {*self.errors, "cls"}
            case ast.Attribute(attr=name):
                return name == function.name
        return False


#: In the way to a part of a value: any item of a list.
EACH = -1


def _is_method(function: ast.FunctionDef) -> bool:
    return _parameters(function)[0] in {"self", "cls"}


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def _bindings(scope: ast.AST, name: str) -> Iterator[tuple[ast.expr, tuple[int, ...]]]:
    """Yield each value that a name is bound to, and which part of it."""
    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets=[target], value=value) if (part := _part(target, name)) is not None:
                yield value, part
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value) if (
                part := _part(target, name)
            ) is not None:
                yield value, (EACH, *part)


def _returned(tree: ast.Module, name: str) -> Iterator[ast.expr]:
    """Yield what a function of this name returns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            yield from (
                each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None
            )


def _part(target: ast.expr, name: str) -> tuple[int, ...] | None:
    """Return which part of an assigned value a name gets; None where it gets none."""
    match target:
        case ast.Name(id=found) if found == name:
            return ()
        case ast.Tuple(elts=parts):
            for i, each in enumerate(parts):
                if (inner := _part(each, name)) is not None:
                    return (i, *inner)
    return None


def _items(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    """Yield what a list or tuple of this name is made of."""
    for node in ast.walk(scope):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr="append"), args=[item]) if found == name:
                yield item
            case (
                ast.Assign(targets=[ast.Name(id=found)], value=ast.List(elts=items) | ast.Tuple(elts=items))
                | ast.AnnAssign(target=ast.Name(id=found), value=ast.List(elts=items) | ast.Tuple(elts=items))
            ) if found == name:
                yield from items


def _entries(scope: ast.AST, name: str) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the keys and values of a dict of this name."""
    for node in ast.walk(scope):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=found)], value=ast.Dict(keys=keys, values=values))
                | ast.AnnAssign(target=ast.Name(id=found), value=ast.Dict(keys=keys, values=values))
            ) if found == name:
                yield from zip(keys, values, strict=True)
