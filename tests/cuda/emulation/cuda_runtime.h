// Enough of CUDA for g++ to compile the kernels for the host, so that they can
// be tested without a GPU; found in place of the real header. Memory ends at a
// page that must not be touched.
#ifndef GSPN_TESTS_CUDA_EMULATION_CUDA_RUNTIME_H_
#define GSPN_TESTS_CUDA_EMULATION_CUDA_RUNTIME_H_

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <utility>

#include "threads.h"

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __launch_bounds__(threads)

using std::min;

struct alignas(16) float4 {
  float x, y, z, w;
};

inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}

// ----------------------------------------------------------- device functions

inline void __syncthreads() {
  emulation::Yield(emulation::Wait::kBarrier, "__syncthreads");
}

inline int __syncthreads_or(int value) {
  static int any;
  __syncthreads();
  any = 0;
  __syncthreads();
  any |= value;
  __syncthreads();
  return any;
}

inline void __syncwarp() {
  emulation::Exchange<int>(0xffffffffu, 0, "__syncwarp");
}

inline unsigned __ballot_sync(unsigned mask, bool value) {
  const emulation::Exchange<bool> lanes(mask, value, "__ballot_sync");
  unsigned ballot = 0;
  for (int i = 0; i < emulation::kLanes; ++i) ballot |= unsigned{lanes[i]} << i;
  return ballot;
}

template <typename T>
T __shfl_sync(unsigned mask, T value, int source) {
  return emulation::Exchange<T>(mask, value, "__shfl_sync")[source];
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int step) {
  const emulation::Exchange<T> lanes(mask, value, "__shfl_xor_sync");
  return lanes[lanes.lane ^ step];
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, int step) {
  const emulation::Exchange<T> lanes(mask, value, "__shfl_up_sync");
  return lanes[lanes.lane >= step ? lanes.lane - step : lanes.lane];
}

inline unsigned __match_any_sync(unsigned mask, int value) {
  const emulation::Exchange<int> lanes(mask, value, "__match_any_sync");
  unsigned same = 0;
  for (int i = 0; i < emulation::kLanes; ++i) {
    same |= unsigned{lanes[i] == value} << i;
  }
  return same;
}

inline unsigned __reduce_max_sync(unsigned mask, unsigned value) {
  const emulation::Exchange<unsigned> lanes(mask, value, "__reduce_max_sync");
  for (int i = 0; i < emulation::kLanes; ++i) value = std::max(value, lanes[i]);
  return value;
}

template <typename T>
T atomicAdd(T* at, T value) {
  return std::exchange(*at, *at + value);
}

template <typename T>
T atomicOr(T* at, T value) {
  return std::exchange(*at, *at | value);
}

inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }

inline unsigned __float_as_uint(float v) {
  unsigned bits;
  std::memcpy(&bits, &v, sizeof(bits));
  return bits;
}

inline float __uint_as_float(unsigned bits) {
  float v;
  std::memcpy(&v, &bits, sizeof(v));
  return v;
}

// --------------------------------------------------------------- host
// functions

enum cudaError_t {
  cudaSuccess,
  cudaErrorInvalidValue,
  cudaErrorMemoryAllocation
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDefault };
typedef struct CUstream_st* cudaStream_t;

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
};

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config,
                               void (*function)(Parameters...),
                               Arguments... arguments) {
  emulation::kernel = [=] { function(arguments...); };
  blockDim = config->blockDim;
  gridDim = config->gridDim;
  for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x) {
    emulation::RunBlock();
  }
  return cudaSuccess;
}

inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "invalid argument";
}

inline cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes,
                                   cudaStream_t) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}

inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes,
                                   cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

inline cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes,
                              cudaMemcpyKind) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

namespace emulation {

struct Pages {
  void* begin;
  size_t bytes;
};

inline std::map<void*, Pages> allocations;

}  // namespace emulation

// Filled with 0xff (NaN, -1); the bytes after it cannot be read or written.
template <typename T>
cudaError_t cudaMalloc(T** memory, size_t bytes) {
  constexpr size_t kPage = 4096, kAlignment = 16;
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const size_t used = (bytes + kPage - 1) / kPage * kPage;
  char* begin = static_cast<char*>(mmap(nullptr, used + kPage, PROT_NONE,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (begin == MAP_FAILED) return cudaErrorMemoryAllocation;
  mprotect(begin, used, PROT_READ | PROT_WRITE);
  std::memset(begin, 0xff, used);
  *memory = begin + used - bytes;
  emulation::allocations[*memory] = {begin, used + kPage};
  return cudaSuccess;
}

inline cudaError_t cudaFree(void* memory) {
  const auto found = emulation::allocations.find(memory);
  munmap(found->second.begin, found->second.bytes);
  emulation::allocations.erase(found);
  return cudaSuccess;
}

#endif  // GSPN_TESTS_CUDA_EMULATION_CUDA_RUNTIME_H_
