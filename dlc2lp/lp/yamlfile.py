"""Reading a YAML file as Lightning Pose reads it.

Lightning Pose loads its configs with OmegaConf, whose YAML differs from PyYAML's in three things that people's edits
run into: ``1e-4`` is a number and not a text, a date is a text, and a key that stands twice is an error. Aliases are
refused: they can hold themselves, and nobody needs them here.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, NamedTuple

import yaml

from dlc2lp.bounded_yaml import BoundedLoader

_FLOAT = re.compile(
    r"""^(?:
     [-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)


class Comment(NamedTuple):
    """A comment and the line that it stands on, counted from 0."""

    text: str
    line: int


class _Loader(BoundedLoader):
    """PyYAML's safe loader with OmegaConf's three differences, which remembers the comments that it passes."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.comments: list[Comment] = []

    def scan_to_next_token(self) -> None:
        """Skip blanks and comments, as the overridden method does, and note the comments."""
        if self.index == 0 and self.peek() == "\ufeff":
            self.forward()
        while True:
            while self.peek() == " ":
                self.forward()
            if self.peek() == "#":
                self._pass_comment()
            if not self.scan_line_break():  # type: ignore[no-untyped-call]
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def _pass_comment(self) -> None:
        length = 0
        while self.peek(length) not in "\0\r\n\x85\u2028\u2029":
            length += 1
        self.comments.append(Comment(self.prefix(length).rstrip(), self.line))
        self.forward(length)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Construct a mapping in which no key stands twice."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                problem = f"found the key {key.value!r} a second time"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> Any:
    """Return what the text says; yaml.YAMLError if it is no YAML, or no YAML that Lightning Pose takes."""
    return _Loader(text).get_single_data()


def places_and_comments(text: str) -> tuple[list[tuple[int, tuple[str, ...]]], list[Comment]]:
    """Return (line, path) of every key of a text that :func:`load_yaml` could load, in order, and all comments."""
    loader = _Loader(text)
    root = loader.get_single_node()
    return sorted(_places(root, ())) if isinstance(root, yaml.MappingNode) else [], loader.comments


def _places(node: yaml.MappingNode, path: tuple[str, ...]) -> list[tuple[int, tuple[str, ...]]]:
    places = []
    for key, value in node.value:
        here = (*path, str(key.value))
        places.append((key.start_mark.line, here))
        if isinstance(value, yaml.MappingNode):
            places += _places(value, here)
    return places


def line_of(error: yaml.YAMLError) -> str:
    """Return where the error is: ``line 12``, or nothing if it does not say."""
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark is not None else ""


def explain(error: yaml.YAMLError) -> str:
    """Return what is wrong, in one line."""
    return " ".join((getattr(error, "problem", None) or str(error)).split())
