"""One cloud of one checkout: where its files lie, which ports it takes, what clients are told."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION = "eu-central-1"

LONGEST_STATE = 75
"""Bytes. A unix socket's path ends at 103, and `/sock/.s.PGSQL.<port>` must follow the state."""

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Instance:
    """A cloud on this laptop. `main` belongs to `make up` and the demo, others to the tests."""

    name: str
    root: Path
    port_base: int

    @classmethod
    def named(
        cls,
        name: str = "main",
        root: Path | None = None,
        env: Mapping[str, str] = os.environ,
    ) -> Instance:
        """Ports: as the environment says, else as it runs already, else peculiar to the checkout.

        Raises: `Complaint` when STREAMFLIX_PORT_BASE is no port.
        """
        root = (root or Path(__file__).parent.parent).resolve()
        asked, running = env.get("STREAMFLIX_PORT_BASE"), root / ".local" / name / "port-base"
        if not asked and running.exists():
            return cls(name, root, int(running.read_text()))
        base = _port(asked) if asked else 10000 + 100 * (int(_digest(root), 16) % 200)
        return cls(name, root, base if name == "main" else base + 50)

    @property
    def home(self) -> Path:
        return self.root / ".local" / self.name

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def state(self) -> Path:
        """Where the servers keep their data; may lie outside the checkout, see `state_of`."""
        return state_of(self.home)

    @property
    def env_file(self) -> Path:
        """What a shell sources; the main instance's has the short name."""
        return self.root / ".local" / "env" if self.name == "main" else self.home / "env"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.port_base}"

    @property
    def ca(self) -> Path:
        return self.root / ".local" / "ca" / "ca.pem"

    def remember(self) -> None:
        """Make the directories, note the ports, write empty AWS configuration. Safe to repeat."""
        self.logs.mkdir(parents=True, exist_ok=True)
        (self.home / "port-base").write_text(str(self.port_base))
        for name in ("aws-config", "aws-credentials"):
            (self.home / name).write_text("")

    def client_env(self) -> dict[str, str]:
        """What any AWS client needs to reach this cloud, and to reach no other."""
        return {
            "AWS_ENDPOINT_URL": self.gateway_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": str(self.home / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.home / "aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "STREAMFLIX_CA": str(self.ca),
        }

    def child_env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The whole environment of a child process.

        Built up, not cut down: a profile, a session token or a service's own endpoint in the
        caller's environment never gets through, whatever AWS calls the variable next year.
        """
        inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        return inherited | self.client_env() | dict(extra or {})


def state_of(home: Path) -> Path:
    """The directory for the servers' data: `home/state`, or one under /var/tmp.

    The second when the account that runs PostgreSQL cannot reach the first, or when a unix socket
    inside it would have too long a path. Once made, `home/state` points there, whatever changes.
    """
    home = home.resolve()
    wanted = home / "state"
    if wanted.exists():
        return wanted.resolve()
    if len(os.fsencode(wanted)) <= LONGEST_STATE and reachable(home):
        return wanted
    return Path("/var/tmp") / f"streamflix-{os.geteuid()}-{_digest(home)[:10]}"


def make_state(home: Path) -> Path:
    """Make the state directory of this home; ours alone, but root lets `nobody` pass through it.

    Raises: `Complaint` when somebody else made it first.
    """
    home = home.resolve()
    state = state_of(home)
    home.mkdir(parents=True, exist_ok=True)
    state.mkdir(exist_ok=True)
    found = state.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Complaint(f"{state} belongs to somebody else.", "Remove it, then try again.")
    state.chmod(0o711 if os.geteuid() == 0 else 0o700)
    if state != home / "state" and not (home / "state").exists():
        (home / "state").unlink(missing_ok=True)  # it may point to a directory that is gone
        (home / "state").symlink_to(state)
    return state


def remove_state(home: Path) -> None:
    """Remove the state directory of this home, wherever it lies. Its servers must have ended."""
    shutil.rmtree(state_of(home), ignore_errors=True)
    (home.resolve() / "state").unlink(missing_ok=True)


def reachable(path: Path) -> bool:
    """Whether the account that runs the servers can pass through every directory down to `path`."""
    if os.geteuid() != 0:
        return True
    modes = (d.stat().st_mode for d in (path, *path.parents) if d.exists())
    return all(mode & stat.S_IXOTH for mode in modes)


def _port(text: str) -> int:
    if text.isdecimal() and 1024 <= int(text) <= 65400:
        return int(text)
    raise Complaint(f"STREAMFLIX_PORT_BASE is {text!r}.", "It must be a number from 1024 to 65400.")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()
