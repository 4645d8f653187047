"""Who may make which call: the whole table, every call of every service by everybody there is."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from zhengtong.access.v1 import access_pb2

from infra.local.keys import PRINCIPALS
from services.common.access import ANONYMOUS, Caller, PermissionMissing, authorise
from services.common.grpc_host.door import needed_of

ROOT = Path(__file__).resolve().parents[2] / "protos"
OFFICERS = {
    "item_editor",
    "list_publisher",
    "case_handler",
    "approver",
    "credit_officer",
    "website_editor",
    "supervisor",
    "publication_reviewer",
    "auditor",
    "administrator",
}
PERSONS = {"person", "agent", "agent without the scope"}
ACCOUNTS = PERSONS | OFFICERS | {"institution_user"}
CLIENTS = {"client", "client without the right"}
PLATFORM = {"gateway", "indexer", "relay", "cli", "identity"}
KNOWN = ACCOUNTS | CLIENTS
EVERYBODY = KNOWN | PLATFORM | {"anonymous"}

ITEMS = {"item_editor", "list_publisher", "client"}
CREDIT = {"credit_officer", "client"}
UTILITIES = {"institution_user", "client"}
WEBSITES = {"website_editor", "client"}
ADMINISTRATOR = {"administrator"}
AUTHORS = {"item_editor", "list_publisher", "credit_officer", "website_editor"}
REVIEWER = {"publication_reviewer"}
TABLE = {
    "audit.v1.AuditService.GetTreeHead": EVERYBODY,
    "audit.v1.AuditService.ListAuditRecords": {"auditor", "cli"},
    "audit.v1.AuditService.ListAuditLeaves": {"auditor", "cli"},
    "audit.v1.AuditService.GetInclusionProof": EVERYBODY,
    "audit.v1.AuditService.GetConsistencyProof": EVERYBODY,
    "catalogue.v1.CatalogueService.ImportItems": ITEMS,
    "catalogue.v1.CatalogueService.PreviewImport": ITEMS,
    "catalogue.v1.CatalogueService.PublishItem": ITEMS,
    "catalogue.v1.CatalogueService.WithdrawItem": ITEMS,
    "catalogue.v1.CatalogueService.SuspendItem": ITEMS,
    "catalogue.v1.CatalogueService.UnscheduleItem": ITEMS,
    "catalogue.v1.CatalogueService.ResumeItem": ITEMS,
    "catalogue.v1.CatalogueService.PublishLifeEvent": ITEMS,
    "catalogue.v1.CatalogueService.WithdrawLifeEvent": ITEMS,
    "catalogue.v1.CatalogueService.GetLifeEvent": EVERYBODY,
    "catalogue.v1.CatalogueService.ListLifeEvents": EVERYBODY,
    "catalogue.v1.CatalogueService.PublishQuestionnaire": ITEMS,
    "catalogue.v1.CatalogueService.WithdrawQuestionnaire": ITEMS,
    "catalogue.v1.CatalogueService.GetQuestionnaire": EVERYBODY,
    "catalogue.v1.CatalogueService.AnswerQuestionnaire": EVERYBODY,
    "catalogue.v1.CatalogueService.SucceedBody": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.CheckItem": ITEMS | {"publication_reviewer"},
    "catalogue.v1.CatalogueService.ListQualityReports": ITEMS | {"supervisor"},
    "catalogue.v1.CatalogueService.GetItem": EVERYBODY,
    "catalogue.v1.CatalogueService.ListItemVersions": EVERYBODY,
    "catalogue.v1.CatalogueService.ListItems": EVERYBODY,
    "catalogue.v1.CatalogueService.PublishBasicItem": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.WithdrawBasicItem": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.GetBasicItem": EVERYBODY,
    "catalogue.v1.CatalogueService.ListBasicItems": EVERYBODY,
    "catalogue.v1.CatalogueService.AdjustList": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.ListEntries": EVERYBODY,
    "catalogue.v1.CatalogueService.ListAdjustments": EVERYBODY,
    "catalogue.v1.CatalogueService.GetAdjustment": EVERYBODY,
    "catalogue.v1.CatalogueService.SaveDraft": ITEMS,
    "catalogue.v1.CatalogueService.GetDraft": ITEMS,
    "catalogue.v1.CatalogueService.ListDrafts": ITEMS,
    "catalogue.v1.CatalogueService.DiscardDraft": ITEMS,
    "catalogue.v1.CatalogueService.ReportGaps": {"gateway"},
    "catalogue.v1.CatalogueService.ListGaps": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.SettleGap": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.ListSynonymGroups": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.GetSynonymGroup": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.SaveSynonymGroup": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.RemoveSynonymGroup": {"list_publisher", "client"},
    "catalogue.v1.CatalogueService.ReportUses": {"gateway"},
    "credit.v1.CreditService.ImportRecords": CREDIT,
    "credit.v1.CreditService.RegisterSubject": CREDIT,
    "credit.v1.CreditService.DisclosePermit": CREDIT,
    "credit.v1.CreditService.WithdrawPermit": CREDIT,
    "credit.v1.CreditService.DisclosePenalty": CREDIT,
    "credit.v1.CreditService.WithdrawPenalty": CREDIT,
    "credit.v1.CreditService.GetCredit": EVERYBODY,
    "credit.v1.CreditService.ListPermits": EVERYBODY,
    "credit.v1.CreditService.ListPenalties": EVERYBODY,
    "delivery.v1.DeliveryService.ListParkedMessages": {"cli"},
    "delivery.v1.DeliveryService.ReplayParkedMessages": {"cli"},
    "dossier.v1.DossierService.GetPart": {"gateway"},
    "eventlog.v1.EventLogService.ReadEvents": PLATFORM,
    "eventlog.v1.EventLogService.ReadSnapshot": PLATFORM,
    "identity.v1.IdentityService.RegisterAccount": EVERYBODY,
    "identity.v1.IdentityService.GetMyAccount": KNOWN,
    "identity.v1.IdentityService.ChangePassword": KNOWN,
    "identity.v1.IdentityService.ListMySessions": KNOWN,
    "identity.v1.IdentityService.EndMySession": KNOWN,
    "identity.v1.IdentityService.GrantMandate": {"person", "agent"},
    "identity.v1.IdentityService.EndMandate": {"person", "agent", "administrator"},
    "identity.v1.IdentityService.ListMandates": {"person", "agent", "administrator"},
    "identity.v1.IdentityService.AppointRepresentative": ADMINISTRATOR,
    "identity.v1.IdentityService.OpenAccount": ADMINISTRATOR,
    "identity.v1.IdentityService.ReviseAccount": ADMINISTRATOR,
    "identity.v1.IdentityService.DisableAccount": ADMINISTRATOR,
    "identity.v1.IdentityService.EnableAccount": ADMINISTRATOR,
    "identity.v1.IdentityService.ResetPassword": ADMINISTRATOR,
    "identity.v1.IdentityService.GetAccount": ADMINISTRATOR,
    "identity.v1.IdentityService.ListAccounts": ADMINISTRATOR,
    "identity.v1.IdentityService.RegisterClient": ADMINISTRATOR,
    "identity.v1.IdentityService.ReviseClient": ADMINISTRATOR,
    "identity.v1.IdentityService.ReplaceClientKey": ADMINISTRATOR,
    "identity.v1.IdentityService.EndClient": ADMINISTRATOR,
    "identity.v1.IdentityService.ListClients": ADMINISTRATOR,
    "identity.v1.IdentityService.SignIn": EVERYBODY,
    "identity.v1.IdentityService.SignInOutside": {"gateway"},
    "identity.v1.IdentityService.RenewSession": EVERYBODY,
    "identity.v1.IdentityService.SignOut": EVERYBODY,
    "identity.v1.IdentityService.ResolveClient": {"gateway"},
    "identity.v1.IdentityService.ListEndings": {"gateway"},
    "identity.v1.IdentityService.MakeAdministrator": {"cli"},
    "identity.v1.IdentityService.MakeClient": {"cli"},
    "identity.v1.IdentityService.MakeDemoAccount": {"cli"},
    "review.v1.ReviewService.ListSubmissions": REVIEWER | AUTHORS,
    "review.v1.ReviewService.GetSubmission": REVIEWER | AUTHORS,
    "review.v1.ReviewService.ApproveSubmission": REVIEWER,
    "review.v1.ReviewService.RejectSubmission": REVIEWER,
    "review.v1.ReviewService.WithdrawSubmission": AUTHORS,
    "utilities.v1.UtilitiesService.ImportRecords": UTILITIES,
    "utilities.v1.UtilitiesService.PublishInstitution": UTILITIES,
    "utilities.v1.UtilitiesService.WithdrawInstitution": UTILITIES,
    "utilities.v1.UtilitiesService.GetInstitution": EVERYBODY,
    "utilities.v1.UtilitiesService.ListInstitutions": EVERYBODY,
    "utilities.v1.UtilitiesService.AnnounceOutage": UTILITIES,
    "utilities.v1.UtilitiesService.WithdrawOutage": UTILITIES,
    "utilities.v1.UtilitiesService.GetOutage": EVERYBODY,
    "utilities.v1.UtilitiesService.ListOutages": EVERYBODY,
    "websites.v1.WebsitesService.ImportRecords": WEBSITES,
    "websites.v1.WebsitesService.RegisterSite": WEBSITES,
    "websites.v1.WebsitesService.GetSite": EVERYBODY,
    "websites.v1.WebsitesService.ListSites": EVERYBODY,
    "websites.v1.WebsitesService.AddMapping": WEBSITES,
    "websites.v1.WebsitesService.RemoveMapping": WEBSITES,
    "websites.v1.WebsitesService.ResolveAddress": EVERYBODY,
    "websites.v1.WebsitesService.ListPublicationCounts": EVERYBODY,
}
READS = ("Get", "List", "Read", "Resolve")


def callers(permission):
    """Everybody there is; those who are given permissions one by one have all but this, or this."""
    enterprise = "91530100010090011J"
    yield "anonymous", ANONYMOUS
    for role in {"person", "institution_user"} | OFFICERS:
        yield role, Caller("a1", "account", roles=(role,))
    agent = {"roles": ("person",), "on_behalf_of": enterprise}
    yield "agent", Caller("a1", "account", scopes=(permission,), **agent)
    yield "agent without the scope", Caller("a1", "account", scopes=("a.b.c",), **agent)
    yield "client", Caller("c1", "client", rights=(permission,))
    yield "client without the right", Caller("c1", "client", rights=("a.b.c",))
    for principal in PRINCIPALS:
        yield principal, Caller(principal, "service")


def methods():
    for path in sorted((ROOT / "zhengtong").rglob("*.proto")):
        name = str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") + "_pb2"
        for service in importlib.import_module(name).DESCRIPTOR.services_by_name.values():
            yield from service.methods


METHODS = {method.full_name.removeprefix("zhengtong."): method for method in methods()}


def test_each_call_has_a_row_and_each_row_a_call():
    assert METHODS.keys() == TABLE.keys()


def test_everybody_there_is_is_in_the_table():
    assert {who for who, _ in callers("a.b.d")} == EVERYBODY
    roles = {name.removeprefix("ROLE_").lower() for name in access_pb2.Role.keys()}  # noqa: SIM118
    assert roles == OFFICERS | {"person", "institution_user", "client", "unspecified"}


@pytest.mark.rule("P-14")
@pytest.mark.parametrize("call", METHODS)
def test_exactly_those_of_the_table_may_make_the_call(call):
    needed = needed_of(METHODS[call].full_name)
    passed = set()
    for who, caller in callers(needed.permission):
        try:
            authorise(caller, needed.permission, needed.roles)
        except PermissionMissing:
            continue
        passed.add(who)
    assert passed == TABLE[call]


@pytest.mark.rule("P-14")
@pytest.mark.parametrize("call", METHODS)
def test_a_caller_of_no_known_kind_or_role_makes_open_calls_only(call):
    needed = needed_of(METHODS[call].full_name)
    forged = [
        Caller("x", "", roles=tuple(needed.roles)),
        Caller("x", "operator", roles=tuple(needed.roles), rights=(needed.permission,)),
        Caller("x", "anonymous", roles=tuple(needed.roles), rights=(needed.permission,)),
        Caller("x", "service", roles=tuple(needed.roles), rights=(needed.permission,)),
        Caller("x", "account", roles=("client",), rights=(needed.permission,)),
    ]
    for caller in forged[:2]:
        with pytest.raises(PermissionMissing):
            authorise(caller, needed.permission, needed.roles)
    if needed.permission in {"open", "signed_in", "internal.read_log"}:
        return
    for caller in forged[2:]:
        with pytest.raises(PermissionMissing):
            authorise(caller, needed.permission, needed.roles)


@pytest.mark.parametrize("call", METHODS)
def test_a_call_says_who_may_make_it(call):
    needed = needed_of(METHODS[call].full_name)
    assert needed.permission
    assert "unspecified" not in needed.roles
    by_itself = needed.permission in {"open", "signed_in"}
    if by_itself or needed.permission.startswith("internal."):
        assert not needed.roles
    else:
        assert needed.roles
        assert needed.permission.startswith(f"{call.partition('.')[0]}.")


@pytest.mark.parametrize("call", METHODS)
def test_only_a_change_that_officers_make_publishes(call):
    needed = needed_of(METHODS[call].full_name)
    if needed.publishes:
        assert not METHODS[call].name.startswith(READS)
        assert needed.roles


def test_a_call_without_a_permission_is_nobodys():
    for _, caller in callers(""):
        with pytest.raises(PermissionMissing):
            authorise(caller, "", ("administrator",) if caller.kind != "account" else ())
