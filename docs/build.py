"""Makes the documentation: a page for each public name, from its signature and docstring, and the pages written by hand.

    python docs/build.py                 writes to build/docs
    python docs/build.py --out FOLDER    writes elsewhere

Hand-written pages are the `.md` files beside this one, with README.md, CHANGELOG.md and CONTRIBUTING.md. A link between pages that leads nowhere,
and a public name without a docstring, end the build with status 1.
"""

from __future__ import annotations

import argparse
import html
import importlib
import inspect
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the package beside this folder, installed or not
WRITTEN = {
    "index": "docs/index.md", "getting-started": "docs/getting-started.md", "training": "docs/training.md", "extending": "docs/extending.md",
    "backends": "docs/backends.md", "architecture": "docs/architecture.md", "why": "docs/why.md", "differences": "docs/differences.md",
    "dtypes": "docs/dtypes.md", "running-keras-programs": "docs/running-keras-programs.md", "transfer-learning": "docs/transfer-learning.md",
    "quantization": "docs/quantization.md", "distribution": "docs/distribution.md", "benchmarks": "docs/benchmarks.md",
    "contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md", "readme": "README.md",
}  # fmt: skip
"""Hand-written pages: the name of the page, and where its Markdown stands."""


# --- what is public ---------------------------------------------------------------------------------------------------

MISSING = object()
"""Stands for a name that is listed and is not there."""


@dataclass
class Entry:
    """One public name of a room."""

    room: str  # "cornu.layers"
    name: str
    value: Any
    page: str = ""  # path of its page under the output folder
    original: Entry | None = None  # the entry of the same object under its own name, where this is another name for it

    @property
    def full(self) -> str:
        return f"{self.room}.{self.name}"


@dataclass
class Room:
    """A public module, and what it exports."""

    name: str
    module: ModuleType
    entries: list[Entry] = field(default_factory=list)

    @property
    def page(self) -> str:
        return f"api/{self.name}.html"


def public_names(module: ModuleType) -> list[str]:
    """The names that a module exports: its `__all__`, else what is bound in it and is neither private nor a module."""
    listed = getattr(module, "__all__", None)
    if listed is None:
        listed = [n for n, v in vars(module).items() if not n.startswith("_") and not inspect.ismodule(v)]
    return sorted(set(listed) - {"annotations"})


def find_rooms(package: str = "cornu") -> list[Room]:
    """The package's public modules and their public names, modules inside modules included; the package itself comes last."""
    top = importlib.import_module(package)
    found: dict[str, Room] = {}

    def visit(module: ModuleType, name: str) -> None:
        room = found[name] = Room(name, module)
        for member in public_names(module):
            value = getattr(module, member, MISSING)
            if not inspect.ismodule(value):
                room.entries.append(Entry(name, member, value))
            elif value.__name__.startswith(name) and value.__name__ not in found:
                visit(value, value.__name__)

    visit(top, package)
    rooms = [*(room for name, room in sorted(found.items()) if name != package), found[package]]
    _give_pages(rooms)
    return rooms


def _give_pages(rooms: list[Room]) -> None:
    originals: dict[int, Entry] = {}
    for room in rooms:
        taken: set[str] = set()
        for entry in room.entries:
            stem, n = entry.name.strip("_"), 1
            while f"{stem}{n}".lower() in taken:  # Huber and huber would be one file where case does not count
                n += 1
            taken.add(f"{stem}{n}".lower())
            entry.page = f"api/{room.name}/{stem}{'' if n == 1 else f'.{n}'}.html"
            if is_documented_kind(entry.value) and getattr(entry.value, "__name__", None) == entry.name:
                originals.setdefault(id(entry.value), entry)
    for entry in (e for room in rooms for e in room.entries):
        original = originals.get(id(entry.value))
        entry.original = None if original is entry else original


def is_documented_kind(value: Any) -> bool:
    """Whether docstrings are expected: of classes and functions, not of plain values."""
    return inspect.isclass(value) or inspect.isroutine(value)


# --- text to HTML -----------------------------------------------------------------------------------------------------

