"""Speech to text with nothing but the package websockets: python session.py me.wav [SERVER].

me.wav is mono, 16 bit, 16 kHz. It is sent at the speed of speech, as a microphone would.
"""

import asyncio
import json
import sys
import wave

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

START = {
    "command": "START",
    "config": {
        "audio_format": "pcm16k16bit",
        "property": "english_16k_common",
        "interim_results": "yes",
    },
}


async def speak(socket, wav):
    while chunk := wav.readframes(1600):  # 0.1 s
        await socket.send(chunk)
        await asyncio.sleep(0.1)
    await socket.send('{"command": "END"}')


async def recognise(wav, server):
    async with connect(f"{server}/v1/any/rasr/continue-stream", proxy=None) as socket:
        await socket.send(json.dumps(START))
        speaking = asyncio.create_task(speak(socket, wav))
        async for text in socket:
            message = json.loads(text)
            if message["resp_type"] == "RESULT":
                (segment,) = message["segments"]
                kind = "final" if segment["is_final"] else "partial"
                print(kind, segment["start_time"], segment["result"]["text"])
            elif message["resp_type"] in ("END", "ERROR", "FATAL_ERROR"):
                print(message)
                break
        speaking.cancel()


def main():
    if len(sys.argv) < 2:
        sys.exit("which recording? python session.py me.wav [ws://127.0.0.1:8765]")
    path = sys.argv[1]
    server = sys.argv[2] if len(sys.argv) > 2 else "ws://127.0.0.1:8765"
    try:
        with wave.open(path) as wav:
            if wav.getparams()[:3] != (1, 2, 16000):
                raise wave.Error("it is not mono, 16 bit, 16 kHz")
            asyncio.run(recognise(wav, server))
    except (wave.Error, EOFError) as error:
        sys.exit(f"{path} cannot be sent: {error}; try: ffmpeg -i {path} -ac 1 -ar 16000 me.wav")
    except (OSError, WebSocketException) as error:
        sys.exit(f"no recognition: {error}")


main()
