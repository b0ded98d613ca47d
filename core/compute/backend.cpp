#include "core/compute/backend.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>

#include "core/compute/device_backend.hpp"
#include "core/compute/devices.hpp"
#include "core/error.hpp"

namespace scriptorium::compute {
namespace {

/// N of "cuda:N" ("cuda" is cuda:0).
int device_number(const std::string& device) {
  int number = -1;
  if (device == "cuda") return 0;
  if (device.rfind("cuda:", 0) == 0) {
    const char *first = device.data() + 5, *last = device.data() + device.size();
    const auto [end, error] = std::from_chars(first, last, number);
    if (error == std::errc() && end == last && number >= 0) return number;
  }
  throw Error(ErrorCode::BadInput, "There is no kind of device \"" + device + "\".", "Choose auto, cpu or cuda:N.");
}

/// About a tenth of a second of one core: with less, `auto` stays on the CPU.
constexpr double least_automatic_work = 1e8;

std::string gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB", bytes * 1e-9);
  return text;
}

}  // namespace

BackendChoice choose_backend(const std::string& device, int threads) {
  if (device == "cpu") return {cpu_backend(threads), {}};
  const int wanted = device == "auto" ? -1 : device_number(device);
  const auto list = list_gpus();
  const Gpu* found = nullptr;
  for (const auto& gpu : list.gpus)
    if (wanted < 0 ? !found || gpu.free_bytes > found->free_bytes : gpu.index == wanted) found = &gpu;
  const std::string name = wanted < 0 ? "a GPU" : "cuda:" + std::to_string(wanted);
  const auto instead = [&](const std::string& why) {
    return BackendChoice{cpu_backend(threads), "The CPU is used and not " + name + ": " + why + "."};
  };
  if (list.gpus.empty()) return instead(list.why_none);
  if (!found) return instead("this machine has " + std::to_string(list.gpus.size()) + ", counted from cuda:0");
  if (found->free_bytes < least_gpu_memory)
    return instead("cuda:" + std::to_string(found->index) + " (" + found->name + ") has " +
                   gigabytes(found->free_bytes) + " of " + gigabytes(found->memory_bytes) + " free");
  const std::string index = "cuda:" + std::to_string(found->index);
  return {device_backend(*cuda_api(), found->index, index + ", " + found->name, threads,
                         wanted < 0 ? least_automatic_work : 0),
          {}};
}

}  // namespace scriptorium::compute
