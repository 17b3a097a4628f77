"""What a browser's MediaRecorder makes of a microphone is recognised as it comes, without PCM."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import recordings
from tests.browser.conftest import Watched, words_of
from tests.browser.server import Server

RECORD = """
async ([format, type, untilFinal]) => {
  const results = [];
  const socket = new WebSocket(`ws://${location.host}/v1/any/rasr/continue-stream`);
  await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
  let stream, recorder;
  const record = async () => {
    stream = await navigator.mediaDevices.getUserMedia({audio: true});
    recorder = new MediaRecorder(stream, {mimeType: type});
    recorder.ondataavailable = ({data}) => socket.send(data);
    recorder.onstop = () => socket.send(JSON.stringify({command: "END"}));
    recorder.start(100);
  };
  await new Promise((resolve, reject) => {
    socket.onclose = () => reject(new Error("the server closed the connection"));
    socket.onmessage = ({data}) => {
      const message = JSON.parse(data);
      results.push(message);
      // Not before: the microphone would be heard by nobody until then.
      if (message.resp_type === "START") record().catch(reject);
      const isEnough = message.segments?.some((one) => one.is_final || !untilFinal);
      if (isEnough && recorder.state === "recording") {
        recorder.stop();
        stream.getTracks().forEach((track) => track.stop());
      }
      if (message.resp_type === "END") resolve();
      if (/ERROR/.test(message.resp_type)) reject(new Error(data));
    };
    socket.send(JSON.stringify({command: "START", config: {
      audio_format: format, property: "english_16k_common", interim_results: "yes"}}));
  });
  socket.onclose = null;
  socket.close();
  return JSON.stringify(results);
}
"""
"""START with a format; what a recorder of a type makes, until there is a partial or a final; END.
Gives every message of the server."""


@pytest.mark.engine
def test_a_stream_of_media_recorder_is_recognised_while_it_is_recorded(
    english_pages: Watched, english: Server
) -> None:
    page = english_pages.open(english.url)
    wish = ["webm-opus", "audio/webm;codecs=opus", True]
    messages: list[dict[str, Any]] = json.loads(page.evaluate(RECORD, wish))
    segments = [one for message in messages for one in message.get("segments", [])]
    first, *_ = [one for one in segments if one["is_final"]]
    sentence = recordings.load_demo().sentences[0]
    assert words_of([first["result"]["text"]]) == sentence.text.split()
    assert first["end_time"] - first["start_time"] == pytest.approx(
        sentence.end_ms - sentence.start_ms, abs=400
    )
    partials = segments[: segments.index(first)]
    assert len({one["result"]["text"] for one in partials}) > 3
    assert messages[-1]["reason"] == "NORMAL"
