"""Compressed audio: the same samples as of the whole file, however it was cut and whatever came."""

from __future__ import annotations

import ctypes
import io
import tracemalloc

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import COMPRESSED_FORMATS, AudioDecoder, Samples, audio_decoder
from rasr.audio import compressed as compressed_module
from rasr.audio.compressed import _padded
from tests.audio.compressed import (
    at_16k,
    compressed,
    decoded,
    element,
    heard,
    muxed,
    opus_head,
    opus_packets,
    page,
    pieces_of,
)
from tests.audio.signals import cut, cuts, fed, noise, quick, tone

NAMES = tuple(COMPRESSED_FORMATS)
OPUS = ("ogg-opus", "webm-opus")
FRAMES = ("mp3", "aac")

RATE = 48000
SIGNAL = tone(440, 0.9, RATE) + noise(0.9, RATE, 500)
FILES = {name: compressed(SIGNAL, name, RATE) for name in NAMES} | {
    "live": compressed(SIGNAL, "webm-opus", RATE, live=True)
}
"""`live` is what MediaRecorder makes: WebM whose sizes are unknown."""
FORMAT_OF = {name: name for name in NAMES} | {"live": "webm-opus"}


def close(found: Samples, expected: Samples, most: int) -> bool:
    """The same number of samples, none of them further away than `most`."""
    return len(found) == len(expected) and bool(
        np.abs(found.astype(np.int32) - expected).max() <= most
    )


def decoder_of(name: str) -> AudioDecoder:
    return audio_decoder(COMPRESSED_FORMATS[name])


@pytest.mark.parametrize("file", FILES)
def test_the_audio_is_that_of_the_whole_file(file: str) -> None:
    found, fault = heard(FORMAT_OF[file], [FILES[file]])
    assert fault is None
    # FFmpeg's default decoder for Opus is one of its own; it rounds differently.
    assert close(found, decoded(FILES[file]), 0 if file in FRAMES else 2)


@given(file=st.sampled_from(sorted(FILES)), sizes=cuts)
@quick
def test_the_cut_of_the_bytes_does_not_change_one_sample(file: str, sizes: list[int]) -> None:
    whole, _ = heard(FORMAT_OF[file], [FILES[file]])
    found, fault = heard(FORMAT_OF[file], list(cut(FILES[file], sizes)))
    assert fault is None
    assert found.dtype == np.int16
    assert found.tolist() == whole.tolist()


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("length", [1, 7, 1000])
def test_nor_does_the_length_of_the_chunks(file: str, length: int) -> None:
    whole, _ = heard(FORMAT_OF[file], [FILES[file]])
    found, _ = heard(FORMAT_OF[file], pieces_of(FILES[file], length))
    assert found.tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        # Three in a row: one sample more or less of 48 kHz shows at 16 kHz in one of them.
        *(("webm-opus", samples) for samples in (1, 959, 960, 961, 4801, 48000, 48001, 48002)),
        *(("mp3", samples) for samples in (959, 960, 961, 4801, 48000, 48001, 48002)),
        # FFmpeg's Ogg begins its count at the padding, which shows with a second page only.
        *(("ogg-opus", samples) for samples in (48000, 48001, 48002, 50002)),
    ],
)
def test_what_encoders_put_before_and_behind_the_audio_is_left_out(name: str, samples: int) -> None:
    signal = tone(440, 1.1, RATE)[:samples]
    found, fault = heard(name, [compressed(signal, name, RATE)])
    assert fault is None
    assert len(found) == len(at_16k(signal, RATE))


