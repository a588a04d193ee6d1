"""Texts with their categories: the invented ones that come with the software, and files in the same form."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("texts")


class Labelled(NamedTuple):
    """A text, its category, and what the resident wants where the file says so."""

    text: str
    code: str
    kind: str | None = None


def read(file: Path) -> list[Labelled]:
    """Return the rows of a CSV file (text, code, and kind if it is there); RuntimeError says what is wrong with it."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"text", "code"} <= set(rows.fieldnames or ()):
                raise RuntimeError(f"{file} 的表头应有 text 和 code 两列")
            return [_labelled(file, rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RuntimeError(f"读不了文件 {file}:{error}") from error


def _labelled(file: Path, line: int, row: dict[str, str | None]) -> Labelled:
    text, code = row["text"], row["code"]
    if not text or not code:
        raise RuntimeError(f"{file} 第 {line} 行缺少文字或分类代码")
    return Labelled(text, code, row.get("kind") or None)


def packaged_texts() -> Iterator[tuple[str, list[Labelled]]]:
    """Yield the invented texts that come with the software, writer by writer."""
    for file in sorted(FOLDER.glob("*.csv")):
        yield file.stem, read(file)
