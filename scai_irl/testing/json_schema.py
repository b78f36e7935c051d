"""Validation by the part of JSON Schema that this project's requests use."""

from __future__ import annotations

from collections.abc import Mapping

KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),  # 7.0 is an integer in JSON Schema
    "number": (int, float),
}
KNOWN = {"type", "properties", "required", "additionalProperties", "minimum", "maximum", "maxLength"}


def violations(value: object, schema: object) -> list[str]:
    """List where a value breaks a schema; an empty list means that it fits."""
    assert isinstance(schema, Mapping)
    assert set(schema) <= KNOWN, "the schema has a keyword that this validation ignores"
    kind = schema["type"]
    fits = isinstance(value, KINDS[kind])
    if kind in {"integer", "number"}:
        fits = fits and not isinstance(value, bool)
    if kind == "integer":
        fits = fits and not (isinstance(value, float) and not value.is_integer())
    if not fits:
        return [f"{value!r} is no {kind}"]
    problems = []
    if isinstance(value, int | float):
        if value < schema.get("minimum", value):
            problems.append(f"{value!r} is below {schema['minimum']}")
        if value > schema.get("maximum", value):
            problems.append(f"{value!r} is above {schema['maximum']}")
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        problems.append(f"{len(value)} characters are too many")
    if isinstance(value, dict):
        problems += [f"no {name}" for name in schema["required"] if name not in value]
        for name, inside in value.items():
            if name in schema["properties"]:
                problems += violations(inside, schema["properties"][name])
            elif schema["additionalProperties"] is False:
                problems.append(f"{name} was not asked for")
    return problems
