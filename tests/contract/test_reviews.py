"""Every call that makes something public can say that it waits for a reviewer, and has a sample."""

import pytest
from zhengtong.review.v1 import review_pb2

from gateway.contracts import SERVICES
from services.common import review
from services.common.grpc_host.door import needed_of
from services.common.settings import DEPARTMENTS, PRIVATE
from tests.publications import PUBLICATIONS

PUBLISHING = [
    method
    for service in SERVICES.values()
    for method in service.methods
    if needed_of(method.full_name).publishes
]


def test_every_department_of_the_public_publishes_something():
    public = set(DEPARTMENTS) - set(PRIVATE)
    assert {method.full_name.split(".")[1] for method in PUBLISHING} == public


@pytest.mark.rule("P-25")
@pytest.mark.parametrize("method", PUBLISHING, ids=lambda one: one.full_name)
def test_its_answer_has_room_for_a_submission(method):
    field = method.output_type.fields_by_name["submission"]
    assert field.message_type.full_name == review_pb2.Submission.DESCRIPTOR.full_name


@pytest.mark.rule("P-25")
def test_each_of_them_is_tried_by_an_officer_in_the_integration_tests():
    sampled = {publication.method for publication in PUBLICATIONS}
    assert sampled == {method.full_name for method in PUBLISHING}


@pytest.mark.parametrize("publication", PUBLICATIONS, ids=lambda one: one.method)
def test_the_author_of_each_sample_is_an_officer(publication):
    assert review.waits(publication.author(), publishes=True)


def test_the_states_are_those_of_the_contract():
    names = set(review_pb2.SubmissionState.keys()) - {"SUBMISSION_STATE_UNSPECIFIED"}
    assert {state.value for state in review.State} == names
