#!/usr/bin/env python3
"""Runs `scriptorium-cli inspect` on damaged copies of the small data files of tests/data.

Every copy must end with status 0 or 1 within the time limit, with a message on standard error when it is 1, whole JSON on
standard output when it is 0 and nothing when it is 1, and leave no file behind. Built with sanitizers, a report from our
own code fails too; one whose first frame outside the runtime lies in the HDF5 library is what the reading child is for
(core/data/isolated.hpp) and is only counted. Copies that fail are kept.

  fuzz_inspect.py PATH/TO/scriptorium-cli [--copies N] [--seconds S] [--seed K] [--only PATTERN]
"""
import argparse
import concurrent.futures
import gzip
import io
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_SECONDS = 10
RUNTIME = re.compile(r"lib(asan|ubsan|lsan|c|m|z|lz4|zstd|blosc|stdc\+\+|gcc_s)\.so")


def damage(data: bytes, rng: random.Random) -> bytes:
    """One to three damages of random kinds."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        if not out:
            break
        at, length = rng.randrange(len(out)), rng.choice([1, 2, 4, 8, 16, 64, 256, 2048])
        kind = rng.randrange(8)
        if kind == 0:  # single bits
            for _ in range(rng.randint(1, 8)):
                out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        elif kind == 1:  # single bytes
            for _ in range(rng.randint(1, 8)):
                out[rng.randrange(len(out))] = rng.randrange(256)
        elif kind == 2:  # cut short
            del out[at:]
        elif kind == 3:  # two blocks change places
            to = rng.randrange(len(out))
            a, b = bytes(out[at:at + length]), bytes(out[to:to + length])
            out[at:at + len(b)], out[to:to + len(a)] = b, a
        elif kind == 4:  # a run of one value
            out[at:at + length] = bytes([rng.choice([0, 0xFF, rng.randrange(256)])]) * len(out[at:at + length])
        elif kind == 5:  # a field of the first bytes
            out[rng.randrange(min(len(out), 2048))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif kind == 6:  # a whole number of 4 or 8 bytes
            width = rng.choice([4, 8])
            number = rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1, rng.getrandbits(64)])
            place = at // width * width
            out[place:place + width] = (number % 2**(8 * width)).to_bytes(width, "little")[:len(out) - place]
        else:  # a piece is lost or repeated
            piece = bytes(out[at:at + length])
            out[at:at + length] = rng.choice([b"", piece * 2])
    return bytes(out)


def damage_inside(data: bytes, rng: random.Random) -> bytes:
    """A .zip with one of its entries damaged, or missing, and checksums to match; one array of a collection of arrays."""
    with zipfile.ZipFile(io.BytesIO(data)) as whole:
        entries = {info.filename: whole.read(info) for info in whole.infolist()}
    if not any(name.startswith("obs/") for name in entries):
        array = rng.choice(sorted({name.split("/")[0] for name in entries if "/" in name})) + "/"
        entries = {name.removeprefix(array): content for name, content in entries.items() if name.startswith(array)}
    victim = rng.choice(sorted(entries))
    if rng.random() < 0.05:
        del entries[victim]
    else:
        entries[victim] = damage(entries[victim], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as copy:
        for name, content in entries.items():
            copy.writestr(name, content)
    return out.getvalue()


def damage_packed(data: bytes, rng: random.Random) -> bytes:
    """Damages a file; of one that is gzipped or zipped mostly what is packed in it."""
    if data[:4] == b"PK\x03\x04" and rng.random() < 0.8:
        return damage_inside(data, rng)
    if data[:2] == b"\x1f\x8b" and rng.random() < 0.7:
        return gzip.compress(damage(gzip.decompress(data), rng), 1)
    return damage(data, rng)


def write_copy(source: pathlib.Path, folder: pathlib.Path, rng) -> pathlib.Path:
    """A damaged copy of a file, or of a folder with one of its files damaged (or missing). No `rng`: a whole copy."""
    copy = folder / source.name
    if source.is_file():
        data = source.read_bytes()
        copy.write_bytes(damage_packed(data, rng) if rng else data)
        return copy
    shutil.copytree(source, copy)
    if not rng:
        return copy
    victim = rng.choice(sorted(path for path in copy.rglob("*") if path.is_file()))
    if rng.random() < 0.02:
        victim.unlink()
    else:
        victim.write_bytes(damage_packed(victim.read_bytes(), rng))
    return copy


def blame(report: str) -> str:
    """"library" when the first frame outside the runtimes is HDF5's, "" for a mere warning, else "own"."""
    if "ERROR:" not in report and "runtime error:" not in report:
        return ""
    for line in report.splitlines():
        if not re.match(r"\s*#\d+ ", line) or RUNTIME.search(line):
            continue
        return "library" if "libhdf5" in line else "own"
    return "own"


