"""The units of h264 in a packet, and whether the parameters of a video's pictures change on the way. Pure.

A sequence's parameters (ITU-T H.264, 7.3.2.1.1) say how large its pictures are, in which format and range they are
stored, and by which profile. They stand in the container's header, or before a key frame. Two recordings that were
joined without an encoder have others from some key frame on, which readers that look at the header alone (OpenCV,
graphics cards) show as frozen, green or garbled pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

SEQUENCE, PICTURE = 7, 8  #: Kinds of units: parameters.
SLICES = frozenset({1, 5})  #: Kinds of units: a part of a picture, or of a key frame.


class Units:
    """Takes the packets of one video apart."""

    def __init__(self, extradata: bytes) -> None:
        self.length_bytes = 0  #: Of the length before each unit; 0 where start codes separate them.
        self.header: tuple[bytes, ...] = ()  #: Those of the container's header.
        if extradata[:1] == b"\1" and len(extradata) > 6:
            self.length_bytes = (extradata[4] & 3) + 1
            self.header = tuple(_of_header(extradata))
        else:
            self.header = tuple(_separated(extradata))

    @property
    def level(self) -> int:
        """Ten times the level that the header tells; 0 where it tells none."""
        return next((unit[3] for unit in self.header if kind_of(unit) == SEQUENCE and len(unit) > 3), 0)

    def of(self, packet: bytes) -> Iterator[bytes]:
        """Yield the units of a packet; the first five bits of none are its kind."""
        return _measured(packet, self.length_bytes) if self.length_bytes else _separated(packet)

    def is_leaned_on(self, packet: bytes) -> bool:
        """Whether another picture may lean on this one; so where it can't be told."""
        slices = [unit for unit in self.of(packet) if kind_of(unit) in SLICES]
        return not slices or any(unit[0] & 0x60 for unit in slices)


def kind_of(unit: bytes) -> int:
    """The kind of a unit (ITU-T H.264, table 7-1)."""
    return unit[0] & 31


class SequenceWatch:
    """Sees whether parameters come that were not those of the first picture."""

    def __init__(self, extradata: bytes) -> None:
        self._units = Units(extradata)
        self._known = {unit.rstrip(b"\0") for unit in self._units.header if kind_of(unit) == SEQUENCE}
        self._is_first = True

    def changes_with(self, key_packet: bytes) -> bool:
        """Whether they are others from this packet on; to be asked of each that holds a key frame."""
        found = set()
        for unit in self._units.of(key_packet):
            if kind_of(unit) in SLICES:
                break
            if kind_of(unit) == SEQUENCE:
                found.add(unit.rstrip(b"\0"))
        is_new, self._is_first = not found <= self._known and not self._is_first, False
        self._known |= found
        return is_new


def _of_header(extradata: bytes) -> Iterator[bytes]:
    """Yield the parameters in the header of an mp4 or a Matroska file (ISO/IEC 14496-15, 5.3.3.1)."""
    at = 5
    for mask in (31, 255):
        n_units = extradata[at] & mask if at < len(extradata) else 0
        at += 1
        for _ in range(n_units):
            size = int.from_bytes(extradata[at : at + 2], "big")
            if unit := extradata[at + 2 : at + 2 + size]:
                yield unit
            at += 2 + size


def _measured(packet: bytes, length_bytes: int) -> Iterator[bytes]:
    """Yield units that stand behind their length."""
    at = 0
    while at + length_bytes < len(packet):
        size = int.from_bytes(packet[at : at + length_bytes], "big")
        at += length_bytes
        if unit := packet[at : at + size]:
            yield unit
        at += size


def _separated(packet: bytes) -> Iterator[bytes]:
    """Yield units that stand behind start codes."""
    start = packet.find(b"\0\0\1")
    while start >= 0:
        end = packet.find(b"\0\0\1", start + 3)
        if unit := packet[start + 3 : end if end >= 0 else None]:
            yield unit
        start = end
