"""The code in hand-written pages runs, from top to bottom of each page, and prints what the page says it prints."""

import contextlib
import io
import re
import sys
from pathlib import Path

import pytest

import cornu
import cornu.compat

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?|-?\d+e[-+]?\d+")


def pieces(path):
    """Each block of Python on the page, with the text that the page shows as its output."""
    fences = FENCE.findall(path.read_text(encoding="utf-8"))
    return [
        (code, fences[i + 1][1] if i + 1 < len(fences) and fences[i + 1][0] == "text" else "")
        for i, (language, code) in enumerate(fences)
        if language == "python"
    ]


def same(said, printed):
    """Whether two texts agree but for white space and the last digits of numbers with fractions."""
    words = [NUMBER.sub("#", " ".join(text.split())) for text in (said, printed)]
    figures = [[float(n) for n in NUMBER.findall(text)] for text in (said, printed)]
    return words[0] == words[1] and figures[0] == pytest.approx(figures[1], rel=0.05, abs=0.05)


@contextlib.contextmanager
def keras_aside():
    """Inside, the real Keras is as if it had not been imported: a page may have Cornu take its name."""
    aside = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "keras"}
    try:
        yield
    finally:
        cornu.compat.uninstall()
        sys.modules.update(aside)


@pytest.mark.parametrize("path", [page for page in PAGES if pieces(page)], ids=lambda path: path.stem)
def test_what_pages_show_is_what_happens(path, tmp_path, monkeypatch):
    for package in ("jax", "torch", "sklearn"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    shared = {"__name__": "page"}
    cornu.utils.clear_session()  # automatic names count from the start, as in a program of its own
    with cornu.use_backend("jax"), keras_aside():
        for code, said in pieces(path):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(code, str(path), "exec"), shared)
            assert same(said, printed.getvalue()), f"{path.name} says\n{said}\nand its code prints\n{printed.getvalue()}"


def test_texts_that_differ_are_told_apart():
    assert same("loss 0.501, 3 rows", "loss  0.502,\n3 rows")
    assert not same("loss 0.5, 3 rows", "loss 0.9, 3 rows")
    assert not same("3 rows", "4 rows")


@pytest.mark.parametrize("path", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda path: path.stem)
def test_files_that_pages_name_are_there(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert "://" in target or (path.parent / target).exists(), f"{path.name} links to {target}"
    for name in re.findall(r"`((?:cornu|tests|benchmarks|examples|docs)/[\w/.]+)`", text):
        if name.partition("/")[0] != "docs" or name.endswith((".md", ".py")):
            assert (ROOT / name).exists(), f"{path.name} names {name}"
