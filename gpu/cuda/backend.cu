// The table of core/compute/device_api.hpp by the CUDA runtime. One kernel runs every functor: a grid-stride loop.
#include <cuda_runtime.h>

#include <cstdio>

#include "core/compute/device_api.hpp"

namespace {

using namespace scriptorium::compute;

/// Status of a call; a failure is put in words and the runtime's memory of it cleared.
int status(cudaError_t error, const char* doing, DeviceMessage* why) {
  if (error == cudaSuccess) return DeviceOk;
  std::snprintf(why->text, sizeof why->text, "%s: %s", doing, cudaGetErrorString(error));
  cudaGetLastError();
  return error == cudaErrorMemoryAllocation ? DeviceOutOfMemory : DeviceFailed;
}

template <class Items>
__global__ void run(Items work, std::int64_t items, LaunchShape shape) {
  run_thread(work, items, shape, blockIdx.x, threadIdx.x);
}

template <class Items>
int launch(int device, const Items* work, std::int64_t items, DeviceMessage* why) {
  if (items <= 0) return DeviceOk;
  if (const int bad = status(cudaSetDevice(device), "choosing the device", why)) return bad;
  const LaunchShape shape = launch_shape(items);
  run<<<shape.blocks, shape.threads>>>(*work, items, shape);
  if (const int bad = status(cudaGetLastError(), "starting a kernel", why)) return bad;
  return status(cudaDeviceSynchronize(), "running a kernel", why);
}

int memory(int device, std::uint64_t* total, std::uint64_t* free, DeviceMessage* why) {
  if (const int bad = status(cudaSetDevice(device), "choosing the device", why)) return bad;
  std::size_t all = 0, left = 0;
  const int bad = status(cudaMemGetInfo(&left, &all), "asking for its memory", why);
  *total = all;
  *free = left;
  return bad;
}
int allocate(int device, std::uint64_t bytes, void** place, DeviceMessage* why) {
  *place = nullptr;
  if (const int bad = status(cudaSetDevice(device), "choosing the device", why)) return bad;
  return status(cudaMalloc(place, bytes), "allocating memory", why);
}
int release(int device, void* place, DeviceMessage* why) {
  if (const int bad = status(cudaSetDevice(device), "choosing the device", why)) return bad;
  return status(cudaFree(place), "releasing memory", why);
}
int clear(int device, void* place, std::uint64_t bytes, DeviceMessage* why) {
  if (const int bad = status(cudaSetDevice(device), "choosing the device", why)) return bad;
  if (const int bad = status(cudaMemset(place, 0, bytes), "clearing memory", why)) return bad;
  return status(cudaDeviceSynchronize(), "clearing memory", why);
}
int copy(int device, void* to, const void* from, std::uint64_t bytes, cudaMemcpyKind kind, DeviceMessage* why) {
  if (const int bad = status(cudaSetDevice(device), "choosing the device", why)) return bad;
  return status(cudaMemcpy(to, from, bytes, kind), "copying", why);
}
int to_device(int device, void* to, const void* from, std::uint64_t bytes, DeviceMessage* why) {
  return copy(device, to, from, bytes, cudaMemcpyHostToDevice, why);
}
int to_host(int device, void* to, const void* from, std::uint64_t bytes, DeviceMessage* why) {
  return copy(device, to, from, bytes, cudaMemcpyDeviceToHost, why);
}

}  // namespace

extern "C" int scriptorium_cuda_api(int version, DeviceApi* api) {
  if (version != device_api_version) return device_api_version;
  *api = {memory,
          allocate,
          release,
          clear,
          to_device,
          to_host,
          launch<GatherItems>,
          launch<RisingItems>,
          launch<LikelihoodItems>,
          launch<ZeroItems>,
          launch<Simulation>,
          launch<PooledSum>,
          launch<Nearest>};
  return 0;
}
