"""We read what today's anndata writes: `inspect` says of each file what anndata and numpy say."""

import json
import pathlib
import tempfile
import unittest

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from program import EXAMPLE, scriptorium


def facts(counts, data):
    """What `inspect --json` must say of counts (cells × genes, sparse), from numpy alone."""
    counts = sp.csr_matrix(counts).astype(np.int64)
    cells, genes = np.asarray(counts.sum(axis=1)).ravel(), np.asarray(counts.sum(axis=0)).ravel()
    return {
        "n_cells": counts.shape[0],
        "n_genes": counts.shape[1],
        "nnz": counts.count_nonzero(),
        "total_counts": counts.sum(),
        "max_count": counts.max(),
        "median_cell_total": np.median(cells),
        "cells_with_zero_total": (cells == 0).sum(),
        "genes_with_zero_total": (genes == 0).sum(),
        "first_cell": data.obs_names[0],
        "first_cell_total": cells[0],
        "last_cell": data.obs_names[-1],
        "last_cell_total": cells[-1],
        "first_gene": data.var_names[0],
        "last_gene": data.var_names[-1],
        "top_gene": data.var_names[genes.argmax()],
        "top_gene_total": genes.max(),
    }


class ReadingAnndata(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "made.h5ad"
        self.example = anndata.read_h5ad(EXAMPLE)

    def assert_inspected(self, data, counts, counts_at, path=None):
        if path is None:
            path = self.path
            data.write_h5ad(path, compression="gzip")
        told = json.loads(scriptorium("inspect", path, "--json"))
        self.assertEqual(told["counts_at"], counts_at)
        for key, value in facts(counts, data).items():
            self.assertEqual(told[key], value, key)
        return told

    def test_example(self):
        self.assert_inspected(self.example, self.example.X, "X", EXAMPLE)

    def test_csc_integers(self):
        data = anndata.AnnData(sp.csc_matrix(self.example.X).astype(np.int32), self.example.obs, self.example.var)
        self.assert_inspected(data, data.X, "X")

    def test_dense(self):
        few = self.example[:40, :60].copy()
        data = anndata.AnnData(few.X.toarray(), few.obs, few.var)
        self.assert_inspected(data, few.X, "X")

    def test_log_normalised_x_with_counts_in_a_layer(self):
        data = self.example.copy()
        data.layers["counts"] = data.X.copy()
        data.X = data.X.log1p()
        self.assert_inspected(data, data.layers["counts"], "layers/counts")

    def test_counts_in_raw(self):
        data = self.example.copy()
        data.raw = data
        data.X = data.X.log1p()
        self.assert_inspected(data, data.raw.X, "raw/X")

    def test_typed_columns_and_names_beyond_ascii(self):
        data = self.example[:50].copy()
        data.obs["type"] = pd.Categorical(["T", "β-cell"] * 25)
        data.obs["age"] = pd.array([None, 3] * 25, dtype="Int64")
        data.obs["note"] = ["naïve"] * 50
        data.obs_names = [f"φ{i}" for i in range(50)]
        told = json.dumps(self.assert_inspected(data, data.X, "X"), ensure_ascii=False)
        for column in ("type", "age", "note", "umi_all_genes"):
            self.assertIn(f'"{column}"', told)


if __name__ == "__main__":
    unittest.main()
