"""Mutations of HDF5 files that know their groups, data sets and attributes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from random import Random
from typing import Any

from ordeals.binaries import mutated_bytes
from ordeals.values import ODD_TEXTS

_RUNS_CODE = b"cposix\nsystem\n(S'touch {precious}'\ntR."
_MANY = 2**34


#: Digests of files that the library wrote itself. What has changed bytes may make it crash, here and not in dlc2lp.
_sound: set[bytes] = set()


def note_sound(content: bytes) -> None:
    """Say of a file that the library wrote it."""
    _sound.add(hashlib.sha256(content).digest())


def mutated_hdf(randomly: Random, content: bytes) -> bytes:
    """Return an HDF5 file with one of its objects or attributes changed, or some of its bytes."""
    import h5py

    if randomly.random() < 0.3 or hashlib.sha256(content).digest() not in _sound:
        return mutated_bytes(randomly, content)
    held = io.BytesIO(content)
    try:
        with h5py.File(held, "r+") as file:
            names: list[str] = []
            file.visit(names.append)
            place = file[randomly.choice(names)] if names else file
            randomly.choice(_CHANGES)(randomly, file, place)
    except Exception:  # h5py refuses some of what can be asked for, or what an earlier mutation left
        return mutated_bytes(randomly, content)
    note_sound(held.getvalue())
    return held.getvalue()


def _odd_array(randomly: Random) -> Any:
    import h5py
    import numpy as np

    text = str(randomly.choice(ODD_TEXTS)).encode("utf-8", "surrogatepass").replace(b"\0", b"")
    return randomly.choice(
        (
            lambda: text or b"x",
            lambda: text.decode("utf-8", "replace"),
            lambda: np.void(_RUNS_CODE),
            lambda: _RUNS_CODE,
            lambda: b"(lp0\n" * 500 + b".",
            lambda: 7,
            lambda: -1,
            lambda: 2**63 - 1,
            lambda: float("nan"),
            lambda: h5py.Empty("f8"),
            lambda: np.zeros((0,)),
            lambda: np.zeros((0, 3)),
            lambda: np.full((2, 2), np.nan),
            lambda: np.full((3, 4, 2), 1e308),
            lambda: np.array([1, 2, 3], "u1"),
            lambda: np.array([text or b"x"] * 3),
            lambda: np.array([(1, 2.0)], dtype=[("index", "i8"), ("values", "f8")]),
            lambda: np.array([True, False]),
            lambda: np.array([1 + 2j]),
            lambda: np.array(["a", "b"], dtype=h5py.string_dtype()),
        )
    )()


def _attributes(place: Any, randomly: Random, file: Any) -> tuple[Any, str] | None:
    holders = [each for each in (place, file, *_groups(file)) if len(each.attrs)]
    if not holders:
        return None
    holder = randomly.choice(holders)
    return holder, randomly.choice(sorted(holder.attrs))


def _groups(file: Any) -> list[Any]:
    found: list[Any] = []
    file.visititems(lambda _, each: found.append(each))
    return found


def _change_attribute(randomly: Random, file: Any, place: Any) -> None:
    chosen = _attributes(place, randomly, file)
    if chosen:
        chosen[0].attrs[chosen[1]] = _odd_array(randomly)


def _remove_attribute(randomly: Random, file: Any, place: Any) -> None:
    chosen = _attributes(place, randomly, file)
    if chosen:
        del chosen[0].attrs[chosen[1]]


def _copy_attribute(randomly: Random, file: Any, place: Any) -> None:
    one, other = _attributes(place, randomly, file), _attributes(file, randomly, file)
    if one and other:
        one[0].attrs[one[1]] = other[0].attrs[other[1]]


def _remove(randomly: Random, file: Any, place: Any) -> None:
    del file[place.name]


def _rename(randomly: Random, file: Any, place: Any) -> None:
    file.move(place.name, randomly.choice(("other", "df_with_missing", "x/y/z", "é", place.name + "2")))


def _replace(randomly: Random, file: Any, place: Any) -> None:
    name = place.name
    del file[name]
    file[name] = _odd_array(randomly)


def _replace_by_group(randomly: Random, file: Any, place: Any) -> None:
    name = place.name
    del file[name]
    file.create_group(name)


def _replace_by_link(randomly: Random, file: Any, place: Any) -> None:
    import h5py

    name = place.name
    del file[name]
    file[name] = randomly.choice(
        (
            h5py.SoftLink("/nowhere"),
            h5py.SoftLink(name),
            h5py.SoftLink("/"),
            h5py.ExternalLink("{precious}", "/x"),
            file["/"],
        )
    )


def _replace_by_huge(randomly: Random, file: Any, place: Any) -> None:
    """A data set that says it is huge and holds next to nothing, compressed or never written."""
    name, kind = place.name, place.dtype if hasattr(place, "dtype") else "f8"
    del file[name]
    shape = randomly.choice(((_MANY,), (_MANY, 4), (4, _MANY), (2**20, 2**12)))
    file.create_dataset(name, shape, kind, chunks=tuple(min(each, 1024) for each in shape), compression="gzip")


def _replace_by_outside(randomly: Random, file: Any, place: Any) -> None:
    name = place.name
    del file[name]
    file.create_dataset(name, (16,), "u1", external=[("{precious}", 0, 16)])


def _change_cells(randomly: Random, file: Any, place: Any) -> None:
    import numpy as np

    held = [each for each in _groups(file) if hasattr(each, "shape") and each.size]
    if not held:
        return
    chosen = randomly.choice(held)
    values = chosen[()]
    flat = values.reshape(-1)
    for _ in range(randomly.choice((1, 3, flat.size))):
        cell = randomly.randrange(flat.size)
        if flat.dtype.kind in "iuf":
            odd = (0, -1, 1, 2**31, 99) if flat.dtype.kind in "iu" else (np.nan, np.inf, -np.inf, 1e308, -1.0, 0.0)
            flat[cell] = np.array(randomly.choice(odd)).astype(flat.dtype)
        elif flat.dtype.kind == "S":
            flat[cell] = randomly.choice((b"", b"\xff\xfe", b"../x", b"x" * flat.dtype.itemsize, b"nan", b"\x1b[31m"))
    chosen[()] = values


def _cut_rows(randomly: Random, file: Any, place: Any) -> None:
    held = [each for each in _groups(file) if hasattr(each, "shape") and each.shape]
    if not held:
        return
    chosen = randomly.choice(held)
    name, values, attributes = chosen.name, chosen[()], dict(chosen.attrs)
    del file[name]
    import numpy as np

    file[name] = randomly.choice(
        (values[:1], values[:0], values[::-1], np.concatenate([values, values]), values.T, values[..., None])
    )
    for key, value in attributes.items():
        file[name].attrs[key] = value


_CHANGES: tuple[Callable[[Random, Any, Any], None], ...] = (
    _change_attribute,
    _change_attribute,
    _change_attribute,
    _remove_attribute,
    _copy_attribute,
    _remove,
    _rename,
    _replace,
    _replace,
    _replace_by_group,
    _replace_by_link,
    _replace_by_huge,
    _replace_by_outside,
    _change_cells,
    _change_cells,
    _cut_rows,
)
