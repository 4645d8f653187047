"""Our JSON is protobuf's JSON: the same answers, and what is read means the same."""

from __future__ import annotations

import json

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zhengtong.search.v1 import search_pb2

from gateway.contracts import ContractUnclear, message_in, served_calls
from gateway.transcode.answers import Printer
from gateway.transcode.bodies import Faults, Shape

TYPES = {
    declared.full_name: declared
    for call in served_calls()
    for declared in (call.method.input_type, call.method.output_type)
    if not any(
        f.message_type and f.message_type.file.package == "google.api" for f in declared.fields
    )
}
SETTINGS = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
SCALARS = {
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False, width=32),
}
STAMPS = st.builds(
    Timestamp,
    seconds=st.integers(-62135596800, 253402300799),
    nanos=st.sampled_from([0, 1, 1_000, 1_000_000, 999_999_999]),
)


def values(field):
    """Any value of a field, as protobuf's constructors take it."""
    if inner := message_in(field):
        one = messages(inner)
    elif field.message_type:
        one = STAMPS
    elif field.enum_type:
        one = st.sampled_from([value.number for value in field.enum_type.values])
    else:
        one = SCALARS[field.type]
    return st.lists(one, max_size=2) if field.is_repeated else one


def messages(declared):
    """Any message of a type, most fields unset."""
    made = GetMessageClass(declared)
    chosen = (
        st.sets(st.sampled_from(list(declared.fields)), max_size=4)
        if declared.fields
        else st.just(set())
    )
    return chosen.flatmap(
        lambda fields: st.fixed_dictionaries({f.name: values(f) for f in fields}).map(
            lambda d: made(**d)
        )
    )


@pytest.mark.parametrize("declared", TYPES.values(), ids=TYPES)
def test_an_answer_is_what_protobuf_itself_would_write(declared):
    printer = Printer(declared)

    @SETTINGS
    @given(messages(declared))
    def check(message):
        expected = json_format.MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        assert printer(message) == expected

    check()


@pytest.mark.parametrize("declared", TYPES.values(), ids=TYPES)
def test_what_is_written_is_read_back_as_the_same_message(declared):
    printer, shape, made = Printer(declared), Shape(declared), GetMessageClass(declared)

    @SETTINGS
    @given(messages(declared))
    def check(message):
        faults = Faults()
        fields = shape.read(json.loads(json.dumps(printer(message))), "", faults)
        assert faults.violations == []
        assert made(**fields) == message

    check()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("declared", TYPES.values(), ids=TYPES)
def test_whatever_is_read_without_a_fault_is_what_protobuf_would_read(declared):
    shape, made = Shape(declared), GetMessageClass(declared)
    names = [field.name for field in declared.fields]

    @SETTINGS
    @given(st.dictionaries(st.sampled_from(names) if names else st.text(), JSON, max_size=4))
    def check(tree):
        faults = Faults()
        fields = shape.read(tree, "", faults)
        if not faults.violations:
            assert made(**fields) == json_format.ParseDict(tree, made())

    check()


def test_a_number_that_json_has_no_word_for_is_a_string():
    office = next(t for t in TYPES.values() if t.name == "GetInstitutionResponse")
    message = GetMessageClass(office)(institution={"offices": [{"longitude": float("inf")}]})
    assert Printer(office)(message)["institution"]["offices"][0]["longitude"] == "Infinity"


def test_a_map_is_refused_before_the_first_call():
    with pytest.raises(ContractUnclear):
        Printer(search_pb2.Card.DESCRIPTOR)
    with pytest.raises(ContractUnclear):
        Shape(search_pb2.Card.DESCRIPTOR)
