"""What we write is read by xarray, ArviZ and pandas, and the formats tell the same numbers."""

import json
import pathlib
import tempfile
import unittest

import anndata
import arviz
import numpy as np
import pandas as pd
import xarray
from program import EXAMPLE, scriptorium

DRAWS = 400
FEW = ["LYZ", "NKG7", "MALAT1"]


class Writing(unittest.TestCase):
    """One fit of the example by the default model, exported in every way."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.fit = cls.folder / "fit.h5"
        scriptorium("fit", EXAMPLE, "--model", "nbvcp", "--seed", 1, "--out", cls.fit, "--progress", "none")
        cls.posterior_file = cls.folder / "posterior.nc"
        scriptorium("sample", cls.fit, "-n", DRAWS, "--seed", 3, "--out", cls.posterior_file)
        data = anndata.read_h5ad(EXAMPLE)
        cls.genes, cls.cells = list(data.var_names), list(data.obs_names)

    def table(self, command, *arguments, ending="tsv"):
        path = self.folder / f"{command}.{ending}"
        scriptorium(command, self.fit, *arguments, "--out", path)
        if ending == "json":
            return pd.DataFrame(json.loads(path.read_text()))
        return pd.read_csv(path, sep="\t" if ending == "tsv" else ",", float_precision="round_trip")

    def posterior(self, engine="h5netcdf"):
        data = xarray.open_dataset(self.posterior_file, group="posterior", engine=engine)
        self.addCleanup(data.close)
        return data

    def test_point_estimates_have_a_row_for_each_gene_and_cell(self):
        table = self.table("map")
        by_name = dict(list(table.groupby("parameter")))
        self.assertEqual(list(by_name["r"]["gene"]), self.genes)
        self.assertEqual(list(by_name["p_capture"]["cell"]), self.cells)
        self.assertEqual(len(by_name["p"]), 1)
        self.assertTrue(np.isfinite(table["value"]).all())

    def test_tsv_csv_and_json_hold_the_same_numbers(self):
        tables = [self.table("map", ending=ending) for ending in ("tsv", "csv", "json")]
        for table in tables[1:]:
            self.assertEqual(list(table.columns), list(tables[0].columns))
            np.testing.assert_array_equal(table["value"], tables[0]["value"])

    def test_distributions_are_ordered(self):
        table = self.table("distributions")
        self.assertTrue((table["q025"] < table["mean"]).all())
        self.assertTrue((table["mean"] < table["q975"]).all())
        self.assertTrue((table["sd"] > 0).all())

    def test_loss_ends_below_its_start(self):
        table = self.table("loss")
        self.assertTrue((np.diff(table["iteration"]) > 0).all())
        self.assertLess(table["loss"].iloc[-1], table["loss"].iloc[0])

    def test_diagnosis_names_genes_of_the_file(self):
        path = self.folder / "diagnose.tsv"
        scriptorium("diagnose", self.fit, EXAMPLE, "--out", path)
        table = pd.read_csv(path, sep="\t")
        self.assertGreater(len(table), 20)
        self.assertLessEqual(set(table["gene"]), set(self.genes))
        self.assertLessEqual(set(table["verdict"]), {"fine", "tight_off", "guide", "model", "nonconverged"})

    def test_xarray_reads_the_posterior_through_both_libraries(self):
        first, second = self.posterior("h5netcdf"), self.posterior("netcdf4")
        xarray.testing.assert_identical(first.load(), second.load())

    def test_posterior_has_the_dimensions_and_names_of_the_data(self):
        data = self.posterior()
        self.assertEqual(dict(data.sizes), {"chain": 1, "draw": DRAWS, "gene": len(self.genes), "cell": len(self.cells)})
        self.assertEqual(list(data["gene"].values), self.genes)
        self.assertEqual(list(data["cell"].values), self.cells)
        self.assertEqual(data["r"].dims, ("chain", "draw", "gene"))
        self.assertEqual(data["p_capture"].dims, ("chain", "draw", "cell"))
        for name, variable in data.data_vars.items():
            self.assertTrue(np.isfinite(variable).all(), name)

    def test_draws_have_the_means_that_distributions_tells(self):
        table = self.table("distributions")
        table = table[table["parameter"] == "r"]
        self.assertEqual(list(table["gene"]), self.genes)
        mean = self.posterior()["r"].mean(("chain", "draw")).values
        z = (mean - table["mean"]) / (table["sd"] / np.sqrt(DRAWS))
        # Standard normal under the same law, one for each gene. r is skewed, so the tails are a little heavier.
        self.assertLess(abs(np.mean(z)), 1.0)
        self.assertLess(np.mean(np.abs(z) > 3), 0.02)
        self.assertTrue(0.8 < np.std(z) < 1.2, np.std(z))

    def test_arviz_summarises_the_posterior(self):
        data = arviz.from_netcdf(self.posterior_file)
        self.assertIn("posterior", data.groups())
        summary = arviz.summary(data, var_names=["r"], coords={"gene": FEW}, kind="stats")
        np.testing.assert_allclose(summary["mean"], data.posterior["r"].sel(gene=FEW).mean(("chain", "draw")), atol=0.01)

    def test_predictive_draws_are_counts(self):
        path = self.folder / "ppc.nc"
        scriptorium("ppc", self.fit, EXAMPLE, "--kind", "posterior", "-n", 100, "--genes", ",".join(FEW), "--out", path)
        drawn = arviz.from_netcdf(path).posterior_predictive
        (name,) = drawn.data_vars
        values = drawn[name]
        self.assertEqual(dict(values.sizes), {"chain": 1, "draw": 100, "cell": len(self.cells), "gene": len(FEW)})
        self.assertEqual(sorted(values["gene"].values), sorted(FEW))
        self.assertTrue(((values >= 0) & (values == np.round(values))).all())
        # Mean of a negative binomial under capture: share caught × r p / (1 − p), whether or not the gene fits.
        drawn_from = self.posterior().sel(gene=values["gene"])
        odds = drawn_from["p"] / (1 - drawn_from["p"])
        expected = (drawn_from["r"] * odds * drawn_from["p_capture"].mean("cell")).mean(("chain", "draw"))
        np.testing.assert_allclose(values.mean(("chain", "draw", "cell")), expected, rtol=0.2)

    def test_subset_keeps_the_numbers_of_its_genes(self):
        smaller, table = self.folder / "smaller.h5", self.folder / "smaller.tsv"
        scriptorium("subset", self.fit, "--genes", ",".join(FEW), "--out", smaller)
        scriptorium("map", smaller, "--out", table)
        kept = pd.read_csv(table, sep="\t", float_precision="round_trip").query("parameter == 'r'").set_index("gene")["value"]
        whole = self.table("map").query("parameter == 'r'").set_index("gene")["value"]
        self.assertEqual(set(kept.index), set(FEW))
        pd.testing.assert_series_equal(kept, whole[kept.index], check_exact=True)

    def test_anndata_reads_what_the_fit_says_of_cells_and_genes(self):
        path = self.folder / "fit.h5ad"
        scriptorium("export", self.fit, "--data", EXAMPLE, "--to", path)
        data, before = anndata.read_h5ad(path), anndata.read_h5ad(EXAMPLE)
        np.testing.assert_array_equal(data.X.toarray(), before.X.toarray())
        by_name = dict(list(self.table("map").groupby("parameter")))
        np.testing.assert_array_equal(data.var["r_map"], by_name["r"]["value"])
        np.testing.assert_array_equal(data.obs["p_capture"], by_name["p_capture"]["value"])
        self.assertTrue((data.var["r_sd"] > 0).all() and (data.obs["p_capture_sd"] > 0).all())
        np.testing.assert_array_equal(data.obs["n_counts"], before.X.sum(axis=1).A1)
        path = self.folder / "loglik.tsv"
        scriptorium("loglik", EXAMPLE, "--fit", self.fit, "--by", "cell", "--out", path)
        np.testing.assert_allclose(data.obs["loglik"], pd.read_csv(path, sep="\t")["loglik"], rtol=1e-12)
        self.assertIn("fine", set(data.var["verdict"]))
        said = data.uns["scriptorium"]
        self.assertEqual(said["model"]["likelihood"], "nbvcp")
        self.assertEqual(int(said["seed"]), 1)
        self.assertAlmostEqual(said["loss"]["final"], said["trace"][-1], delta=1)

if __name__ == "__main__":
    unittest.main()
