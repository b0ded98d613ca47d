"""Prints the median seconds of one full-batch SVI step of SCRIBE's nbvcp, compilation left out.

scribe_step.py DATA.h5ad [LAYER]: run by `bench --scribe PYTHON` with a Python that has SCRIBE (mrazomej/scribe).
"""
import os
import statistics
import sys
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import anndata
import jax
import jax.numpy as jnp
import numpyro
from numpyro.infer import SVI, TraceMeanField_ELBO
from scribe.models.config import ModelConfigBuilder
from scribe.models.model_registry import get_model_and_guide

data = anndata.read_h5ad(sys.argv[1])
matrix = data.layers[sys.argv[2]] if len(sys.argv) > 2 and sys.argv[2] else data.X
counts = jnp.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=jnp.float32)
cells, genes = counts.shape
model, guide, config = get_model_and_guide(ModelConfigBuilder().for_model("nbvcp").build(), n_genes=genes)
svi = SVI(model, guide, numpyro.optim.Adam(1e-3), loss=TraceMeanField_ELBO())
words = dict(n_cells=cells, n_genes=genes, batch_size=None, model_config=config)
state = svi.init(jax.random.PRNGKey(0), counts=counts, **words)
update = jax.jit(lambda state: svi.stable_update(state, counts=counts, **words))
seconds = []
for _ in range(6):
    start = time.perf_counter()
    state, loss = update(state)
    jax.block_until_ready(loss)
    seconds.append(time.perf_counter() - start)
print(statistics.median(seconds[1:]))
