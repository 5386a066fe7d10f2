"""The command line itself: its verbs, its exit statuses, how it reports an error."""

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from cornu import cli
from cornu.errors import BackendError

ROOT = Path(__file__).parents[2]


def test_no_verb_is_a_wrong_use(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([])
    assert left.value.code == 2
    assert "VERB" in capsys.readouterr().err


def test_help_names_every_verb(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    out = capsys.readouterr().out
    assert left.value.code == 0
    for verb, module in cli.VERBS.items():
        first_line = module.__doc__.partition("\n")[0]
        assert f"{verb} {first_line}" in " ".join(out.split())


def test_version_is_that_of_pyproject(capsys):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    shown = capsys.readouterr().out.strip()
    installed = any(found.name == "cornu" for found in metadata.distributions())
    assert shown == (f"cornu {version}" if installed else "cornu (not installed as a package)")


def test_an_error_of_ours_is_one_line_and_status_1(monkeypatch, capsys):
    def run(arguments):
        raise BackendError("the horn is blocked")

    monkeypatch.setattr(cli.doctor, "run", run)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().err == "cornu doctor: the horn is blocked\n"


def test_an_error_of_anyone_else_is_not_hidden(monkeypatch):
    def run(arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(cli.doctor, "run", run)
    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


def test_interrupting_gives_the_shell_its_status(monkeypatch):
    def run(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.doctor, "run", run)
    assert cli.main(["doctor"]) == 130  # 128 + SIGINT, as shells have it


def test_python_dash_m_is_the_command():
    done = subprocess.run([sys.executable, "-m", "cornu", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: cornu ")
