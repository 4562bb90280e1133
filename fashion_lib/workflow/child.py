"""One job in a process of its own, and how that process ends."""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress

from fashion_lib.workflow.plan import Job, as_json

# How a job's process ends.
DONE, FAILED, ALREADY_DONE, INTERRUPTED = 0, 2, 3, 130
ERROR = "error: "
MODULE = "fashion_lib.workflow.job"  # what the process runs


class Child:
    """Run one job in a process of its own; `said` is the last line that it printed.

    The process holds the other end of a pipe to this one, and interrupts itself when the pipe closes. However this
    process ends, no training goes on unseen.
    """

    def __init__(self, job: Job, environment: dict[str, str]):
        self.said, self.lines = "", deque(maxlen=40)
        self.process = subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | environment,
            start_new_session=True,  # a Ctrl-C on the terminal is passed on by this process, once
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        with suppress(BrokenPipeError):  # it ended already, which `ended` will report
            self.process.stdin.write(as_json([job]).replace("\n", " ") + "\n")
            self.process.stdin.flush()

    def _read(self) -> None:
        for line in self.process.stdout:
            if line := line.strip():
                self.lines.append(line)
                self.said = line

    def ended(self) -> int | None:
        """Return the exit status, None while it works."""
        if self.process.poll() is None:
            return None
        self.reader.join(timeout=1)
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        return self.process.returncode

    def error(self) -> str:
        """Return the sentence that a failed process left, or its status and last line if it left none."""
        told = [line.removeprefix(ERROR) for line in self.lines if line.startswith(ERROR)]
        return told[-1] if told else f"its process ended with status {self.process.returncode} ({self.said})"

    def interrupt(self) -> None:
        """Send Ctrl-C to the process if it still works."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def wait(self, seconds: float) -> None:
        """Wait for the end; after `seconds`, kill the process with all that it started."""
        try:
            self.process.wait(timeout=max(0.1, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
