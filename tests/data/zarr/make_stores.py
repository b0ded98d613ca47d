#!/usr/bin/env python3
"""Writes the small Zarr stores of this folder. Made once with zarr 3.1.6, anndata 0.12.19 and numcodecs 0.16.6; run again
only to add to them, in an empty folder: make_stores.py FOLDER"""
import pathlib
import shutil
import sys
import warnings
import zipfile

import anndata
import numcodecs
import numcodecs.zarr3 as packed
import numpy as np
import pandas as pd
import scipy.sparse
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec

warnings.simplefilter("ignore")
CELLS, GENES = 23, 17
LOWEST = np.iinfo(np.int64).min


def counts() -> np.ndarray:
    """The matrix that tst_zarr.cpp knows by this formula."""
    cell, gene = np.meshgrid(np.arange(CELLS), np.arange(GENES), indexing="ij")
    return np.where((7 * cell + 13 * gene) % 5 < 2, (cell * gene) % 50 + 1, 0).astype(np.int64)


def zipped(folder: pathlib.Path, how: int = zipfile.ZIP_STORED) -> None:
    """Packs a store into FOLDER.zip; the folder goes. Zarr itself does not compress them, other programs do."""
    with zipfile.ZipFile(f"{folder}.zip", "w") as out:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                out.writestr(zipfile.ZipInfo(str(file.relative_to(folder))), file.read_bytes(), compress_type=how)
    shutil.rmtree(folder)


def bare_v2(at: pathlib.Path) -> None:
    """One array for each codec, type and layout of version 2, all with the same counts."""
    group = zarr.open_group(at, mode="w", zarr_format=2)

    def add(name, data=counts(), chunks=(10, 9), **how):
        group.create_array(name, shape=data.shape, chunks=chunks, dtype=how.pop("dtype", data.dtype),
                           **{"fill_value": 0, "compressors": None} | how)[:] = data

    add("none")
    for inner in ("lz4", "lz4hc", "blosclz", "zlib", "zstd"):
        add("blosc_" + inner, compressors=numcodecs.Blosc(cname=inner, shuffle=1))
    for name, shuffle in (("noshuffle", 0), ("bitshuffle", 2)):
        add("blosc_" + name, compressors=numcodecs.Blosc(cname="zstd", shuffle=shuffle))
    add("zstd", compressors=numcodecs.Zstd(level=3))
    add("gzip", compressors=numcodecs.GZip(level=5))
    add("zlib", compressors=numcodecs.Zlib(level=5))
    add("lz4", compressors=numcodecs.LZ4())
    add("by_column", order="F", compressors=numcodecs.Zstd())
    add("by_column_gzip_u2", order="F", compressors=numcodecs.GZip(), dtype=">u2")
    add("slashes", chunk_key_encoding={"name": "v2", "separator": "/"})
    add("one_chunk", chunks=(CELLS, GENES), compressors=numcodecs.Zstd())
    add("wide_chunks", chunks=(40, 40), compressors=numcodecs.Zstd())
    add("tiny_chunks", chunks=(1, 17))
    add("by_gene", chunks=(CELLS, 2), compressors=numcodecs.Zstd())
    for kind in ("i1", "u1", "<i2", ">i2", "<u2", "<i4", ">i4", "<u4", ">u4", ">i8", "<u8", ">u8", "<f2", ">f2", "<f4",
                 ">f4", "<f8", ">f8"):
        name = "type_" + kind.replace("<", "little_").replace(">", "big_")
        add(name, dtype=kind, chunks=(23, 9), compressors=numcodecs.Zstd())
    marks = counts()
    marks[:20, 3:6] = LOWEST  # genes that the first 20 cells did not measure
    add("marks", marks, compressors=numcodecs.Blosc())
    nans = counts().astype(np.float32)
    nans[:20, 3:6] = np.nan
    add("nans", nans, compressors=numcodecs.Blosc())
    stray = counts()
    stray[4, 2] = LOWEST
    add("stray", stray)
    bad = counts()
    bad[21, 16] = -3
    bad[11, 2] = 2**40
    add("negative", bad)
    # Only the chunks of cells 20 to 22 are there; the others stand for what the name says.
    for name, fill in (("missing_zeros", 0), ("missing_threes", 3), ("missing_marks", LOWEST)):
        add(name, fill_value=fill)
        for chunk in ("0.0", "0.1", "1.0", "1.1"):
            (at / name / chunk).unlink()


