"""`convert` writes what anndata and scipy read, with the same counts, names, columns and embeddings."""

import gzip
import pathlib
import tempfile
import unittest

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.io
import scipy.sparse as sp
from program import EXAMPLE, scriptorium


class Converting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def convert(self, data, name, *words):
        source = self.folder / "source.h5ad"
        data.write_h5ad(source)
        scriptorium("convert", source, "--out", self.folder / name, *words, "--progress", "none")
        return self.folder / name

    def rich(self):
        data = anndata.read_h5ad(EXAMPLE)[:60, :200].copy()
        data.obs["type"] = pd.Categorical(["T", "β-cell", None] * 20, categories=["β-cell", "T"], ordered=True)
        data.obs["age"] = pd.array([None, 3] * 30, dtype="Int64")
        data.obs["dead"] = pd.array([True, None, False] * 20, dtype="boolean")
        data.obs["kept"] = [True, False] * 30
        data.obs["share"] = np.linspace(0, 1, 60)
        data.obs["note"] = [f"naïve {i}" for i in range(60)]
        data.obsm["X_umap"] = np.arange(120, dtype=np.float32).reshape(60, 2)
        return data

    def test_h5ad_has_the_same_tables_counts_and_embeddings(self):
        data = self.rich()
        back = anndata.read_h5ad(self.convert(data, "back.h5ad"))
        self.assertEqual((back.X != data.X).nnz, 0)
        pd.testing.assert_frame_equal(back.obs, data.obs, check_dtype=False, check_index_type=False)
        for column in ("type", "age", "dead", "kept", "share"):
            self.assertEqual(back.obs[column].dtype, data.obs[column].dtype, column)
        pd.testing.assert_index_equal(back.var_names, data.var_names, check_names=False, exact=False)
        np.testing.assert_array_equal(back.obsm["X_umap"], data.obsm["X_umap"])
        again = self.folder / "again.h5ad"
        back.write_h5ad(again)  # and anndata can write what it read

    def test_columns_of_a_gene_major_source(self):
        data = self.rich()
        data.X = sp.csc_matrix(data.X)
        back = anndata.read_h5ad(self.convert(data, "back.h5ad"))
        self.assertEqual((sp.csr_matrix(back.X) != sp.csr_matrix(data.X)).nnz, 0)

    def test_cell_rangers_file(self):
        data = self.rich()
        with h5py.File(self.convert(data, "back.h5")) as file:
            matrix = file["matrix"]
            counts = sp.csc_matrix((matrix["data"][:], matrix["indices"][:], matrix["indptr"][:]), matrix["shape"][:])
            self.assertEqual([name.decode() for name in matrix["barcodes"]], list(data.obs_names))
            features = matrix["features"]
            self.assertEqual([name.decode() for name in features["id"]], list(data.var_names))
            self.assertEqual(set(features["feature_type"]), {b"Gene Expression"})
            self.assertEqual(len(features["name"]), len(features["genome"]))
        self.assertEqual((counts.T != data.X).nnz, 0)

    def test_folder_of_matrix_market(self):
        data = self.rich()
        folder = self.convert(data, "folder")
        counts = scipy.io.mmread(folder / "matrix.mtx.gz")
        self.assertEqual((sp.csr_matrix(counts.T) != data.X).nnz, 0)
        lines = {name: gzip.open(folder / f"{name}.tsv.gz", "rt", encoding="utf-8").read().splitlines() for name in ("barcodes", "features")}
        self.assertEqual(lines["barcodes"], list(data.obs_names))
        self.assertEqual([line.split("\t")[0] for line in lines["features"]], list(data.var_names))
        self.assertTrue(all(len(line.split("\t")) == 3 for line in lines["features"]))

    def test_what_was_not_measured_is_never_x(self):
        few = anndata.read_h5ad(EXAMPLE)[:60, :40]
        counts = few.X.toarray().astype(np.float32)
        counts[20:50, 5:12] = np.nan
        data = anndata.AnnData(counts, pd.DataFrame(index=few.obs_names), pd.DataFrame(index=few.var_names))
        back = anndata.read_h5ad(self.convert(data, "back.h5ad"))
        self.assertIsNone(back.X)
        measured = back.varm["measured_sets"].T.loc[back.obs["measured_set"]].to_numpy()
        np.testing.assert_array_equal(measured, ~np.isnan(counts))
        np.testing.assert_array_equal(back.layers["counts_where_measured"].toarray(), np.nan_to_num(counts))
        # What anndata makes of a part of it is still read with the same meaning.
        part = back[30:60, 3:9].copy()
        part.write_h5ad(self.folder / "part.h5ad")
        scriptorium("convert", self.folder / "part.h5ad", "--out", self.folder / "part2.h5ad", "--progress", "none")
        part = anndata.read_h5ad(self.folder / "part2.h5ad")
        measured = part.varm["measured_sets"].T.loc[part.obs["measured_set"]].to_numpy()
        np.testing.assert_array_equal(measured, ~np.isnan(counts[30:60, 3:9]))


if __name__ == "__main__":
    unittest.main()
