"""The engine on the CPU, in compiled kernels."""
