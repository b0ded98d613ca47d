#pragma once
#include "core/compute/backend.hpp"
#include "core/compute/device_api.hpp"

namespace scriptorium::compute {

/// A Backend on a device that `api` reaches (which must outlive it). What does not fit its memory goes in smaller
/// tiles; what cannot be done there at all, or fails, is done by `threads` threads of the CPU and noted. Jobs of fewer
/// than `least_work` operations (roughly counted) go to the CPU too: a device is slow to start.
std::shared_ptr<const Backend> device_backend(const DeviceApi& api, int device, std::string name, int threads,
                                              double least_work = 0);

}  // namespace scriptorium::compute
