"""Everything is in pyproject.toml but one step: a wheel carries the ledger, the start weights and the printed numbers.

In a clone they stay where readers look for them, in data/; in a wheel they are the folder fashion_lib/shipped.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("runs.csv", "published_results.csv", "results/*.csv", "weights/*.safetensors", "explorer/*/*")


class BuildWithData(build_py):
    def run(self):
        super().run()
        if self.editable_mode:
            return  # an editable installation reads the clone itself
        data, target = Path(__file__).resolve().parent / "data", Path(self.build_lib) / "fashion_lib" / "shipped"
        shutil.rmtree(target, ignore_errors=True)
        for pattern in SHIPPED:
            found = sorted(data.glob(pattern))
            if not found:
                raise SystemExit(f"error: {data / pattern} is missing: build the wheel in a whole clone.")
            for file in found:
                (target / file.relative_to(data)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target / file.relative_to(data))


setup(cmdclass={"build_py": BuildWithData})
