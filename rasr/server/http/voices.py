"""`GET /v1/{project_id}/tts/voices`: who can speak here, and who speaks for the official names."""

from __future__ import annotations

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rasr.server.faults import fault_of_synthesis
from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.synthesis.errors import SynthesisError

VOICES = Interface("GET", "/v1/{project_id}/tts/voices", most_bytes=1024)


def add_voices(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve it."""

    async def answer(_: SisRequest) -> Response:
        try:
            listed = await state.speech.listed()
        except SynthesisError as error:
            raise fault_of_synthesis(error) from error
        return JSONResponse(listed.document())

    add_interface(app, state, origins, VOICES, answer)
