"""The one error of this package.

VadError (ValueError)    a setting or an argument outside its range; the sentence says which
"""

from __future__ import annotations


class VadError(ValueError):
    """A value that this package refuses, kept in parts so that a caller can report it its own way.

    The fault is the caller's: nothing was changed by the refused call.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field} is {value}, allowed: {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed
