// The list of devices, for core/compute/devices.hpp.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>

#include "core/compute/devices.hpp"

extern "C" int scriptorium_cuda_list(scriptorium::compute::GpuEntry* entries, int most, char* why, int why_size) {
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    const char* words = error == cudaErrorInsufficientDriver ? "there is no NVIDIA driver, or one too old for CUDA 13"
                        : error == cudaErrorNoDevice         ? "there is no CUDA device"
                                                             : cudaGetErrorString(error);
    std::snprintf(why, static_cast<std::size_t>(why_size), "%s", words);
    return -1;
  }
  for (int i = 0; i < count && i < most; ++i) {
    cudaDeviceProp properties{};
    std::size_t free = 0, total = 0;
    if (cudaGetDeviceProperties(&properties, i) != cudaSuccess || cudaSetDevice(i) != cudaSuccess ||
        cudaMemGetInfo(&free, &total) != cudaSuccess) {
      cudaGetLastError();  // forgotten: this device does not answer (its entry stays empty), others may
      continue;
    }
    auto& e = entries[i];
    std::strncpy(e.name, properties.name, sizeof e.name - 1);
    e.memory_bytes = total;
    e.free_bytes = free;
    e.major = properties.major;
    e.minor = properties.minor;
  }
  return count;
}
