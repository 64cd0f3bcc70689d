"""What the OpenAPI document says of answers: the one form of errors, and JSON of the core's own.

Litestar derives the document from the handlers, which hand on bytes: it takes an answer for text,
and an error for one of its own. Here every operation is given what it really answers. The private
routes, which Rust answers, come with a document of their own, which is put beside it.
"""

from __future__ import annotations

import json
from typing import Any, cast

from litestar.openapi.spec import (
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    PathItem,
    Reference,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from coulisse import _core

JSON_TYPE = "application/json"
ERROR = "Error"
MEANINGS = {
    "400": "The request breaks a rule; nothing was done.",
    "404": "There is no such thing.",
    "429": "This address asks for more than it may; Retry-After says when to come again.",
    "503": "The node stops, or has lost its journal.",
}
METHODS = ("get", "put", "post", "delete", "patch")


def document_answers(document: OpenAPI) -> None:
    """Put the answers that there are into a document, in place."""
    document.components.schemas = {**document.components.schemas, ERROR: _error_schema()}
    for path, item in (document.paths or {}).items():
        for operation in _operations(item):
            _document(path, operation)
    _add_private(document, json.loads(_core.openapi_json()))


def _add_private(document: OpenAPI, private: dict[str, Any]) -> None:
    # Plain dictionaries are printed as they are.
    parts = private["components"]
    document.components.schemas.update(parts["schemas"])
    document.components.security_schemes = {
        **(document.components.security_schemes or {}),
        **parts["securitySchemes"],
    }
    document.paths = {**(document.paths or {}), **cast("dict[str, PathItem]", private["paths"])}


def _operations(item: PathItem) -> list[Operation]:
    found = [getattr(item, method) for method in METHODS]
    return [operation for operation in found if operation is not None]


def _document(path: str, operation: Operation) -> None:
    responses = dict(operation.responses or {})
    for status, response in responses.items():
        if status.startswith("2") and isinstance(response, OpenAPIResponse):
            content = response.content or {}
            if JSON_TYPE in content:
                content[JSON_TYPE].schema = Schema(type=OpenAPIType.OBJECT)
    for status, meaning in MEANINGS.items():
        if status != "404" or "{" in path:
            responses[status] = _error_response(meaning)
    operation.responses = responses


def _error_response(meaning: str) -> OpenAPIResponse:
    reference = Reference(ref=f"#/components/schemas/{ERROR}")
    return OpenAPIResponse(meaning, content={JSON_TYPE: OpenAPIMediaType(schema=reference)})


def _error_schema() -> Schema:
    text = Schema(type=OpenAPIType.STRING)
    error = Schema(
        type=OpenAPIType.OBJECT,
        required=["code", "message", "state"],
        properties={
            "code": text,
            "message": text,
            "state": Schema(type=OpenAPIType.STRING, enum=["not_sent", "rejected", "unknown"]),
            "field": text,
            "value": text,
            "limit": text,
        },
    )
    return Schema(
        type=OpenAPIType.OBJECT,
        required=["ok", "error"],
        properties={"ok": Schema(type=OpenAPIType.BOOLEAN, const=False), "error": error},
    )
