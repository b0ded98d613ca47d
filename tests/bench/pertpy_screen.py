"""pertpy on a screen that `perturb all` wrote, step by step as our chain: times, and how many calls are the same.

pertpy_screen.py FILE.h5ad TARGET_COLUMN CONTROL [SPLIT_COLUMN]
"""

import importlib.metadata
import resource
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
our_score = data.obs["mixscale_score"].to_numpy().copy()
with_discriminant = "X_mixscape_lda" in data.obsm
data.X = data.X.astype(np.float64).toarray()
mixscape = pertpy.tl.Mixscape()
seconds = 0.0


def timed(name, step):
    global seconds
    start = time.time()
    step()
    seconds += time.time() - start
    print(f"{name}\t{time.time() - start:.2f}", flush=True)


def components():
    scanpy.pp.normalize_total(data, target_sum=1e4)
    scanpy.pp.log1p(data)
    scanpy.pp.pca(data, n_comps=50)


timed("normalised, components", components)
timed("signature", lambda: mixscape.perturbation_signature(data, target, control, split_by=split))
if hasattr(pertpy.tl, "Mixscale"):
    timed("score", lambda: pertpy.tl.Mixscale().mixscale(data, target, control, split_by=split))
timed("call", lambda: mixscape.mixscape(data, target, control, layer="X_pert", split_by=split))
if with_discriminant:
    timed("discriminant", lambda: mixscape.lda(data, target, control, split_by=split))
print(f"all\t{seconds:.2f}")
print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
theirs = data.obs["mixscape_class_global"].astype(str).to_numpy()
print(f"pertpy {importlib.metadata.version('pertpy')}: {np.mean(ours == theirs):.2%} of cells are called alike")
if hasattr(pertpy.tl, "Mixscale"):
    print(f"correlation of scores {np.corrcoef(our_score, data.obs['mixscale_score'])[0, 1]:.6f}")
