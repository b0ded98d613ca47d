#include "core/embedding/map_file.hpp"

#include <algorithm>
#include <filesystem>

#include "core/error.hpp"
#include "core/fingerprint.hpp"
#include "core/storage/sealed_file.hpp"

namespace scriptorium::embedding {
namespace {

namespace fs = std::filesystem;
namespace hdf5 = storage::hdf5;

constexpr storage::Seal map_seal{"map", 1, "kept by the window"};

fs::path path_of(const std::string& folder, const std::string& key) {
  Fingerprint print;
  print.add(key.data(), key.size());
  return fs::path(folder) / (print.text() + ".map");
}

void drop_oldest(const std::string& folder, std::size_t most) {
  std::error_code problem;
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  for (const auto& entry : fs::directory_iterator(folder, problem))
    if (entry.path().extension() == ".map") files.emplace_back(entry.last_write_time(problem), entry.path());
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i + most < files.size(); ++i) fs::remove(files[i].second, problem);
}

}  // namespace

std::string map_key(const std::string& data_id, const EmbedOptions& options) {
  const PcaOptions& pca = options.pca;
  std::string key = data_id + ' ' + to_string(options.method);
  const auto add = [&](double value) {
    char text[32];
    std::snprintf(text, sizeof text, " %.17g", value);
    key += text;
  };
  for (const double value : {static_cast<double>(pca.dims), static_cast<double>(pca.highly_variable),
                             static_cast<double>(pca.min_cells), pca.target, pca.scale ? 1.0 : 0.0, pca.clip})
    add(value);
  key += ' ' + std::to_string(pca.seed);
  if (options.method == Method::Umap)
    for (const double value :
         {static_cast<double>(options.neighbours), options.min_dist, static_cast<double>(options.epochs)})
      add(value);
  if (options.method == Method::Tsne)
    for (const double value : {options.perplexity, static_cast<double>(options.iterations)}) add(value);
  return key;
}

void keep_map(const std::string& folder, const std::string& key, const Coordinates& map, std::size_t most) {
  std::error_code problem;
  fs::create_directories(folder, problem);  // what is wrong is said by the writer
  const auto file = hdf5::create_in_memory();
  hdf5::write_attribute(file, "key", key);
  hdf5::write_attribute(file, "name", map.name);
  const auto dims = static_cast<hsize_t>(map.dims);
  hdf5::write_raw(file, "coordinates", hdf5::native_type<double>(), map.values.data(),
                  {map.values.size() / std::max<hsize_t>(1, dims), dims});
  storage::write_sealed(file, map_seal, path_of(folder, key).string());
  drop_oldest(folder, most);
}

std::optional<Coordinates> kept_map(const std::string& folder, const std::string& key, std::int64_t cells) try {
  const std::string path = path_of(folder, key).string();
  std::error_code problem;
  if (!fs::exists(path, problem)) return {};
  const std::string bytes = storage::read_sealed(path, map_seal);
  const auto file = hdf5::open_image(bytes, path);
  if (hdf5::read_attribute(file, "key") != key) return {};
  std::vector<hsize_t> shape;
  Coordinates map{hdf5::read_attribute(file, "name"), 0, hdf5::read<double>(file, "coordinates", &shape)};
  if (shape.size() != 2 || shape[0] != static_cast<hsize_t>(cells) || shape[1] == 0) return {};
  map.dims = static_cast<int>(shape[1]);
  return map;
} catch (const Error&) {  // damaged, or of a newer version: computed again
  return {};
}

}  // namespace scriptorium::embedding
