"""The pause before a department that gives no answers, and the bound on calls to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.breaker import (
    FAILURES_IN_A_ROW,
    HURRIED_SECONDS,
    MOST_UNDER_WAY,
    PAUSE_SECONDS,
    Circuit,
    CircuitOpen,
    Guard,
    Outcome,
    State,
    TooManyUnderWay,
    whole_seconds,
)

PATIENT, HURRIED = 10.0, 0.3


def opened(at=0.0):
    circuit = Circuit()
    for _ in range(FAILURES_IN_A_ROW):
        circuit.leave(circuit.enter(at), Outcome.FAILED, at)
    return circuit


@given(st.lists(st.sampled_from(Outcome)))
def test_it_opens_after_so_many_failures_with_no_answer_between_them(outcomes):
    circuit, row = Circuit(), 0
    for outcome in outcomes:
        circuit.leave(circuit.enter(0.0), outcome, 0.0)
        row = {Outcome.FAILED: row + 1, Outcome.ANSWERED: 0, Outcome.UNKNOWN: row}[outcome]
        assert (circuit.state is State.OPEN) == (row == FAILURES_IN_A_ROW)
        if circuit.state is State.OPEN:
            return


@given(st.floats(0, PAUSE_SECONDS, exclude_max=True))
def test_nothing_goes_out_during_the_pause(later):
    circuit = opened()
    with pytest.raises(CircuitOpen) as refused:
        circuit.enter(later)
    assert 0 < refused.value.wait <= PAUSE_SECONDS


def test_after_the_pause_one_call_goes_out_and_the_others_wait_for_what_it_says():
    circuit = opened()
    probe = circuit.enter(PAUSE_SECONDS)
    assert circuit.state is State.HALF_OPEN
    with pytest.raises(CircuitOpen):
        circuit.enter(PAUSE_SECONDS * 9)
    circuit.leave(probe, Outcome.ANSWERED, PAUSE_SECONDS * 9)
    assert circuit.state is State.CLOSED
    circuit.enter(PAUSE_SECONDS * 9)


def test_a_probe_without_an_answer_begins_the_pause_anew():
    circuit = opened()
    circuit.leave(circuit.enter(5.0), Outcome.FAILED, 7.0)
    assert circuit.state is State.OPEN
    with pytest.raises(CircuitOpen):
        circuit.enter(7.0 + PAUSE_SECONDS / 2)
    circuit.enter(7.0 + PAUSE_SECONDS)


def test_a_probe_whose_caller_went_away_makes_room_for_the_next():
    circuit = opened()
    circuit.leave(circuit.enter(5.0), Outcome.UNKNOWN, 5.0)
    circuit.leave(circuit.enter(5.0), Outcome.ANSWERED, 5.0)
    assert circuit.state is State.CLOSED


@given(st.sampled_from(Outcome))
def test_a_call_from_before_the_pause_says_nothing_during_the_probe(outcome):
    circuit = Circuit()
    late = circuit.enter(0.0)
    for _ in range(FAILURES_IN_A_ROW):
        circuit.leave(circuit.enter(0.0), Outcome.FAILED, 0.0)
    circuit.enter(PAUSE_SECONDS)
    circuit.leave(late, outcome, PAUSE_SECONDS)
    assert circuit.state is State.HALF_OPEN
    with pytest.raises(CircuitOpen):
        circuit.enter(PAUSE_SECONDS)


def test_who_cannot_wait_has_a_circuit_of_its_own():
    guard = Guard()
    for _ in range(FAILURES_IN_A_ROW):
        guard.leave(HURRIED, guard.enter(HURRIED, 0.0), Outcome.FAILED, 0.0)
    assert guard.pausing()
    with pytest.raises(CircuitOpen):
        guard.enter(HURRIED, 0.0)
    guard.enter(HURRIED_SECONDS, 0.0)


def test_retry_after_is_a_second_at_least():
    assert [whole_seconds(wait) for wait in (0.0, 0.2, 1.0, 1.1)] == [1, 1, 1, 2]


class Guarded(RuleBasedStateMachine):
    """Calls come and go in any order."""

    def __init__(self):
        super().__init__()
        self.guard, self.now, self.calls = Guard(), 0.0, []

    @rule(timeout=st.sampled_from([PATIENT, HURRIED]), number=st.integers(1, 60))
    def come(self, timeout, number):
        for _ in range(number):
            try:
                ticket = self.guard.enter(timeout, self.now)
            except CircuitOpen:
                assert self.guard.circuit(timeout).state is not State.CLOSED
            except TooManyUnderWay:
                assert len(self.calls) == MOST_UNDER_WAY
            else:
                self.calls.append((timeout, ticket, self.guard.circuit(timeout).state))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def end(self, data, outcome):
        timeout, ticket, _ = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        self.guard.leave(timeout, ticket, outcome, self.now)

    @rule(seconds=st.floats(0, 3))
    def pass_time(self, seconds):
        self.now += seconds

    @invariant()
    def what_is_under_way_is_counted_and_bounded(self):
        assert self.guard.under_way == len(self.calls) <= MOST_UNDER_WAY

    @invariant()
    def no_circuit_has_two_probes(self):
        for circuit in (self.guard.hurried, self.guard.patient):
            if circuit.state is State.HALF_OPEN:
                era = circuit._era
                probes = [
                    ticket
                    for timeout, ticket, _ in self.calls
                    if ticket.era == era and self.guard.circuit(timeout) is circuit
                ]
                assert len(probes) <= 1

    def teardown(self):
        """Once all have ended and a pause is over, an answer closes every circuit."""
        for timeout, ticket, _ in self.calls:
            self.guard.leave(timeout, ticket, Outcome.UNKNOWN, self.now)
        later = self.now + PAUSE_SECONDS
        for timeout in (PATIENT, HURRIED):
            self.guard.leave(timeout, self.guard.enter(timeout, later), Outcome.ANSWERED, later)
        assert not self.guard.pausing()


TestGuarded = Guarded.TestCase
