#pragma once
// Marks a formula as usable on host and device: empty for a host compiler.
#if defined(__CUDACC__)
#define SCRIPTORIUM_HD __host__ __device__
#else
#define SCRIPTORIUM_HD
#endif
