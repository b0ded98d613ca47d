#include <cstdio>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "core/compute/backend.hpp"
#include "core/compute/devices.hpp"
#include "core/compute/parallel.hpp"

namespace scriptorium::cli {

void add_devices(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  auto* command = app.add_subcommand("devices", "Processors, memory and GPUs");
  command->add_flag("--json", *json, "as JSON");
  command->callback([json] {
    const int threads = compute::resolve_threads(0);
    const auto memory = compute::cpu_backend(threads)->memory();
    const auto list = compute::list_gpus();
    if (*json) {
      nlohmann::json gpus = nlohmann::json::array();
      for (const auto& gpu : list.gpus)
        gpus.push_back({{"device", "cuda:" + std::to_string(gpu.index)},
                        {"name", gpu.name},
                        {"memory_bytes", gpu.memory_bytes},
                        {"free_bytes", gpu.free_bytes},
                        {"compute_capability", std::to_string(gpu.major) + "." + std::to_string(gpu.minor)}});
      return print_json(
          {{"cpu", {{"threads", threads}, {"memory_bytes", memory.total_bytes}, {"free_bytes", memory.free_bytes}}},
           {"gpus", gpus},
           {"why_no_gpu", list.why_none}});
    }
    std::printf("cpu: %d threads, %.1f GB of memory\n", threads, memory.total_bytes * 1e-9);
    for (const auto& gpu : list.gpus)
      std::printf("cuda:%d: %s, %.1f of %.1f GB free\n", gpu.index, gpu.name.c_str(), gpu.free_bytes * 1e-9,
                  gpu.memory_bytes * 1e-9);
    if (list.gpus.empty()) std::printf("gpu: none, %s\n", list.why_none.c_str());
  });
}

}  // namespace scriptorium::cli
