"""What `perturb all` writes of a screen has the forms that pertpy gives its own results, read with anndata alone."""

import pathlib
import tempfile
import unittest

import anndata
import numpy as np
import pandas as pd
from program import scriptorium

CELLS, GENES = 600, 90
CHANGED = {"A/B": slice(0, 20), "T1": slice(20, 40)}


def screen(path):
    """Counts of cells of two targets, each of which moves 20 genes, and of controls, in two replicates."""
    random = np.random.default_rng(5)
    target = np.array(["NT", *CHANGED])[random.integers(0, 3, CELLS)]
    mean = np.tile(random.gamma(2, 2, GENES), (CELLS, 1))
    for name, genes in CHANGED.items():
        mean[target == name, genes] *= np.tile([0.3, 3], 10)
    cells = pd.DataFrame(
        {"target": target, "rep": np.array(["r0", "r1"])[random.integers(0, 2, CELLS)]},
        index=[f"cell{i}" for i in range(CELLS)],
    )
    genes = pd.DataFrame(index=[f"gene{i}" for i in range(GENES)])
    anndata.AnnData(random.poisson(mean).astype(np.float32), obs=cells, var=genes).write_h5ad(path)


class Screening(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        data, out = pathlib.Path(folder.name) / "screen.h5ad", pathlib.Path(folder.name) / "out.h5ad"
        screen(data)
        scriptorium("perturb", "all", data, "--target", "target", "--control", "NT", "--split", "rep", "--out", out,
                    "--progress", "none")
        cls.found = anndata.read_h5ad(out)

    def frames(self, name):
        for target, key in (("A/B", "A%2FB"), ("T1", "T1")):
            self.assertEqual(set(self.found.uns[name][key]), {"r0", "r1"})
            for group, frame in self.found.uns[name][key].items():
                self.assertIsInstance(frame, pd.DataFrame)
                yield target, group, frame

    def test_projections_are_frames_of_a_target_s_cells_and_controls(self):
        obs = self.found.obs
        for name in ("mixscape", "mixscale"):
            for target, group, frame in self.frames(name):
                here = obs[(obs["rep"] == group) & obs["target"].isin([target, "NT"])]
                self.assertEqual(list(frame.index), list(here.index))
                self.assertEqual(list(frame["target"].astype(str)), list(here["target"].astype(str)))
                self.assertEqual(frame["pvec"].dtype, np.float64)
                pvec = frame.groupby("target", observed=True)["pvec"].mean()
                self.assertAlmostEqual(pvec[target] - pvec["NT"], 1)

    def test_each_marker_has_a_column_that_leaves_it_out(self):
        for target, _, frame in self.frames("mixscale"):
            markers = list(self.found.uns["mixscale_de_genes"][target.replace("/", "%2F")])
            self.assertEqual(list(frame.columns), ["pvec", "target", *markers])
            self.assertTrue(np.isfinite(frame[markers]).all(axis=None))

    def test_discriminant_axes_are_of_called_cells_and_controls(self):
        obs = self.found.obs
        used = obs["mixscape_class_global"].isin(["KO", "NT"])
        axes, everywhere = self.found.uns["mixscape_lda"], self.found.obsm["X_mixscape_lda"]
        self.assertEqual((axes.dtype, axes.shape), (np.float64, (used.sum(), 2)))
        self.assertEqual(everywhere.dtype, np.float64)
        np.testing.assert_array_equal(everywhere[used], axes)
        self.assertTrue(np.isnan(everywhere[~used]).all())


if __name__ == "__main__":
    unittest.main()
