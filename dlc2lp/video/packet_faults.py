"""What the bytes of a packet say of damage that a decoder conceals in silence. Pure.

* FFV1 of version 3 carries a checksum for each slice of a picture (RFC 9043, 4.9); ffmpeg only mentions one that is
  wrong and takes the slice of the picture before.
* h264 counts the pictures on which others lean (``frame_num``; ITU-T H.264, 7.4.3). Where a recorder lost some, as of
  network cameras, decoders lean on another picture and set no flag.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from dlc2lp.video.h264_units import PICTURE, SEQUENCE, SLICES, Units, kind_of

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_FOOTER_BYTES = 8  # of a slice of FFV1: three of its size, one of its state, four of the checksum
#: What an FFV1 checksum starts from: zero, or another number of a newer draft.
_STARTS = (0x00000000, 0x7A8C4079)

_HEADER_BYTES = 64  # of a unit of h264: what is needed stands at its beginning
#: Profiles whose sequence parameters tell of the colours (ITU-T H.264, 7.3.2.1.1).
_HIGH_PROFILES = {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}


class Faults(Protocol):
    """Looks at the packets of one video, in the order of the file."""

    is_sure: bool  #: Whether what it said holds; known after the last packet.

    def is_faulty(self, packet: bytes) -> bool:
        """Whether the picture of this packet, the next in the file, can't be whole."""


def faults_of(codec: str, extradata: bytes) -> Faults | None:
    """Return who looks at the packets of a codec, named as ffmpeg does; None if nothing can be seen in them."""
    if codec == "ffv1":
        return SliceChecksums()
    return ReferenceNumbers(extradata) if codec == "h264" else None


class SliceChecksums:
    """Checksums of FFV1. A video has them in every picture or in none: where none ever fits, it has none."""

    def __init__(self) -> None:
        self.is_sure = False

    def is_faulty(self, packet: bytes) -> bool:
        """Whether a slice is not what was written."""
        fits = _slices_fit(packet)
        self.is_sure = self.is_sure or fits
        return not fits


def _slices_fit(packet: bytes) -> bool:
    end = len(packet)
    while end > 0:
        start = end - _FOOTER_BYTES - int.from_bytes(packet[max(0, end - 8) : max(0, end - 5)], "big")
        if start < 0:
            return False
        # Python's checksum takes the bits of a byte from the other end.
        mirrored = packet[start:end].translate(_REVERSED)
        if not any(zlib.crc32(mirrored, _mirrored(first) ^ 0xFFFFFFFF) == 0xFFFFFFFF for first in _STARTS):
            return False
        end = start
    return bool(packet)


def _mirrored(number: int) -> int:
    return int(f"{number:032b}"[::-1], 2)


class _Bits:
    """Reads the fields of a unit of h264; IndexError behind its end."""

    def __init__(self, unit: bytes) -> None:
        # A 3 behind two zeros is no content: without it they would look like the beginning of a unit.
        self._bits = "".join(f"{byte:08b}" for byte in unit.replace(b"\0\0\3", b"\0\0"))
        self._at = 0

    def u(self, n_bits: int) -> int:
        self._at += n_bits
        if self._at > len(self._bits):
            raise IndexError(self._at)
        return int(self._bits[self._at - n_bits : self._at] or "0", 2)

    def ue(self) -> int:
        """Read a number in Exp-Golomb code."""
        n_zeros = self._bits.find("1", self._at) - self._at
        if n_zeros < 0:
            raise IndexError(self._at)
        return self.u(2 * n_zeros + 1) - 1


class ReferenceNumbers:
    """Numbers of the pictures on which others lean."""

    def __init__(self, extradata: bytes) -> None:
        self.is_sure = True
        self._sequences: dict[int, tuple[int, bool, bool]] = {}  # bits of a number, has planes, may have gaps
        self._pictures: dict[int, int] = {}  # parameters of pictures -> of their sequence
        # Numbers that may have been the last one: a damaged packet tells a wrong one.
        self._last: tuple[int, ...] = ()
        self._units = Units(extradata)
        self._learn(iter(self._units.header))

    def is_faulty(self, packet: bytes) -> bool:
        """Whether the picture leans on one that is not there."""
        # Three zeros stand in no unit but behind its end (7.4.1): a hole in the file. Start codes begin with them.
        if self._units.length_bytes and any(b"\0\0\0" in unit.rstrip(b"\0") for unit in self._units.of(packet)):
            return True
        try:
            slices = (unit for unit in self._learn(self._units.of(packet)) if kind_of(unit) in SLICES)
            return next((self._follows_gap(unit) for unit in slices), False)
        except (IndexError, KeyError):
            return False  # what can't be read the decoder can't either, and says so

    def _learn(self, units: Iterator[bytes]) -> list[bytes]:
        """Note the parameters among some units, and return all up to the first of a picture."""
        seen = []
        for unit in units:
            seen.append(unit)
            kind = kind_of(unit)
            try:
                if kind == SEQUENCE:
                    number, sequence = _sequence(_Bits(unit[1 : 8 * _HEADER_BYTES]))
                    self._sequences[number] = sequence
                elif kind == PICTURE:
                    bits = _Bits(unit[1:_HEADER_BYTES])
                    number = bits.ue()
                    self._pictures[number] = bits.ue()
            except IndexError:
                continue
            if kind in SLICES:
                break
        return seen

    def _follows_gap(self, unit: bytes) -> bool:
        bits = _Bits(unit[1:_HEADER_BYTES])
        bits.ue()
        leans = bits.ue() % 5 not in {2, 4}
        n_bits, has_planes, may_have_gaps = self._sequences[self._pictures[bits.ue()]]
        bits.u(2 if has_planes else 0)
        number = bits.u(n_bits)
        # Some operation that only the whole header tells of lets the numbers start anew.
        is_next = number <= 1 or not self._last or may_have_gaps or kind_of(unit) == 5
        is_next = is_next or any(number in {last, (last + 1) % (1 << n_bits)} for last in self._last)
        if unit[0] & 0x60:
            self._last = (number,) if is_next else (number, *self._last[:1])
        return leans and not is_next


def _sequence(bits: _Bits) -> tuple[int, tuple[int, bool, bool]]:
    """Return the number of a sequence's parameters, and what of them is needed (ITU-T H.264, 7.3.2.1.1)."""
    profile = bits.u(8)
    bits.u(16)
    number, has_planes = bits.ue(), False
    if profile in _HIGH_PROFILES:
        chroma = bits.ue()
        has_planes = chroma == 3 and bool(bits.u(1))
        bits.ue(), bits.ue(), bits.u(1)
        if bits.u(1):
            _skip_scaling(bits, 12 if chroma == 3 else 8)
    n_bits = bits.ue() + 4
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.u(1), bits.ue(), bits.ue()
        for _ in range(bits.ue()):
            bits.ue()
    bits.ue()
    return number, (n_bits, has_planes, bool(bits.u(1)))


def _skip_scaling(bits: _Bits, n_lists: int) -> None:
    for index in range(n_lists):
        if not bits.u(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                code = bits.ue()
                following = (last + (-code // 2 if code % 2 == 0 else (code + 1) // 2)) % 256
            last = following or last