SECTIONS = re.compile(r"^(Args|Arguments|Attributes|Raises|Returns|Gives|Shapes|Yields):\s*(.*)$")
FENCE, HEADING, ITEM = re.compile(r"^```(\w*)$"), re.compile(r"^(#{1,4}) (.+)$"), re.compile(r"^(\d+\.|-) (.*)$")
Linker = Callable[[str], str | None]


def inline(text: str, link: Linker) -> str:
    """One line of running text: code between backticks, **strong**, *emphasis*, [links](target) and bare addresses."""
    parts = []
    for i, piece in enumerate(text.split("`")):
        if i % 2:
            target = link(piece)
            code = f"<code>{html.escape(piece)}</code>"
            parts.append(f'<a href="{target}">{code}</a>' if target else code)
        else:
            parts.append(html.escape(piece, quote=False))
    marked = "\0".join(parts[1::2])  # set aside: what stands between backticks is not marked up
    codes = iter(marked.split("\0"))
    flat = "\1".join(parts[0::2])
    flat = re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", lambda m: f'<a href="{_target(m[2])}">{m[1]}</a>', flat)
    flat = re.sub(r'(?<!["=>])(https?://[^\s<>)]+[^\s<>).,;:])', r'<a href="\1">\1</a>', flat)
    flat = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", flat)
    flat = re.sub(r"(?<![*\w])\*([^*\s][^*]*)\*(?!\w)", r"<em>\1</em>", flat)
    return re.sub("\1", lambda _: next(codes), flat)


def _target(href: str) -> str:
    """A link between Markdown files as one between pages."""
    names = {PurePosixPath(source).name: name for name, source in WRITTEN.items()}
    path, _, anchor = href.partition("#")
    page = names.get(PurePosixPath(path).name) if path.endswith(".md") else None
    return href if page is None else f"{page}.html" + (f"#{anchor}" if anchor else "")


def slug(text: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w]+", "-", text.lower().replace("`", "")).strip("-")


def blocks(lines: list[str], link: Linker) -> Iterator[str]:
    """Markdown, in the measure in which our pages and docstrings use it, as pieces of HTML."""
    i = 0
    while i < len(lines):
        line = lines[i]
        kind = next((read for starts, read in _READERS if starts(line)), None)
        if not line.strip():
            i += 1
        elif kind is not None:
            text, i = kind(lines, i, link)
            yield text
        else:
            end = i
            while end < len(lines) and lines[end].strip() and (end == i or not any(s(lines[end]) for s, _ in _READERS[:-1])):
                end += 1
            yield f"<p>{inline(' '.join(part.strip() for part in lines[i:end]), link)}</p>"
            i = end


def to_html(text: str, link: Linker = lambda name: None) -> str:
    """A Markdown text or a docstring as HTML."""
    return "\n".join(blocks(text.expandtabs(4).splitlines(), link))


def _until(lines: list[str], start: int, ends: Callable[[str], bool]) -> int:
    end = start
    while end < len(lines) and not ends(lines[end]):
        end += 1
    return end


def _fence(lines: list[str], i: int, link: Linker) -> tuple[str, int]:
    end = _until(lines, i + 1, lambda line: line == "```")
    return f"<pre>{html.escape(chr(10).join(lines[i + 1 : end]))}</pre>", end + 1


def _heading(lines: list[str], i: int, link: Linker) -> tuple[str, int]:
    level, text = HEADING.match(lines[i]).groups()  # type: ignore[union-attr]
    return f'<h{len(level)} id="{slug(text)}">{inline(text, link)}</h{len(level)}>', i + 1


def _doctest(lines: list[str], i: int, link: Linker) -> tuple[str, int]:
    end = _until(lines, i, lambda line: not line.strip())
    return f"<pre>{html.escape(chr(10).join(lines[i:end]))}</pre>", end


def _table(lines: list[str], i: int, link: Linker) -> tuple[str, int]:
    end = _until(lines, i, lambda line: not line.startswith("|"))
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[i:end]]
    ruled = len(rows) > 1 and all(re.fullmatch(r":?-+:?", cell) for cell in rows[1])
    head, body = (rows[:1], rows[2:]) if ruled else ([], rows)
    made = [
        f"<tr>{''.join(f'<{tag}>{inline(c, link)}</{tag}>' for c in row)}</tr>"
        for tag, part in (("th", head), ("td", body))
        for row in part
    ]
    return f"<table>{''.join(made)}</table>", end


