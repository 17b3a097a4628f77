"""`/languages`: which languages this server serves, and what brings those that it does not.

A page warns with it before somebody speaks a language that nobody here understands. What a language
needs is known to `rasr.models.languages`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from rasr.models.languages import Language, megabytes
from rasr.server.engines import PropertyTable
from rasr.server.origins import OriginRule


def add_languages(
    app: FastAPI, properties: PropertyTable, at_hand: Mapping[str, Language], origins: OriginRule
) -> None:
    """Serve `/languages` to the pages that may use the server.

    Args:
        at_hand: languages that could be served here, by their names.
    """
    names = dict.fromkeys((*at_hand, *properties.languages))
    listed = [_entry(name, properties, at_hand.get(name)) for name in names]

    @app.get("/languages")
    async def answer(request: Request) -> Response:
        """Every language, served here or not."""
        return JSONResponse({"languages": listed}, headers=origins.shared_with(request.headers))


def _entry(name: str, properties: PropertyTable, known: Language | None) -> dict[str, object]:
    engine = properties.of_language(name)
    return {
        "language": name,
        "served": engine is not None,
        "model": " + ".join(engine.names) if engine else known and known.model.name,
        "recommended": known and known.model.name,
        "download_mb": known and megabytes(known.model.download_bytes),
        "memory_mb": known and known.model.memory_mb,
        "command": known and known.command,
    }
