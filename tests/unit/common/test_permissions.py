"""Which permissions there are and who holds each, as the contracts say."""

import pytest

from services.common.access import INTERNAL, OPEN, SIGNED_IN
from services.common.permissions import held_by, transferable

ROLES = ("person", "institution_user", "item_editor", "credit_officer", "administrator", "client")


def test_what_a_role_holds_is_read_off_the_contracts():
    assert held_by("credit_officer") == (
        "credit.penalty.disclose",
        "credit.penalty.withdraw",
        "credit.permit.disclose",
        "credit.permit.withdraw",
        "credit.record.import",
        "credit.subject.register",
        "review.submission.read",
        "review.submission.withdraw",
    )
    assert held_by("auditor") == ("audit.record.read",)
    assert held_by("person") == (
        "identity.mandate.end",
        "identity.mandate.grant",
        "identity.mandate.read",
    )


@pytest.mark.parametrize("role", ROLES)
def test_each_permission_is_there_once_in_order_and_none_means_something_by_itself(role):
    held = held_by(role)
    assert list(held) == sorted(set(held))
    assert not {OPEN, SIGNED_IN, ""} & set(held)
    assert not [one for one in held if one.startswith(f"{INTERNAL}.")]


def test_nobody_holds_what_nobody_was_given():
    assert held_by("unspecified") == ()


def test_a_role_that_does_not_exist_is_a_mistake_in_the_program():
    with pytest.raises(ValueError, match="ROLE_EMPEROR"):
        held_by("emperor")


@pytest.mark.rule("A-8")
@pytest.mark.parametrize("role", ROLES)
def test_about_accounts_and_rights_nothing_is_handed_on_but_to_see_mandates(role):
    handed_on = set(transferable(role))
    assert {one for one in handed_on if one.startswith("identity.")} == (
        {"identity.mandate.read"} if role in ("person", "administrator") else set()
    )
    assert {one for one in held_by(role) if not one.startswith("identity.")} <= handed_on


def test_a_client_can_be_given_whatever_a_client_holds():
    assert transferable("client") == held_by("client")
    assert "catalogue.item.publish" in transferable("client")
