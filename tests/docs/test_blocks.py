"""Every block of code in a document is of a language that something checks, and passes that check.

Shell is checked by `test_commands` and `test_shell`, the JavaScript of pages by
`tests/browser/test_module.py`.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from rasr.configuration import load
from rasr.recordings.webhooks import headers, new_key
from rasr.synthesis.reading.ssml import is_ssml, spans
from rasr.wire.sis.codec import decode_server
from rasr.wire.sis.states import diagram
from tests.docs.conftest import Place
from tests.docs.pages import README, Code, all_blocks
from tests.processes import LONG_S
from tests.web.node import node

LANGUAGES = {"js", "json", "mermaid", "promql", "python", "sh", "text", "toml", "xml"}
"""Each of them has a test here, or in the modules that the module's text names."""

_COMMAND = re.compile(
    r"^\s*(\$ |(\.venv/bin/)?(rasr|make|python3?|pip|curl|sudo) [-a-z])", re.MULTILINE
)
_SDK_NAMES = {
    *("ak", "sk", "use_aksk", "region", "project_id"),
    *("service_endpoint", "callback", "config"),
}
"""What the constructor of the SDK's client takes, of which it may be given any."""
MODULE = "/client/rasr.js"


def of(codes: Iterable[Code]) -> pytest.MarkDecorator:
    """The test is for each of these."""
    return pytest.mark.parametrize("code", list(codes), ids=lambda code: code.place)


def programs() -> list[Code]:
    """Python that runs by itself."""
    whole = ("asyncio.run(", "from huaweicloudsdksis", "sys.argv")
    return [one for one in all_blocks("python") if any(it in one.text for it in whole)]


def receivers() -> list[Code]:
    """Python that checks the signature of an answer."""
    return [one for one in all_blocks("python") if "def is_ours(" in one.text]


def parts() -> list[Code]:
    """The other Python: of a program with the SDK of SIS, which no package index has."""
    others = [*programs(), *receivers()]
    return [one for one in all_blocks("python") if one not in others]


def outside_of_pages() -> list[Code]:
    """JavaScript that does not import the module as a page would."""
    return [one for one in all_blocks("js") if MODULE not in one.text]


def test_no_block_is_of_a_language_that_nobody_checks() -> None:
    assert [one.place for one in all_blocks() if one.language not in LANGUAGES] == []


@of(all_blocks("text"))
def test_a_text_is_nothing_to_type(code: Code) -> None:
    # What people are to type is `sh`, and is checked.
    assert _COMMAND.findall(code.text) == []


@of(all_blocks("xml"))
def test_ssml_can_be_read(code: Code) -> None:
    assert is_ssml(code.text)
    assert any(span.pinyin for span in spans(code.text))


@of(all_blocks("toml"))
def test_settings_can_be_loaded(code: Code, tmp_path: Path) -> None:
    file = tmp_path / "rasr.toml"
    file.write_text(code.text, "utf-8")
    load(file, {}, {})


@of(all_blocks("json"))
def test_a_message_is_one_that_a_client_reads(code: Code) -> None:
    decode_server(json.dumps(json.loads(code.text)))


@of(all_blocks("mermaid"))
def test_a_diagram_is_drawn_from_its_table(code: Code) -> None:
    assert code.text == f"{diagram()}\n"


@of(all_blocks("promql"))
def test_an_alert_asks_for_numbers_that_are_there(code: Code, place: Place) -> None:
    metrics = httpx.get(
        f"http://127.0.0.1:{place.port}/metrics", trust_env=False, timeout=LONG_S
    ).text
    known = set(re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE))
    asked = {name.removesuffix("_bucket") for name in re.findall(r"\brasr_\w+", code.text)}
    assert asked - known == set()


@of(programs())
def test_python_runs(code: Code, place: Place) -> None:
    process = place.run("python", "-W", "error", "-c", place.here(code.text), place.recording)
    assert process.stderr == ""
    assert process.returncode == 0
    assert process.stdout


@of(receivers())
def test_python_of_a_receiver_takes_what_is_signed_and_nothing_else(code: Code) -> None:
    names: dict[str, Any] = {}
    exec(compile(code.text, code.place, "exec"), names)
    is_ours = names["is_ours"]
    key, body, now = new_key(), b'{"job_id": "j1"}', time.time()
    signed = headers(key, "j1", now, body)
    assert is_ours(key, signed, body)
    assert is_ours(
        key, {**signed, "webhook-signature": f"v1,x {signed['webhook-signature']}"}, body
    )
    assert not is_ours(new_key(), signed, body)
    assert not is_ours(key, signed, body + b" ")
    assert not is_ours(key, {**signed, "webhook-id": "j2"}, body)
    assert not is_ours(key, headers(key, "j1", now - 400, body), body)


@of(parts())
def test_a_part_of_a_program_is_of_the_sdk_and_has_its_names(code: Code) -> None:
    tree = ast.parse(code.text)
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    assert isinstance(call.func, ast.Name)
    assert call.func.id == "RasrClient"
    (keys,) = (node for node in ast.walk(tree) if isinstance(node, ast.Dict))
    names = {key.value for key in keys.keys if isinstance(key, ast.Constant)}
    assert names | {word.arg for word in call.keywords if word.arg} == _SDK_NAMES
    assert 'service_endpoint="ws://127.0.0.1:8765"' in code.text


_RECORDER = """\
const sent = [];
const stream = {}, ws = { send: (data) => sent.push(data) };
class MediaRecorder {
  constructor(given, { mimeType }) {
    sent.push(given === stream, mimeType);
  }
  start(ms) {
    sent.push(ms);
    this.ondataavailable({ data: "audio" });
    this.onstop();
  }
}
"""


@of(outside_of_pages())
def test_javascript_outside_of_pages_runs(code: Code, tmp_path: Path) -> None:
    script = tmp_path / "script.mjs"
    script.write_text(f"{_RECORDER}{code.text}console.log(JSON.stringify(sent));\n", "utf-8")
    run = subprocess.run([node(), str(script)], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert json.loads(run.stdout) == [
        *(True, "audio/webm;codecs=opus", 250, "audio"),
        '{"command":"END"}',
    ]


def test_a_recording_that_is_none_is_a_sentence_in_the_readme_s_python(place: Place) -> None:
    code = next(one for one in programs() if one.page == README)
    (place.folder / "note.txt").write_text("no audio at all")
    for name in ("note.txt", "absent.wav"):
        process = place.run("python", "-c", place.here(code.text), name)
        assert process.returncode == 1
        assert name in process.stderr
        assert "Traceback" not in process.stderr
