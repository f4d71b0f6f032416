"""Reads a page as a browser would: its elements, with nothing left open and nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import itertools
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import cv2
import numpy as np

_VOID = {"meta", "link", "input", "img", "br", "col"}
#: What HTML lets stand alone inside an svg.
_ALONE = {"image", "line", "path"}


@dataclass
class Element:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text, blanks as one."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return re.sub(r"\s+", " ", " ".join(parts)).strip()

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    def all(self, tag: str = "", class_: str = "") -> list[Element]:
        """All elements inside, at any depth, in order."""
        inner = [child for child in self.children if isinstance(child, Element)]
        found = []
        for child in inner:
            found += [child] if (not tag or child.tag == tag) and (not class_ or class_ in child.classes) else []
            found += child.all(tag, class_)
        return found

    def by_id(self, name: str) -> Element:
        (found,) = [each for each in self.all() if each.attributes.get("id") == name]
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _ALONE | {"circle"}, tag
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(text: str) -> Element:
    """Return a document as elements."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    (page,) = reader.open
    return page


def read_page(path: Path, *, may_miss: bool = False) -> Element:
    """Read a page, and hold it to what holds for every page; ``may_miss``: what it leads to need not be there."""
    text = path.read_text(encoding="utf-8")
    page = parse(text)
    assert len(page.all("main")) == len(page.all("h1")) == len(page.all("head")[0].all("title")) == 1
    levels = [int(each.tag[1]) for each in page.all() if re.fullmatch("h[1-6]", each.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    ids = [each.attributes["id"] for each in page.all() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for element in page.all():
        assert not [name for name in element.attributes if name.startswith("on")], element
        for name in ("href", "src"):
            address = element.attributes.get(name, "#")
            if address.startswith("#"):
                assert len(address) == 1 or address[1:] in ids, address
            elif not address.startswith("data:image/jpeg;base64,"):
                assert element.tag == "a"
                assert re.fullmatch(r"[\w.~/-]([\w.~/-]|%[0-9A-F]{2})*", address, re.ASCII), address
                assert not address.startswith("/")
                assert may_miss or (path.parent / unquote(address, errors="surrogateescape")).exists(), address
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    return page


def pictures(page: Element) -> list[np.ndarray]:
    """Return the pictures of a page, decoded."""
    uris = [each.attributes["href"] for each in page.all("image")] + [
        each.attributes["src"] for each in page.all("img")
    ]
    decoded = [cv2.imdecode(np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8), 1) for uri in uris]
    assert all(picture is not None for picture in decoded)
    return decoded
