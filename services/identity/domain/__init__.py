"""The rules of identity. Plain values in, plain values out.

`accounts` says who somebody is, `sessions` how long a sign-in lasts, `tries` how guessing is
slowed, `mandates` who acts for an enterprise, `clients` which systems have a key, `demo` what
everybody may use.
"""

from services.common.access import OutOfReach, check_region
from services.identity.domain import clients, demo, mandates, sessions, tries
from services.identity.domain.accounts import (
    ADMINISTRATOR,
    PERSON,
    Account,
    AccountInvalid,
    AccountNotFound,
    LoginTaken,
    PersonKnown,
    check_is_another,
    check_may_govern,
    check_may_see,
    check_password,
    check_version,
    legal_day,
    mask_address,
    opened,
    proven,
    region_of,
    registered,
    revised,
)
from services.identity.domain.clients import Client, ClientNotFound, KeyUnknown
from services.identity.domain.mandates import Mandate, MandateNotFound
from services.identity.domain.sessions import (
    PasswordWrong,
    Session,
    SessionEnded,
    SessionNotFound,
    SignInRefused,
)
from services.identity.domain.tries import Tries, TriesSlowed

__all__ = [
    "ADMINISTRATOR",
    "PERSON",
    "Account",
    "AccountInvalid",
    "AccountNotFound",
    "Client",
    "ClientNotFound",
    "KeyUnknown",
    "LoginTaken",
    "Mandate",
    "MandateNotFound",
    "OutOfReach",
    "PasswordWrong",
    "PersonKnown",
    "Session",
    "SessionEnded",
    "SessionNotFound",
    "SignInRefused",
    "Tries",
    "TriesSlowed",
    "check_is_another",
    "check_may_govern",
    "check_may_see",
    "check_password",
    "check_region",
    "check_version",
    "clients",
    "demo",
    "legal_day",
    "mandates",
    "mask_address",
    "opened",
    "proven",
    "region_of",
    "registered",
    "revised",
    "sessions",
    "tries",
]
