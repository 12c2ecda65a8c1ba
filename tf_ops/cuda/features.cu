// Gathering of feature rows, and the gradients as sums over inverted indices:
// the slots that name a row are sorted first, then every number of the row is
// summed by one thread in the order of the slots. No float atomics, so results
// do not depend on the schedule.
#include <cstdint>

#include "cuda/common.cuh"
#include "cuda/kernels_cuda.h"
#include "cuda/sort.cuh"

namespace gspn {
namespace cuda {
namespace {

constexpr int kThreads = 256;

// Threads x run over the channels of a row, threads y over rows.
dim3 RowThreads(int64_t channels) {
  int x = 1;
  while (x < kWarp && x < channels) x *= 2;
  return dim3(x, kThreads / x);
}

int64_t RowBlocks(int64_t rows, dim3 threads) {
  return CeilDiv(rows, threads.y);
}

__device__ int64_t FirstRow() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
}

__device__ int64_t RowStep() {
  return static_cast<int64_t>(gridDim.x) * blockDim.y;
}

__device__ float NaN() { return __uint_as_float(0x7fffffffu); }
__device__ void SetNaN(float* v) { *v = NaN(); }
__device__ void SetNaN(float4* v) {
  *v = make_float4(NaN(), NaN(), NaN(), NaN());
}

// Value: float, or float4 where rows are aligned to it.
template <typename Value>
__global__ void GroupRows(const Value* features, const int32_t* indices,
                          int64_t rows, int64_t n, int64_t channels,
                          int64_t slots, Value* out) {
  for (int64_t row = FirstRow(); row < rows; row += RowStep()) {
    const int64_t b = row / slots, index = indices[row];
    const bool named = index >= 0 && index < n;
    const Value* from = features + (b * n + index) * channels;
    for (int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
      if (named) {
        out[row * channels + c] = from[c];
      } else {
        SetNaN(out + row * channels + c);
      }
    }
  }
}

__global__ void InterpolateRows(const float* features, const int32_t* indices,
                                const float* weights, int64_t rows, int64_t n,
                                int64_t channels, int64_t m, float* out) {
  for (int64_t row = FirstRow(); row < rows; row += RowStep()) {
    const float* cloud = features + row / m * n * channels;
    const int64_t i = indices[3 * row], j = indices[3 * row + 1];
    const int64_t k = indices[3 * row + 2];
    const float u = weights[3 * row], v = weights[3 * row + 1];
    const float w = weights[3 * row + 2];
    const bool named = i >= 0 && i < n && j >= 0 && j < n && k >= 0 && k < n;
    for (int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
      out[row * channels + c] =
          named ? (u * cloud[i * channels + c] + v * cloud[j * channels + c]) +
                      w * cloud[k * channels + c]
                : NaN();
    }
  }
}

// One warp per slot, a lane for each partial sum.
__global__ void DotRows(const float* features, const int32_t* indices,
                        const float* gradient, int64_t slots, int64_t n,
                        int64_t channels, int64_t m, float* out) {
  for (int64_t slot = GlobalWarp(); slot < slots; slot += NumWarps()) {
    const int64_t row = slot / 3, b = row / m, index = indices[slot];
    const bool named = index >= 0 && index < n;
    float sum = 0;
    for (int64_t c = Lane(); named && c < channels; c += kWarp) {
      sum += features[(b * n + index) * channels + c] *
             gradient[row * channels + c];
    }
    for (int step = kWarp / 2; step > 0; step /= 2) {
      sum += __shfl_xor_sync(kAllLanes, sum, step);
    }
    if (Lane() == 0) out[slot] = named ? sum : NaN();
  }
}

__global__ void SumRows(const float* gradient, const int32_t* starts,
                        const int32_t* slots, const float* weights,
                        int64_t rows, int64_t channels, int64_t slots_per_row,
                        float* out) {
  for (int64_t row = FirstRow(); row < rows; row += RowStep()) {
    const int64_t begin = starts[row], end = starts[row + 1];
    for (int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
      float sum = 0;
      for (int64_t at = begin; at < end; ++at) {
        const int64_t slot = slots[at];
        const float weight = weights == nullptr ? 1.0f : weights[slot];
        sum += weight * gradient[slot / slots_per_row * channels + c];
      }
      out[row * channels + c] = sum;
    }
  }
}

bool AlignedTo16(const void* p) {
  return reinterpret_cast<uintptr_t>(p) % 16 == 0;
}

}  // namespace
}  // namespace cuda
}  // namespace gspn

int gspn_cuda_group_points(const float* features, const int32_t* indices,
                           int64_t batch, int64_t n, int64_t channels,
                           int64_t slots, float* out, void* stream) {
  using namespace gspn::cuda;
  const int64_t rows = batch * slots;
  if (channels % 4 == 0 && AlignedTo16(features) && AlignedTo16(out)) {
    const dim3 threads = RowThreads(channels / 4);
    return Launch(stream, RowBlocks(rows, threads), threads, GroupRows<float4>,
                  reinterpret_cast<const float4*>(features), indices, rows, n,
                  channels / 4, slots, reinterpret_cast<float4*>(out));
  }
  const dim3 threads = RowThreads(channels);
  return Launch(stream, RowBlocks(rows, threads), threads, GroupRows<float>,
                features, indices, rows, n, channels, slots, out);
}

int gspn_cuda_three_interpolate(const float* features, const int32_t* indices,
                                const float* weights, int64_t batch, int64_t n,
                                int64_t channels, int64_t m, float* out,
                                void* stream) {
  using namespace gspn::cuda;
  const int64_t rows = batch * m;
  const dim3 threads = RowThreads(channels);
  return Launch(stream, RowBlocks(rows, threads), threads, InterpolateRows,
                features, indices, weights, rows, n, channels, m, out);
}

int gspn_cuda_three_interpolate_weights_grad(const float* features,
                                             const int32_t* indices,
                                             const float* gradient,
                                             int64_t batch, int64_t n,
                                             int64_t channels, int64_t m,
                                             float* out, void* stream) {
  using namespace gspn::cuda;
  const int64_t slots = batch * m * 3;
  return Launch(stream, CeilDiv(slots, kThreads / kWarp), kThreads, DotRows,
                features, indices, gradient, slots, n, channels, m, out);
}

size_t gspn_cuda_scatter_rows_scratch_bytes(int64_t batch, int64_t n,
                                            int64_t slots) {
  gspn::cuda::Arena arena(nullptr);
  gspn::cuda::InvertedIndices inverted(&arena, batch, n, slots);
  return arena.bytes();
}

int gspn_cuda_scatter_rows(const float* gradient, const int32_t* indices,
                           const float* weights, int64_t batch, int64_t n,
                           int64_t channels, int64_t slots,
                           int64_t slots_per_row, float* out, void* scratch,
                           void* stream) {
  using namespace gspn::cuda;
  if (channels == 0) return cudaSuccess;
  Arena arena(scratch);
  InvertedIndices inverted(&arena, batch, n, slots);
  GSPN_RETURN_IF_ERROR(inverted.Run(indices, nullptr, stream));
  const int64_t rows = batch * n;
  const dim3 threads = RowThreads(channels);
  return Launch(stream, RowBlocks(rows, threads), threads, SumRows, gradient,
                inverted.starts, inverted.slots(), weights, rows, channels,
                slots_per_row, out);
}
