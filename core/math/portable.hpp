#pragma once
// Marks a formula as usable on host and device: empty for a host compiler. SCRIPTORIUM_HD_CALL is for long ones, which
// nvcc would otherwise copy into every place that calls them (half a minute of compiling for one kernel).
#if defined(__CUDACC__)
#define SCRIPTORIUM_HD __host__ __device__
#define SCRIPTORIUM_HD_CALL __host__ __device__ __noinline__
#else
#define SCRIPTORIUM_HD
#define SCRIPTORIUM_HD_CALL
#endif
