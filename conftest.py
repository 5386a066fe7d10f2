"""What every test shares: a quiet, small environment, the backends as parameters, seeded randomness, and a count by backend.

`pytest --backend jax --backend torch` runs on these backends only; CORNU_TEST_DEVICE=cuda runs on an accelerator, not on the CPU.
"""

import gc
import importlib.util
import os
import platform
import signal
import tempfile
import zlib
from collections import Counter

import hypothesis
import numpy as np
import pytest

COMPUTE = ("jax", "torch", "numpy", "tensorflow")
TRAINABLE = ("jax", "torch", "tensorflow")
OTHERS = ("torch", "numpy", "tensorflow")
# NPROC is what XLA sizes its pool of threads by (seen on jax 0.10: of the flags for that, none has an effect)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# without the fusion emitters a program compiles in about half the time (seen on jaxlib 0.10.2); without the instructions that round a
# product and a sum once, which AVX does not have yet, what is computed does not depend on what it is compiled together with
XLA_FLAGS = [
    "--xla_backend_optimization_level=0",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_emitter_verification_level=0",
    "--xla_force_host_platform_device_count=4",
    *(["--xla_cpu_max_isa=AVX"] if platform.machine() in ("x86_64", "AMD64") else []),
]

PROGRAMS = []  # holds the folder of compiled programs until the run ends


def prepare_environment():
    """Sets what the frameworks read when they are imported: quiet, few threads, the chosen device."""
    threads = "1" if "PYTEST_XDIST_WORKER" in os.environ else "2"
    for name in THREADS:
        os.environ[name] = threads  # set, not defaulted: a worker inherits what its parent was given here
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # it announces itself on standard error otherwise
    os.environ.setdefault("MPLBACKEND", "Agg")
    os.environ.setdefault("KERAS_BACKEND", "jax")  # the peer's: TensorFlow loads it too, and then with its own default
    # XLA compiles quickly, not for speed, and every program once in a run: the workers and what they start share a folder.
    # It takes the processor for several devices, so that distributions over devices can be tried
    os.environ.setdefault("XLA_FLAGS", " ".join(XLA_FLAGS))
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        PROGRAMS.append(tempfile.TemporaryDirectory(prefix="cornu-tests-programs-"))
        os.environ["JAX_COMPILATION_CACHE_DIR"] = PROGRAMS[0].name
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    device = os.environ.get("CORNU_TEST_DEVICE", "cpu")
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


prepare_environment()

hypothesis.settings.register_profile("cornu", deadline=None, derandomize=True, max_examples=25, database=None)
hypothesis.settings.load_profile("cornu")


def pytest_addoption(parser):
    parser.addoption("--backend", action="append", choices=COMPUTE, help="run backend-parametrised tests on this one only; may be repeated")


def pytest_configure(config):
    # a shell has what it starts in the background ignore Ctrl-C, which some tests press
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # a home of its own: settings and data in the user's folders must not change a result
    home = tempfile.TemporaryDirectory(prefix="cornu-tests-")
    config.add_cleanup(home.cleanup)
    os.environ["CORNU_HOME"] = os.environ["KERAS_HOME"] = home.name


def pytest_collection():
    gc.disable()  # what is collected is kept: to look through it, again and again while it grows, finds nothing to free


def pytest_collection_finish():
    gc.freeze()
    gc.set_threshold(10_000)  # tests make and drop objects by the thousand: with Python's 700 a tenth of the time went into the search
    gc.enable()


def pytest_generate_tests(metafunc):
    wanted = metafunc.config.getoption("backend") or COMPUTE
    for fixture, names in (("backend", COMPUTE), ("trainable_backend", TRAINABLE), ("other_backend", OTHERS)):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, [name for name in names if name in wanted], indirect=True)


def enter_backend(request):
    """Runs the rest of the test inside the backend that its parameter names."""
    name = request.param
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"the package {name} is not installed")
    import cornu  # the environment must stand before anything of Cornu is imported

    request.node.user_properties.append(("backend", name))
    with cornu.use_backend(name):
        yield name


@pytest.fixture
def backend(request):
    """Each compute backend in turn; the test runs inside it. The value is its name."""
    yield from enter_backend(request)


@pytest.fixture
def trainable_backend(request):
    """Each backend that has gradients in turn; the test runs inside it. The value is its name."""
    yield from enter_backend(request)


@pytest.fixture
def other_backend(request):
    """Each compute backend but the default one in turn; the test runs inside it. The value is its name."""
    yield from enter_backend(request)


@pytest.fixture
def on_numpy():
    """NumPy's backend, which compiles nothing: for what is the same on each, as files and configurations are."""
    import cornu

    with cornu.use_backend("numpy"):
        yield


@pytest.fixture
def on_torch():
    """PyTorch's backend, which trains without compiling (JAX's where it is not installed): for what is the same on each."""
    import cornu

    with cornu.use_backend("torch" if importlib.util.find_spec("torch") else "jax"):
        yield


def seed_of(request):
    """A number from the test's name, without its parameters."""
    name = getattr(request.node, "originalname", None) or request.node.name
    return zlib.crc32(name.encode())


@pytest.fixture
def rng(request):
    """A NumPy generator seeded from the test's name: the same numbers on every run and on every backend."""
    return np.random.default_rng(seed_of(request))


@pytest.fixture(autouse=True)
def repeatable(request):
    """What a test draws without a seed (first weights, shuffles, dropout) is the same on every run, whatever ran before it."""
    from cornu.utils import set_random_seed  # the environment must stand before anything of Cornu is imported

    set_random_seed(seed_of(request))


def pytest_terminal_summary(terminalreporter):
    properties = [p for report in terminalreporter.stats.get("passed", []) for p in report.user_properties]
    counts = Counter(value for key, value in properties if key == "backend")
    if counts:
        terminalreporter.write_line("passed by backend: " + ", ".join(f"{name} {counts[name]}" for name in COMPUTE if counts[name]))
