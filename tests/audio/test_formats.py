from __future__ import annotations

import pytest

from rasr.audio import FORMATS, AudioFormat, AudioFormatError, Encoding


def test_the_six_names_of_the_protocol_are_known_and_no_other() -> None:
    assert set(FORMATS) == {
        "pcm16k16bit",
        "pcm8k16bit",
        "ulaw16k8bit",
        "ulaw8k8bit",
        "alaw16k8bit",
        "alaw8k8bit",
    }


def test_a_name_says_its_rate_its_encoding_and_its_width() -> None:
    for name, item in FORMATS.items():
        assert item.name == name
        assert f"{item.sample_rate // 1000}k{8 * item.bytes_per_frame}bit" in name
        assert (item.encoding is Encoding.PCM_S16LE) == name.startswith("pcm")
        assert (item.encoding is Encoding.ULAW) == name.startswith("ulaw")


@pytest.mark.parametrize(
    ("item", "name", "bytes_per_second"),
    [
        (AudioFormat(Encoding.PCM_S16LE, 24_000), "pcm24k16bit", 48_000),
        (AudioFormat(Encoding.PCM_S16LE, 44_100, 2), "pcm44.1k16bit2ch", 176_400),
        (AudioFormat(Encoding.PCM_S24LE, 48_000, 20), "pcm48k24bit20ch", 2_880_000),
        (AudioFormat(Encoding.PCM_F32LE, 11_025), "float11.025k32bit", 44_100),
        (AudioFormat(Encoding.ALAW, 8_000, 2), "alaw8k8bit2ch", 16_000),
    ],
)
def test_any_format_in_range_has_a_name_and_a_byte_rate(
    item: AudioFormat, name: str, bytes_per_second: int
) -> None:
    assert (item.name, item.bytes_per_second) == (name, bytes_per_second)


@pytest.mark.parametrize("rate", [8_000, 48_000])
@pytest.mark.parametrize("channels", [1, 20])
def test_the_ends_of_the_ranges_are_allowed(rate: int, channels: int) -> None:
    item = AudioFormat(Encoding.PCM_S16LE, rate, channels)
    assert (item.sample_rate, item.channels) == (rate, channels)


@pytest.mark.parametrize(
    ("rate", "channels", "sentence"),
    [
        (7999, 1, "'sample_rate' is invalid: it is 7999; allowed: a whole number from 8000 to "),
        (48_001, 1, "it is 48001; allowed: a whole number from 8000 to 48000 (Hz)"),
        (0, 1, "'sample_rate' is invalid: it is 0"),
        (16_000, 0, "'channels' is invalid: it is 0; allowed: a whole number from 1 to 20"),
        (16_000, 21, "'channels' is invalid: it is 21"),
        (16_000, -1, "'channels' is invalid: it is -1"),
    ],
)
def test_a_format_out_of_range_is_refused_with_a_sentence(
    rate: int, channels: int, sentence: str
) -> None:
    with pytest.raises(AudioFormatError) as refusal:
        AudioFormat(Encoding.PCM_S16LE, rate, channels)
    assert sentence in str(refusal.value)
