"""One trace from call to call, and log lines that carry its id."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.telemetry import (
    JsonLines,
    context_from,
    current_trace_id,
    current_traceparent,
    serving,
)

ROOT = Path(__file__).resolve().parents[3]
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_outside_a_trace_there_is_no_id():
    assert (current_trace_id(), current_traceparent()) == ("", "")


def test_a_call_goes_on_in_the_trace_it_came_with_under_a_span_of_its_own():
    with serving("call", PARENT):
        assert current_trace_id() == TRACE
        version, trace, span, _ = current_traceparent().split("-")
        assert (version, trace) == ("00", TRACE)
        assert span != "b7ad6b7169203331"
        assert current_traceparent().split("-")[2] == span
    assert current_trace_id() == ""


@pytest.mark.parametrize(
    "given_",
    ["", "nonsense", f"00-{TRACE}-b7ad6b7169203331", PARENT[:-1], PARENT.replace(TRACE, "0" * 32)],
)
def test_a_call_that_came_with_no_trace_begins_one(given_):
    with serving("call", given_):
        first = current_trace_id()
    with serving("call", given_):
        second = current_trace_id()
    assert len(first) == len(second) == 32
    assert first not in {second, TRACE, "0" * 32}


def test_calls_inside_calls_keep_their_own_traces():
    with serving("outer", PARENT):
        with serving("inner", ""):
            assert current_trace_id() != TRACE
        assert current_trace_id() == TRACE


def test_a_call_that_fails_leaves_its_trace():
    with pytest.raises(ZeroDivisionError), serving("call", PARENT):
        raise ZeroDivisionError
    assert current_trace_id() == ""


@given(st.text())
def test_whatever_somebody_sends_as_a_trace_breaks_nothing(text):
    context_from(text)
    with serving("call", text):
        assert len(current_trace_id()) == 32


def test_a_log_line_is_one_json_object_with_its_trace():
    with serving("call", PARENT):
        line = written("办结 %s\n第二行", "T-1")
    assert line["trace_id"] == TRACE
    assert (line["level"], line["service"], line["logger"]) == ("WARNING", "servicer", "test")
    assert line["message"] == "办结 T-1\n第二行"
    assert line["time"].endswith("+00:00")
    assert "exception" not in line


def test_a_log_line_of_a_failure_says_where_it_was():
    try:
        int("内部")
    except ValueError:
        line = written("failed", exc_info=sys.exc_info())
    assert line["exception"].startswith("Traceback")
    assert "ValueError: " in line["exception"]
    assert "内部" in line["exception"]


def test_half_a_surrogate_in_a_message_does_not_cost_the_line():
    assert written("\ud800")["message"] == "\ud800"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ["info", "warning"]),
        ({"ZHENGTONG_LOG_LEVEL": "WARNING"}, ["warning"]),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, ["info", "warning"]),
    ],
    ids=["quiet", "fewer", "exporting"],
)
def test_a_process_writes_its_log_to_standard_error_from_its_level_on(environment, expected):
    program = (
        "import logging, os\n"
        "from services.common import telemetry\n"
        "telemetry.configure('relay')\n"
        "for level in ('debug', 'info', 'warning'):\n"
        "    getattr(logging.getLogger('a'), level)(level)\n"
        "logging.getLogger('pymongo').warning('chatty')\n"
        "os._exit(0)\n"
    )
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == ""
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["message"] for line in lines] == expected
    assert {line["service"] for line in lines} == {"relay"}


def written(message, *arguments, exc_info=None):
    record = logging.LogRecord("test", logging.WARNING, "x.py", 1, message, arguments, exc_info)
    text = JsonLines("servicer").format(record)
    assert "\n" not in text
    return json.loads(text)
