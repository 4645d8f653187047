"""Files are what their bytes say, and a name from outside leads nowhere."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.refusals import FileNameRefused, UploadTypeRefused
from gateway.uploads import CSV, JSON, JSON_LINES, READ, XLSX, check_upload, kind_of, safe_name


def packed(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name in names:
            whole.writestr(name, "x" * 100)
    return file.getvalue()


WORKBOOK = packed("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml")
READABLE = [
    (b"", CSV),
    ("名称,代码\n某某,1\n".encode(), CSV),
    (b"\xef\xbb\xbf" + "名称,代码\n".encode(), CSV),
    ("名称,代码\n".encode("gb18030"), CSV),
    (b"a,b\n\x00,\x00\n", CSV),
    ("a,b\n1,2\n".encode("utf-16"), CSV),
    (b"BM,MZ\n1,2\n", CSV),
    (b"MZ,BZh\n1,2\n", CSV),
    (b"RIFF,x\n", CSV),
    (b"[]", JSON),
    (b'\xef\xbb\xbf\n [{"a": "%PDF-1.7 <html>"}]', JSON),
    (b'{"items": [{"a": 1}]}', JSON),
    (b'{"a": 1}', JSON),
    (b'{"a": 1}\n{"a": 2}\n', JSON_LINES),
    (b'{"a": "<b>"} \r\n\r\n{"a": 2}', JSON_LINES),
    (json.dumps([{"a": 1}], indent=2).encode(), JSON),
    (WORKBOOK, XLSX),
]
OTHERS = {
    "PDF": b"%PDF-1.7\n%\xe2\xe3",
    "an ELF program": b"\x7fELF\x02\x01\x01" + b"\x00" * 60,
    "a Windows program": b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00" * 60,
    "a shell script": b"#!/bin/sh\nrm -rf /\n",
    "a Mach-O program": b"\xcf\xfa\xed\xfe\x07\x00\x00\x01",
    "a Java class": b"\xca\xfe\xba\xbe\x00\x00\x00\x34",
    "WebAssembly": b"\x00asm\x01\x00\x00\x00",
    "a Windows link": b"L\x00\x00\x00\x01\x14\x02\x00\x00\x00",
    "PNG": b"\x89PNG\r\n\x1a\n" + b"\x00" * 8,
    "JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "GIF": b"GIF89a\x01\x00\x01\x00",
    "BMP": b"BM\x36\x00\x0c\x00\x00\x00\x00\x00\x36\x00",
    "TIFF": b"II*\x00\x08\x00",
    "WebP": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "ICO": b"\x00\x00\x01\x00\x01\x00",
    "HTML": b"<!DOCTYPE html><html></html>",
    "HTML behind space": b"\xef\xbb\xbf \r\n\t<script>alert(1)</script>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>',
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
    "zip": packed("a.csv"),
    "an empty zip": packed(),
    "jar": packed("META-INF/MANIFEST.MF"),
    "docx": packed("[Content_Types].xml", "word/document.xml"),
    "gzip": b"\x1f\x8b\x08\x00",
    "bzip2": b"BZh91AY&SY\x00",
    "xz": b"\xfd7zXZ\x00\x00",
    "7z": b"7z\xbc\xaf\x27\x1c\x00",
    "rar": b"Rar!\x1a\x07\x01\x00",
    "zstd": b"\x28\xb5\x2f\xfd\x24",
    "tar": b"a.csv".ljust(257, b"\x00") + b"ustar\x0000",
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 8,
    "rtf": b"{\\rtf1\\ansi}",
    "SQLite": b"SQLite format 3\x00",
    "mp4": b"\x00\x00\x00\x18ftypmp42",
    "mp3": b"ID3\x03\x00\x00\x00",
    "every byte": bytes(range(256)),
    "an encrypted workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    + "EncryptedPackage".encode("utf-16-le"),
}


@pytest.mark.parametrize(("data", "kind"), READABLE, ids=lambda value: repr(value)[:16])
def test_what_the_departments_read_is_told_apart_by_its_bytes(data, kind):
    assert kind_of(data) == kind
    for declared in ("", "application/octet-stream", "application/x-www-form-urlencoded"):
        check_upload(declared, "", data)


@pytest.mark.parametrize("name", OTHERS)
def test_anything_else_is_refused_whatever_it_is_said_to_be(name):
    assert kind_of(OTHERS[name]) not in READ
    for declared in ("", "text/csv", "application/json", "application/octet-stream"):
        with pytest.raises(UploadTypeRefused) as refused:
            check_upload(declared, "", OTHERS[name])
        assert [violation.field for violation in refused.value.violations] == ["file"]


def test_who_brings_an_encrypted_workbook_is_told_what_to_do():
    with pytest.raises(UploadTypeRefused, match="取消打开密码"):
        check_upload("", "", OTHERS["an encrypted workbook"])


@pytest.mark.parametrize(
    ("declared", "data", "fits"),
    [
        ("text/csv", b"a,b\n", True),
        ("TEXT/CSV; charset=gb18030", b"a,b\n", True),
        ("application/vnd.ms-excel", b"a,b\n", True),
        ("text/plain", b"a,b\n", True),
        ("text/plain", b"[]", True),
        ("application/json", b'{"a": 1}\n{"a": 2}', True),
        ("application/x-ndjson", b'{"a": 1}', True),
        ("application/json", b"", True),
        ("text/csv", b"[]", False),
        ("application/json", b"a,b\n", False),
        ("application/pdf", b"a,b\n", False),
        ("image/png", b"[]", False),
        ("multipart/form-data; boundary=x", b"--x\r\n", False),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"a,b\n", False),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", WORKBOOK, True),
        ("application/vnd.ms-excel", WORKBOOK, True),
        ("text/csv", WORKBOOK, False),
        ("application/json", WORKBOOK, False),
        ("x/y", b"a,b\n", False),
        ("\xff", b"a,b\n", False),
    ],
)
def test_a_declaration_must_not_contradict_the_bytes(declared, data, fits):
    with contextlib.nullcontext() if fits else pytest.raises(UploadTypeRefused):
        check_upload(declared, "", data)


@given(
    data=st.binary(max_size=400), declared=st.text(max_size=40), disposition=st.text(max_size=80)
)
def test_no_file_and_no_header_whatever_breaks_the_check(data, declared, disposition):
    with contextlib.suppress(UploadTypeRefused, FileNameRefused):
        check_upload(declared, disposition, data)
    with contextlib.suppress(UploadTypeRefused, FileNameRefused):
        check_upload("", f"attachment; filename*={disposition}", data)


@pytest.mark.parametrize(
    "name", ["a.csv", "双公示 许可（2026年）.csv", "a-b_c.2026.json", "䶮𠮷\ue123.csv"]
)
def test_a_plain_name_stays_as_it_is(name):
    assert safe_name(name) == name
    check_upload("", f'attachment; filename="{name.encode().decode("latin-1")}"', b"a,b\n")


def test_a_name_is_written_in_one_way_only():
    assert safe_name("e\u0301.csv") == "\u00e9.csv"


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "...", " ", ".bashrc", "a.", "a ", " a", "../a", "a/b", "/etc/passwd"),
        *("..\\a", "C:\\a", "C:a", "a:stream", "\\\\host\\share", "a\x00.csv", "a\r\nX: 1", "a\tb"),
        *(
            "\x7f",
            "\x85",
            "a\u202egpj.exe",
            "a\u200bb",
            "\ufeffa",
            "a\u2028b",
            "\ud800",
            "a|b",
            "a?",
        ),
        *("con", "CON", "nul.csv", "NUL.tar.gz", "COM1", "lpt9.csv", "COM¹", "CONIN$", "aux .csv"),
        *("a" * 256, "政" * 86, "a*", 'a"b', "<a>"),
    ],
    ids=ascii,
)
def test_a_name_that_leads_elsewhere_or_means_something_else_is_refused(name):
    with pytest.raises(FileNameRefused):
        safe_name(name)


@pytest.mark.parametrize(
    "disposition",
    [
        'attachment; filename="../../etc/passwd"',
        "attachment; filename*=UTF-8''..%2f..%2fetc%2fpasswd",
        "attachment; filename*0=a; filename*1=/b",
        "attachment; filename=a\x00b",
        "form-data; name=file; filename=NUL",
        "attachment; filename*=undefined''abc.csv",
        "attachment; filename*=idna''%ff.csv",
        "attachment; filename*=punycode''%ff%fe",
        f"attachment; filename*{'1' * 5000}*=x",
    ],
)
def test_a_name_in_a_header_is_looked_at_in_every_way_of_writing_it(disposition):
    with pytest.raises(FileNameRefused):
        check_upload("text/csv", disposition, b"a,b\n")


@given(name=st.text(max_size=300))
def test_what_passes_is_one_name_in_one_folder(name):
    with contextlib.suppress(FileNameRefused):
        safe = safe_name(name)
        assert safe_name(safe) == safe
        assert 0 < len(safe.encode()) <= 255
        assert not set(safe) & set("/\\\0\r\n:")
        assert safe not in {".", ".."}
