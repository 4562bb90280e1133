"""Kernels listen on socket files, so that kernels started at the same moment cannot take each other's ports."""

import os

import pytest
from nbclient.util import run_sync

from fashion_lib.course import kernels


@pytest.mark.notebook
def test_a_kernel_replies_through_socket_files_that_go_with_it():
    manager = kernels.AsyncSocketFileKernelManager(kernel_name="python3")
    run_sync(manager.start_kernel)()
    client = manager.client()
    client.start_channels()
    run_sync(client.wait_for_ready)(timeout=60)
    folder = os.path.dirname(manager.ip)
    assert manager.transport == kernels.TRANSPORT == "ipc" and len(os.listdir(folder)) == 5
    client.stop_channels()
    run_sync(manager.shutdown_kernel)(now=True)
    assert not os.path.exists(folder)


def test_managers_share_no_folder():
    first, second = kernels.SocketFileKernelManager(), kernels.SocketFileKernelManager()
    assert os.path.dirname(first.ip) != os.path.dirname(second.ip)
