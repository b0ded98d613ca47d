#pragma once
#include <memory>

#include "core/data/open.hpp"

/// The readers that registry.cpp lists, one maker a format.
namespace scriptorium::data {

std::unique_ptr<FormatReader> h5ad_reader();
std::unique_ptr<FormatReader> tenx_v3_reader();
std::unique_ptr<FormatReader> tenx_v2_reader();
std::unique_ptr<FormatReader> loom_reader();
std::unique_ptr<FormatReader> h5mu_reader();
std::unique_ptr<FormatReader> matrix_market_reader();
std::unique_ptr<FormatReader> zarr_reader();
std::unique_ptr<FormatReader> delimited_reader();
std::unique_ptr<FormatReader> rds_reader();

}  // namespace scriptorium::data
