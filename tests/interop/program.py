"""The command line under test and the example it is tried on."""

import os
import pathlib
import subprocess

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CLI = os.environ.get("SCRIPTORIUM_CLI", str(PROJECT / "build/app/scriptorium-cli"))
EXAMPLE = PROJECT / "resources/example/pbmc_example.h5ad"


def scriptorium(*arguments):
    """Runs scriptorium-cli; returns its standard output. A failure shows what it said."""
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"scriptorium-cli {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}")
    return done.stdout
