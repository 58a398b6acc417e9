"""A real command on a pseudo-terminal: what it shows, what is typed, and how large its window is."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONTROLS = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][A-Z0-9]|[=>78M])|[\r\x01\x02]")


class Terminal:
    """`chainlens` with these arguments on a pseudo-terminal of so many columns and rows."""

    def __init__(self, *arguments, size=(100, 30), environment=(), cwd=None, seconds=60):
        self.near, far = os.openpty()
        self.resize(*size)
        self.text, self._ahead, self.seconds = "", "", seconds
        own = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
        kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            stdin=far,
            stdout=far,
            stderr=far,
            cwd=cwd,
            env={**kept, **own, **dict(environment)},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(far)

    def resize(self, columns, rows):
        """Another window; the kernel tells the process in front."""
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.near, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        """Type keys. The line editor drops what comes while it sets the terminal up, so they wait a moment."""
        time.sleep(0.1)
        os.write(self.near, keys.encode())

    def until(self, words):
        """What is shown, without commands to the terminal, from where this last stopped up to these words."""
        shown, deadline = self._ahead, time.monotonic() + self.seconds
        while words not in shown:
            assert time.monotonic() < deadline, f"{words!r} is not in {shown!r}"
            part = self._read(1)
            assert part != "", f"the process ended before {words!r} in {shown!r}"
            shown = CONTROLS.sub("", shown + (part or ""))
        end = shown.index(words) + len(words)
        self._ahead = shown[end:]
        self.text += shown[:end]
        return shown[:end]

    def ends(self):
        """The exit code, once the process has ended; what it still shows is in `text`."""
        deadline = time.monotonic() + self.seconds
        while self.process.poll() is None or self._read(0):
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"it goes on: {self.text[-500:]!r}")
            self.text += CONTROLS.sub("", self._read(0.2) or "")
        return self.process.returncode

    def close(self):
        """The window is closed."""
        os.close(self.near)
        self.near = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.near is not None:
            os.close(self.near)

    def _read(self, seconds):
        """What has come; None if nothing has, and an empty text at the end."""
        if not select.select([self.near], [], [], seconds)[0]:
            return None
        try:
            return os.read(self.near, 65536).decode(errors="replace")
        except OSError:  # Linux ends a pseudo-terminal with an error
            return ""


def _take_terminal():
    """In the child: standard input becomes its controlling terminal, so that Ctrl-C and a new size reach it."""
    import fcntl
    import termios

    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as a shell has it, even where these tests run under nohup
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
