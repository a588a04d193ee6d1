"""The ledger as a file on its way out: CSV page by page as it is read, xlsx when it is whole."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from services.metrics.ledger.cells import NO_NAMES, Headers, Names, cells
from services.metrics.ledger.extract import Reporters, names, pages
from services.metrics.ledger.files import Sheet, csv_head, csv_lines
from services.metrics.ledger.store import Selection, Told
from shared.process import Process

Lines = list[list[str]]


async def csv_chunks(process: Process, wanted: Selection, headers: Headers) -> AsyncIterator[bytes]:
    """Yield a CSV file; its head comes when the database has answered, so that there is no half of an answer."""
    known = await _names(process, wanted)
    yield csv_head(headers)
    async for lines in _lines(process, wanted, headers, known):
        yield await asyncio.to_thread(csv_lines, lines)


async def xlsx_file(process: Process, wanted: Selection, headers: Headers) -> IO[bytes]:
    """Return an xlsx file without a name, to be sent and closed; written by threads, the loop goes on meanwhile.

    Raises Invalid when there are more rows than a sheet can hold.
    """
    known = await _names(process, wanted)
    file = await asyncio.to_thread(TemporaryFile)
    with TemporaryDirectory(prefix="ledger-") as folder:
        sheet = await asyncio.to_thread(Sheet, file, folder, headers)
        try:
            async for lines in _lines(process, wanted, headers, known):
                await asyncio.to_thread(sheet.add, lines)
        except BaseException:
            sheet.abandon()
            file.close()
            raise
        await asyncio.to_thread(sheet.close)
    return file


async def _names(process: Process, wanted: Selection) -> Mapping[int, Names]:
    async with process.database.transaction(wanted.street_ids, read_only=True) as tx:
        return await names(tx, wanted.street_ids)


async def _lines(
    process: Process, wanted: Selection, headers: Headers, known: Mapping[int, Names]
) -> AsyncIterator[Lines]:
    reporters = Reporters(process)

    def written(page: list[Told]) -> Lines:
        return [
            cells(reporters.row(told), headers, known.get(told.ticket["street_id"], NO_NAMES))
            for told in page
        ]

    async for page in pages(process.database, wanted):
        yield await asyncio.to_thread(written, page)
