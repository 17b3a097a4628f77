"""A server whose settings name folders of voices: one that speaks, one that cannot be served."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rasr.server.service import Service
from tests.server.conftest import fake_settings
from tests.server.speaking import post, sound_of
from tests.synthesis import sherpa_models as models

pytestmark = [pytest.mark.engine, pytest.mark.asyncio]


async def test_ones_own_voice_speaks_and_a_folder_that_cannot_be_served_is_logged(
    tmp_path: Path,
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    for folder in (good, bad):
        folder.mkdir()
        models.write_lexicon_vits(folder)
    (bad / "tokens.txt").unlink()
    folders = {"teller": {"folder": str(good)}, "mute": {"folder": str(bad)}}
    settings = fake_settings(synthesis={"folders": folders, "workers": 1})
    with capture_logs() as logs:
        async with Service(settings) as service:
            # They are looked at before anybody asks.
            assert service.state.speech._found is not None
            asked = {"property": "teller-1", "sample_rate": "16000", "audio_format": "pcm"}
            told = await sound_of(service, "Hello world", **asked)
            unknown = await post(service, "Unheard", **asked)
            mute = await post(service, "Hello world", **asked | {"property": "mute-1"})
    # Nine tokens of 200 samples, each of 2 bytes.
    assert len(told) == 9 * 400
    assert unknown.status_code == 400
    assert unknown.json()["error_code"] == "SIS.0415"
    assert "teller-1 knows none of the words" in unknown.json()["error_msg"]
    assert (mute.status_code, mute.json()["error_code"]) == (400, "SIS.0411")
    refused = [line["fault"] for line in logs if line["event"] == "voices_refused"]
    assert refused == [
        f"synthesis.folders.mute: the voice in {bad} lacks its tokens.txt; pull the model again"
    ]
