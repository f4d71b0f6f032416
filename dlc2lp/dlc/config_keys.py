"""The keys of a ``config.yaml``, read by kind of value; whatever does not fit becomes a finding."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from dlc2lp.dlc.yamltext import YamlList, YamlMapping, YamlNode, YamlText, is_nothing
from dlc2lp.model import Finding, Severity
from dlc2lp.wording import counted, spelled

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
#: What people write instead, in lower case.
_TRUTH = dict.fromkeys(("yes", "on", "y", "1"), True) | dict.fromkeys(("no", "off", "n", "0"), False)
_N_SHOWN = 3  # values that a finding shows
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class ConfigKeys:
    """The top level of one file, read by kind of value; whatever does not fit becomes a finding."""

    def __init__(self, root: YamlMapping, subject: str, findings: list[Finding]) -> None:
        self._nodes = {key.text: value for key, value in root.entries}
        self._lines = {key.text: key.line for key, _ in root.entries}
        self._subject = subject
        self.findings = findings

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._nodes

    def node(self, key: str) -> YamlNode | None:
        """The value as it stands; None if the key is missing."""
        return self._nodes.get(key)

    def text(self, key: str) -> str:
        """A scalar exactly as written; empty if it is missing, null or no scalar."""
        node = self.node(key)
        if isinstance(node, YamlText):
            return "" if node.is_empty else node.text
        if node is not None:
            self.find_value(key, node, "one text; ignored it")
        return ""

    def flag(self, key: str) -> bool:
        """A truth value by YAML 1.2, where only true and false are ones; False if missing or null."""
        node = self.node(key)
        text = node.text if isinstance(node, YamlText) else ""
        if is_nothing(node) or text in _TRUE | _FALSE:
            return text in _TRUE
        value = _TRUTH.get(text.lower(), False)
        self.find_value(key, node, f"true or false; took it for {str(value).lower()}")
        return value

    def items(self, key: str) -> tuple[YamlNode, ...]:
        """Items of a list; none if it is missing or null. A scalar counts as a list of itself."""
        node = self.node(key)
        if is_nothing(node):
            return ()
        if isinstance(node, YamlList):
            return node.items
        self.find_value(key, node, "a list")
        return (node,) if isinstance(node, YamlText) else ()

    def names(self, *keys: str) -> tuple[str, ...]:
        """Names under the first of ``keys`` that has any; empty ones are left out, repeated ones too."""
        for key in keys:
            names: dict[str, None] = {}
            items = self.items(key)
            no_names: list[YamlNode] = []
            repeated: list[YamlNode] = []
            for item in items:
                if not isinstance(item, YamlText):
                    no_names.append(item)
                elif not item.text or item.text == "~" or (len(items) == 1 and item.text in {"null", "None"}):
                    # uniquebodyparts: [null] stands for none. Beside others, null is a name like no and on.
                    continue
                elif item.text in names:
                    repeated.append(item)
                else:
                    names[item.text] = None
            self.find_values(key, no_names, "a name")
            self.find_values(key, repeated, "each name once", "left the repetition out")
            if names:
                one_spelling = tuple(dict.fromkeys(spelled(name) or name for name in names))
                # Where two of them would become one, they are two names.
                return one_spelling if len(one_spelling) == len(names) else tuple(names)
        return ()

    def numbers(self, key: str) -> tuple[float, ...]:
        """Finite numbers of a list, or a single one; what is none is left out."""
        node = self.node(key)
        items = (node,) if isinstance(node, YamlText) and not node.is_empty else self.items(key)
        numbers = []
        no_numbers: list[YamlNode] = []
        for item in items:
            text = item.text if isinstance(item, YamlText) else ""
            number = float(text) if _NUMBER.fullmatch(text) else math.inf
            if math.isfinite(number):
                numbers.append(number)
            else:
                no_numbers.append(item)
        self.find_values(key, no_numbers, "a number")
        return tuple(numbers)

    def find(self, code: str, key: str, message: str, severity: Severity, line: int | None = None) -> None:
        """Keep a finding about a key."""
        line = line or self._lines.get(key)
        where = f"{key}, line {line}" if line else key
        edit = f"edit '{key}' on line {line}" if line else f"add '{key}'"
        advice = "" if severity is Severity.NOTE else edit
        self.findings.append(Finding(severity, code, self._subject, message, where, advice))

    def find_value(self, key: str, node: YamlNode | None, expected: str) -> None:
        """A value of another form than DeepLabCut writes."""
        message = f"found {shown(node)}, expected {expected}"
        self.find("config-value", key, message, Severity.WARNING, node.line if node else None)

    def find_values(self, key: str, nodes: Sequence[YamlNode], expected: str, done: str = "") -> None:
        """Several values of one other form: one finding, as forty of them are one mistake; none if there are none."""
        if len(nodes) == 1:
            self.find_value(key, nodes[0], f"{expected}; {done or 'left it out'}")
        elif nodes:
            such_as = ", ".join(list(dict.fromkeys(map(shown, nodes)))[:_N_SHOWN])
            found = f"found {counted(len(nodes), 'entry', 'entries')} such as {such_as}"
            message = f"{found}, expected {expected}; {done or 'left them out'}"
            self.find("config-value", key, message, Severity.WARNING, nodes[0].line)


def shown(node: YamlNode | None) -> str:
    """Return a value for people, cut where it is long."""
    match node:
        case YamlText(text=text):
            return f"'{text if len(text) <= 60 else text[:57] + '...'}'"
        case YamlList(items=items) if 0 < len(items) <= 6 and all(isinstance(item, YamlText) for item in items):
            return f"[{', '.join(item.text[:60] for item in items if isinstance(item, YamlText))}]"
        case YamlList():
            return "a list"
        case YamlMapping():
            return "a mapping"
        case _:
            return "nothing"
