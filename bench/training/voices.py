"""Who speaks: the voice variants of training, and others that training never hears.

Owns the two lists. Left out of both: whispering, croaking and robot variants, and those that set
the length of their vowels to nothing (`stressLength 0 1 2`: Andrea, anika, antonio, pedro).
Variants like no other one: Marco, kaukovalta, shelby, zac.
"""

from __future__ import annotations

from random import Random

from bench.training.espeak import Manner
from bench.training.texts import Kind

_TRAINING = """
f1 f3 f4 f5 m1 m2 m4 m5 m6 m8 klatt klatt2 klatt3 klatt5 Alicia Andy Annie Denis Diogo Gene Hugo
Jacky Lee Mario Michael adam aunty belinda boris caleb david edward grandma gustave ian iven iven2
iven4 john max michel miguel norbert pablo paul quincy rob sandro steph steph2 travis victor
"""
_HELD_OUT = """
f2 m3 m7 klatt4 Alex Henrique Mike benjamin ed iven3 linda marcelo robert steph3
"""
TRAINING = tuple(_TRAINING.split())
HELD_OUT = tuple(_HELD_OUT.split())

_LANGUAGES = {
    Kind.MANDARIN: ("cmn",),
    # cmn reads Latin letters with the English voice of the same variant.
    Kind.MIXED: ("cmn",),
}


def draw(random: Random, kind: Kind, *, held_out: bool) -> Manner:
    """A voice that can say a sentence of this kind, with a manner of its own."""
    variant = random.choice(HELD_OUT if held_out else TRAINING)
    return Manner(
        voice=f"{language(random, kind)}+{variant}",
        words_per_minute=random.randint(140, 205),
        pitch=random.randint(35, 65),
        pitch_range=random.randint(35, 65),
    )


def language(random: Random, kind: Kind) -> str:
    return random.choice(_LANGUAGES[kind])
