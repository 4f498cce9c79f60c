"""How the pieces of the kernels are compiled."""

from __future__ import annotations

from numba import njit

#: For a function that only kernels call. It cannot be called from Python, for which Numba would compile a
#: wrapper as large as itself; and a division by zero gives infinity or NaN, as in NumPy, instead of a check
#: and an exception. Together that saves a third of the time to compile.
part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")
