"""Where everything lies under the run directory."""

import os
from dataclasses import dataclass
from pathlib import Path

PRIVATE = 0o700
SECRET = 0o600
PERSONAL = "personal.keys"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths under one run directory (`.run` unless ZHENGTONG_RUN_DIR says otherwise)."""

    root: Path

    @property
    def mongo(self) -> Path:
        return self.root / "mongo"

    @property
    def rabbit(self) -> Path:
        return self.root / "rabbit"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        return self.root / "pids"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def personal_keys(self) -> Path:
        """The keys that personal data are sealed and matched with; lost, the data are lost."""
        return self.keys / PERSONAL

    @property
    def secrets(self) -> Path:
        """Passwords of the servers' users: those of the departments in a folder of their own."""
        return self.root / "secrets"

    @property
    def index(self) -> Path:
        return self.root / "index"

    @property
    def control(self) -> Path:
        return self.root / "control"

    @property
    def api_key(self) -> Path:
        """The key of the command line of this machine, a client like any other."""
        return self.root / "api.key"

    @property
    def environment(self) -> Path:
        """The environment of the platform's processes, one `NAME=value` a line."""
        return self.root / "env"

    @property
    def lock(self) -> Path:
        return self.root / "supervisor.lock"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def sample_done(self) -> Path:
        return self.root / "sample.done"

    def make(self) -> None:
        """Make the folders; the ones that hold data or secrets are for their owner only."""
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (self.mongo, self.rabbit, self.keys, self.secrets, self.pids):
            folder.mkdir(mode=PRIVATE, exist_ok=True)
        for folder in (self.logs, self.index, self.control):
            folder.mkdir(exist_ok=True)

    def tools(self) -> Path:
        """Where unpacked packages are kept: outside the clone, so that clones share them."""
        cache = os.environ.get("XDG_CACHE_HOME")
        if cache:
            return Path(cache) / "zhengtong"
        home = Path(os.path.expanduser("~"))  # noqa: PTH111  (Path.home() raises without a home)
        if os.access(home, os.W_OK):
            return home / ".cache" / "zhengtong"
        return self.root / "tools"


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # a key that a power cut takes back has already sealed something
    draft.replace(path)
