"""The devices at hand, in this process and in those that work with it."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from cornu import backends
from cornu.errors import ArgumentError, BackendError
from cornu.quantities import is_whole
from cornu.state import set_random_seed
from cornu.state.seed import make_seed

__all__ = ["able", "get_device_count", "initialize", "list_devices"]

_KINDS = ("cpu", "gpu", "tpu")


def list_devices(device_type: str | None = None) -> list[str]:
    """The names of the devices of the current backend: "cpu:0", "gpu:1", …; with several processes those of all.

    Args:
        device_type: "cpu", "gpu" or "tpu"; by default what the backend computes on when it is not asked: a GPU or TPU where there is one.

    Raises:
        ArgumentError: there is no such kind of device.

    >>> list_devices("cpu")[0]
    'cpu:0'
    """
    if device_type is not None and (not isinstance(device_type, str) or device_type.lower() not in _KINDS):
        raise ArgumentError(f"device_type must be 'cpu', 'gpu', 'tpu' or None, got {device_type!r}.")
    names = [name.lower().replace("cuda", "gpu") for name in backends.compute().devices()]
    names = [name if ":" in name else f"{name}:0" for name in names]
    kind = names[0].partition(":")[0] if device_type is None else device_type.lower()
    return [name for name in names if name.partition(":")[0] == kind]


def get_device_count(device_type: str | None = None) -> int:
    """The number of those devices; 0 where there are none of that kind.

    >>> get_device_count("cpu") == len(list_devices("cpu"))
    True
    """
    return len(list_devices(device_type))


def able() -> ModuleType:
    """The current backend, which must be one whose arrays can be spread over devices."""
    backend = backends.compute()
    if not hasattr(backend, "distribution"):
        raise BackendError(
            f"The {backend.NAME} backend computes on one device, so it has no meshes of devices and no distributions. Choose JAX before the model is "
            "made: `cornu.set_backend('jax')`, or CORNU_BACKEND=jax in the environment."
        )
    return backend


def initialize(job_addresses: str | None = None, num_processes: int | None = None, process_id: int | None = None) -> None:
    """Has this process and others, on one machine or on many, work as one: `list_devices` then has the devices of all.

    It is called first in the program, which is started once for each process. Each reads the same data, and keeps what its devices are to hold;
    random numbers are seeded alike in all, so a program that does the same in each has the same weights in each. What is not given is taken
    from the environment: CORNU_DISTRIBUTION_JOB_ADDRESSES, CORNU_DISTRIBUTION_NUM_PROCESSES and CORNU_DISTRIBUTION_PROCESS_ID, or the same with
    KERAS_ in front; then from the cluster's own description where the backend can read it.

    Args:
        job_addresses: "host:port" of the processes, with commas between; the first is where they meet, and is enough.
        num_processes: how many there are.
        process_id: the number of this one, from 0.

    Raises:
        ArgumentError: a number is none, or this process's is not below the number of processes.
        BackendError: the backend computes on one device only, or the others could not be met.
    """
    own = able().distribution
    addresses = job_addresses or _from_environment("JOB_ADDRESSES")
    count, index = _number("NUM_PROCESSES", num_processes, 1), _number("PROCESS_ID", process_id, 0)
    if count is not None and index is not None and index >= count:
        raise ArgumentError(f"process_id must be below num_processes, since the first process is number 0; got {index} of {count}.")
    own.join(addresses.split(",")[0].strip() if addresses else None, count, index)
    set_random_seed(own.agreed(make_seed()))  # first weights and the order of rows are to be the same everywhere


def _from_environment(name: str) -> str | None:
    return os.environ.get(f"CORNU_DISTRIBUTION_{name}") or os.environ.get(f"KERAS_DISTRIBUTION_{name}")


def _number(name: str, given: int | None, least: int) -> int | None:
    text = _from_environment(name)
    value: Any = given if given is not None or text is None else int(text) if text.isdecimal() else text
    if value is not None and not is_whole(value, least):
        raise ArgumentError(f"{name.lower()} must be a whole number from {least}, got {value!r}.")
    return None if value is None else int(value)
