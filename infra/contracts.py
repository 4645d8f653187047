"""Protobuf files to Python code, with the one pinned compiler of grpcio-tools."""

import sys
from pathlib import Path

PROTOS = Path(__file__).resolve().parent.parent / "protos"
GENERATED = PROTOS / "gen"
DESCRIPTORS = GENERATED / "zhengtong" / "descriptors.binpb"
"""The contracts with their comments, which generated code leaves out; OpenAPI is made of it."""


def generate() -> None:
    """Write `protos/gen` anew; files that would not change keep their time.

    Raises:
        RuntimeError: the compiler refused; its own words are on standard error.
    """
    from grpc_tools import protoc  # noqa: PLC0415  (only the install needs the compiler)

    sources = sorted(str(path) for path in (PROTOS / "zhengtong").rglob("*.proto"))
    DESCRIPTORS.parent.mkdir(parents=True, exist_ok=True)
    arguments = [
        "protoc",
        f"-I{PROTOS}",
        f"-I{PROTOS / 'vendor'}",
        f"-I{Path(protoc.__file__).parent / '_proto'}",
        f"--python_out={GENERATED}",
        f"--pyi_out={GENERATED}",
        f"--grpc_python_out={GENERATED}",
        f"--descriptor_set_out={DESCRIPTORS}",
        "--include_source_info",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        message = "protoc could not read the protos"
        raise RuntimeError(message)
    for folder in [GENERATED / "zhengtong", *(GENERATED / "zhengtong").rglob("*/")]:
        if folder.name != "__pycache__":
            (folder / "__init__.py").touch()


if __name__ == "__main__":
    generate()
    sys.stdout.write(f"contracts written to {GENERATED}\n")
