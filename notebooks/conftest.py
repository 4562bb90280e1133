"""nbval starts its kernels on socket files, as `run_notebook` does: two workers cannot take each other's ports."""

import nbval.kernel

from fashion_lib.course.kernels import SocketFileKernelManager

nbval.kernel.KernelManager = SocketFileKernelManager
