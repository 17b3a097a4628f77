/**
 * The present settings as a program: what to write to have from this server what the page has.
 *
 * Pure. `settings` is what a session is asked for, `server` the address of the page, `project` the one
 * to name, where the server asks who calls; else null. What shows who calls is a placeholder.
 */

import { addressOf, rateOf, startConfig } from "../client/session.js";

/** What the official SDK calls the modes. */
const SDK_MODES = { continue: "continue_stream", sentence: "sentence_stream", short: "short_stream" };
/** The fields that it has setters for. */
const SDK_FIELDS = new Set([
  "add_punc", "digit_norm", "interim_results", "vad_head", "vad_tail", "max_seconds", "vocabulary_id", "need_word_info",
  "user_words",
]);
/** Bytes of a line of websocat: a whole number of samples, and of base64's groups of three. */
const LINE_BYTES = 3072;

export const TOKEN = "YOUR_TOKEN";

/** In the order of the tabs: name of the tab → what writes it. */
export const PROGRAMS = { python, javascript, sdk, websocat, curl };

/** @param {string} server @param {object} settings @param {string | null} project */
function python(server, settings, project) {
  const rate = rateOf(settings.property);
  return `# pip install websockets
# python speak.py recording.wav        (mono, 16 bit, ${rate} Hz)
import asyncio
import json
import sys
import wave

from websockets.asyncio.client import connect

URL = ${JSON.stringify(urlOf(server, settings, project))}
${project === null ? "" : `HEADERS = {"X-Auth-Token": "${TOKEN}"}  # or signed with an access key
`}CONFIG = ${JSON.stringify(startConfig(settings), null, 4)}


async def speak(socket, wav):
    while chunk := wav.readframes(${rate / 10}):  # 0.1 s
        await socket.send(chunk)
        await asyncio.sleep(0.1)
    await socket.send('{"command": "END"}')


async def main(path):
    with wave.open(path) as wav:
        if wav.getparams()[:3] != (1, 2, ${rate}):
            sys.exit("the recording must be mono, 16 bit, ${rate} Hz")
        async with connect(URL, proxy=None${project === null ? "" : ", additional_headers=HEADERS"}) as socket:
            await socket.send(json.dumps({"command": "START", "config": CONFIG}))
            speaking = asyncio.create_task(speak(socket, wav))
            async for text in socket:
                message = json.loads(text)
                if message["resp_type"] == "RESULT":
                    for segment in message["segments"]:
                        kind = "final" if segment["is_final"] else "partial"
                        print(kind, segment["start_time"], segment["result"]["text"])
                elif message["resp_type"] in ("END", "ERROR", "FATAL_ERROR"):
                    print(message)
                    break
            speaking.cancel()


if len(sys.argv) != 2:
    sys.exit("usage: python speak.py recording.wav")
asyncio.run(main(sys.argv[1]))
`;
}

function javascript(server, settings, project) {
  const shown = project === null ? settings : { ...settings, project, token: TOKEN };
  const options = JSON.stringify(shown, null, 2).replaceAll("\n", "\n  ");
  return `<!doctype html>
<meta charset="utf-8">
<button>Speak</button>
<script type="module">
  import { listen } from ${JSON.stringify(`${server}/client/rasr.js`)};

  const OPTIONS = ${options};
  const button = document.querySelector("button");
  let talk = null;
  button.onclick = async () => {
    if (talk) return void talk.stop();
    talk = await listen(${JSON.stringify(server)}, OPTIONS);
    button.textContent = "Stop";
    let line = document.body.appendChild(document.createElement("p"));
    talk.session.addEventListener("result", ({ detail: { is_final, result } }) => {
      line.textContent = result.text;
      line.className = is_final ? "final" : "partial";
      if (is_final) line = document.body.appendChild(document.createElement("p"));
    });
    talk.session.addEventListener("end", () => { talk = null; button.textContent = "Speak"; });
  };
</script>
`;
}

