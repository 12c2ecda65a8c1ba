// Gradient of the squared distances of nn_distance, at fixed indices. A point
// has one term of its own nearest neighbour, and one of every point of the
// other cloud whose nearest neighbour it is; the latter are found by inverting
// the indices, and summed in their order.
#include <cstdint>

#include "cuda/common.cuh"
#include "cuda/kernels_cuda.h"
#include "cuda/sort.cuh"

namespace gspn {
namespace cuda {
namespace {

constexpr int kThreads = 256;

// One cloud of the pair: what it is, and which of the other it is nearest to.
struct Side {
  const float* points;
  const int32_t* num_points;
  const int32_t* indices;  // into the other cloud
  const float* upstream;   // gradient of its distances
  const int32_t* starts;   // its rows' slots: points of the other cloud,
  const int32_t* slots;    // counted through the batch
  int64_t rows;            // with padding
  float* gradient;
};

__device__ Point Term(float upstream, Point from, Point to) {
  const float twice = 2.0f * upstream;
  return {twice * (from.x - to.x), twice * (from.y - to.y),
          twice * (from.z - to.z)};
}

// The sums of the CPU start with the terms of cloud a: in a the own term comes
// first, in b last.
__global__ void SumTerms(Side mine, Side other, int64_t batch, bool own_first) {
  const int64_t total = batch * mine.rows;
  for (int64_t i = GlobalThread(); i < total; i += NumThreads()) {
    const int64_t b = i / mine.rows, row = i - b * mine.rows;
    const Point p = Load(mine.points + 3 * i);
    const int64_t nearest = mine.indices[i];
    Point own = {}, sum = {};
    if (row < mine.num_points[b] && other.num_points[b] > 0 && nearest >= 0 &&
        nearest < other.rows) {
      const float* to = other.points + 3 * (b * other.rows + nearest);
      own = Term(mine.upstream[i], p, Load(to));
    }
    if (own_first) sum = {0.0f + own.x, 0.0f + own.y, 0.0f + own.z};
    const int64_t end = mine.num_points[b] > 0 ? mine.starts[i + 1] : 0;
    for (int64_t at = mine.starts[i]; at < end; ++at) {
      const int64_t slot = mine.slots[at];
      const Point term =
          Term(other.upstream[slot], Load(other.points + 3 * slot), p);
      sum = {sum.x - term.x, sum.y - term.y, sum.z - term.z};
    }
    if (!own_first) sum = {sum.x + own.x, sum.y + own.y, sum.z + own.z};
    float* out = mine.gradient + 3 * i;
    out[0] = sum.x, out[1] = sum.y, out[2] = sum.z;
  }
}

struct Scratch {
  Scratch(Arena* arena, int64_t batch, int64_t n, int64_t m)
      : of_a(arena, batch, n, m), of_b(arena, batch, m, n) {}

  InvertedIndices of_a;  // the points of b that name each point of a
  InvertedIndices of_b;
};

}  // namespace
}  // namespace cuda
}  // namespace gspn

size_t gspn_cuda_nn_distance_grad_scratch_bytes(int64_t batch, int64_t n,
                                                int64_t m) {
  gspn::cuda::Arena arena(nullptr);
  gspn::cuda::Scratch scratch(&arena, batch, n, m);
  return arena.bytes();
}

int gspn_cuda_nn_distance_grad(
    const float* a, const float* b, const int32_t* num_a, const int32_t* num_b,
    const int32_t* indices_a, const int32_t* indices_b, const float* upstream_a,
    const float* upstream_b, int64_t batch, int64_t n, int64_t m, float* grad_a,
    float* grad_b, void* memory, void* stream) {
  using namespace gspn::cuda;
  Arena arena(memory);
  Scratch scratch(&arena, batch, n, m);
  GSPN_RETURN_IF_ERROR(scratch.of_a.Run(indices_b, num_b, stream));
  GSPN_RETURN_IF_ERROR(scratch.of_b.Run(indices_a, num_a, stream));
  const Side side_a = {a,
                       num_a,
                       indices_a,
                       upstream_a,
                       scratch.of_a.starts,
                       scratch.of_a.slots(),
                       n,
                       grad_a};
  const Side side_b = {b,
                       num_b,
                       indices_b,
                       upstream_b,
                       scratch.of_b.starts,
                       scratch.of_b.slots(),
                       m,
                       grad_b};
  GSPN_RETURN_IF_ERROR(Launch(stream, CeilDiv(batch * n, kThreads), kThreads,
                              SumTerms, side_a, side_b, batch, true));
  return Launch(stream, CeilDiv(batch * m, kThreads), kThreads, SumTerms,
                side_b, side_a, batch, false);
}
