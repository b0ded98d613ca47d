#pragma once
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>

/// Damage to bytes, by chance that repeats: the same seed makes the same damage.
namespace scriptorium::fuzz {

class Dice {
 public:
  /// Numbers of their own for every name ("seed-file-copy").
  explicit Dice(std::string_view name);
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }  ///< 0 … n − 1
  bool chance(double p) { return static_cast<double>(engine_() >> 11) * 0x1p-53 < p; }
  std::uint64_t bits() { return engine_(); }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return *(choices.begin() + below(choices.size()));
  }

 private:
  std::mt19937_64 engine_;
};

/// Bytes of a file, and what is packed in it.
struct Packed {
  enum class Kind { Plain, Gzip, Zip };
  std::string bytes;
  Kind kind = Kind::Plain;
  std::string unpacked;                        ///< Gzip: what it holds
  std::map<std::string, std::string> entries;  ///< Zip: by name
};

/// Looks inside. @throws std::runtime_error when it is a damaged gzip or zip
Packed look_inside(const std::string& path);

/// One to three damages of random kinds.
std::string damage(std::string bytes, Dice& dice);
/// A damaged copy; of a file that is gzipped or zipped mostly what is packed in it, with checksums to match. Of a
/// zipped collection of arrays one array is taken.
std::string damage_packed(const Packed& whole, Dice& dice);

}  // namespace scriptorium::fuzz
