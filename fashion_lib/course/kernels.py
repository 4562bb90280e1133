"""Kernel managers whose kernels listen on socket files instead of TCP ports.

jupyter_client chooses five free ports, and the kernel binds them a second later. In between, another kernel or client
on the machine can take one; the kernel then dies before it replies. A file in a new folder has one owner at once.
"""

import os
import socket
import tempfile

from jupyter_client.manager import AsyncKernelManager, KernelManager
from traitlets import CaselessStrEnum, default

TRANSPORT = "ipc" if hasattr(socket, "AF_UNIX") else "tcp"


class _SocketFiles:
    """Give each kernel a folder of its own for its socket files; it goes when the kernel is shut down."""

    @default("ip")
    def _ip_default(self) -> str:
        if self.transport != "ipc":
            return "127.0.0.1"
        self._folder = tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True)
        return os.path.join(self._folder.name, "socket")

    def cleanup_ipc_files(self) -> None:
        """Remove the socket files, and their folder."""
        super().cleanup_ipc_files()
        if self.transport == "ipc" and self.ip:
            self._folder.cleanup()


class SocketFileKernelManager(_SocketFiles, KernelManager):
    """Manage a kernel that listens on socket files; nbval uses it."""

    transport = CaselessStrEnum(["tcp", "ipc"], default_value=TRANSPORT, config=True)


class AsyncSocketFileKernelManager(_SocketFiles, AsyncKernelManager):
    """Manage a kernel that listens on socket files; papermill uses it."""

    transport = CaselessStrEnum(["tcp", "ipc"], default_value=TRANSPORT, config=True)
