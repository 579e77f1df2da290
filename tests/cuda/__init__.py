"""CUDA kernels without a GPU: compiled by NVRTC, run on the CPU by an emulator; and with one, where there is one."""
