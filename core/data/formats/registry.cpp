#include "core/data/formats/formats.hpp"

namespace scriptorium::data {

const std::vector<std::unique_ptr<FormatReader>>& format_readers() {
  static const auto readers = [] {
    std::vector<std::unique_ptr<FormatReader>> all;
    all.push_back(h5ad_reader());
    all.push_back(tenx_v3_reader());
    all.push_back(tenx_v2_reader());
    all.push_back(loom_reader());
    all.push_back(h5mu_reader());
    all.push_back(matrix_market_reader());
    all.push_back(zarr_reader());
    all.push_back(delimited_reader());
    all.push_back(rds_reader());
    return all;
  }();
  return readers;
}

}  // namespace scriptorium::data
