#pragma once
#include <string>
#include <vector>

namespace scriptorium::compute {

/// A GPU as the CUDA module sees it.
struct Gpu {
  int index = 0;  ///< the N of cuda:N
  std::string name;
  double memory_bytes = 0, free_bytes = 0;
  int major = 0, minor = 0;  ///< compute capability
};

/// The GPUs of this machine, asked of the CUDA module (a file beside the program, loaded when it can be). `why_none`
/// says in words why the list is empty: no module built, no driver, no device.
struct GpuList {
  std::vector<Gpu> gpus;
  std::string why_none;
};
GpuList list_gpus();

/// What the module exports under the name `scriptorium_cuda_list`: fills at most `most` entries (a device that does not
/// answer has memory_bytes 0), returns how many
/// devices there are, or −1 with the reason in `why`.
struct GpuEntry {
  char name[256];
  unsigned long long memory_bytes, free_bytes;
  int major, minor;
};
using ListGpus = int (*)(GpuEntry* entries, int most, char* why, int why_size);

}  // namespace scriptorium::compute
