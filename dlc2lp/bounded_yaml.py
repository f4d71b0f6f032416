"""PyYAML's safe loader for texts that nobody vouches for: no deeper, and no more values, than memory has room for."""

from __future__ import annotations

from typing import Any

import yaml

from dlc2lp.limits import YAML_VALUES, YAML_WRITTEN_OUT, Beyond

#: DeepLabCut and Lightning Pose nest four levels; some hundreds end in a RecursionError.
MAX_DEPTH = 50
#: More has no number of a configuration, in whatever base; Python refuses some thousands in words of its own.
_MOST_DIGITS = 64


class TooManyValues(yaml.composer.ComposerError):
    """More values than a configuration has, as they stand or after each alias is written out."""

    def __init__(self, beyond: Beyond, mark: yaml.Mark) -> None:
        super().__init__(None, None, f"{beyond.message}; {beyond.advice}", mark)
        self.beyond = beyond  #: What to say of them.
        self.line = mark.line + 1  #: Where they are.


class Bounded(yaml.composer.Composer):
    """Part of a loader: raises TooManyValues, and ComposerError for what is nested too deeply or holds itself."""

    _depth = _n_values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node."""
        self._depth += 1
        self._n_values += 1
        try:
            mark = self.peek_event().start_mark  # type: ignore[attr-defined]  # of the parser beside it
            if self._depth > MAX_DEPTH:
                raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", mark)
            if self._n_values > YAML_VALUES.at_most and (beyond := YAML_VALUES.beyond(self._n_values)):
                raise TooManyValues(beyond, mark)
            node: yaml.Node | None = super().compose_node(parent, index)
            return node
        finally:
            self._depth -= 1

    def get_single_node(self) -> yaml.Node | None:
        """Compose the only document; aliases in it make no more values than are taken."""
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _count(node, {})
        return node


class BoundedLoader(Bounded, yaml.SafeLoader):
    """PyYAML's safe loader, bounded, and without numbers that nobody can mean."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Construct what a node stands for; ConstructorError where it is none of its kind.

        PyYAML lets slip what Python says to ``!!int x``, ``!!bool x``, ``!!timestamp x``, ``!!float ''`` or 2024-13-01.
        """
        try:
            return super().construct_object(node, deep)
        except (ValueError, ArithmeticError, LookupError, AttributeError) as error:
            problem = f"found {node.value!r:.80}, which is no {node.tag.rpartition(':')[2]} ({error})"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Construct a whole number that can be made a float."""
        if len(node.value) > _MOST_DIGITS:
            problem = f"found a number of more than {_MOST_DIGITS} digits"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return int(super().construct_yaml_int(node))


BoundedLoader.add_constructor("tag:yaml.org,2002:int", BoundedLoader.construct_yaml_int)


def _count(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Return how many values a node has with its aliases written out."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in known:
        n = known[id(node)]
        if n is None:
            raise yaml.composer.ComposerError(None, None, "found an alias that contains itself", node.start_mark)
        return n
    known[id(node)] = None
    parts = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
    n = 1 + sum(_count(part, known) for part in parts)
    if beyond := YAML_WRITTEN_OUT.beyond(n):
        raise TooManyValues(beyond, node.start_mark)
    known[id(node)] = n
    return n


def load_safely(text: str) -> Any:
    """Return what a text says, as ``yaml.safe_load`` does; yaml.YAMLError if it can't."""
    return BoundedLoader(text).get_single_data()
