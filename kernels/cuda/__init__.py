"""CUDA kernels: `.cu` sources beside the thin launchers that start them on CuPy arrays.

Importing this package loads neither CuPy nor a launcher, and nothing is compiled before its first launch.
"""

TABLE = {  # operation → the file that launches its kernel
    "layer_norm": "normalize",
}
