"""`python -m gateway.cli` is `zhengtong`."""

from gateway.cli import main

main()