function sdk(server, settings, project) {
  const [ak, sk] = project === null ? ["any", "any"] : ["YOUR_ACCESS_KEY", "YOUR_SECRET_KEY"];
  const { audio_format, property, ...fields } = startConfig(settings);
  const known = Object.entries(fields).filter(([name]) => SDK_FIELDS.has(name));
  const setters = known.map(([name, value]) => `request.set_${name}(${JSON.stringify(value)})`);
  const others = Object.keys(fields).filter((name) => !SDK_FIELDS.has(name));
  const unsaid = others.length === 0 ? "" : `# Not of SIS, so the SDK cannot ask for it: ${others.join(", ")}.\n`;
  return `# Needs huaweicloud_sis, Huawei Cloud's SIS SDK for Python: from Huawei's own page, not from a package index.
# python speak.py recording.pcm        (mono, 16 bit, ${rateOf(property)} Hz, no header)
import sys

from huaweicloud_sis.bean.callback import RasrCallBack
from huaweicloud_sis.bean.rasr_request import RasrRequest
from huaweicloud_sis.bean.sis_config import SisConfig
from huaweicloud_sis.client.rasr_client import RasrClient

if len(sys.argv) != 2:
    sys.exit("usage: python speak.py recording.pcm")


class Callback(RasrCallBack):
    def on_response(self, message):
        print(message)


client = RasrClient(
    ak="${ak}", sk="${sk}", use_aksk=True, region="any", project_id="${project ?? "any"}",
    service_endpoint=${JSON.stringify(server.replace("http", "ws"))},
    callback=Callback(), config=SisConfig(),
)
request = RasrRequest(${JSON.stringify(audio_format)}, ${JSON.stringify(property)})
${unsaid}${setters.join("\n")}
client.${SDK_MODES[settings.mode]}_connect(request)
try:
    client.send_start()
    with open(sys.argv[1], "rb") as recording:
        client.send_audio(recording.read())
    client.send_end()
finally:
    client.close()
`;
}

/** In websocat a line is a message; one that begins with B is binary, and base64. */
function websocat(server, settings, project) {
  const shown = project === null ? "" : `-H ${quoted(`X-Auth-Token: ${TOKEN}`)} `;
  const rate = rateOf(settings.property);
  const start = JSON.stringify({ command: "START", config: startConfig(settings) });
  return `# Needs ffmpeg and websocat 1. The server ends it 20 s after the last word.
{
  echo ${quoted(start)}
  ffmpeg -loglevel error -i recording.wav -f s16le -ac 1 -ar ${rate} - |
    base64 -w ${(LINE_BYTES / 3) * 4} | sed 's/^/B/'
  echo '{"command":"END"}'
} | websocat --no-close --base64 --binary-prefix B ${shown}${quoted(urlOf(server, settings, project))}
`;
}

/** What there is over HTTP. */
function curl(server, settings, project) {
  const captions = settings.caption_channel;
  const { property, add_punc, digit_norm } = startConfig(settings);
  const asked = new URLSearchParams({ audio_format: "auto", property, add_punc, digit_norm });
  const shown = project === null ? "" : `-H ${quoted(`X-Auth-Token: ${TOKEN}`)} `;
  const flash = `${server}/v1/${encodeURIComponent(project ?? "any")}/asr/flash?${asked}`;
  const lines = [
    "# Live speech goes over a websocket, which is not curl's. Over HTTP there is:",
    "# the text of a recording,",
    `curl --data-binary @recording.wav -H 'Content-Type: application/octet-stream' ${shown}${quoted(flash)}`,
    "# what this server can recognise,",
    `curl ${quoted(`${server}/properties`)}`,
    "# whether it has room for one more speaker,",
    `curl ${quoted(`${server}/readyz`)}`,
  ];
  if (project !== null) {
    const user = { name: "YOUR_NAME", password: "YOUR_PASSWORD", domain: { name: "default" } };
    const identity = { methods: ["password"], password: { user } };
    const auth = JSON.stringify({ auth: { identity, scope: { project: { id: project } } } });
    lines.push(
      "# a token, in the header X-Subject-Token of the answer",
      `curl -i -H 'Content-Type: application/json' -d ${quoted(auth)} ${quoted(`${server}/v3/auth/tokens`)}`,
    );
  }
  if (captions !== undefined) {
    lines.push(
      "# the captions while somebody speaks, and all that was said as subtitles",
      `curl --no-buffer ${quoted(`${server}/captions/${captions}/events`)}`,
      `curl ${quoted(`${server}/captions/${captions}.srt`)}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function urlOf(server, { mode }, project) {
  return addressOf(server, project ?? "any", mode);
}

/** For a shell. */
export function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
