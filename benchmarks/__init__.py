"""Cornu beside its peers: each workload is run by every peer in one session, the peers taking turns.

Run it with ``python -m benchmarks`` (or ``make bench``); the tables go to ``benchmarks/RESULTS.md``.

- ``workloads``: what is trained: data, starting weights, and one model-building function for Keras and Cornu alike.
- ``peers``: who trains it: Cornu and Keras through ``fit``, and the loops one would write by hand in JAX and torch.
- ``measures``: what is timed, by the same few lines for every peer.
- ``harness``: one process for each peer, and whose turn it is.
- ``report``: figures to tables, and the verdict on each budget.
"""
