// What callers need of the CUDA runtime, without its header.
#include <cuda_runtime.h>

#include "cuda/kernels_cuda.h"

const char* gspn_cuda_error_string(int error) {
  return cudaGetErrorString(static_cast<cudaError_t>(error));
}

int gspn_cuda_upload(void* device, const void* host, size_t bytes,
                     void* stream) {
  return cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice,
                         static_cast<cudaStream_t>(stream));
}
