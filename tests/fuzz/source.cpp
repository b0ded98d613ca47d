#include "source.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <stdexcept>

namespace scriptorium::fuzz {
namespace fs = std::filesystem;

Source::Source(const fs::path& path) : name_(path.filename().string()), is_folder_(fs::is_directory(path)) {
  if (!is_folder_) {
    files_.emplace(name_, look_inside(path.string()));
    return;
  }
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file())
      files_.emplace(fs::path(name_) / fs::relative(entry.path(), path), look_inside(entry.path().string()));
}

Source::Place::Place(const Source& source, const fs::path& folder)
    : source_(source), folder_(folder), path_((folder / source.name_).string()) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [file, packed] : source.files_) {
    fs::create_directories((folder / file).parent_path());
    put(file, &packed.bytes);
  }
  n_files_ = source.files_.size();
}

void Source::Place::put(const std::string& file, const std::string* bytes) {
  const fs::path path = folder_ / file;
  if (bytes == nullptr) {
    fs::remove(path);
    return;
  }
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
  if (!out.flush()) throw std::runtime_error(path.string() + " cannot be written");
}

void Source::Place::write(Dice* dice) {
  if (!changed_.empty()) put(changed_, &source_.files_.at(changed_).bytes);
  changed_.clear();
  n_files_ = source_.files_.size();
  if (dice == nullptr) return;
  const auto victim = std::next(source_.files_.begin(), static_cast<std::ptrdiff_t>(dice->below(n_files_)));
  changed_ = victim->first;
  if (source_.is_folder_ && dice->chance(0.02)) {
    put(changed_, nullptr);
    --n_files_;
    return;
  }
  const std::string bytes = damage_packed(victim->second, *dice);
  put(changed_, &bytes);
}

bool Source::Place::has_more_files() const {
  std::size_t found = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_))
    found += entry.is_directory() ? 0 : 1;
  return found != n_files_;
}

std::vector<fs::path> find_sources(const fs::path& folder, std::uint64_t most_bytes) {
  static constexpr std::array<const char*, 8> endings{".h5ad", ".h5", ".h5mu", ".loom", ".csv", ".tsv", ".rds", ".zip"};
  std::set<fs::path> folders, found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (path.extension() == ".zarr") folders.insert(path);
    if (path.filename().string().starts_with("matrix.mtx")) folders.insert(path.parent_path());
  }
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path& path = entry.path();
    const bool known = std::find(endings.begin(), endings.end(), path.extension().string()) != endings.end();
    if (known && entry.is_regular_file() && !folders.contains(path.parent_path()) && entry.file_size() <= most_bytes)
      found.insert(path);
  }
  found.merge(folders);
  return {found.begin(), found.end()};
}

}  // namespace scriptorium::fuzz