@pytest.mark.parametrize("name", NAMES)
def test_the_audio_is_in_its_place(name: str) -> None:
    # A click in the middle of silence.
    signal = np.zeros(RATE, np.int16)
    signal[RATE // 2 : RATE // 2 + 480] = 20000
    found, _ = heard(name, [compressed(signal, name, RATE, bit_rate=96000)])
    middle = float(np.average(np.arange(len(found)), weights=np.square(found.astype(float))))
    # ADTS does not say how much of its beginning is padding: one frame of 1024 samples.
    expected = (RATE / 2 + 240 + (1024 if name == "aac" else 0)) / 3
    # 3 ms: codecs blur a click.
    assert abs(middle - expected) < 48


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
@pytest.mark.parametrize("name", NAMES)
def test_any_rate_and_two_channels_become_mono_at_16_khz(name: str, rate: int) -> None:
    rate = 24000 if name in OPUS and rate in (22050, 44100) else rate
    left, right = tone(440, 1.0, rate), tone(440, 1.0, rate, level=2000)
    both = np.stack([left, right], axis=1)
    data = compressed(both, name, rate, layout="stereo", bit_rate=96000)
    found, fault = heard(name, [data])
    assert fault is None
    assert abs(len(found) - 16000) <= (1500 if name == "aac" else 1)
    heard_level = np.sqrt(np.mean(np.square(found[4000:12000].astype(float))))
    assert heard_level == pytest.approx(5000 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("length", [300, 100_000])
@pytest.mark.parametrize("name", NAMES)
def test_each_channel_can_be_decoded_on_its_own(name: str, length: int) -> None:
    left, right = tone(440, 1.0, RATE), tone(1100, 1.0, RATE)
    both = np.stack([left, right], axis=1)
    data = compressed(both, name, RATE, layout="stereo", bit_rate=128_000)
    for channel, hz in enumerate((440, 1100)):
        found, fault = heard(name, pieces_of(data, length), channel=channel)
        assert fault is None
        assert abs(len(found) - 16000) <= (1500 if name == "aac" else 1)
        spectrum = np.abs(np.fft.rfft(found[4000:12_000]))
        assert int(spectrum.argmax()) * 2 == hz
        # The other channel is 20 times as quiet at least.
        assert spectrum[(1540 - hz) // 2] < spectrum.max() / 20


def test_the_channel_of_a_mono_stream_is_its_audio() -> None:
    whole, _ = heard("webm-opus", [FILES["webm-opus"]])
    found, fault = heard("webm-opus", [FILES["webm-opus"]], channel=0)
    assert fault is None
    assert found.tolist() == whole.tolist()


@pytest.mark.parametrize("channel", [-1, 1])
def test_a_channel_that_is_not_there_is_a_fault(channel: int) -> None:
    found, fault = heard("mp3", [FILES["mp3"]], channel=channel)
    assert len(found) == 0
    assert fault == (
        f"the sound cannot be read as 'mp3': it has no channel {channel}; allowed: from 0 to 0"
    )


def test_a_change_of_rate_in_the_middle_is_followed() -> None:
    one = compressed(tone(440, 0.5, 48000), "mp3", 48000, write_xing="0")
    other = compressed(tone(440, 0.5, 44100), "aac", 44100, layout="mono")
    again = compressed(tone(440, 0.5, 44100), "aac", 44100)
    found, fault = heard("aac", [other + again])
    assert fault is None
    assert abs(len(found) - 16000) < 1600
    assert len(heard("mp3", [one])[0]) > 0


# Broken, cut off, hostile


@given(file=st.sampled_from(sorted(FILES)), share=st.floats(0, 1), length=st.integers(1, 700))
@quick
def test_a_stream_that_breaks_off_is_heard_up_to_there(
    file: str, share: float, length: int
) -> None:
    data = FILES[file][: round(share * len(FILES[file]))]
    whole, _ = heard(FORMAT_OF[file], [FILES[file]])
    found, fault = heard(FORMAT_OF[file], pieces_of(data, length))
    # The last of them are those of a filter that sees silence to come.
    surely = max(0, len(found) - 64)
    assert found[:surely].tolist() == whole[:surely].tolist()
    if fault is not None:
        assert len(found) == 0
        assert fault.endswith("it ended before its sound began")


@given(file=st.sampled_from(sorted(FILES)), seed=st.integers(0, 1000), sizes=cuts)
@quick
def test_damaged_bytes_are_a_sentence_at_most_and_the_same_for_every_cut(
    file: str, seed: int, sizes: list[int]
) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(FILES[file])
    for place in random.integers(0, len(data), random.integers(1, 20)):
        data[place] = random.integers(0, 256)
    whole = heard(FORMAT_OF[file], [bytes(data)])
    found = heard(FORMAT_OF[file], list(cut(bytes(data), sizes)))
    assert found[0].tolist() == whole[0].tolist()
    assert found[1] == whole[1]


@given(name=st.sampled_from(NAMES), data=st.binary(max_size=2000), magic=st.booleans())
@quick
def test_any_bytes_are_taken_or_refused_with_a_sentence(
    name: str, data: bytes, magic: bool
) -> None:
    begin = {"ogg-opus": b"OggS\0\2", "webm-opus": b"\x1a\x45\xdf\xa3", "mp3": b"\xff\xfb"}
    _, fault = heard(name, pieces_of((begin.get(name, b"\xff\xf1") if magic else b"") + data, 100))
    assert fault is None or fault.startswith(f"the sound cannot be read as {name!r}: ")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_at_all_is_no_fault(name: str) -> None:
    found, fault = heard(name, [])
    assert (len(found), fault) == (0, None)


def test_behind_a_fault_nothing_is_decoded() -> None:
    data = FILES["ogg-opus"]
    half = data[: len(data) // 2]
    decoder = decoder_of("ogg-opus")
    fed(decoder, half + bytes(70_000))
    assert decoder.fault is not None
    assert len(decoder.feed(data)) == 0


def test_behind_a_packet_there_are_zeros_for_the_decoder_to_read() -> None:
    for length in (1, 100, 1000):
        packet = _padded(b"\xff" * length)
        # AV_INPUT_BUFFER_PADDING_SIZE
        behind = ctypes.string_at(packet.buffer_ptr + length, 64)
        assert (bytes(packet), behind) == (b"\xff" * length, bytes(64))


def test_an_end_that_cannot_be_decoded_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = compressed_module._samples

    def failing(resampler: av.AudioResampler, frame: av.AudioFrame | None) -> list[Samples]:
        if frame is None:
            raise av.FFmpegError(22, "Invalid argument")
        return samples(resampler, frame)

    monkeypatch.setattr(compressed_module, "_samples", failing)
    found, fault = heard("aac", [FILES["aac"]])
    assert len(found) > 0
    assert fault == (
        "the sound cannot be read as 'aac': its end cannot be decoded (Invalid argument)"
    )


FLAC = muxed(SIGNAL, "flac", "flac", RATE)
MP4 = muxed(SIGNAL, "mp4", "aac", RATE)
WAV = muxed(SIGNAL, "wav", "pcm_s16le", RATE)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("webm-opus", FILES["ogg-opus"], "it is Ogg; the audio_format for that is 'ogg-opus'"),
        ("ogg-opus", FILES["webm-opus"], "it is WebM; the audio_format for that is 'webm-opus'"),
        ("mp3", FILES["webm-opus"], "it is WebM"),
        ("aac", MP4, "it is MP4; the audio_format for that is 'aac', with the sound as ADTS"),
        ("mp3", WAV, "it is WAV"),
        ("webm-opus", FLAC, "it is FLAC"),
        ("webm-opus", FILES["mp3"], "it does not begin with an EBML header"),
        ("ogg-opus", FILES["aac"], "at byte 0 there is no page of Ogg"),
    ],
)
@pytest.mark.parametrize("length", [1, 5000])
def test_another_container_is_told_by_its_name(
    name: str, data: bytes, sentence: str, length: int
) -> None:
    found, fault = heard(name, pieces_of(data, length))
    assert len(found) == 0
    assert fault is not None
    assert sentence in fault


HEAD = element(0x1A45DFA3, b"")
TRACK = element(
    0xAE, element(0xD7, b"\1") + element(0x86, b"A_OPUS") + element(0x63A2, opus_head())
)
HOSTILE = {
    "an ID3 tag of 256 MB": ("mp3", b"ID3\4\0\0\x7f\x7f\x7f\x7f", b"\0"),
    "nothing but the first byte of frames": ("mp3", b"\xff", b"\xff"),
    "frames of AAC that never have one behind": ("aac", b"\xff", b"\xf1\xff\xff"),
    "tags of Opus without an end": (
        "ogg-opus",
        page(1, opus_head(), [19], flags=2) + page(1, bytes(255), [255]),
        page(1, bytes(255 * 255), [255] * 255, flags=1),
    ),
    "an element without end": ("webm-opus", HEAD + element(0xEC, b"", 1 << 50), b"\0"),
    "empty elements": ("webm-opus", HEAD, element(0xEC, b"")),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_never_becomes_audio_takes_no_memory(case: str) -> None:
    name, begin, repeated = HOSTILE[case]
    piece = repeated * (500 // len(repeated) + 1)
    decoder = decoder_of(name)
    fed(decoder, begin)
    tracemalloc.start()
    try:
        for _ in range(2_000_000 // len(piece)):
            fed(decoder, piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 600_000


@pytest.mark.parametrize("channels", [1, 8])
def test_the_densest_audio_comes_in_pieces_of_a_second(channels: int) -> None:
    # Two frames of 60 ms without a byte in them: nothing lasts longer for its size.
    packet = bytes([0x19]) if channels == 1 else bytes([0x19, 0]) * 7 + bytes([0x19])
    head = opus_head() if channels == 1 else opus_head(8, family=1) + bytes([8, 0, *range(8)])
    audio = page(1, packet * 255, [len(packet)] * 255)
    decoder = decoder_of("ogg-opus")
    fed(decoder, page(1, head, [len(head)], flags=2) + page(1, b"OpusTags", [8]) + audio[:-1])
    counts = [len(decoder.feed(audio[-1:]))]
    while decoder.pending:
        counts.append(len(decoder.feed(b"")))
    assert decoder.fault is None
    assert max(counts) <= 1.12 * 16000
    assert sum(counts) == pytest.approx(255 * 0.12 * 16000, rel=0.01)


def test_what_waits_to_be_decoded_is_so_at_the_end_too() -> None:
    packets = bytes([0x19]) * 255
    data = ogg(page(7, packets, [1] * 255))
    decoder = decoder_of("ogg-opus")
    first = decoder.feed(data)
    assert decoder.pending
    assert len(first) + len(decoder.flush()) > 30 * 16000


# Ogg


def ogg(*pages: bytes) -> bytes:
    return page(7, opus_head(), [19], flags=2) + page(7, b"OpusTags", [8]) + b"".join(pages)


def test_a_head_of_opus_whose_beginning_is_missing_is_no_packet() -> None:
    # It says that it goes on with a packet of a page before, which there is none of.
    found, fault = heard("ogg-opus", [page(7, opus_head(), [19], flags=3)])
    assert len(found) == 0
    assert fault is not None
    assert "it ended before its sound began" in fault


ENDLESS = page(7, bytes(65025), [255] * 255, flags=1)
"""A page in the middle of a packet."""


def test_another_stream_beside_the_opus_is_ignored() -> None:
    packet = opus_packets(0.1)[0]
    other = page(9, b"\x80theora", [7], flags=2), page(9, b"picture", [7])
    mine = page(7, packet, [*[255] * (len(packet) // 255), len(packet) % 255])
    alone, _ = heard("ogg-opus", [ogg(mine)])
    found, fault = heard("ogg-opus", [other[0] + ogg(other[1], mine)])
    assert fault is None
    assert found.tolist() == alone.tolist()


def test_two_recordings_in_a_row_are_one_stream() -> None:
    one = compressed(tone(440, 0.5, RATE), "ogg-opus", RATE)
    other = compressed(np.repeat(tone(300, 0.5, RATE), 2), "ogg-opus", RATE, layout="stereo")
    found, fault = heard("ogg-opus", [one + other])
    assert fault is None
    alone = [len(heard("ogg-opus", [file])[0]) for file in (one, other)]
    assert abs(len(found) - sum(alone)) <= 1
    assert min(alone) >= 8000


def test_a_packet_may_go_over_pages() -> None:
    packets = opus_packets(0.5)
    lacing = [part for one in packets for part in [*[255] * (len(one) // 255), len(one) % 255]]
    body = b"".join(packets)
    whole, _ = heard("ogg-opus", [ogg(page(7, body, lacing))])
    at, parts = 0, []
    for before, length in zip([0, *lacing], lacing, strict=False):
        goes_on = before == 255
        parts.append(page(7, body[at : at + length], [length], flags=1 if goes_on else 0))
        at += length
    found, fault = heard("ogg-opus", [ogg(*parts)])
    assert fault is None
    assert found.tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (page(7, b"\x80theora", [7], flags=2) + page(7, b"x", [1]), "it has no stream of Opus"),
        (page(7, opus_head(3), [19], flags=2), "it has 3 channels in mapping family 0"),
        (page(7, opus_head(9, family=1), [19], flags=2), "9 channels in mapping family 1"),
        (page(7, b"OpusHead\x01", [9], flags=2), "its head of Opus (OpusHead) is damaged"),
        (b"OggS\7" + bytes(22), "its version of Ogg is 7; allowed: 0"),
        (ogg(page(7, b"", [0])), "it has an empty packet of Opus"),
        (ogg(page(7, b"\xfb\x3f", [2])), "it has a packet of Opus that is damaged"),
        (
            ogg(*(page(7, bytes(65025), [255] * 255, flags=n > 0) for n in range(3))),
            "more than 131072 bytes",
        ),
    ],
)
def test_what_is_wrong_with_ogg_is_said(data: bytes, sentence: str) -> None:
    _, fault = heard("ogg-opus", [data])
    assert fault is not None
    assert sentence in fault


# WebM


def webm(*elements: bytes, tracks: bytes = TRACK) -> bytes:
    return HEAD + element(0x18538067, element(0x1654AE6B, tracks) + b"".join(elements), -1)


def block(packet: bytes, track: int = 1, flags: int = 0x80) -> bytes:
    return bytes([0x80 | track, 0, 0, flags]) + packet


def test_the_padding_of_a_block_may_come_behind_it() -> None:
    packets = opus_packets(0.1)
    simple = [element(0xA3, block(one)) for one in packets]
    plain, _ = heard("webm-opus", [webm(element(0x1F43B675, b"".join(simple), -1))])
    padding = element(0x75A2, (5_000_000).to_bytes(4, "big"))
    group = element(0xA0, element(0xA1, block(packets[-1])) + padding)
    cluster = element(0x1F43B675, b"".join([*simple[:-1], group]), -1)
    found, fault = heard("webm-opus", pieces_of(webm(cluster), 3))
    assert fault is None
    assert len(plain) - len(found) == 240 // 3
    # The last samples are those of a filter that sees silence to come.
    assert found[:-64].tolist() == plain[: len(found) - 64].tolist()


def test_the_picture_beside_the_audio_is_ignored() -> None:
    film = io.BytesIO()
    with av.open(film, "w", format="webm") as container:
        picture = container.add_stream("libvpx", rate=25, options={"deadline": "realtime"})
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        signal = container.add_stream("libopus", rate=RATE, layout="mono")
        image = av.VideoFrame.from_ndarray(
            np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8), format="rgb24"
        )
        frame = av.AudioFrame.from_ndarray(SIGNAL.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in [*picture.encode(image), *signal.encode(frame)]:
            container.mux(packet)
        for packet in [*picture.encode(None), *signal.encode(None)]:
            container.mux(packet)
    found, fault = heard("webm-opus", pieces_of(film.getvalue(), 100))
    assert fault is None
    assert close(found, decoded(film.getvalue()), 2)


def test_a_second_recording_behind_the_first_is_heard() -> None:
    found, fault = heard("webm-opus", [FILES["live"] + FILES["webm-opus"]])
    alone, _ = heard("webm-opus", [FILES["live"]])
    assert fault is None
    assert abs(len(found) - 2 * len(alone)) <= 1


AAC_IN_MATROSKA = muxed(SIGNAL, "matroska", "aac", RATE)
PACKED = element(0xAE, element(0x86, b"A_OPUS") + element(0x6D80, b""))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (AAC_IN_MATROSKA, "it has no track of Opus (A_OPUS); its tracks: A_AAC"),
        (webm(tracks=PACKED), "its tracks: A_OPUS (compressed again)"),
        (webm(tracks=b""), "its tracks: none"),
        (webm(tracks=TRACK[:-1]), "its list of tracks (Tracks) is damaged"),
        (HEAD + element(0xA3, block(b"x")), "sound before it has said how it is coded"),
        (webm(element(0xA3, block(b"\x78x", flags=2))), "several frames in a block (lacing)"),
        (webm(element(0xA3, b"\0\0\0\0\0")), "a block without the number of a track"),
        (webm(element(0xA3, b"\x81")), "a block without the number of a track"),
        (webm(element(0xA3, b"\x40\x01\0\0")), "it has a block that is too short"),
        (webm(element(0xA3, block(b"\x78"), 1 << 40)), "has 1099511627776 bytes; allowed"),
        (webm(element(0xEC, b"", -1)), "its element EC has an unknown size"),
        (webm(b"\x0f\0\0\0\0"), "something that is no element of EBML (0F)"),
        (webm(b"\xec\0"), "its element EC has a size that cannot be read"),
    ],
)
def test_what_is_wrong_with_webm_is_said(data: bytes, sentence: str) -> None:
    _, fault = heard("webm-opus", [data])
    assert fault is not None
    assert sentence in fault


# Frames in a row

ID3 = b"ID3\4\0\x10\0\0\2\0" + bytes([0xFF, 0xFB, 0x90, 0]) * 64 + b"3DI\4\0\x10\0\0\2\0"
"""A tag full of what looks like the head of a frame, with its footer."""


@pytest.mark.parametrize("name", FRAMES)
def test_tags_before_and_behind_the_frames_are_skipped(name: str) -> None:
    plain, _ = heard(name, [FILES[name]])
    tagged = ID3 + FILES[name] + b"TAG" + bytes(125)
    for length in (1, 10_000):
        found, fault = heard(name, pieces_of(tagged, length))
        assert fault is None
        assert found.tolist() == plain.tolist()


@pytest.mark.parametrize("name", FRAMES)
def test_after_junk_between_frames_they_are_found_again(name: str) -> None:
    data = FILES[name]
    alone, _ = heard(name, [data])
    found, fault = heard(name, [data + bytes(500) + data])
    assert fault is None
    assert len(found) > 1.9 * len(alone)


def test_a_frame_that_the_decoder_does_not_take_is_a_fault_and_what_was_before_it_counts() -> None:
    whole, _ = heard("aac", [FILES["aac"]])
    found, fault = heard("aac", [FILES["aac"][:1000] + bytes(500)])
    assert fault is not None
    assert "bytes cannot be decoded" in fault
    surely = len(found) - 64
    assert surely > 0
    assert found[:surely].tolist() == whole[:surely].tolist()


@pytest.mark.parametrize("name", FRAMES)
def test_a_stream_may_be_joined_in_the_middle(name: str) -> None:
    found, fault = heard(name, [FILES[name][777:]])
    assert fault is None
    assert len(found) > 10_000


def test_without_a_first_frame_that_tells_every_sample_counts() -> None:
    data = compressed(SIGNAL, "mp3", RATE, live=True, write_xing="0")
    found, fault = heard("mp3", [data])
    assert fault is None
    assert len(found) == len(decoded(data)) >= len(SIGNAL) // 3


@pytest.mark.parametrize("name", FRAMES)
def test_bytes_without_a_frame_are_a_fault_after_64_kib(name: str) -> None:
    decoder = decoder_of(name)
    for _ in range(100):
        fed(decoder, bytes(1000))
    assert decoder.fault == (
        f"the sound cannot be read as {name!r}: there is no frame in 65536 bytes at its beginning"
    )
