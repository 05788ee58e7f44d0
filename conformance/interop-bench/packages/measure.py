"""What it costs to load a native Python package: python measure.py MODULE LIBRARY ROUNDS

Prints one line: milliseconds of `import` (median), milliseconds of loading the library alone (median), and kilobytes of resident
memory that the import added (median). Every figure is of fresh processes.
"""

import statistics
import subprocess
import sys

IMPORT = """
import resource, time
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
import {module}
took = time.perf_counter() - start
print(took * 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
LOAD = """
import os, sys, time
sys.setdlopenflags(os.RTLD_NOW)
import _ctypes
start = time.perf_counter()
_ctypes.dlopen({library!r}, os.RTLD_NOW)
print((time.perf_counter() - start) * 1e3, 0)
"""


def median(program: str, rounds: int) -> tuple[float, float]:
    """The medians of what a program prints, run once without counting and then again and again."""
    runs = []
    for _ in range(rounds + 1):
        line = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        runs.append([float(word) for word in line.split()])
    first, second = zip(*runs[1:], strict=True)
    return statistics.median(first), statistics.median(second)


module, library, rounds = sys.argv[1:]
imported, memory = median(IMPORT.format(module=module), int(rounds))
loaded, _ = median(LOAD.format(library=library), int(rounds))
print(imported, loaded, memory)
