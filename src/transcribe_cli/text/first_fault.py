"""Models of documents that others wrote: checked up to their first fault.

Pydantic lists all faults of a document, half a kilobyte each, so that two bytes (`1,` in a list of segments) take the memory of hundreds.
It stops at the first fault of a list only where it is told to, and at that of a dict not at all.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

# Dicts in documents map names: of files, speakers, voices. More of them are no document of ours.
MAX_KEYS = 10_000
_SEQUENCES = ("list", "tuple", "set", "frozenset")


def _limited(schema: Any) -> Any:  # noqa: ANN401 - a schema, or a part of one
    if isinstance(schema, list):
        return [_limited(part) for part in schema]
    if not isinstance(schema, dict) or (schema.get("function") or {}).get("function") is _few_keys:
        return schema
    # Metadata and defaults are no schemas.
    changed = {key: value if key in ("metadata", "default", "function") else _limited(value) for key, value in schema.items()}
    if schema.get("type") in _SEQUENCES:
        return changed | {"fail_fast": True}
    if schema.get("type") == "dict":
        return core_schema.no_info_before_validator_function(_few_keys, changed)
    return changed


def _few_keys(given: Any) -> Any:  # noqa: ANN401 - whatever the document has
    if isinstance(given, dict) and len(given) > MAX_KEYS:
        raise ValueError(f"there are more than {MAX_KEYS} keys")
    return given


class FirstFaultModel(BaseModel):
    """A model whose lists are checked up to their first fault, and whose dicts have at most `MAX_KEYS` keys."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's signature
        """The schema that pydantic made, with limits."""
        limited: CoreSchema = _limited(handler(source))
        return limited
