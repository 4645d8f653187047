"""Where a page sends somebody on to: pages of this platform, whatever an address asks for."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote_plus

from services.common.identifiers import find_resident_ids

LONGEST: Final = 500
HOME: Final = "/account"
# Browsers read a backslash as a slash and leave out tabs and line breaks: neither may stand in it,
# and a second slash at the beginning would begin the name of another host.
_LOCAL: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f-\xa0\u2028\u2029]*")
_NEVER: Final = ("/sign-in", "/sign-out", "/register", "/api/", "/static/")


def local_path(text: str) -> str:
    """The path to go on to, safe in a header; that of the account where `text` is none of ours.

    So it is where the text holds an identity number, which stands in no header or form.
    """
    if len(text) > LONGEST or not _LOCAL.fullmatch(text) or text.startswith(_NEVER):
        return HOME
    if find_resident_ids(unquote_plus(text)):
        return HOME
    path = quote(text, safe="/:?#[]@!$&'()*+,;=%-._~")
    return path if len(path) <= LONGEST else HOME
