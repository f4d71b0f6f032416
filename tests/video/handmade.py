"""Streams that lab archives hold and no free encoder writes, put together bit by bit.

* h264 whose packets are single fields, as AVCHD camcorders record (ITU-T H.264, 7.3; all macroblocks are I_PCM).
* MPEG-4 with packed B-frames, as DivX 5 wrote it: two frames in one packet, then an empty one.
* Any stream with packets changed, as bad disks, cut connections and careless cameras leave them.
* MPEG-4 with frames that the recorder skipped: packets that are "not coded" (ISO/IEC 14496-2, 6.2.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

_VOP = b"\0\0\1\xb6"
#: A P-VOP with vop_coded = 0.
NOT_CODED = _VOP + b"\x50\x4f"


class _Bits:
    def __init__(self) -> None:
        self.text = ""

    def u(self, n_bits: int, value: int) -> _Bits:
        self.text += format(value, f"0{n_bits}b")
        return self

    def ue(self, value: int) -> _Bits:
        """Exp-Golomb code."""
        digits = format(value + 1, "b")
        self.text += "0" * (len(digits) - 1) + digits
        return self

    def aligned(self) -> bytes:
        text = self.text + "0" * (-len(self.text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")

    def ended(self) -> bytes:
        return self.u(1, 1).aligned()


def _unit(header: int, payload: bytes) -> bytes:
    escaped, n_zeros = bytearray(), 0
    for byte in payload:
        if n_zeros >= 2 and byte <= 3:
            escaped.append(3)
            n_zeros = 0
        escaped.append(byte)
        n_zeros = n_zeros + 1 if byte == 0 else 0
    return b"\0\0\0\1" + bytes([header]) + bytes(escaped)


def _parameters(width: int, height: int) -> bytes:
    sequence = _Bits().u(8, 77).u(8, 0).u(8, 30).ue(0).ue(0).ue(0).ue(4).ue(1).u(1, 0)
    sequence.ue(width // 16 - 1).ue(height // 32 - 1)
    sequence.u(1, 0).u(1, 0).u(1, 1).u(1, 0)  # frame_mbs_only 0: fields are possible
    sequence.u(1, 1).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 1).u(32, 1).u(32, 50).u(1, 1).u(4, 0)  # 50 fields per second
    picture = _Bits().ue(0).ue(0).u(1, 0).u(1, 0).ue(0).ue(0).ue(0).u(1, 0).u(2, 0).ue(0).ue(0).ue(0).u(1, 1).u(2, 0)
    return _unit(0x67, sequence.ended()) + _unit(0x68, picture.ended())


def _field(gray: np.ndarray, *, bottom: bool, key_id: int) -> bytes:
    header = _Bits().ue(0).ue(7).ue(0).u(4, 0).u(1, 1).u(1, bottom)
    if bottom:
        header.u(8, 1).u(1, 0)
    else:
        header.ue(key_id).u(8, 0).u(2, 0)
    header.ue(0).ue(1)
    slice_data = bytearray()
    for y in range(0, gray.shape[0], 16):
        for x in range(0, gray.shape[1], 16):
            slice_data += header.ue(25).aligned()  # mb_type I_PCM
            slice_data += gray[y : y + 16, x : x + 16].tobytes() + b"\x80" * 128
            header = _Bits()
    return _unit(0x61 if bottom else 0x65, bytes(slice_data) + b"\x80")


def write_fields(path: Path, frames: Iterable[np.ndarray]) -> None:
    """A raw h264 stream of 25 interlaced frames per second, top field first, each field a picture of its own."""
    with path.open("wb") as file:
        for index, rgb in enumerate(frames):
            gray = rgb.mean(axis=2).clip(1, 254).astype(np.uint8)
            file.write(_unit(9, b"\x10") + _parameters(gray.shape[1], gray.shape[0]))
            file.write(_field(gray[0::2], bottom=False, key_id=index % 2))
            file.write(_field(gray[1::2], bottom=True, key_id=0))


def _repacked(source: Path, target: Path, repack: object) -> None:
    """Rewrite the packets of an MPEG-4 AVI."""
    import av

    with av.open(str(source)) as original, av.open(str(target), "w", format="avi") as output:
        stream = original.streams.video[0]
        track = output.add_stream_from_template(stream)
        packets = [bytes(packet) for packet in original.demux(stream) if packet.size]
        for index, data in enumerate(repack(packets)):  # type: ignore[operator]
            packet = av.Packet(data)
            packet.stream = track
            packet.pts = packet.dts = index
            packet.time_base = stream.time_base
            packet.is_keyframe = _kind(data) == "I"
            output.mux(packet)


def _kind(packet: bytes) -> str:
    return "IPBS"[packet[packet.index(_VOP) + 4] >> 6]


def pack_b_frames(source: Path, target: Path) -> None:
    """Put each B-frame into the packet of the frame before it, as DivX did."""

    def repack(packets: list[bytes]) -> list[bytes]:
        packed: list[bytes] = []
        for packet in packets:
            if _kind(packet) == "B":
                packed[-1] += packet
                packed.append(NOT_CODED)
            else:
                packed.append(packet)
        first = packed[0].index(_VOP)
        packed[0] = packed[0][:first] + b"\0\0\1\xb2DivX503b1393p\0" + packed[0][first:]  # "p": packed
        return packed

    _repacked(source, target, repack)


def skip_frames(source: Path, target: Path, skipped: set[int]) -> None:
    """Replace packets by "not coded" ones, as recorders write them for a frame that did not change."""
    _repacked(
        source,
        target,
        lambda packets: [NOT_CODED if index in skipped else data for index, data in enumerate(packets)],
    )


def change_packets(source: Path, target: Path, change: Callable[[int, bytes], bytes | None]) -> None:
    """Copy a video with its packets changed, by their number in the file; None leaves one out.

    In place where all keep their length: no tool writes every damage that a file can have.
    """
    import av

    with av.open(str(source)) as original:
        stream = original.streams.video[0]
        packets = [packet for packet in original.demux(stream) if packet.size]
        changed = [change(index, bytes(packet)) for index, packet in enumerate(packets)]
        before, whole = [bytes(packet) for packet in packets], source.read_bytes()
        pairs = [(old, new) for old, new in zip(before, changed, strict=True) if new != old]
        if all(new is not None and len(new) == len(old) and whole.count(old) == 1 for old, new in pairs):
            for old, new in pairs:
                whole = whole.replace(old, new or b"")
            target.write_bytes(whole)
            return
        with av.open(str(target), "w") as output:
            track = output.add_stream_from_template(stream)
            for packet, data in zip(packets, changed, strict=True):
                if data is None:
                    continue
                copy = av.Packet(data)
                copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
                copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, packet.is_keyframe, track
                output.mux(copy)


def garbled(*indices: int, n_bytes: int = 400) -> Callable[[int, bytes], bytes]:
    """Random bytes in the middle of some packets."""

    def change(index: int, data: bytes) -> bytes:
        if index not in indices:
            return data
        start = len(data) // 2
        noise = np.random.default_rng(index).bytes(min(n_bytes, len(data) - start))
        return data[:start] + noise + data[start + len(noise) :]

    return change


def flipped(at: int) -> Callable[[int, bytes], bytes]:
    """One packet with a single byte changed, at three quarters of it."""

    def change(index: int, data: bytes) -> bytes:
        where = len(data) * 3 // 4
        return data if index != at else data[:where] + bytes([data[where] ^ 0x55]) + data[where + 1 :]

    return change


def emptied(*indices: int) -> Callable[[int, bytes], bytes]:
    """Some packets that are nothing but zeros, as a hole in a file reads."""
    return lambda index, data: bytes(len(data)) if index in indices else data


def with_unit(unit: bytes) -> Callable[[int, bytes], bytes]:
    """A unit of h264 or hevc before each picture."""
    return lambda _, data: len(unit).to_bytes(4, "big") + unit + data


def without_last_unit(at: int) -> Callable[[int, bytes], bytes]:
    """One packet of h264 without its last unit, the picture's last slice."""

    def change(index: int, data: bytes) -> bytes:
        starts, start = [], 0
        while start < len(data):
            starts.append(start)
            start += 4 + int.from_bytes(data[start : start + 4], "big")
        return data[: starts[-1]] if index == at else data

    return change


def with_segment(segment: bytes) -> Callable[[int, bytes], bytes]:
    """A segment at the beginning of each JPEG."""
    return lambda _, data: data[:2] + segment + data[2:]