def bare_v3(at: pathlib.Path) -> None:
    group = zarr.open_group(at, mode="w", zarr_format=3)

    def add(name, data=counts(), chunks=(10, 9), **how):
        group.create_array(name, shape=data.shape, chunks=chunks, dtype=how.pop("dtype", data.dtype),
                           **{"fill_value": 0, "compressors": None} | how)[:] = data

    add("none")
    add("big_endian", serializer=BytesCodec(endian="big"))
    add("transposed", filters=TransposeCodec(order=(1, 0)), compressors=ZstdCodec())
    add("transposed_twice", filters=[TransposeCodec(order=(1, 0)), TransposeCodec(order=(1, 0))])
    for inner in ("lz4", "blosclz", "zlib", "zstd"):
        add("blosc_" + inner, compressors=BloscCodec(cname=inner, shuffle="bitshuffle"))
    add("zstd", compressors=ZstdCodec(level=3, checksum=True))
    add("gzip", compressors=GzipCodec(level=5))
    add("crc32c", compressors=[ZstdCodec(), Crc32cCodec()])
    add("gzip_then_zstd", compressors=[GzipCodec(), ZstdCodec()])
    add("lz4", compressors=packed.LZ4())
    add("zlib", compressors=packed.Zlib())
    add("dots", chunk_key_encoding={"name": "default", "separator": "."})
    add("keys_of_v2", chunk_key_encoding={"name": "v2", "separator": "."})
    add("halves", dtype="float16", compressors=ZstdCodec())
    add("shards", chunks=(5, 4), shards=(10, 8), compressors=ZstdCodec())
    inner = dict(codecs=[BytesCodec(), BloscCodec(cname="lz4"), Crc32cCodec()], chunk_shape=(3, 9))
    add("shards_index_first", chunks=(12, 9), serializer=ShardingCodec(**inner, index_location="start"))
    add("shards_no_checksum", chunks=(12, 9),
        serializer=ShardingCodec(**inner, index_codecs=[BytesCodec()]))
    some = counts()
    some[:12, :9] = 0  # inner chunks of zeros are left out of their shard
    add("shards_with_gaps", some, chunks=(3, 3), shards=(12, 9), compressors=ZstdCodec())


def annotated(with_counts_in: str) -> anndata.AnnData:
    data = counts()
    cells = pd.DataFrame(index=[f"cell_{i}" for i in range(CELLS)])
    cells["cluster"] = pd.Categorical(["a" if i % 3 else "b" for i in range(CELLS)], categories=["b", "a"], ordered=True)
    cells["score"] = np.arange(CELLS) / 4
    cells["n"] = np.arange(CELLS)
    cells["is_odd"] = np.arange(CELLS) % 2 == 1
    cells["maybe"] = pd.array([None if i == 2 else i for i in range(CELLS)], dtype="Int64")
    cells["note"] = [f"täxt {i}" for i in range(CELLS)]
    genes = pd.DataFrame(index=[f"gene_{i}" for i in range(GENES)])
    out = anndata.AnnData(X=scipy.sparse.csr_matrix(data.astype(np.float32)) if with_counts_in == "X" else data / 2,
                          obs=cells, var=genes)
    out.layers["csc"] = scipy.sparse.csc_matrix(data)
    if with_counts_in == "X":
        out.layers["dense"] = data
    out.obsm["X_pca"] = np.arange(3.0 * CELLS).reshape(CELLS, 3)
    if with_counts_in == "X":
        more = np.concatenate([data, data[:, :3]], axis=1)
        out.raw = anndata.AnnData(X=scipy.sparse.csr_matrix(more), obs=cells,
                                  var=pd.DataFrame(index=[f"gene_{i}" for i in range(GENES + 3)]))
    return out


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    bare_v2(folder / "bare_v2.zarr")
    zipped(folder / "bare_v2.zarr", zipfile.ZIP_DEFLATED)
    bare_v3(folder / "bare_v3.zarr")
    zipped(folder / "bare_v3.zarr", zipfile.ZIP_DEFLATED)
    for version in (2, 3):
        anndata.settings.zarr_write_format = version
        at = folder / f"anndata_v{version}.zarr"
        annotated("X").write_zarr(at)
        zipped(at)
    anndata.settings.zarr_write_format = 2
    small = annotated("layers/csc")
    del small.obs["note"], small.obs["maybe"], small.obs["score"], small.obs["n"]
    small.write_zarr(folder / "layer_v2.zarr")
    # Chunks so large that they are unpacked in pieces.
    group = zarr.open_group(folder / "large_v2.zarr", mode="w", zarr_format=2)
    large = np.zeros((1200, 1000), np.int64)
    large[np.arange(1000), np.arange(1000)] = np.arange(1000)
    for name, codec in (("blosc", numcodecs.Blosc(cname="zstd")), ("zstd", numcodecs.Zstd()), ("gzip", numcodecs.GZip(9)),
                        ("lz4", numcodecs.LZ4())):
        group.create_array(name, shape=large.shape, chunks=large.shape, dtype=large.dtype, compressors=codec)[:] = large
    zipped(folder / "large_v2.zarr", zipfile.ZIP_DEFLATED)
    # Texts of a fixed width, as others write them.
    group = zarr.open_group(folder / "texts_v2.zarr", mode="w", zarr_format=2)
    names = np.array([f"gene {i} é" for i in range(5)])
    group.create_array("wide_little", data=names.astype("<U9"), chunks=(2,))
    group.create_array("wide_big", data=names.astype(">U9"), chunks=(2,))
    group.create_array("bytes", data=np.array([b"a", b"bc", b"def"]), chunks=(2,))
    zipped(folder / "texts_v2.zarr")
    group = zarr.open_group(folder / "texts_v3.zarr", mode="w", zarr_format=3)
    group.create_array("wide", data=names, chunks=(2,))
    group.create_array("any", data=names.astype(np.dtypes.StringDType()), chunks=(2,))
    group.create_array("bytes", data=np.array([b"a", b"bc", b"def"]), chunks=(2,))
    zipped(folder / "texts_v3.zarr")


main()
