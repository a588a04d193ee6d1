"""Files and functions stay small enough to be read in one go; public modules say what they are for."""

import ast
import io
import tokenize

import pytest

from tests.fixtures.servers import ROOT

FILE, FUNCTION = 300, 50
# path → why it may be longer; empty, and best left so.
EXCEPTIONS: dict[str, str] = {}
FILES = sorted(p for room in ("services", "shared") for p in (ROOT / room).rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(ROOT)) for p in FILES])
_NOT_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(source):
    """Return how many lines hold code: not blank, not only a comment, not a docstring."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NOT_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return len(lines)


@every_file
def test_a_file_is_read_in_one_go(path):
    source = path.read_text(encoding="utf-8")
    assert code_lines(source) <= FILE
    assert str(path.relative_to(ROOT)) not in EXCEPTIONS


@every_file
def test_functions_fit_on_a_screen(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= FUNCTION
    }
    assert not long


@every_file
def test_a_module_says_what_it_is_for(path):
    source = path.read_text(encoding="utf-8")
    if source.strip():
        assert ast.get_docstring(ast.parse(source))
