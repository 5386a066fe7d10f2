"""The generator of the documentation: every public name has a page, no link is dead, and text becomes HTML as it should."""

import importlib.util
import inspect
import re
import sys
from pathlib import Path

import pytest

import cornu

BUILD = Path(__file__).parents[2] / "docs" / "build.py"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("docs_build", BUILD)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def site(build, tmp_path_factory):
    """The pages as written to a folder: their text, by path."""
    out = tmp_path_factory.mktemp("docs")
    assert build.main(["--out", str(out)]) == 0
    return {str(path.relative_to(out)): path.read_text(encoding="utf-8") for path in out.rglob("*.html")}


def public():
    """Each public name as `room.name`, found without the generator."""
    for room in cornu.__all__:
        value = getattr(cornu, room)
        if inspect.ismodule(value):
            yield from (f"cornu.{room}.{name}" for name in getattr(value, "__all__", ()) if not inspect.ismodule(getattr(value, name)))
        else:
            yield f"cornu.{room}"
    yield from (f"cornu.optimizers.schedules.{name}" for name in cornu.optimizers.schedules.__all__)
    yield from (f"cornu.ops.{op.op_name}" for op in vars(cornu.ops).values() if hasattr(op, "op_name"))


def test_every_public_name_has_a_page(site):
    titles = {re.search(r"<h1[^>]*>([^<]*)</h1>", text)[1] for text in site.values()}
    names = list(public())
    assert len(names) > 500
    assert set(names) - titles == set()


def test_every_page_written_by_hand_is_made_and_listed_on_the_first(site):
    written = {path.stem for path in BUILD.parent.glob("*.md")}
    assert {"quantization", "benchmarks", "index"} <= written
    assert {f"{name}.html" for name in written} <= set(site)
    listed = set(re.findall(r'href="([^"/]+)\.html"', site["index.html"].partition("<main>")[2]))
    assert written - {"index"} <= listed


def test_no_two_pages_are_one_file_where_case_does_not_count(site):
    assert len({path.lower() for path in site}) == len(site)


def test_a_page_has_signature_arguments_example_and_members(site):
    page = site["api/cornu.layers/Dense.html"]
    assert "units: int," in page
    assert "<dt><code>units</code></dt><dd>the number of outputs.</dd>" in page
    assert "&gt;&gt;&gt; import numpy" in page
    assert '<h3 id="build">' in page
    assert "Another name of" in site["api/cornu/Model.html"]


def test_pages_written_by_hand_are_linked_with_each_other(site):
    assert {"index.html", "architecture.html", "why.html", "differences.html", "changelog.html", "contributing.html"} <= set(site)
    assert 'href="architecture.html"' in site["index.html"]


def test_what_is_wrong_is_told(build):
    rooms = [
        build.Room(
            "cornu",
            cornu,
            [build.Entry("cornu", "absent", build.MISSING, "api/a.html"), build.Entry("cornu", "f", lambda: 0, "api/f.html")],
        )
    ]
    wrong = build.Site(rooms)
    wrong.pages["a.html"] = '<a href="b.html">b</a> <a href="#here">here</a> <a href="https://example.org">there</a>'
    assert build.faults(wrong) == [
        "listed in `__all__`, and not there: cornu.absent", "no docstring: cornu.f", "link that leads nowhere: a.html: b.html",
        "link that leads nowhere: a.html: #here",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One `a < b` *two* **three**.", "<p>One <code>a &lt; b</code> <em>two</em> <strong>three</strong>.</p>"),
        ("`2 * x * y` and 3 * 4", "<p><code>2 * x * y</code> and 3 * 4</p>"),
        ("See [the map](architecture.md#floors).", '<p>See <a href="architecture.html#floors">the map</a>.</p>'),
        ("At https://arxiv.org/abs/1711.05101.", '<p>At <a href="https://arxiv.org/abs/1711.05101">https://arxiv.org/abs/1711.05101</a>.</p>'),
        ("## A `b` c", '<h2 id="a-b-c">A <code>b</code> c</h2>'),
        ("- one\n  more\n- two", "<ul><li>one more</li><li>two</li></ul>"),
        ("1. one\n2. two", "<ol><li>one</li><li>two</li></ol>"),
        ("| a | b |\n|---|---|\n| `c` | d |", "<table><tr><th>a</th><th>b</th></tr><tr><td><code>c</code></td><td>d</td></tr></table>"),
        ("Text:\n\n    code <here>\n      more\n\nText", "<p>Text:</p>\n<pre>code &lt;here&gt;\n  more</pre>\n<p>Text</p>"),
        ("```python\nx = 1\n\ny\n```", "<pre>x = 1\n\ny</pre>"),
        ("Args:\n    a: one\n        line.\n    b: 2.", "<h4>Args</h4><dl><dt><code>a</code></dt><dd>one line.</dd><dt><code>b</code></dt><dd>2.</dd></dl>"),
        ("Shapes: (n,) to\n(m,).", "<p><strong>Shapes:</strong> (n,) to (m,).</p>"),
        (">>> 1 + 1\n2\n\nEnd", "<pre>&gt;&gt;&gt; 1 + 1\n2</pre>\n<p>End</p>"),
    ],
)  # fmt: skip
def test_text_to_html(build, text, expected):
    assert build.to_html(text) == expected


def test_names_in_code_become_links(build):
    assert build.to_html("`ops.add`", {"ops.add": "add.html"}.get) == '<p><a href="add.html"><code>ops.add</code></a></p>'
