#include "core/compute/devices.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "core/compute/device_api.hpp"

namespace scriptorium::compute {
namespace {

/// Beside the program, in ../lib/scriptorium, or where the build tree has it.
void* open_module() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return nullptr;
  auto folder = program.parent_path();
  for (int up = 0; up < 4; ++up, folder = folder.parent_path())
    for (const char* place : {"", "lib/scriptorium", "gpu"})
      if (const auto path = folder / place / "scriptorium_cuda.so"; std::filesystem::exists(path, error))
        return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  return nullptr;
}

void* the_module() {
  static void* module = open_module();  // stays loaded: a CUDA context must not be torn down under the program
  return module;
}

}  // namespace

const DeviceApi* cuda_api() {
  static const DeviceApi* const api = []() -> const DeviceApi* {
    static DeviceApi table{};
    void* module = the_module();
    const auto get = module ? reinterpret_cast<GetDeviceApi>(dlsym(module, "scriptorium_cuda_api")) : nullptr;
    return get && get(device_api_version, &table) == 0 ? &table : nullptr;
  }();
  return api;
}

GpuList list_gpus() {
  void* module = the_module();
  if (!module) return {{}, "the CUDA module is not there; it is built where nvcc is"};
  const auto list = reinterpret_cast<ListGpus>(dlsym(module, "scriptorium_cuda_list"));
  if (!list || !cuda_api()) return {{}, "the CUDA module is of another version than the program"};
  std::array<GpuEntry, 16> entries{};
  std::array<char, 256> why{};
  const int count = list(entries.data(), static_cast<int>(entries.size()), why.data(), static_cast<int>(why.size()));
  if (count < 0) return {{}, why.data()};
  GpuList out;
  for (int i = 0; i < count && i < static_cast<int>(entries.size()); ++i) {
    const auto& e = entries[static_cast<std::size_t>(i)];
    if (e.memory_bytes == 0) continue;  // it did not answer
    out.gpus.push_back(
        {i, e.name, static_cast<double>(e.memory_bytes), static_cast<double>(e.free_bytes), e.major, e.minor});
  }
  if (out.gpus.empty()) out.why_none = count > 0 ? "its driver does not answer" : "there is no CUDA device";
  return out;
}

}  // namespace scriptorium::compute
