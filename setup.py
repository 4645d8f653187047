"""Makes the contracts' Python code as part of the install, so that a clone needs no extra step."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.egg_info import egg_info

sys.path.insert(0, str(Path(__file__).parent))

from infra.contracts import generate


class BuildWithContracts(build_py):
    def run(self) -> None:
        generate()
        super().run()


class DescribeWithContracts(egg_info):
    def run(self) -> None:
        generate()
        super().run()


setup(cmdclass={"build_py": BuildWithContracts, "egg_info": DescribeWithContracts})
