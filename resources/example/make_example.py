"""Makes pbmc_example.h5ad from the whole dataset: make_example.py pbmc_donor_a.h5ad pbmc_example.h5ad

Deterministic: cells at even steps through the file; genes at even steps through their ranking by total count, after
the markers below and the 300 most expressed.
"""

import sys

import anndata
import numpy as np
import scipy.sparse as sp

CELLS, GENES, TOP = 600, 1500, 300
MARKERS = """LYZ CST3 S100A8 S100A9 CD14 FCGR3A MS4A7 FCER1A CD3D CD3E IL7R CCR7 S100A4 CD8A CD8B NKG7 GNLY GZMB PRF1
CCL5 MS4A1 CD79A CD79B CD74 PPBP FTH1 FTL MALAT1 B2M ACTB GAPDH TMSB4X HLA-DRA""".split()

source = anndata.read_h5ad(sys.argv[1])
counts = sp.csr_matrix(source.X).astype(np.int64)
cells = np.linspace(0, source.n_obs - 1, CELLS).round().astype(int)
kept = counts[cells]
seen = np.asarray((kept > 0).sum(axis=0)).ravel()
ranked = np.argsort(-np.asarray(counts.sum(axis=0)).ravel(), kind="stable")
ranked = ranked[seen[ranked] >= 2]

markers = [g for g in ranked if source.var_names[g] in MARKERS]
chosen = dict.fromkeys(markers + list(ranked[:TOP]))
rest = [g for g in ranked if g not in chosen]
chosen.update(dict.fromkeys(rest[i] for i in np.linspace(0, len(rest) - 1, GENES - len(chosen)).round().astype(int)))
genes = np.sort(list(chosen))  # the file's own order

example = anndata.AnnData(kept[:, genes].astype(np.float32))
example.obs_names, example.var_names = source.obs_names[cells], source.var_names[genes]
example.obs["umi_all_genes"] = np.asarray(kept.sum(axis=1)).ravel()
example.obs["genes_seen"] = np.asarray((kept > 0).sum(axis=1)).ravel()
example.var["marker"] = [name in MARKERS for name in example.var_names]
example.write_h5ad(sys.argv[2], compression="gzip")
print(example, example.X.nnz, int(example.X.sum()), set(MARKERS) - set(example.var_names))
