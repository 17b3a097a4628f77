from rasr.audio import FORMATS, Encoding


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
        assert f"{item.sample_rate // 1000}k{8 * item.bytes_per_sample}bit" in name
        assert (item.encoding is Encoding.PCM_S16LE) == name.startswith("pcm")
        assert (item.encoding is Encoding.ULAW) == name.startswith("ulaw")
