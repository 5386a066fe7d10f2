"""What each framework offers for the operations timed in `benchmarks.operations`, called as its own users call it.

Each module has `CALLS` (functions by the operation's name), `form` (an array in the form the framework likes), `finish` (waits for a result),
`JIT` (the framework's compiler, or None) and `COMPILED_ONLY` (operations that nobody calls without it).
"""
