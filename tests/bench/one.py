"""`python -m tests.bench.one NAME ROUNDS`: one bench in this process, its figures as JSON."""

import importlib
import signal
import sys

import orjson

if __name__ == "__main__":
    # As an error, so that the bench ends what it started, also what left its session.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    bench = importlib.import_module(f"tests.bench.{sys.argv[1]}")
    sys.stdout.buffer.write(orjson.dumps(bench.run(int(sys.argv[2]))))
