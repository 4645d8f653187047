"""The keys that sign calls and those that seal personal data: made once.

`python -m infra.local.keys DIRECTORY` makes the keys; a process of its own, so that the
supervisor never holds the cryptography library in memory.
"""

import base64
import secrets
import subprocess
import sys
from pathlib import Path

from infra.local.layout import PERSONAL, Layout, write_secret

PRINCIPALS = ("gateway", "indexer", "relay", "cli", "identity")


def ensure(layout: Layout) -> bool:
    """Make what is missing and leave what is there.

    Returns: whether anything was made.
    """
    made = False
    if any(not path.exists() for name in PRINCIPALS for path in pair(layout.keys, name)):
        subprocess.run(  # noqa: S603  (our own module)
            [sys.executable, "-m", "infra.local.keys", str(layout.keys)], check=True
        )
        made = True
    if make_personal(layout.personal_keys):
        made = True
    return made


def pair(folder: Path, principal: str) -> tuple[Path, Path]:
    """The private and the public file of a principal."""
    return folder / f"{principal}.key", folder / f"{principal}.pub"


def make_pair(folder: Path, principal: str) -> None:
    """Make an Ed25519 key; a private key that is there keeps, and only its public half is told."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    private_file, public_file = pair(folder, principal)
    if private_file.exists():
        key = form.load_pem_private_key(private_file.read_bytes(), password=None)
    else:
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        write_secret(private_file, pem.decode("ascii"))
    public_file.write_bytes(
        key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    )


def make_personal(file: Path) -> bool:
    """Make a first ring of keys for personal data; one that is there is never touched.

    Returns: whether it was made.
    """
    if file.exists():
        return False
    # Ids never come twice: what a lost ring sealed is told apart from what was tampered with.
    names = (f"k{secrets.token_hex(4)}", "match")
    write_secret(file, "".join(f"{name}:{_personal_key()}\n" for name in names))
    return True


def _personal_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in PRINCIPALS:
        make_pair(directory, each)
    make_personal(directory / PERSONAL)