def _list(lines: list[str], i: int, link: Linker) -> tuple[str, int]:
    tag = "ul" if lines[i].startswith("-") else "ol"
    items: list[list[str]] = []
    while i < len(lines):
        match = ITEM.match(lines[i])
        if match:
            items.append([match[2]])
        elif lines[i].startswith("  ") or (not lines[i].strip() and i + 1 < len(lines) and lines[i + 1].startswith("  ")):
            items[-1].append(lines[i])
        elif not lines[i].strip() and i + 1 < len(lines) and ITEM.match(lines[i + 1]):
            pass
        else:
            break
        i += 1
    return f"<{tag}>{''.join(f'<li>{_item(item, link)}</li>' for item in items)}</{tag}>", i


def _item(lines: list[str], link: Linker) -> str:
    inner = to_html("\n".join([lines[0], *inspect.cleandoc("\n" + "\n".join(lines[1:])).splitlines()]), link)
    return inner.removeprefix("<p>").removesuffix("</p>") if inner.count("<p>") == 1 and inner.startswith("<p>") else inner


def _section(lines: list[str], i: int, link: Linker) -> tuple[str, int]:
    """`Args:` and the like: entries `name: text`, indented, or text behind the colon."""
    title, rest = SECTIONS.match(lines[i]).groups()  # type: ignore[union-attr]
    if rest:
        end = _until(lines, i, lambda line: not line.strip())
        return f"<p><strong>{title}:</strong> {inline(' '.join([rest, *map(str.strip, lines[i + 1 : end])]), link)}</p>", end
    end = _until(lines, i + 1, lambda line: bool(line.strip()) and not line.startswith(" "))
    entries: list[str] = []
    for line in filter(str.strip, lines[i + 1 : end]):
        if line.startswith("     ") and entries:
            entries[-1] += " " + line.strip()
        else:
            entries.append(line.strip())
    made = []
    for entry in entries:
        name, colon, text = entry.partition(": ")
        made.append(
            f"<dt><code>{html.escape(name)}</code></dt><dd>{inline(text, link)}</dd>" if colon else f"<dd>{inline(entry, link)}</dd>"
        )
    return f"<h4>{title}</h4><dl>{''.join(made)}</dl>", end


def _indented(lines: list[str], i: int, link: Linker) -> tuple[str, int]:
    end = _until(lines, i, lambda line: bool(line.strip()) and not line.startswith("    "))
    return f"<pre>{html.escape(inspect.cleandoc(chr(10) + chr(10).join(lines[i:end])))}</pre>", end


_READERS: list[tuple[Callable[[str], Any], Callable[[list[str], int, Linker], tuple[str, int]]]] = [
    (FENCE.match, _fence),
    (HEADING.match, _heading),
    (lambda line: line.startswith(">>> "), _doctest),
    (lambda line: line.startswith("|"), _table),
    (ITEM.match, _list),
    (SECTIONS.match, _section),
    (lambda line: line.startswith("    "), _indented),
]
"""What a line begins, and what reads on from there. Indentation comes last: it does not interrupt a paragraph."""


