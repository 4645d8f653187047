"""Workbooks as tests need them: written as a spreadsheet program would, or part by part."""

import io
import zipfile
from xml.sax.saxutils import escape

import xlsxwriter

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def book(*sheets, **more):
    """A workbook with sheets, each a name and the cells of its rows; `hide` names one hidden."""
    file = io.BytesIO()
    options = {"in_memory": True, "default_date_format": "yyyy-mm-dd", "strings_to_urls": False}
    with xlsxwriter.Workbook(file, {**options, "strings_to_formulas": False}) as whole:
        for name, rows in sheets:
            sheet = whole.add_worksheet(name)
            if name == more.get("hide"):
                sheet.hide()
            for number, cells in enumerate(rows):
                for place, cell in enumerate(cells):
                    sheet.write(number, place, cell)
    return file.getvalue()


def table(rows):
    """A workbook of one sheet whose rows are records of the same names."""
    names = list(rows[0])
    return book(("Sheet1", [names, *([row[name] for name in names] for row in rows)]))


def packed(sheet, *, shared=None, compressed=True, extra=()):
    """A workbook around the XML of one sheet's data.

    Args:
        shared: the XML inside the table of shared texts.
        extra: further parts, each its name and content.
    """
    links = f'<Relationship Id="r1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
    if shared is not None:
        links += f'<Relationship Id="r2" Type="{LINKS}/sharedStrings" Target="sharedStrings.xml"/>'
    sheets = '<sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets>'
    parts = [
        ("[Content_Types].xml", "<Types/>"),
        ("xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{LINKS}">{sheets}</workbook>'),
        ("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>"),
        (
            "xl/worksheets/sheet1.xml",
            f"<worksheet {MAIN}><sheetData>{sheet}</sheetData></worksheet>",
        ),
        *([("xl/sharedStrings.xml", f"<sst {MAIN}>{shared}</sst>")] if shared is not None else []),
        *extra,
    ]
    file = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", how) as whole:
        for name, content in parts:
            whole.writestr(name, content)
    return file.getvalue()


def cell(place, text, kind="inlineStr"):
    """The XML of one cell."""
    if kind == "inlineStr":
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
    return f'<c r="{place}" t="{kind}"><v>{escape(text)}</v></c>'


HEAD = f'<row r="1">{cell("A1", "甲")}{cell("B1", "乙")}</row>'
GOOD = f'{HEAD}<row r="2">{cell("A2", "1")}{cell("B2", "2")}</row>'
