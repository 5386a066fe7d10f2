"""Control flow in JAX: the structured operators of `jax.lax`, so that it compiles and differentiates."""

import jax
import jax.numpy as jnp

__all__ = ["cond", "scan", "switch", "vmap", "while_loop"]


def cond(pred, true_fn, false_fn, operands):
    return jax.lax.cond(pred, true_fn, false_fn, *operands)


def switch(index, branches, operands):
    return jax.lax.switch(index, branches, *operands)


def while_loop(cond, body, state, limit):
    if limit is None:
        return jax.lax.while_loop(lambda s: cond(*s), lambda s: body(*s), state)
    counted = (jnp.zeros((), "int32"), state)
    return jax.lax.while_loop(lambda s: (s[0] < limit) & cond(*s[1]), lambda s: (s[0] + 1, body(*s[1])), counted)[1]


def scan(f, init, xs, length, reverse, unroll):
    return jax.lax.scan(f, init, xs, length, reverse=reverse, unroll=unroll)


def vmap(f, args):
    return jax.vmap(f)(*args)