# --- pages ------------------------------------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light dark; --soft: color-mix(in srgb, currentColor 8%, transparent); }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem; border-bottom: 1px solid; padding-bottom: .5rem; margin-bottom: 1.5rem; }
pre, code { font: .9em/1.45 ui-monospace, monospace; background: var(--soft); border-radius: 4px; }
pre { padding: .8rem; overflow-x: auto; } code { padding: 0 .2em; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--soft); padding: .25rem .6rem; text-align: left; vertical-align: top; }
dt { margin-top: .4rem; } h3 { margin-top: 2rem; } .names { columns: 16rem; } .names a { display: block; }
a { color: light-dark(#0b57a4, #8ab8f0); }
"""
SCRIPT = """
<input id="find" placeholder="Find a name" aria-label="Find a name" autofocus>
<script>
document.getElementById("find").addEventListener("input", event => {
  const wanted = event.target.value.toLowerCase();
  for (const a of document.querySelectorAll(".names a")) a.style.display = a.textContent.toLowerCase().includes(wanted) ? "" : "none";
});
</script>
"""


class Site:
    """The pages under one folder, by path; links between them are made relative, and checked at the end."""

    def __init__(self, rooms: list[Room]) -> None:
        self.rooms, self.pages = rooms, dict[str, str]()
        self._places = {room.name: room.page for room in rooms}
        for room in rooms:
            for entry in room.entries:
                place = (entry.original or entry).page
                self._places[entry.full] = place
                self._places.setdefault(entry.full.removeprefix("cornu."), place)

    def add(self, path: str, title: str, body: str) -> None:
        """A page, with the way to the others on top."""
        links = {"index": "Cornu", "getting-started": "Start", "training": "Training", "extending": "Extending", "backends": "Backends",
                 "architecture": "Architecture", "differences": "Differences", "why": "Why"}  # fmt: skip
        there = [(f"{name}.html", text) for name, text in links.items()] + [("api/index.html", "All names")]
        nav = "".join(f'<a href="{relative(page, path)}">{text}</a>' for page, text in there)
        self.pages[path] = (
            f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(title)}</title><style>{STYLE}</style><nav>{nav}</nav>\n<main>{body}</main></html>\n"
        )

    def linker(self, path: str) -> Linker:
        """Finds the page of a public name, as seen from a page."""

        def link(name: str) -> str | None:
            place = self._places.get(name.removesuffix("()"))
            return None if place is None or place == path else relative(place, path)

        return link

    def dead_links(self) -> list[str]:
        """Links between pages that lead nowhere."""
        dead = []
        for path, text in self.pages.items():
            for href in re.findall(r'href="([^"]+)"', text):
                page, _, anchor = html.unescape(href).partition("#")
                if "://" in page:
                    continue
                target = _resolved(page, path) if page else path
                if target not in self.pages or (anchor and f'id="{anchor}"' not in self.pages[target]):
                    dead.append(f"{path}: {href}")
        return dead


def relative(target: str, path: str) -> str:
    """A link from one page to another."""
    return "../" * path.count("/") + target


def _resolved(href: str, path: str) -> str:
    parts = list(PurePosixPath(path).parent.parts)
    for part in PurePosixPath(href).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


class _Plain(str):
    """An annotation that is shown without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def signature(value: Any, name: str) -> str:
    """How a name is written in a call, a parameter a line where one line would be long; the name alone where nothing is known."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return name
    parts = [_shown(p) for p in found.parameters.values() if p.name not in ("self", "cls")]
    returns = inspect.Signature.empty if inspect.isclass(value) or found.return_annotation in (None, "None") else found.return_annotation
    flat = name + str(inspect.Signature(parts, return_annotation=_Plain(returns) if isinstance(returns, str) else returns))
    if len(flat) <= 100:
        return flat
    first_keyword = next((p for p in parts if p.kind is p.KEYWORD_ONLY), None)
    star = first_keyword is not None and not any(p.kind is p.VAR_POSITIONAL for p in parts)
    lines = [line for p in parts for line in (["    *,"] if star and p is first_keyword else []) + [f"    {p},"]]
    return "\n".join([f"{name}(", *lines, ")"]) + (f" -> {returns}" if isinstance(returns, str) else "")


def _shown(parameter: inspect.Parameter) -> inspect.Parameter:
    """The parameter with what is to be shown: annotations without quotes, functions and classes by their names."""
    annotation, default = parameter.annotation, parameter.default
    named = getattr(default, "__name__", None) if default is not parameter.empty else None
    return parameter.replace(
        annotation=_Plain(annotation) if isinstance(annotation, str) else annotation, default=_Plain(named) if named else default
    )


def members(cls: type) -> tuple[list[tuple[str, Any]], list[tuple[str, type]]]:
    """Public methods and properties that a class defines itself; and those that it has from a base, with that base."""
    own, inherited = [], []
    for name in sorted(n for n in dir(cls) if not n.startswith("_")):
        owner = next((base for base in cls.__mro__ if name in vars(base)), cls)
        value = inspect.getattr_static(cls, name)
        if not (isinstance(value, (property, staticmethod, classmethod)) or inspect.isroutine(value) or hasattr(value, "func")):
            continue
        if owner is cls:
            own.append((name, value))
        elif owner.__module__.startswith("cornu"):
            inherited.append((name, owner))
    return own, inherited


def entry_page(site: Site, entry: Entry) -> str:
    """The page of one public name."""
    link, value = site.linker(entry.page), entry.value
    top = f'<p><a href="{relative(f"api/{entry.room}.html", entry.page)}">{entry.room}</a></p><h1>{entry.full}</h1>'
    if entry.original is not None:
        there = f'<a href="{relative(entry.original.page, entry.page)}"><code>{entry.original.full}</code></a>'
        return f"{top}<p>Another name of {there}.</p><pre>{html.escape(signature(value, entry.name))}</pre>"
    if not is_documented_kind(value):
        return f"{top}<pre>{html.escape(f'{entry.name} = {value!r}')}</pre>"
    body = to_html(inspect.getdoc(value) or "", link)
    text = f"{top}<pre>{html.escape(signature(value, entry.name))}</pre>{body}"
    return text + (_class_members(value, link) if inspect.isclass(value) else "")


def _class_members(cls: type, link: Linker) -> str:
    own, inherited = members(cls)
    parts = ["<h2>Members</h2>"] if own else []
    for name, value in own:
        call = getattr(cls, name, value)
        shown = name if isinstance(value, property) or hasattr(value, "func") else signature(call, name)
        text = inspect.getdoc(call if call is not None else value) or ""
        parts.append(f'<h3 id="{name}"><code>{name}</code></h3><pre>{html.escape(shown)}</pre>{to_html(text, link)}')
    if inherited:
        names = ", ".join(inline(f"`{owner.__name__}.{name}`", link) for name, owner in inherited)
        parts.append(f"<h2>From its bases</h2><p>{names}</p>")
    return "".join(parts)


def room_page(site: Site, room: Room) -> str:
    """The page of one room: what it is, and its names with their first sentences."""
    link = site.linker(room.page)
    rows = []
    for entry in room.entries:
        doc = (inspect.getdoc(entry.value) or "") if is_documented_kind(entry.value) else repr(entry.value)[:80]
        first = f"Another name of `{entry.original.full}`." if entry.original else doc.partition("\n\n")[0].replace("\n", " ")
        rows.append(
            f'<tr><td><a href="{relative(entry.page, room.page)}"><code>{entry.name}</code></a></td><td>{inline(first, link)}</td></tr>'
        )
    return f"<h1>{room.name}</h1>{to_html(inspect.getdoc(room.module) or '', link)}<table>{''.join(rows)}</table>"


def make_site() -> Site:
    """All pages."""
    site = Site(find_rooms())
    for name, source in WRITTEN.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        site.add(f"{name}.html", f"Cornu: {name}", to_html(text, site.linker(f"{name}.html")))
    listed = ""
    for room in site.rooms:
        site.add(room.page, room.name, room_page(site, room))
        names = "".join(f'<a href="{relative(e.page, "api/index.html")}">{e.name}</a>' for e in room.entries)
        listed += f'<h2><a href="{relative(room.page, "api/index.html")}">{room.name}</a></h2><div class="names">{names}</div>'
        for entry in room.entries:
            site.add(entry.page, entry.full, entry_page(site, entry))
    site.add("api/index.html", "Cornu: all names", f"<h1>All names</h1>{SCRIPT}{listed}")
    return site


def faults(site: Site) -> list[str]:
    """What is wrong with the pages, a line each."""
    entries = [entry for room in site.rooms for entry in room.entries]
    missing = [f"listed in `__all__`, and not there: {e.full}" for e in entries if e.value is MISSING]
    silent = [f"no docstring: {e.full}" for e in entries if is_documented_kind(e.value) and not (inspect.getdoc(e.value) or "").strip()]
    return [*missing, *silent, *(f"link that leads nowhere: {link}" for link in site.dead_links())]


def main(argv: list[str] | None = None) -> int:
    """Writes the pages; gives the exit status."""
    parser = argparse.ArgumentParser(description="Make the documentation.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "docs", help="the folder to write to (default: build/docs)")
    out = parser.parse_args(argv).out
    site = make_site()
    shutil.rmtree(out, ignore_errors=True)
    for path, text in site.pages.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    found = faults(site)
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(site.pages)} pages in {out}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
