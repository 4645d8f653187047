"""`python -m tests.bench.one NAME ROUNDS`: one bench in this process, its figures as JSON."""

import importlib
import sys

import orjson

if __name__ == "__main__":
    bench = importlib.import_module(f"tests.bench.{sys.argv[1]}")
    sys.stdout.buffer.write(orjson.dumps(bench.run(int(sys.argv[2]))))
