"""Tests see no setting of the user's, and leave nothing in the project's folders."""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

# One thread a process: pytest-xdist already runs as many processes as there are cores. Before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"
for variable in ("FASHION_ROOT", "FASHION_PROFILE", "FASHION_WEIGHTS", "FASHION_CLOTHING", "FASHION_DATA"):
    os.environ.pop(variable, None)


# Tests marked cuda, or cuda(2) for two GPUs, run where there is one. FASHION_GPU_TESTS=cpu tries their code on a CPU.
STAND_IN = os.environ.get("FASHION_GPU_TESTS", "")


def pytest_collection_modifyitems(items):
    """Skip the tests whose GPUs this machine lacks, with the reason."""
    marked = [(item, marker) for item in items if (marker := item.get_closest_marker("cuda"))]
    if marked and not STAND_IN:
        import torch

        for item, marker in marked:
            needed = marker.args[0] if marker.args else 1
            if torch.cuda.device_count() < needed:
                item.add_marker(pytest.mark.skip(reason="needs a GPU" if needed == 1 else f"needs {needed} GPUs"))


@pytest.fixture(scope="session")
def gpu():
    """The name of the device of a test marked cuda."""
    return STAND_IN or "cuda"


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory):
    """Drawn pixels are shared by all worker processes of this test run; runs are not."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    os.environ["FASHION_CACHE"] = str(shared / "cache")
    os.environ["FASHION_RUNS"] = str(base / "runs")


@pytest.fixture(autouse=True)
def _one_thread():
    """Fail a test that leaves torch another number of threads: two beside a busy process slow down all later tests."""
    before = threads_of_torch()
    yield
    if (after := threads_of_torch()) != before:
        sys.modules["torch"].set_num_threads(before)
        pytest.fail(f"torch had {before} threads and was left with {after}")


def threads_of_torch():
    """The number of threads of torch where it is imported, else the one that it will have."""
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else 1


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project folder that fashion_lib.core.paths takes for the root, with caches and runs inside."""
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    monkeypatch.setenv("FASHION_ROOT", str(root))
    monkeypatch.setenv("FASHION_CACHE", str(root / "cache"))
    monkeypatch.setenv("FASHION_RUNS", str(root / "runs"))
    return root


@pytest.fixture
def serve(monkeypatch):
    """Start a web server on this machine: serve(Handler, name=value) returns it, with `url` and the given names."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    started = []

    def start(handler: type[BaseHTTPRequestHandler], **attributes) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        vars(server).update(attributes, url=f"http://127.0.0.1:{server.server_port}/master.zip")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        started.append((server, thread))
        return server

    yield start
    for server, thread in started:
        server.shutdown()
        server.server_close()
        thread.join()