def run_one(cli: str, source: pathlib.Path, seed: str, keep: pathlib.Path):
    """Returns (problem or None, times the library was to blame)."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = pathlib.Path(name)
        work, logs = folder / "work", folder / "logs"
        work.mkdir()
        logs.mkdir()
        whole = seed.endswith("-whole")
        target = write_copy(source, work, None if whole else random.Random(seed))
        before = sorted(work.rglob("*"))
        options = f"log_path={logs}/report:print_stacktrace=1:symbolize=0:"
        env = dict(os.environ, LC_ALL="C.UTF-8",
                   ASAN_OPTIONS=options + "detect_leaks=1:allocator_may_return_null=1:" + os.environ.get("ASAN_OPTIONS", ""),
                   UBSAN_OPTIONS=options + os.environ.get("UBSAN_OPTIONS", ""))
        problem, library = None, 0
        try:
            done = subprocess.run([cli, "inspect", str(target), "--json"], capture_output=True, timeout=LIMIT_SECONDS,
                                  env=env, cwd=work)
            if done.returncode not in (0, 1):
                problem = f"status {done.returncode}: {done.stderr[-300:]!r}"
            elif done.returncode == 1 and not done.stderr.strip():
                problem = "failed without a message"
            elif done.returncode == 1 and done.stdout:
                problem = "failed after writing output"
            elif done.returncode == 0:
                json.loads(done.stdout)
            if b"runtime error:" in done.stderr:
                problem = done.stderr.decode(errors="replace")[:3000]
            if whole and b"damaged" in done.stderr:
                problem = f"a whole file is said to be damaged: {done.stderr!r}"
        except subprocess.TimeoutExpired:
            problem = f"took over {LIMIT_SECONDS} s"
        except ValueError as error:
            problem = f"output is no JSON: {error}"
        for log in logs.iterdir():
            report = log.read_text(errors="replace")
            blamed = blame(report)
            library += blamed == "library"
            if blamed == "own":
                problem = problem or "sanitizer report:\n" + report[:3000]
        if problem is None and sorted(work.rglob("*")) != before:
            problem = "left a file behind"
        if problem:
            kept = keep / seed.replace("/", "_")
            shutil.copytree(work, kept, dirs_exist_ok=True)
        return problem, library


def sources(only: str):
    data = HERE.parent / "data"
    kinds = (".h5ad", ".h5", ".h5mu", ".loom", ".csv", ".tsv", ".rds", ".zip")
    folders = {p.parent for p in data.rglob("matrix.mtx*")} | set(data.rglob("*.zarr"))
    files = [p for p in data.rglob("*") if p.suffix in kinds and p.parent not in folders]
    return [p for p in sorted(files) + sorted(folders) if only in str(p)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cli", help="the scriptorium-cli to test")
    parser.add_argument("--copies", type=int, default=10000, help="damaged copies of each file, after one that is whole")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long; 0: no limit")
    parser.add_argument("--seed", default="1", help="another seed, other damages")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", default="fuzz-failures", help="folder for copies that fail")
    options = parser.parse_args()
    keep = pathlib.Path(options.keep)
    cli = str(pathlib.Path(options.cli).resolve())
    end = time.monotonic() + options.seconds if options.seconds else float("inf")
    passed = failed = library = 0
    copies = ["whole", *range(options.copies)]
    tasks = ((source, f"{options.seed}-{source.name}-{i}") for i in copies for source in sources(options.only))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = {}
        for source, seed in tasks:
            if time.monotonic() > end:
                break
            waiting[pool.submit(run_one, cli, source, seed, keep)] = seed
            if len(waiting) < 4 * options.jobs:
                continue
            done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                problem, blamed = future.result()
                library += blamed
                passed, failed = passed + (problem is None), failed + (problem is not None)
                if problem:
                    print(f"FAILED {waiting[future]}: {problem}", flush=True)
                del waiting[future]
        for future, seed in waiting.items():
            problem, blamed = future.result()
            library += blamed
            passed, failed = passed + (problem is None), failed + (problem is not None)
            if problem:
                print(f"FAILED {seed}: {problem}", flush=True)
    if library:
        print(f"{library} sanitizer reports lie in the HDF5 library, in the child")
    print(f"{passed} passed, {failed} failed")
    if passed + failed == 0:
        print("nothing was tested", file=sys.stderr)
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
