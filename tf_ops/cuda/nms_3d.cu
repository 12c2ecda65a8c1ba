// Greedy non-maximum suppression, one block per scene. Candidates come in order
// of their score, 64 at a time: all are compared with the boxes taken so far
// and, as 64-bit masks, with each other; then one thread decides who is taken.
#include <cstdint>

#include "cuda/common.cuh"
#include "cuda/kernels_cuda.h"

namespace gspn {
namespace cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kRankThreads = 256;
constexpr int kChunk = 64;  // candidates at a time: the bits of a mask
constexpr int kGroups = kThreads / kChunk;

struct Bounds {
  Point lo, hi;
  float volume;
};

__device__ float Size(float size) { return size < 0 ? 0.0f : size; }

__device__ Bounds FromCenterSize(const float* box) {
  const Point size = {Size(box[3]), Size(box[4]), Size(box[5])};
  return {
      {box[0] - 0.5f * size.x, box[1] - 0.5f * size.y, box[2] - 0.5f * size.z},
      {box[0] + 0.5f * size.x, box[1] + 0.5f * size.y, box[2] + 0.5f * size.z},
      size.x * size.y * size.z};
}

__device__ float Common(float lo_a, float hi_a, float lo_b, float hi_b) {
  const float from = lo_a > lo_b ? lo_a : lo_b;
  const float to = hi_a < hi_b ? hi_a : hi_b;
  return to - from > 0 ? to - from : 0.0f;
}

__device__ bool Overlap(const Bounds& taken, const Bounds& box,
                        float threshold) {
  float common = Common(taken.lo.x, taken.hi.x, box.lo.x, box.hi.x);
  common *= Common(taken.lo.y, taken.hi.y, box.lo.y, box.hi.y);
  common *= Common(taken.lo.z, taken.hi.z, box.lo.z, box.hi.z);
  const float together = taken.volume + box.volume - common + 1e-8f;
  return common / together > threshold;
}

// Scores to compare; minus infinity for a box that is never taken.
__global__ void FindUsable(const float* boxes, const float* scores,
                           const bool* valid, int64_t total, float* usable,
                           int32_t* order) {
  for (int64_t i = GlobalThread(); i < total; i += NumThreads()) {
    bool finite = valid[i] && IsFinite(scores[i]);
    for (int j = 0; j < 6; ++j) finite = finite && IsFinite(boxes[6 * i + j]);
    usable[i] = finite ? scores[i] : -__builtin_inff();
    order[i] = -1;
  }
}

// order[b, rank] = index. The rank of a box is how many come before it.
__global__ void __launch_bounds__(kRankThreads)
    Rank(const float* usable, int64_t batch, int64_t r, int32_t* order) {
  __shared__ float tile[kRankThreads];
  const int64_t chunks = CeilDiv(r, kRankThreads);
  for (int64_t u = blockIdx.x; u < batch * chunks; u += gridDim.x) {
    const int64_t b = u / chunks, i = u % chunks * kRankThreads + threadIdx.x;
    const float* scores = usable + b * r;
    const float score = i < r ? scores[i] : -__builtin_inff();
    int64_t rank = 0;
    for (int64_t base = 0; base < r; base += kRankThreads) {
      __syncthreads();  // the tile before has been read
      if (base + threadIdx.x < r)
        tile[threadIdx.x] = scores[base + threadIdx.x];
      __syncthreads();
      const int64_t size = min(r - base, static_cast<int64_t>(kRankThreads));
      for (int64_t j = 0; j < size; ++j) {
        rank += tile[j] > score || (tile[j] == score && base + j < i);
      }
    }
    if (score > -__builtin_inff()) {
      order[b * r + rank] = static_cast<int32_t>(i);
    }
  }
}

// The candidates taken of a chunk: in order, those that are not dropped and do
// not overlap one taken before.
__device__ uint64_t Choose(uint64_t dropped,
                           const unsigned long long* earlier) {
  uint64_t chosen = 0;
  for (int i = 0; i < kChunk; ++i) {
    const bool out = (dropped >> i & 1) != 0 || (earlier[i] & chosen) != 0;
    if (!out) chosen |= 1ull << i;
  }
  return chosen;
}

// kept [batch, min(k, r)]: memory for the boxes taken.
__global__ void __launch_bounds__(kThreads)
    Suppress(const float* boxes, const int32_t* order, int64_t r,
             float threshold, int64_t k, Bounds* kept, int32_t* indices,
             bool* taken) {
  __shared__ Bounds chunk[kChunk];
  __shared__ unsigned long long earlier[kChunk];  // overlapping ones before
  __shared__ unsigned long long dropped, chosen;
  const int c = threadIdx.x % kChunk, group = threadIdx.x / kChunk;
  const int64_t b = blockIdx.x;
  boxes += b * r * 6, order += b * r, kept += b * min(k, r);
  indices += b * k, taken += b * k;
  int64_t count = 0;
  for (int64_t base = 0; base < r && count < k; base += kChunk) {
    if (order[base] < 0) break;  // no candidates are left
    const int64_t index = base + c < r ? order[base + c] : -1;
    // What is written here was last read by the same thread, or before the
    // last barrier.
    if (threadIdx.x == 0) dropped = 0;
    if (group == 0) {
      earlier[c] = 0;
      if (index >= 0) chunk[c] = FromCenterSize(boxes + 6 * index);
    }
    __syncthreads();
    if (index >= 0) {
      const Bounds box = chunk[c];
      bool drop = false;
      for (int64_t j = group; j < count && !drop; j += kGroups) {
        drop = Overlap(kept[j], box, threshold);
      }
      if (drop) atomicOr(&dropped, 1ull << c);
      for (int e = group; e < c; e += kGroups) {
        if (Overlap(chunk[e], box, threshold)) atomicOr(&earlier[c], 1ull << e);
      }
    } else if (group == 0) {
      atomicOr(&dropped, 1ull << c);
    }
    __syncthreads();
    if (threadIdx.x == 0) chosen = Choose(dropped, earlier);
    __syncthreads();
    const int64_t slot = count + __popcll(chosen & ((1ull << c) - 1));
    if (group == 0 && (chosen >> c & 1) != 0 && slot < k) {
      kept[slot] = chunk[c];
      indices[slot] = static_cast<int32_t>(index);
    }
    count += __popcll(chosen);
  }
  for (int64_t i = threadIdx.x; i < k; i += kThreads) {
    taken[i] = i < count;
    if (i >= count) indices[i] = 0;
  }
}

struct Scratch {
  Scratch(Arena* arena, int64_t batch, int64_t r, int64_t k)
      : usable(arena->Take<float>(batch * r)),
        order(arena->Take<int32_t>(batch * r)),
        kept(arena->Take<Bounds>(batch * std::min(k, r))) {}

