"""An Excel workbook as rows of cells. It is looked at before it is opened: a small file can unfold without end.

The reader lays a sheet out in memory as a full rectangle, so two cells far apart would cost what lies between.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from shared.sheets.faults import Cell, NotATable

MOST_UNFOLDED: Final = 1 << 29
"""Bytes of all parts of a workbook together once unpacked; 100,000 full rows come to some 150 MB."""
MOST_CELLS: Final = 12_000_000
_PIECE: Final = 1 << 18
_ZIP, _OLE, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"
# A cell element that is not empty (<c r="A1" s="3"/> holds a format and nothing else).
_FILLED: Final = re.compile(rb"""<(?:\w+:)?c\s[^<>]*?\br=["']([A-Za-z]{1,3})(\d{1,7})["'][^<>/]*>""")
_TAIL: Final = 512  # longer than any opening tag of a cell
_LETTERS: Final = 26
_SHEETS: Final = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: all its rows from the first on, empty ones included."""

    name: str
    rows: Iterator[Sequence[Cell]]
    height: int


def is_workbook(content: bytes) -> bool:
    """Say whether a file is a workbook rather than text; raise NotATable for what is known to be neither."""
    if not content.strip():
        raise NotATable("文件是空的")
    if content.startswith(_OLE):
        raise NotATable("这是旧版 Excel(.xls)或加了密码的文件,请另存为不加密码的 .xlsx 或 CSV 再导入")
    if content.startswith(_PDF):
        raise NotATable("这是 PDF 文件,请导入 .xlsx 或 CSV 格式的文件")
    return content.startswith(_ZIP)


def sheets(content: bytes) -> Iterator[Sheet]:
    """Yield the visible worksheets; raise NotATable."""
    _guard(content)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            for number, sheet in enumerate(book.sheets_metadata):
                if sheet.typ is SheetTypeEnum.WorkSheet and sheet.visible is SheetVisibleEnum.Visible:
                    opened = book.get_sheet_by_index(number)
                    yield Sheet(sheet.name, opened.iter_rows(), opened.total_height)
    except CalamineError as error:
        raise NotATable("这个 Excel 文件已损坏,请用 Excel 打开后另存为 .xlsx 再试") from error


def _guard(content: bytes) -> None:
    """Raise NotATable for a workbook that would not fit into memory, or is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            left = MOST_UNFOLDED
            for part in archive.infolist():
                left -= _measured(content, part, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        if isinstance(error, NotATable):
            raise
        raise NotATable("这个 Excel 文件已损坏,请用 Excel 打开后另存为 .xlsx 再试") from error


def _measured(content: bytes, part: zipfile.ZipInfo, most: int) -> int:
    """Return how many bytes a part unfolds to, counted rather than believed."""
    extent = _Extent() if _SHEETS.fullmatch(part.filename) else None
    size = 0
    for piece in _unfolded(content, part):
        size += len(piece)
        if size > most:
            raise NotATable("这个 Excel 文件解压后过大,请分成几个文件导入")
        if extent is not None:
            extent.take(piece)
    return size


def _unfolded(content: bytes, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a part unpacked, piece by piece, to the end of its own stream whatever length it claims."""
    start = part.header_offset
    name, extra = (int.from_bytes(content[start + at : start + at + 2], "little") for at in (26, 28))
    begin = start + 30 + name + extra
    if part.flag_bits & 1:
        raise NotATable("这个 Excel 文件加了密码,请去掉密码再导入")
    if part.compress_type == zipfile.ZIP_STORED:
        yield content[begin : begin + part.compress_size]
        return
    if part.compress_type != zipfile.ZIP_DEFLATED:
        raise NotATable("这个 Excel 文件的压缩方式不支持,请用 Excel 打开后另存为 .xlsx 再试")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = memoryview(content)[begin:]
    taken = 0
    while not unpacker.eof and (taken < len(packed) or unpacker.unconsumed_tail):
        feed = unpacker.unconsumed_tail or bytes(packed[taken : taken + _PIECE])
        if not unpacker.unconsumed_tail:
            taken += len(feed)
        yield unpacker.decompress(feed, _PIECE * 4)


class _Extent:
    """How far the filled cells of a sheet reach, found in its XML as that passes by."""

    def __init__(self) -> None:
        self._tail = b""
        self._rows = self._columns = 0

    def take(self, piece: bytes) -> None:
        """Look at the next piece; raise NotATable once the rectangle is too large."""
        text = self._tail + piece
        end = 0
        last = self._rows, self._columns
        for found in _FILLED.finditer(text):
            end = found.end()
            self._rows = max(self._rows, int(found[2]))
            if len(found[1]) > 1 or self._columns < _LETTERS:
                self._columns = max(self._columns, _column(found[1]))
        if (self._rows, self._columns) != last and self._rows * self._columns > MOST_CELLS:
            raise NotATable("这个工作表的行列过多,请删去表格以外的内容或分成几个文件导入")
        self._tail = text[max(end, len(text) - _TAIL) :]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * _LETTERS + letter - 64
    return number
