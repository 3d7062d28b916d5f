"""Python processes whose sockets and new files are seen: what leaves this machine, or stays where nobody looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

HOOK = """
import atexit, os, sys
log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def seen(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        os.write(log, f"{{event}} {{arguments[1:]}}\\n".encode())

def sockets_left():
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            if (target := os.readlink(f"/proc/self/fd/{{number}}")).startswith("socket:") and int(number) > 2:
                os.write(log, f"open at the end: {{target}}\\n".encode())
        except OSError:
            pass

sys.addaudithook(seen)
atexit.register(sockets_left)
os.write(log, b"watching\\n")
"""


@dataclass(frozen=True)
class Watched:
    """An empty home folder of every process that starts from here, and the log of their sockets."""

    home: Path
    log: Path

    def sockets(self) -> list[str]:
        """Connections made, or sockets still open at the end; native code is seen by the latter alone."""
        lines = self.log.read_text().splitlines()
        assert "watching" in lines, "no process was watched"
        return [line for line in lines if line != "watching"]

    def files(self) -> list[str]:
        """Files below the home folder but caches of matplotlib."""
        found = (path.relative_to(self.home) for path in self.home.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if "matplotlib" not in path.parts)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Python reads `sitecustomize` at its start, workers of a sweep included."""
    home, site, log = tmp_path / "user", tmp_path / "site", tmp_path / "sockets.log"
    home.mkdir()
    site.mkdir()
    (site / "sitecustomize.py").write_text(HOOK.format(log=str(log)))
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=":")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR", "ORT_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    return Watched(home, log)