  float* usable;
  int32_t* order;
  Bounds* kept;
};

}  // namespace
}  // namespace cuda
}  // namespace gspn

size_t gspn_cuda_nms_3d_scratch_bytes(int64_t batch, int64_t r, int64_t k) {
  gspn::cuda::Arena arena(nullptr);
  gspn::cuda::Scratch scratch(&arena, batch, r, k);
  return arena.bytes();
}

int gspn_cuda_nms_3d(const float* boxes, const float* scores, const bool* valid,
                     int64_t batch, int64_t r, float iou_threshold, int64_t k,
                     int32_t* indices, bool* taken, void* memory,
                     void* stream) {
  using namespace gspn::cuda;
  Arena arena(memory);
  const Scratch scratch(&arena, batch, r, k);
  GSPN_RETURN_IF_ERROR(Launch(stream, CeilDiv(batch * r, kRankThreads),
                              kRankThreads, FindUsable, boxes, scores, valid,
                              batch * r, scratch.usable, scratch.order));
  GSPN_RETURN_IF_ERROR(Launch(stream, batch * CeilDiv(r, kRankThreads),
                              kRankThreads, Rank, scratch.usable, batch, r,
                              scratch.order));
  return Launch(stream, batch, kThreads, Suppress, boxes, scratch.order, r,
                iou_threshold, k, scratch.kept, indices, taken);
}
