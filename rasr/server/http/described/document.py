"""`/openapi.json`: the calls over HTTP, for programs that make clients and for those that try them.

OpenAPI 3.1, made of the table of operations and of the rights that paths need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.routing import Route

import rasr
from rasr.server.auth.paths import RIGHTS, place_of
from rasr.server.http.described.of_projects import OF_PROJECTS
from rasr.server.http.described.of_servers import OF_SERVERS
from rasr.server.http.described.schema import TEXT, Operation, Schema, table
from rasr.server.origins import OriginRule
from rasr.wire.sis.kinds import ChannelName

PATH = "/openapi.json"
OPERATIONS: Mapping[tuple[str, str], Operation] = {**OF_SERVERS, **OF_PROJECTS}
"""Method and path → what is asked there. Pages, their files and streams of events are none."""
_PARAMETERS: Mapping[str, Schema] = {
    "project_id": {"type": "string", "minLength": 1},
    "name": {"type": "string", "pattern": f"^{ChannelName.PATTERN}$"},
    "id": {"type": "string", "minLength": 1},
    "job_id": {"type": "string", "minLength": 1},
    "upload_id": {"type": "string", "minLength": 1},
    "part": {"type": "string", "pattern": "^[0-9]{1,6}$"},
    "access_id": {"type": "string", "minLength": 1},
}
"""What may stand in the places of a path."""
_ERRORS = {
    # One of SIS, one of the identity service, and a sentence from where a page reads it.
    "application/json": {
        "schema": {
            "anyOf": [
                table({"error_code": TEXT, "error_msg": TEXT}, {"request_id": TEXT}),
                table(
                    {
                        "error": table(
                            {"code": {"type": "integer"}, "message": TEXT, "title": TEXT}
                        ),
                        "request_id": TEXT,
                    }
                ),
            ]
        }
    },
    "text/plain": {"schema": TEXT},
}
_SECURITY = {
    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…",
    },
}


def add_openapi(app: FastAPI, origins: OriginRule) -> None:
    """Serve the document."""
    document = openapi_document()

    async def answer(request: Request) -> Response:
        return JSONResponse(document, headers=origins.shared_with(request.headers))

    app.router.routes.append(Route(PATH, answer, methods=["GET"]))


def openapi_document() -> dict[str, Any]:
    """The document, as JSON has it."""
    paths: dict[str, Any] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, operation)
    definitions: dict[str, Schema] = {}
    paths = {name: _hoisted(one, definitions) for name, one in paths.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rasr",
            "version": rasr.__version__,
            "description": "Speech recognition and synthesis, compatible with SIS. In real time "
            "both are over websockets, which OpenAPI cannot describe: docs/protocol.md.",
        },
        "paths": paths,
        "components": {"securitySchemes": _SECURITY, "schemas": definitions},
    }


def _hoisted(node: Any, definitions: dict[str, Schema]) -> Any:
    """The same, with definitions that are within it in one place, where OpenAPI looks for them."""
    if isinstance(node, list):
        return [_hoisted(one, definitions) for one in node]
    if not isinstance(node, Mapping):
        return node
    for name, schema in node.get("$defs", {}).items():
        definitions[name] = _hoisted(schema, definitions)
    return {
        key: value.replace("#/$defs/", "#/components/schemas/")
        if key == "$ref"
        else _hoisted(value, definitions)
        for key, value in node.items()
        if key != "$defs"
    }


def _operation(method: str, path: str, operation: Operation) -> dict[str, Any]:
    place = place_of(method, re.sub(r"\{\w+\}", "x", path))
    assert place is not None, f"{method} {path} has no place"
    right = RIGHTS.get((method, path))
    told: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()} {path}").strip("_"),
        "summary": operation.summary,
        "parameters": [
            *_parameters("path", _path_parameters(path), required=True),
            *_parameters("query", operation.query),
            *_parameters("header", operation.headers),
        ],
        "responses": {
            **{str(status): _answer(operation, body) for status, body in operation.answers.items()},
            "default": {"description": "What is wrong.", "content": _ERRORS},
        },
        "security": [{}] if place.right is None else [{name: []} for name in _SECURITY],
    }
    if operation.body is not None:
        content = {"application/json": {"schema": operation.body}}
        told["requestBody"] = {"required": True, "content": content}
    if right is not None:
        told["description"] = f"Right: {right.action}."
    return told


def _path_parameters(path: str) -> Mapping[str, Schema]:
    return {name: _PARAMETERS[name] for name in re.findall(r"\{(\w+)\}", path)}


def _parameters(
    place: str, schemas: Mapping[str, Schema], *, required: bool = False
) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": place, "required": required, "schema": schema}
        for name, schema in schemas.items()
    ]


def _answer(operation: Operation, body: Schema | None) -> dict[str, Any]:
    if body is None:
        return {"description": "Done."}
    content = {operation.media_type: {"schema": body}, **{one: {} for one in operation.binary}}
    return {"description": "The answer.", "content": content}
