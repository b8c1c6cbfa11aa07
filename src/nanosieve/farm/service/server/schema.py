"""The OpenAPI document: MLServer's, without what is not served, with the requests that are read here."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mlserver.rest.openapi import get_openapi_schema
from pydantic import BaseModel

__all__ = ["openapi"]

_PLACE = "#/components/schemas/"


def openapi(request: type[BaseModel], models: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The document.

    Args:
        request: of inference.
        models: name and version of each that is served.
    """
    document: dict[str, Any] = copy.deepcopy(get_openapi_schema())
    left_out = ("generate", "infer_stream", "generate_stream")
    document["paths"] = {p: item for p, item in document["paths"].items() if not p.endswith(left_out)}
    own = request.model_json_schema(ref_template=_PLACE + "{model}")
    schemas = document["components"]["schemas"]
    schemas |= own.pop("$defs", {})
    schemas["InferenceRequest"] = own
    names = {"model_name": [name for name, _ in models], "model_version": [v for _, v in models]}
    for item in document["paths"].values():
        for part in (item, *(item[key] for key in ("get", "post") if key in item)):
            for parameter in part.get("parameters", ()):
                if parameter.get("name") in names:
                    values = list(dict.fromkeys(names[parameter["name"]]))
                    parameter["schema"] = {"type": "string", "enum": values}
    return document
