#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "damage.hpp"

namespace scriptorium::fuzz {

/// A data set to damage, held in memory: one file, or a folder of files.
class Source {
 public:
  explicit Source(const std::filesystem::path& path);
  const std::string& name() const { return name_; }  ///< last component of its path

  /// A place where copies of it stand, one after the other. It is emptied first.
  class Place {
   public:
    Place(const Source& source, const std::filesystem::path& folder);
    const std::string& path() const { return path_; }  ///< of the copy
    /// Writes a damaged copy over the one before; a whole one without dice.
    void write(Dice* dice);
    /// Whether there are other files than those of the copy.
    bool has_more_files() const;

   private:
    void put(const std::string& file, const std::string* bytes);
    const Source& source_;
    std::filesystem::path folder_;
    std::string path_;
    std::string changed_;      ///< file that is not whole
    std::size_t n_files_ = 0;  ///< of the copy
  };

 private:
  std::string name_;
  bool is_folder_ = false;
  std::map<std::string, Packed> files_;  ///< by their paths below the place of the copy
};

/// The data sets below `folder`, in the order of their paths; those of more than `most_bytes` are left out.
std::vector<std::filesystem::path> find_sources(const std::filesystem::path& folder, std::uint64_t most_bytes);

}  // namespace scriptorium::fuzz
