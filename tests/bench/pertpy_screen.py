"""pertpy's Mixscape on a screen that `perturb all` wrote: times, and how many calls are the same.

pertpy_screen.py FILE.h5ad TARGET_COLUMN CONTROL [SPLIT_COLUMN]
"""

import sys
import time
import warnings

warnings.filterwarnings("ignore")
import anndata
import numpy as np
import pertpy
import scanpy

path, target, control = sys.argv[1:4]
split = sys.argv[4] if len(sys.argv) > 4 else None
data = anndata.read_h5ad(path)
ours = data.obs["mixscape_class_global"].astype(str).to_numpy()
data.X = data.X.astype(np.float64).toarray()
start = time.time()
scanpy.pp.normalize_total(data, target_sum=1e4)
scanpy.pp.log1p(data)
scanpy.pp.pca(data, n_comps=50)
print(f"normalised, components\t{time.time() - start:.2f}")
mixscape = pertpy.tl.Mixscape()
start = time.time()
mixscape.perturbation_signature(data, target, control, split_by=split)
print(f"signature\t{time.time() - start:.2f}")
if hasattr(pertpy.tl, "Mixscale"):
    score = data.obs["mixscale_score"].to_numpy().copy()
    start = time.time()
    pertpy.tl.Mixscale().mixscale(data, target, control, split_by=split)
    print(f"score\t{time.time() - start:.2f}")
    theirs = data.obs["mixscale_score"].to_numpy()
    print(f"correlation of scores\t{np.corrcoef(score, theirs)[0, 1]:.6f}")
start = time.time()
mixscape.mixscape(data, target, control, layer="X_pert", split_by=split)
print(f"call\t{time.time() - start:.2f}")
theirs = data.obs["mixscape_class_global"].astype(str).to_numpy()
print(f"pertpy {pertpy.__version__}: {np.mean(ours == theirs):.2%} of cells are called alike")
