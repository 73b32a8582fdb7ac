"""Examples that a caller in Python gives: arrays, data sets, lists, each example alone or with its label.

They are written into the run's folder, as what the modality reads, so that a run goes on and is evaluated by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from sparring.core.errors import UserError
from sparring.core.files import aside

LABELS = ("label", "labels", "fine_label", "class", "target", "y")
"""What an example that is a mapping calls its label, best first."""


def is_array(data: object) -> bool:
    """Whether these are numbers in an array or a tensor."""
    return isinstance(data, np.ndarray | Tensor)


def as_array(data: Any) -> np.ndarray:
    """An array or a tensor ``(...)`` as an array of that shape."""
    return np.asarray(data.detach().cpu() if isinstance(data, Tensor) else data)


def parts(data: Any) -> tuple[Any, Any]:
    """Examples and labels of a pair of them; data without labels, and None. Raises :class:`UserError` unless there are
    as many of one as of the other."""
    is_pair = isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], str)
    if is_pair and hasattr(data[0], "__len__") and hasattr(data[1], "__len__"):
        if len(data[0]) != len(data[1]):
            raise UserError(f"data: {len(data[0])} examples with {len(data[1])} labels; give one label for each")
        return data[0], data[1]
    return data, None


def pairs(data: Any, keys: Sequence[str]) -> Iterator[tuple[Any, str | None]]:
    """Each example with its label, None without, of a pair of examples and labels, or of a data set or list, whose
    items are examples, pairs of an example and its label, or mappings that call the example one of ``keys``. Raises
    :class:`UserError` for a mapping that has none of them."""
    examples, labels = parts(data)
    if labels is not None:
        yield from zip(examples, map(as_label, labels), strict=True)
        return
    numbered = hasattr(examples, "__getitem__") and hasattr(examples, "__len__")
    for item in (examples[index] for index in range(len(examples))) if numbered else examples:
        if isinstance(item, Mapping):
            key = next((key for key in keys if key in item), None)
            if key is None:
                raise UserError(f"data: an item holds {', '.join(map(str, item))}; call the example '{keys[0]}'")
            label = next((item[name] for name in LABELS if name in item), None)
            yield item[key], None if label is None else as_label(label)
        elif isinstance(item, tuple) and len(item) == 2:
            yield item[0], as_label(item[1])
        else:
            yield item, None


def as_label(label: Any) -> str:
    """A label, of any type, as text: of a number of one value as that number."""
    return str(label.item() if hasattr(label, "item") else label)


def keep_arrays(path: Path, **arrays: np.ndarray) -> Path:
    """Write arrays of any shape ``(n, ...)`` by name into an ``.npz``, whole or not at all. Raises :class:`UserError`
    for an array that holds objects, and where it cannot be written."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise UserError(f"data: {name} are objects, not numbers; give arrays of one shape")
    with aside(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return path
