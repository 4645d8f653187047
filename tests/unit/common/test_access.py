"""Who may make which call, and over what."""

import pytest

from services.common.access import (
    ANONYMOUS,
    NATIONWIDE,
    Caller,
    OutOfReach,
    PermissionMissing,
    authorise,
    check_institution,
    check_reach,
    check_region,
)

DEPARTMENT = "11530000015100012L"
ANOTHER = "12530000431200012W"
KUNMING, WUHUA, QUJING = "530100000000", "530102000000", "530300000000"
EDITOR = Caller("a1", "account", roles=("item_editor",), department=DEPARTMENT, region=KUNMING)
LEAD = Caller("a2", "account", roles=("list_publisher",), department=ANOTHER, region=KUNMING)
SYSTEM = Caller("c1", "client", department=DEPARTMENT, rights=("catalogue.item.publish",))
GATEWAY, CLI = Caller("gateway", "service"), Caller("cli", "service")
EVERYBODY = (ANONYMOUS, EDITOR, LEAD, SYSTEM, GATEWAY, CLI, Caller("x", ""), Caller("x", "root"))


@pytest.mark.rule("P-14")
@pytest.mark.parametrize(
    ("permission", "roles", "allowed"),
    [
        ("open", (), {ANONYMOUS, EDITOR, LEAD, SYSTEM, GATEWAY, CLI}),
        ("signed_in", (), {EDITOR, LEAD, SYSTEM}),
        ("catalogue.item.publish", ("item_editor", "client"), {EDITOR, SYSTEM}),
        ("catalogue.item.publish", ("item_editor",), {EDITOR}),
        ("catalogue.item.withdraw", ("list_publisher", "client"), {LEAD}),
        ("catalogue.item.withdraw", (), set()),
        ("internal.read_log", (), {GATEWAY, CLI}),
        ("internal.cli.operate", (), {CLI}),
        ("internal", (), set()),
        ("", (), set()),
    ],
)
def test_only_what_is_allowed_passes(permission, roles, allowed):
    for caller in EVERYBODY:
        if caller in allowed:
            authorise(caller, permission, roles)
        else:
            with pytest.raises(PermissionMissing):
                authorise(caller, permission, roles)


def test_an_account_that_calls_itself_a_client_is_none():
    forged = Caller("a3", "account", roles=("client",), rights=("catalogue.item.publish",))
    with pytest.raises(PermissionMissing):
        authorise(forged, "catalogue.item.publish", ("client",))


def test_an_agent_does_only_what_the_enterprise_gave():
    agent = Caller(
        "a4",
        "account",
        roles=("person",),
        on_behalf_of="91530100MA6K00014D",
        scopes=("cases.case.file",),
    )
    authorise(agent, "cases.case.file", ("person",))
    with pytest.raises(PermissionMissing):
        authorise(agent, "cases.case.withdraw", ("person",))


@pytest.mark.rule("P-23")
def test_an_officer_acts_for_the_own_department_in_the_own_region_and_below():
    check_reach(EDITOR, department=DEPARTMENT, region=KUNMING)
    check_reach(EDITOR, department=DEPARTMENT, region=WUHUA)
    for department, region in ((ANOTHER, WUHUA), ("", WUHUA), (DEPARTMENT, QUJING)):
        with pytest.raises(OutOfReach):
            check_reach(EDITOR, department=department, region=region, lead="list_publisher")
    with pytest.raises(OutOfReach):
        check_region(EDITOR, "530000000000")


@pytest.mark.rule("P-23")
def test_a_lead_answers_for_every_department_of_the_region_but_of_no_other_region():
    check_reach(LEAD, department=DEPARTMENT, region=WUHUA, lead="list_publisher")
    check_reach(LEAD, department="", region=WUHUA, lead="list_publisher")
    with pytest.raises(OutOfReach):
        check_reach(LEAD, department=DEPARTMENT, region=QUJING, lead="list_publisher")
    with pytest.raises(OutOfReach):
        check_reach(LEAD, department=DEPARTMENT, region=WUHUA)


@pytest.mark.rule("P-23")
def test_who_has_no_region_acts_nowhere_and_who_has_all_acts_everywhere():
    with pytest.raises(OutOfReach):
        check_region(Caller("a5", "account"), WUHUA)
    check_region(Caller("c2", "client", region=NATIONWIDE), "440100000000")


@pytest.mark.rule("P-24")
def test_a_user_of_an_institution_speaks_for_it_alone():
    user = Caller("a6", "account", roles=("institution_user",), institution=ANOTHER)
    check_institution(user, ANOTHER)
    for institution in (DEPARTMENT, ""):
        with pytest.raises(OutOfReach):
            check_institution(user, institution)
    with pytest.raises(OutOfReach):
        check_institution(Caller("a7", "account"), "")
