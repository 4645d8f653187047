"""`zhengtong`: what operators do from a terminal.

Exit codes: 0 all is well; 1 done, but something was refused or differs; 2 wrong use, or a file that
cannot be read; 3 the platform does not answer; 4 the platform refuses.
"""

from gateway.cli.program import app


def main() -> None:
    """Run the command line."""
    app()
