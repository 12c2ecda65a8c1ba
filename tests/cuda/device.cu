// Device memory for the runner of tests/cuda.
#include <cuda_runtime.h>

#include <cstddef>

#define API extern "C" __attribute__((visibility("default")))

// Null where there is no device, or not that much memory.
API void* device_allocate(size_t bytes) {
  void* memory = nullptr;
  return cudaMalloc(&memory, bytes) == cudaSuccess ? memory : nullptr;
}

API int device_free(void* memory) { return cudaFree(memory); }

// Between host and device, or within the device.
API int device_copy(void* to, const void* from, size_t bytes) {
  return cudaMemcpy(to, from, bytes, cudaMemcpyDefault);
}

// Waits for all work; the first error of it.
API int device_synchronize() { return cudaDeviceSynchronize(); }
