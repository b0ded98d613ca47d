# Writes the small RDS files beside this script: Rscript make.R, with the package Matrix. Classes of Seurat and
# SingleCellExperiment are imitated with the slots that a reader looks at, so neither package is needed.
library(Matrix)
set.seed(7)
n_genes <- 30
n_cells <- 20
genes <- paste0("ENSG", sprintf("%011d", 1000 + seq_len(n_genes)))
cells <- paste0(replicate(n_cells, paste(sample(c("A", "C", "G", "T"), 16, TRUE), collapse = "")), "-1")
dense <- matrix(rnbinom(n_genes * n_cells, size = 0.4, mu = 1.5), n_genes, n_cells, dimnames = list(genes, cells))
dense[3, ] <- 0L
counts <- as(as(as(dense, "dMatrix"), "generalMatrix"), "CsparseMatrix")
logged <- counts
logged@x <- log1p(logged@x)

save_as <- function(object, name, ...) saveRDS(object, name, ...)
save_as(counts, "dgCMatrix.rds")
save_as(dense, "matrix.rds")
save_as(t(counts), "cells_in_rows.rds")
save_as(counts, "version2_plain.rds", version = 2, compress = FALSE)
save_as(lm(dist ~ speed, data.frame(dist = c(1, 3, 2), speed = 1:3))["coefficients"], "other.rds")

meta <- data.frame(
  batch = factor(rep(c("b1", "b2"), length.out = n_cells)), n = seq_len(n_cells), score = seq_len(n_cells) / 4,
  kept = rep(c(TRUE, FALSE, NA, TRUE), length.out = n_cells), label = paste0("l", seq_len(n_cells)), row.names = cells
)
meta$nested <- I(matrix(0, n_cells, 2))

# SingleCellExperiment: assays without names of their own, tables as DataFrames.
setClass("DFrame", representation(rownames = "ANY", nrows = "integer", listData = "list"))
setClass("SimpleList", representation(listData = "list"))
setClass("SimpleAssays", representation(data = "SimpleList"))
setClass("SingleCellExperiment", representation(
  int_colData = "DFrame", assays = "SimpleAssays", colData = "DFrame", NAMES = "ANY", elementMetadata = "DFrame"
))
bare <- function(m) { dimnames(m) <- list(NULL, NULL); m }
frame <- function(columns, names, n) new("DFrame", rownames = names, nrows = as.integer(n), listData = columns)
pca <- matrix(rnorm(2 * n_cells), n_cells, 2, dimnames = list(cells, c("PC1", "PC2")))
sce <- new("SingleCellExperiment",
  int_colData = frame(list(reducedDims = frame(list(PCA = pca), NULL, n_cells)), NULL, n_cells),
  assays = new("SimpleAssays", data = new("SimpleList", listData = list(logcounts = bare(logged), counts = bare(counts)))),
  colData = frame(as.list(meta[c("batch", "n", "kept")]), cells, n_cells),
  NAMES = genes, elementMetadata = frame(list(chromosome = rep(c("1", "2"), 15)), NULL, n_genes)
)
save_as(sce, "sce.rds")

# Seurat 3 and 4: a slot for each matrix.
setClass("Assay", representation(counts = "ANY", data = "ANY", scale.data = "matrix", key = "character", meta.features = "data.frame"))
setClass("DimReduc", representation(cell.embeddings = "matrix", key = "character"))
setClass("Seurat", representation(
  assays = "list", meta.data = "data.frame", active.assay = "character", active.ident = "factor", reductions = "list", version = "list"
))
adt <- counts[1:4, ]
rownames(adt) <- c("CD3", "CD4", "CD8", "CD19")
assay <- function(counts, data) new("Assay", counts = counts, data = data, scale.data = matrix(0, 0, 0), key = "k_",
                                    meta.features = data.frame(variable = rep(c(TRUE, FALSE), length.out = nrow(counts)), row.names = rownames(counts)))
seurat <- new("Seurat",
  assays = list(ADT = assay(adt, adt), RNA = assay(counts, logged)), meta.data = meta, active.assay = "ADT",
  active.ident = setNames(meta$batch, cells), reductions = list(umap = new("DimReduc", cell.embeddings = pca, key = "UMAP_")),
  version = list(c(4L, 3L, 0L))
)
save_as(seurat, "seurat4.rds")

# Seurat 5: layers without names; which cells and features a layer has stands in a matrix of TRUE and FALSE.
setClass("LogMap", contains = "matrix")
setClass("Assay5", representation(layers = "list", cells = "LogMap", features = "LogMap", default = "integer", meta.data = "data.frame"))
map <- function(names, layers) new("LogMap", matrix(TRUE, length(names), length(layers), dimnames = list(names, layers)))
assay5 <- function(layers) new("Assay5", layers = layers, cells = map(cells, names(layers)), features = map(genes, names(layers)),
                               default = 1L, meta.data = data.frame(variable = rep(TRUE, n_genes)))
v5 <- function(layers) new("Seurat", assays = list(RNA = assay5(layers)), meta.data = meta, active.assay = "RNA",
                           active.ident = setNames(meta$batch, cells), reductions = list(), version = list(c(5L, 0L, 1L)))
save_as(v5(list(counts = bare(counts), data = bare(logged))), "seurat5.rds")
save_as(v5(list(counts.a = bare(counts), counts.b = bare(counts))), "seurat5_split.rds")

write.table(dense, "counts.tsv", sep = "\t", quote = FALSE)
