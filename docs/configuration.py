#!/usr/bin/env python3
"""Prints the sections of docs/configuration.md, of docs/schemas/config.schema.json: a table for each part of suture.yaml."""

import json
import pathlib
import re

SCHEMA = json.loads((pathlib.Path(__file__).parent / "schemas/config.schema.json").read_text())
DEFINITIONS = SCHEMA["$defs"]


def definition(part):
    """The definition that a property refers to, itself or by its items: name and schema."""
    while part is not None:
        if "$ref" in part:
            name = part["$ref"].rsplit("/", 1)[1]
            return name, DEFINITIONS[name]
        choices = [one for one in part.get("anyOf", []) if one.get("type") != "null"]
        part = choices[0] if len(choices) == 1 else part.get("items")
    return None, None


def objects(name, schema, path):
    """The tables below a definition: where it stands, and its properties."""
    if "properties" in schema:
        yield name, path, schema
    for one in schema.get("oneOf", []) + schema.get("anyOf", []):
        if "$ref" in one:
            yield from objects(*definition(one), path)
        else:
            # A choice of keys, each with what it holds.
            for key, held in one.get("properties", {}).items():
                inner, found = definition(held)
                if found:
                    yield from objects(inner, found, f"{path}.{key}" if path else key)


def what_it_is(part):
    """A sentence for the table: what the key says of itself, or what it refers to, and which values there are."""
    name, found = definition(part)
    of_kind = re.sub(r"^`[^`]*`\.\s*", "", (found or {}).get("description", ""))
    words = [part.get("description") or (of_kind if "properties" in (found or {}) else "")]
    kinds = [one for one in (found or {}).get("oneOf", []) if "const" in one]
    if kinds:
        words.append(", ".join(f"`{one['const']}`" for one in kinds) + ".")
    keys = [(key, one) for one in (found or {}).get("oneOf", []) for key in one.get("properties", {})]
    words.extend(f"`{key}`: {one.get('description', '')}" for key, one in keys)
    if found and found.get("examples") and "properties" not in found and not kinds:
        words.append("As " + ", ".join(f"`{example}`" for example in map(plain, found["examples"][:2])) + ".")
    return " ".join(" ".join(words).split()).replace("|", "\\|")


def plain(value):
    return value if isinstance(value, str) else json.dumps(value)


def main():
    seen, waiting = set(), [(None, "", SCHEMA)]
    while waiting:
        name, path, schema = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        print(f"\n## `{path}`\n" if path else "## The file\n")
        about = " ".join(schema.get("description", "").split())
        if not about.endswith("`.") or ":" in about:
            print(about + "\n")
        print("| key | default | what it is |\n|---|---|---|")
        for key, part in schema["properties"].items():
            default = part.get("default")
            required = key in schema.get("required", [])
            shown = "required" if required else "" if default in (None, [], {}) else f"`{plain(default)}`"
            print(f"| `{key}` | {shown} | {what_it_is(part)} |")
            inner, found = definition(part)
            if found:
                many = "[]" if part.get("type") == "array" else ""
                place = f"{path}.{key}{many}" if path else f"{key}{many}"
                waiting.extend(objects(inner, found, place))


main()
