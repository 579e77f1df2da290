"""Fast kernels and their witnesses: arrays in, arrays out, nothing of minidl imported.

Three folders hold the same file names and the same function names; read them side by side:

- ``reference``: the definition in plain float64 NumPy, written to be checked, not to be fast;
- ``cpu``: Numba;
- ``cuda``: ``.cu`` sources and a thin launcher.

The folder stands beside ``minidl`` in the source tree and is installed as ``minidl.kernels``.
"""

# From the root of the source tree this folder is importable as plain ``kernels`` too: a second copy
# of every module, with its own registries and its own compiled code. Better to fail at once.
if __name__ != "minidl.kernels":
    raise ImportError(
        f"this package is minidl.kernels, and was imported as {__name__!r}: a second copy of it. "
        "Write 'import minidl.kernels' (in the source tree, after 'pip install -e .')."
    )
