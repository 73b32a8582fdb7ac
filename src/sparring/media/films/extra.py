"""The two libraries of the extra called ``video``: imported when films need them, never before."""

from __future__ import annotations

import importlib
from types import ModuleType

from sparring.core.errors import UserError


def av(need: object) -> ModuleType:
    """PyAV. ``need`` is what needs it, a path or a name. Raises :class:`UserError` where it is not installed."""
    return _imported("av", need)


def cv2(need: object) -> ModuleType:
    """OpenCV. ``need`` is what needs it, a path or a name. Raises :class:`UserError` where it is not installed."""
    return _imported("cv2", need)


def _imported(name: str, need: object) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError(f"{need}: needs the 'video' extra: pip install 'sparring[video]'") from None
