"""START's fields as options, made from the table that the server's parser reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import click

from rasr.audio.formats import FORMATS, AudioFormat, CompressedFormat
from rasr.client.options import CLIENT_DEFAULTS
from rasr.wire.sis.fields import START_FIELDS
from rasr.wire.sis.kinds import Field, FieldValue, PropertyName, TextList, WholeNumber, YesNo
from rasr.wire.sis.messages import StartConfig
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.properties import Property

Command = TypeVar("Command", bound=Callable[..., Any])

MODES = (Mode.CONTINUE, Mode.SENTENCE, Mode.SHORT)

_DEFAULT_LANGUAGE = "english"
_FLAGS = {"caption_channel": "--channel"}
"""Flags that are not named as their field."""


def start_options(command: Command) -> Command:
    """Give a command an option for each field, handed on under its name; None if not given."""
    for name, field in reversed(list(START_FIELDS.items())):
        command = _option(name, field)(command)
    return command


def start_config(mode: Mode, given: Mapping[str, Any]) -> StartConfig:
    """START's `config`, of what the options were given.

    Where only one of format and property was given, the other one gets its sample rate.

    Raises:
        click.UsageError: a flag has no meaning in this mode.
    """
    values: dict[str, FieldValue] = {}
    for name, field in START_FIELDS.items():
        value = given[name]
        if value is None or value == ():
            value = CLIENT_DEFAULTS.get(name)
        if value is None:
            continue
        if mode not in field.modes:
            modes = " and ".join(sorted(other for other in field.modes if other in MODES))
            raise click.UsageError(
                f"{_flag(name)} does nothing in {mode} mode, only in {modes}: leave it out, "
                "or choose another --mode"
            )
        values[name] = value
    audio_format = cast(AudioFormat | CompressedFormat | None, values.get("audio_format"))
    wanted = cast(Property | None, values.get("property"))
    if audio_format is None:
        audio_format = FORMATS[
            "pcm8k16bit" if wanted and wanted.sample_rate == 8000 else ("pcm16k16bit")
        ]
    if wanted is None:
        # Compressed audio has any rate: the better model then.
        rate = audio_format.sample_rate if isinstance(audio_format, AudioFormat) else 16000
        wanted = Property.parse(f"{_DEFAULT_LANGUAGE}_{rate // 1000}k_common")
    return StartConfig(
        **cast(dict[str, Any], values | {"audio_format": audio_format, "property": wanted})
    )


class _FieldType(click.ParamType[FieldValue]):
    """A flag's text, read as the server reads the field."""

    def __init__(self, field: Field) -> None:
        self._kind = field.kind
        self.name = "number" if isinstance(field.kind, WholeNumber) else "text"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> FieldValue:
        if not isinstance(value, str):
            return cast(FieldValue, value)
        raw: object = value
        if isinstance(self._kind, WholeNumber):
            try:
                raw = int(value)
            except ValueError:
                raw = None
        read = self._kind.read(raw)
        if read is None:
            meant = f"{value}_16k_common"
            is_near = isinstance(self._kind, PropertyName) and self._kind.read(meant) is not None
            hint = f"; did you mean {meant}?" if is_near else ""
            self.fail(f"{value!r}; allowed: {self._kind.allowed}{hint}", param, ctx)
        return read


def _option(name: str, field: Field) -> Callable[[Command], Command]:
    flag = _flag(name)
    if isinstance(field.kind, YesNo):
        return click.option(
            f"{flag}/{flag.replace('--', '--no-', 1)}", name, default=None, help=_help(name, field)
        )
    if isinstance(field.kind, TextList):
        return click.option(
            flag,
            name,
            multiple=True,
            metavar="TEXT",
            help=f"{_help(name, field)} Repeat for several.",
        )
    return click.option(flag, name, type=_FieldType(field), help=_help(name, field))


def _flag(name: str) -> str:
    return _FLAGS.get(name) or "--" + name.replace("_", "-")


def _help(name: str, field: Field) -> str:
    default = CLIENT_DEFAULTS.get(name, field.default)
    sentence = field.meaning[0].upper() + field.meaning[1:]
    if not isinstance(field.kind, YesNo | TextList):
        sentence += f": {field.kind.allowed}"
    sentence += "."
    match default:
        case bool():
            sentence += f" Default: {'yes' if default else 'no'}."
        case int():
            sentence += f" Default: {default}."
    left_out = [mode for mode in MODES if mode not in field.modes]
    if left_out:
        sentence += f" Not in {' and '.join(left_out)} mode."
    return sentence
