from __future__ import annotations

import pytest

from heedful.errors import BadInput
from heedful.index.columns import as_type, column_name, columns_of, type_of, wider
from heedful.records import Document


@pytest.mark.parametrize(
    ("values", "type"),
    [
        ([1, None, 2], "int"),
        ([1, 2.5], "float"),
        ([2.5, "n.d.", 1], "string"),
        ([True, False], "bool"),
        ([True, 1], "string"),
        ([float("nan"), None], None),
        ([2**63], "string"),
    ],
)
def test_a_column_takes_the_lowest_type_that_holds_all_values(values, type):
    found = None
    for value in values:
        found = wider(found, type_of(value))
    assert found == type


def test_values_move_up_with_their_column():
    assert [as_type(v, "string") for v in (2001, 2.5, True, "x", None)] == ["2001", "2.5", "true", "x", None]
    assert as_type(3, "float") == 3.0 and as_type(float("inf"), "float") is None


@pytest.mark.parametrize(
    ("field", "name"), [("year", "year"), ("pub date", "pub_date"), ("1st", "_1st"), ("--", "column")]
)
def test_field_names_become_names_that_need_no_quotes(field: str, name: str):
    assert column_name(field) == name


@pytest.mark.parametrize("fields", [{"a b": 1, "a-b": 2}, {"Year": 1, "year": 2}, {"text": "x"}, {"aspect_method": 1}])
def test_fields_that_would_share_a_column_are_refused(fields):
    with pytest.raises(BadInput, match=r"document 'd'.*rename"):
        columns_of([Document("d", metadata=fields)], {})


def test_types_and_fields_are_gathered_over_documents():
    documents = [Document("a", metadata={"pub date": 1}), Document("b", metadata={"pub date": 1.5, "x": None})]
    assert columns_of(documents, {}) == ({"pub_date": "float"}, {"pub_date": "pub date"})
