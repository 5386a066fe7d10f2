"""Say what Cornu finds on this machine: versions, backends, devices, settings."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from types import ModuleType
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cornu import backends, config
from cornu.errors import BackendError, UnknownNameError

__all__ = ["add_arguments", "run"]

SETTINGS = {
    "CORNU_BACKEND": "the backend to start with",
    "KERAS_BACKEND": "the same, where CORNU_BACKEND is not set",
    "CORNU_HOME": "the folder for data sets and weights",
    "KERAS_HOME": "the same, where CORNU_HOME is not set",
    "CUDA_VISIBLE_DEVICES": "the NVIDIA devices that a framework may see",
    "JAX_PLATFORMS": "the kinds of device that JAX may use",
    "XLA_FLAGS": "options of XLA, JAX's compiler",
}

LIBRARIES = {
    "h5py": "weights and `.keras` files",
    "safetensors": "weights as `.safetensors`",
    "optree": "nested structures",
    "scikit-learn": "`cornu demo`",
    "matplotlib": "figures",
    "pillow": "images",
    "pandas": "data frames",
}


class Finding(NamedTuple):
    """What is known of one backend."""

    name: str
    version: str
    devices: str
    trouble: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's options."""
    parser.add_argument("--backend", choices=backends.NAMES, action="append", help="look at this backend only; may be repeated")


def run(arguments: argparse.Namespace) -> int:
    """Prints the tables; the status is 1 where the backend that Cornu would start with cannot be used."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own start-up messages would drown the answer
    console = Console()
    chosen, asked_by = chosen_backend()
    findings = [examine(name) for name in arguments.backend or backends.NAMES]
    console.print(here_table(chosen, asked_by))
    console.print(backend_table(findings, chosen))
    console.print(library_table())
    console.print(settings_table())
    trouble = next((f.trouble for f in findings if f.name == chosen), "")
    if chosen not in backends.NAMES:
        trouble = str(UnknownNameError("backend", chosen, backends.NAMES))
    if trouble:
        console.print(Text.assemble((f"{asked_by} asks for {chosen!r}, which cannot be used. ", "bold red"), trouble))
    return 1 if trouble else 0


def chosen_backend() -> tuple[str, str]:
    """The backend that Cornu starts with, and what says so."""
    for variable in ("CORNU_BACKEND", "KERAS_BACKEND"):
        if os.environ.get(variable):
            return os.environ[variable], variable
    return backends.NAMES[0], "the default"


def examine(name: str) -> Finding:
    """Loads one backend, asks its framework for the devices, and notes what stands in the way."""
    package = "tensorflow-cpu" if name == "tensorflow" else name
    version = version_of(package) or version_of(name)
    try:
        backends.load(name)
        return Finding(name, version, DEVICES[name]())
    except BackendError as error:
        return Finding(name, version, "", str(error))
    except Exception as error:  # noqa: BLE001 - a framework that breaks while it is imported is what this verb is for
        return Finding(name, version, "", f"{type(error).__name__}: {error}. Try `pip install --force-reinstall {package}`.")


def version_of(package: str) -> str:
    """The installed version of a package, or an empty string."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def framework(name: str) -> ModuleType:
    """A framework that its backend has imported already."""
    return sys.modules[name]


def jax_devices() -> str:
    """The devices JAX sees, by kind."""
    found = framework("jax").devices()
    return ", ".join(f"{device.platform}:{device.id} {device.device_kind}".strip() for device in found)


def torch_devices() -> str:
    """The devices PyTorch sees: the CPU's threads, CUDA devices, Apple's GPU."""
    torch = framework("torch")
    found = [f"cpu, {torch.get_num_threads()} threads"]
    found += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return ", ".join(found + ["mps"] * torch.backends.mps.is_available())


def tensorflow_devices() -> str:
    """The devices TensorFlow sees."""
    found = framework("tensorflow").config.list_physical_devices()
    return ", ".join(device.name.removeprefix("/physical_device:") for device in found)


def numpy_devices() -> str:
    """NumPy computes on the CPU alone."""
    return "cpu"


DEVICES: dict[str, Callable[[], str]] = {
    "jax": jax_devices,
    "torch": torch_devices,
    "tensorflow": tensorflow_devices,
    "numpy": numpy_devices,
}


def table(title: str, *columns: str) -> Table:
    """An empty table in the manner of all of them."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def here_table(chosen: str, asked_by: str) -> Table:
    """The machine, Python and Cornu."""
    made = table("Here", "", "")
    made.show_header = False
    made.add_row("Cornu", version_of("cornu") or "not installed as a package")
    made.add_row("Python", f"{platform.python_version()}  {sys.executable}")
    made.add_row("System", f"{platform.platform()}, {os.cpu_count()} CPU cores")
    made.add_row("Starts with", f"{chosen}  ({asked_by})")
    made.add_row("Data and weights", str(config.home()), end_section=True)
    return made


def backend_table(findings: list[Finding], chosen: str) -> Table:
    """One row a backend: ready with its devices, or what to do about it."""
    made = table("\nBackends", "", "version", "devices, or what to do")
    for name, version, devices, trouble in findings:
        mark = Text("✗ ", "red") if trouble else Text("✓ ", "green")
        label = Text.assemble(mark, (name, "bold" if name == chosen else ""))
        made.add_row(label, version or "–", Text(trouble or devices, "yellow" if trouble else ""))
    return made


def library_table() -> Table:
    """The libraries that features lean on, and what to install for a missing one."""
    made = table("\nLibraries", "", "version", "for")
    for package, purpose in LIBRARIES.items():
        version = version_of(package)
        mark = Text("✓ ", "green") if version else Text("✗ ", "red")
        advice = Text(purpose) if version else Text(f"{purpose}; pip install {package}", "yellow")
        made.add_row(Text.assemble(mark, package), version or "–", advice)
    return made


def settings_table() -> Table:
    """The environment variables that matter, and their values."""
    made = table("\nEnvironment", "", "value", "what it says")
    for variable, meaning in SETTINGS.items():
        value = os.environ.get(variable)
        made.add_row(variable, Text(value) if value is not None else Text("not set", "dim"), meaning)
    return made
