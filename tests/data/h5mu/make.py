"""Writes small.h5mu beside this script, in the layout of MuData 0.3: python3 make.py, with h5py and numpy."""
import pathlib

import h5py
import numpy

rng = numpy.random.default_rng(3)
text = h5py.string_dtype()


def frame(parent, name, index, columns):
    group = parent.create_group(name)
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    group.attrs.create("column-order", list(columns), dtype=text)
    group.create_dataset("_index", data=index, dtype=text)
    for column, values in columns.items():
        group[column] = values


def anndata(parent, name, cells, features, counts, encoding):
    group = parent.create_group(name)
    group.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    frame(group, "obs", cells, {"total": counts.sum(1)})
    frame(group, "var", features, {"detected": (counts > 0).sum(0)})
    if encoding == "dense":
        group["X"] = counts.astype("f4")
        return
    x = group.create_group("X")
    x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": counts.shape})
    rows, columns = counts.nonzero()
    x["data"] = counts[rows, columns].astype("f4")
    x["indices"] = columns.astype("i4")
    x["indptr"] = numpy.concatenate([[0], numpy.bincount(rows, minlength=len(counts)).cumsum()]).astype("i4")


cells = ["".join(rng.choice(list("ACGT"), 16)) + "-1" for _ in range(12)]
with h5py.File(pathlib.Path(__file__).with_name("small.h5mu"), "w") as file:
    file.attrs["encoding-type"] = "MuData"
    frame(file, "obs", cells[::-1], {"score": numpy.arange(12.0)})
    frame(file, "var", [f"gene{i}" for i in range(8)] + ["CD3", "CD4"], {})
    mod = file.create_group("mod")
    anndata(mod, "rna", cells, [f"gene{i}" for i in range(8)], rng.poisson(0.7, (12, 8)), "csr")
    anndata(mod, "prot", cells[:10], ["CD3", "CD4"], rng.poisson(20, (10, 2)), "dense")
