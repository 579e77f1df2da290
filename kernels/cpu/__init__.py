"""Numba kernels for the CPU: the fast twins. A file is compiled when an operation of its page first runs."""

TABLE = {  # operation → the file that holds its kernel
    "layer_norm": "normalize",
}
