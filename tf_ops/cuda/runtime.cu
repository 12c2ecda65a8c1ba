// What callers need of the CUDA runtime, without its header.
#include "cuda/common.cuh"
#include "cuda/kernels_cuda.h"

namespace gspn {
namespace cuda {
namespace {

constexpr int kNumbers = 512;

// Arguments of a kernel are copied when it is launched. A memory copy from the
// host would go on reading the source after the return.
struct Numbers {
  int32_t values[kNumbers];
};

__global__ void Store(Numbers numbers, int64_t count, int32_t* to) {
  if (threadIdx.x < count) to[threadIdx.x] = numbers.values[threadIdx.x];
}

}  // namespace
}  // namespace cuda
}  // namespace gspn

const char* gspn_cuda_error_string(int error) {
  return cudaGetErrorString(static_cast<cudaError_t>(error));
}

int gspn_cuda_upload(const int32_t* host, int64_t count, int32_t* device,
                     void* stream) {
  using namespace gspn::cuda;
  for (int64_t begin = 0; begin < count; begin += kNumbers) {
    const int64_t size = std::min<int64_t>(kNumbers, count - begin);
    Numbers numbers = {};
    std::copy_n(host + begin, size, numbers.values);
    GSPN_RETURN_IF_ERROR(
        Launch(stream, 1, kNumbers, Store, numbers, size, device + begin));
  }
  return cudaSuccess;
}
