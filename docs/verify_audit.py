"""Checks an exported audit package by itself: python verify_audit.py PACKAGE [PUBLIC_KEY_HEX]

Needs Python 3.9 and `cryptography`. The hashing is that of RFC 6962; the first line of a package is
the signed head, every further line a record exactly as it is hashed. Ends with 0 if all is well.
"""

import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def root_of(records):
    """How many records there are, and the root of the tree whose leaves they are."""
    count, stack = 0, []
    for record in records:
        stack.append(hashlib.sha256(b"\x00" + record.removesuffix(b"\n")).digest())
        count += 1
        size = count
        while size % 2 == 0:
            right, left = stack.pop(), stack.pop()
            stack.append(hashlib.sha256(b"\x01" + left + right).digest())
            size //= 2
    root = stack.pop() if stack else hashlib.sha256(b"").digest()
    while stack:
        root = hashlib.sha256(b"\x01" + stack.pop() + root).digest()
    return count, root.hex()


def fault_of(path, trusted=""):
    """What is wrong with a package; empty: nothing."""
    with open(path, "rb") as file:
        head = json.loads(file.readline())
        found = root_of(file)
    size, root, key = head["tree_size"], head["root_hash"], head["public_key"]
    if found != (size, root):
        return f"the head is of {size} records with root {root}, the file has {found}"
    if trusted and key != trusted.lower():
        return f"signed with another key: {key}"
    said = (
        "zhengtong audit tree head v1",
        head["department"],
        str(size),
        root,
        head["signed_time"],
    )
    try:
        public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public_key.verify(bytes.fromhex(head["signature"]), "\n".join(said).encode())
    except (InvalidSignature, ValueError):
        return "the signature of the head is wrong"
    return ""


if __name__ == "__main__":
    fault = fault_of(*sys.argv[1:3])
    sys.exit(f"NOT VALID: {fault}" if fault else 0)
