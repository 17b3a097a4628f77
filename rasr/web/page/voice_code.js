/**
 * What the tab for voices does, as a program. Pure; see `code.js`.
 *
 * `settings`: the text, and the fields of `config`.
 */

import { socketAddress } from "../client/credentials.js";
import { TOKEN, quoted } from "./code.js";

/** In the order of the tabs: name of the tab → what writes it. */
export const VOICE_PROGRAMS = { python, javascript, sdk, curl };

/** @param {string} server @param {{text: string, config: object}} settings @param {string | null} project */
function python(server, { text, config }, project) {
  return `# pip install websockets
# python speak.py speech.wav
import asyncio
import json
import sys
import wave

from websockets.asyncio.client import connect

URL = ${JSON.stringify(socketAddress(server, project ?? "any", "rtts"))}
${project === null ? "" : `HEADERS = {"X-Auth-Token": "${TOKEN}"}  # or signed with an access key
`}START = ${JSON.stringify({ command: "START", text, config: { ...config, audio_format: "pcm" } }, null, 4)}


async def main(path):
    with wave.open(path, "wb") as wav:
        wav.setparams((1, 2, ${config.sample_rate}, 0, "NONE", ""))
        async with connect(URL, proxy=None${project === null ? "" : ", additional_headers=HEADERS"}) as socket:
            await socket.send(json.dumps(START))
            async for frame in socket:
                if isinstance(frame, bytes):
                    wav.writeframes(frame)  # as it is made
                    continue
                message = json.loads(frame)
                if message["resp_type"] in ("END", "ERROR", "FATAL_ERROR"):
                    print(message)
                    break


if len(sys.argv) != 2:
    sys.exit("usage: python speak.py speech.wav")
asyncio.run(main(sys.argv[1]))
`;
}

function javascript(server, { text, config }, project) {
  const shown = project === null ? config : { ...config, project, token: TOKEN };
  const options = JSON.stringify({ ...shown, subtitle: "word_level" }, null, 2).replaceAll("\n", "\n  ");
  return `<!doctype html>
<meta charset="utf-8">
<button>Speak</button>
<p></p>
<script type="module">
  import { speak } from ${JSON.stringify(`${server}/client/rasr.js`)};

  const TEXT = ${JSON.stringify(text).replaceAll("<", "\\u003c")};
  const OPTIONS = ${options};
  document.querySelector("button").onclick = () => {
    const context = new AudioContext({ sampleRate: ${config.sample_rate} });
    let next = context.currentTime + 0.2;
    const speech = speak(${JSON.stringify(server)}, TEXT, OPTIONS);
    speech.addEventListener("sound", ({ detail }) => {
      const buffer = context.createBuffer(1, detail.length, speech.rate);
      buffer.copyToChannel(Float32Array.from(detail, (sample) => sample / 32768), 0);
      const source = new AudioBufferSourceNode(context, { buffer });
      source.connect(context.destination);
      source.start(next);
      next += buffer.duration;
    });
    speech.addEventListener("words", ({ detail }) => {
      document.querySelector("p").textContent += detail.map((word) => \`\${word.text} \`).join("");
    });
    speech.addEventListener("error", ({ detail }) => {
      document.querySelector("p").textContent = detail.error_msg;
    });
  };
</script>
`;
}

function sdk(server, { text, config }, project) {
  const [ak, sk] = project === null ? ["any", "any"] : ["YOUR_ACCESS_KEY", "YOUR_SECRET_KEY"];
  const { property, ...others } = config;
  // The SDK keeps the name for something of Python's.
  const known = { audio_format: "wav", ...others, ...(property === undefined ? {} : { _property: property }) };
  const fields = Object.entries(known).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `# pip install huaweicloudsdksis
# python speak.py speech.wav        (a text of 500 characters at most)
import base64
import sys

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdksis.v1 import PostCustomTTSReq, RunTtsRequest, SisClient, TtsConfig

if len(sys.argv) != 2:
    sys.exit("usage: python speak.py speech.wav")
client = (
    SisClient.new_builder()
    .with_credentials(BasicCredentials("${ak}", "${sk}", ${JSON.stringify(project ?? "any")}))
    .with_endpoints([${JSON.stringify(server)}])
    .build()
)
config = TtsConfig(${fields.join(", ")})
answer = client.run_tts(RunTtsRequest(body=PostCustomTTSReq(${JSON.stringify(text)}, config)))
with open(sys.argv[1], "wb") as file:
    file.write(base64.b64decode(answer.result.data))
`;
}

function curl(server, { text, config }, project) {
  const shown = project === null ? "" : `-H ${quoted(`X-Auth-Token: ${TOKEN}`)} `;
  const address = `${server}/v1/${encodeURIComponent(project ?? "any")}/tts`;
  const body = (format, more) => quoted(JSON.stringify({ text, config: { ...config, audio_format: format, ...more } }));
  const json = "-H 'Content-Type: application/json'";
  return `# a file, as it is made
curl --no-buffer --fail-with-body -o speech.mp3 ${json} ${shown}-d ${body("mp3", { stream: "yes" })} ${quoted(address)}
# as SIS has it: a file in base64, in JSON; up to 500 characters
curl ${json} ${shown}-d ${body("wav", {})} ${quoted(address)}
# who can speak
curl ${shown}${quoted(`${address}/voices`)}
`;
}
