// Speech to text in Node, without a package: node session.mjs me.wav [SERVER].
// Node 22 or newer has WebSocket; Node 20 has it with --experimental-websocket.
// me.wav is mono, 16 bit, 16 kHz. It is sent at the speed of speech, as a microphone would.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const START = {
  command: "START",
  config: { audio_format: "pcm16k16bit", property: "english_16k_common", interim_results: "yes" },
};

/** The bytes of a WAV file, header and all: the server skips the header. */
function readWav(path) {
  const bytes = readFileSync(path);
  const isWav = bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WAVE";
  if (!isWav || bytes.readUInt16LE(22) !== 1 || bytes.readUInt32LE(24) !== 16000 || bytes.readUInt16LE(34) !== 16) {
    throw new Error(`${path} is no WAV file that is mono, 16 bit, 16 kHz`);
  }
  return bytes;
}

async function speak(socket, bytes) {
  for (let start = 0; start < bytes.length; start += 3200) {
    socket.send(bytes.subarray(start, start + 3200)); // 0.1 s
    await sleep(100);
  }
  socket.send(JSON.stringify({ command: "END" }));
}

function recognise(bytes, server) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${server}/v1/any/rasr/continue-stream`);
    socket.onopen = () => {
      socket.send(JSON.stringify(START));
      speak(socket, bytes);
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.resp_type === "RESULT") {
        const [{ is_final, start_time, result }] = message.segments;
        console.log(is_final ? "final" : "partial", start_time, result.text);
      } else if (["END", "ERROR", "FATAL_ERROR"].includes(message.resp_type)) {
        console.log(data);
        socket.close();
        resolve();
      }
    };
    socket.onerror = () => reject(new Error(`no server answers at ${server}`));
  });
}

const [path, server = "ws://127.0.0.1:8765"] = process.argv.slice(2);
try {
  if (path === undefined) {
    throw new Error("which recording? node session.mjs me.wav [ws://127.0.0.1:8765]");
  }
  await recognise(readWav(path), server);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
