"""The model's table of messages is the core's."""

import json

from coulisse._core import schema_json
from tests.model.codec import COMMAND_TABLE, ENUMS, EVENT_TABLE, REJECTS, Fields

SCHEMA = json.loads(schema_json())


def rows(messages: list[dict[str, object]]) -> dict[int, tuple[str, Fields]]:
    table = {}
    for message in messages:
        fields = message["fields"]
        assert isinstance(fields, list)
        named = tuple((field["name"], field["type"]) for field in fields)
        table[int(str(message["number"]))] = (str(message["name"]), named)
    return table


def test_commands_have_the_cores_numbers_fields_and_types() -> None:
    assert rows(SCHEMA["commands"]) == COMMAND_TABLE


def test_events_have_the_cores_numbers_fields_and_types() -> None:
    assert rows(SCHEMA["events"]) == EVENT_TABLE


def test_rejects_of_the_core_have_its_numbers() -> None:
    of_the_core = {r["number"]: r["name"] for r in SCHEMA["rejects"] if r["origin"] == "core"}
    assert of_the_core == REJECTS


def test_enums_have_the_cores_numbers() -> None:
    enums = {
        name: {value["number"]: value["name"] for value in values}
        for name, values in SCHEMA["enums"].items()
    }
    assert enums == ENUMS
