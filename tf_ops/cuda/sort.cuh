// Stable sorting of keys with values, and what is built on it.
#ifndef GSPN_TF_CUDA_SORT_CUH_
#define GSPN_TF_CUDA_SORT_CUH_

#include <cstdint>

#include "cuda/common.cuh"

namespace gspn {
namespace cuda {

struct Pairs {
  uint32_t* keys;
  int32_t* values;
};

// Memory for sorting up to `total` pairs; `pairs` holds them, before and after.
class Sorter {
 public:
  Sorter(Arena* arena, int64_t total);

  // Sorts by the low `bits` bits of the keys; equal keys keep their order.
  cudaError_t Run(int bits, void* stream);

  Pairs pairs;

 private:
  int64_t total_;
  Pairs spare_;
  int32_t* tile_counts_;
  int32_t* totals_;
};

// The number of bits that numbers up to `value` have.
int BitWidth(int64_t value);

// For indices [batch, slots] into [0, n): the slots (counted through the batch)
// that hold index i of cloud b, ascending, are slots()[starts[r] ..
// starts[r + 1]) with r = b * n + i. Indices out of range, and those of slots
// at or after real[b] of their cloud (unless null), are left out.
class InvertedIndices {
 public:
  InvertedIndices(Arena* arena, int64_t batch, int64_t n, int64_t slots);

  // cudaErrorInvalidValue for more than 2^31 - 1 slots or rows in the batch.
  cudaError_t Run(const int32_t* indices, const int32_t* real, void* stream);

  const int32_t* slots() const { return sorter_.pairs.values; }

  int32_t* starts;

 private:
  int64_t batch_, n_, slots_;
  Sorter sorter_;
};

}  // namespace cuda
}  // namespace gspn

#endif  // GSPN_TF_CUDA_SORT_CUH_
