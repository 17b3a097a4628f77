"""What it takes to have a language served: which model, how much to fetch, how much memory.

The facts are those of the catalogue; the command that people are told is written here and nowhere
else.
"""

from __future__ import annotations

from dataclasses import dataclass

from decoder.languages import LANGUAGE_NAMES
from rasr.models.catalogue import Catalogue, Model
from rasr.settings import language_of

SIS_LANGUAGES = ("chinese", "english", "cantonese", "sichuan", "shanghai")
"""Those that SIS real-time ASR names, as its properties begin, the most used first."""
_OTHER_NAMES = {
    "mandarin": "chinese",
    **dict.fromkeys(("中文", "汉语", "普通话", "国语"), "chinese"),
    **dict.fromkeys(("粤语", "广东话", "廣東話"), "cantonese"),
    "四川话": "sichuan",
    "上海话": "shanghai",
    **dict.fromkeys(("英语", "英文"), "english"),
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language that can be had."""

    name: str
    """As SIS properties begin: "english", "chinese", …"""
    model: Model
    """The recommended model."""
    substitute: Model | None
    """Another one, with more errors, that comes from the package index: for machines that cannot
    reach the place of the recommended one. None where there is none, or no need of it."""

    @property
    def command(self) -> str:
        """The command that brings it."""
        return setup_command(self.name)


def setup_command(language: str) -> str:
    """The command with which a person has a language served."""
    return f"rasr setup {language}"


def languages(catalogue: Catalogue) -> tuple[Language, ...]:
    """Every language for which a model is recommended: those of SIS first, then by name."""
    found = {
        name: Language(name, model, _substitute(catalogue, name, model))
        for model in catalogue.models
        for name in model.recommended
    }
    first = [name for name in SIS_LANGUAGES if name in found]
    return tuple(found[name] for name in (*first, *sorted(found.keys() - first)))


def find_language(catalogue: Catalogue, name: str) -> Language | None:
    """The language of this name; None where nothing is recommended for it."""
    return next((one for one in languages(catalogue) if one.name == name), None)


def meant_language(catalogue: Catalogue, text: str) -> Language | None:
    """The language that a person means: by its name, its code ("zh", "de-AT") or a property."""
    word = language_of(text.strip().lower()).partition("-")[0]
    name = _OTHER_NAMES.get(word) or LANGUAGE_NAMES.get(word) or word
    return find_language(catalogue, name)


def megabytes(size: int | None) -> int | None:
    """Bytes as whole MB, as people are told them."""
    return None if size is None else round(size / 1e6)


def _substitute(catalogue: Catalogue, language: str, recommended: Model) -> Model | None:
    if recommended.packages:
        return None
    for model in catalogue.models:
        if model.recognises and model.packages and language in model.languages:
            return model
    return None
