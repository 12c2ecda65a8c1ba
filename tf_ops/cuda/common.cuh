// What all kernels share: launching, scratch memory, distances, warp helpers.
#ifndef GSPN_TF_CUDA_COMMON_CUH_
#define GSPN_TF_CUDA_COMMON_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <cfloat>
#include <climits>
#include <cstdint>

#define GSPN_RETURN_IF_ERROR(expression)              \
  do {                                                \
    const cudaError_t gspn_error = (expression);      \
    if (gspn_error != cudaSuccess) return gspn_error; \
  } while (false)

namespace gspn {
namespace cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

// ------------------------------------------------------------------ launching

// Launches on the stream; kernels loop over their units of work where these may
// exceed the limit of the grid.
template <typename... Parameters, typename... Arguments>
cudaError_t Launch(void* stream, int64_t blocks, dim3 threads,
                   void (*kernel)(Parameters...), Arguments... arguments) {
  constexpr int64_t kMaxBlocks = INT_MAX;
  if (blocks == 0) return cudaSuccess;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(std::min(blocks, kMaxBlocks)));
  config.blockDim = threads;
  config.stream = static_cast<cudaStream_t>(stream);
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

__host__ __device__ inline int64_t CeilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

__host__ __device__ inline int64_t RoundUp(int64_t a, int64_t b) {
  return CeilDiv(a, b) * b;
}

// Hands out aligned parts of the scratch memory. The same layout is made once
// on null to learn the bytes, and once on the real memory.
class Arena {
 public:
  explicit Arena(void* base) : base_(reinterpret_cast<uintptr_t>(base)) {}

  template <typename T>
  T* Take(int64_t count) {
    const uintptr_t at = base_ + bytes_;
    bytes_ += RoundUp(count * sizeof(T), 256);
    return reinterpret_cast<T*>(at);
  }

  size_t bytes() const { return bytes_; }

 private:
  uintptr_t base_;
  size_t bytes_ = 0;
};

// -------------------------------------------------------------------- geometry

struct Point {
  float x, y, z;
};

__device__ inline Point Load(const float* p) { return {p[0], p[1], p[2]}; }

__device__ inline bool IsFinite(float v) { return fabsf(v) <= FLT_MAX; }

__device__ inline bool IsFinite(Point p) {
  return IsFinite(p.x) && IsFinite(p.y) && IsFinite(p.z);
}

// Every operation is rounded, like the CPU's: nvcc.options turns FMA
// contraction off, and denormal numbers on.
__device__ inline float SquaredDistance(Point a, Point b) {
  const float dx = a.x - b.x, dy = a.y - b.y, dz = a.z - b.z;
  return (dx * dx + dy * dy) + dz * dz;
}

struct Box {
  Point lo, hi;
};

// A box [centre, size] grown by margin on every side.
__device__ inline Box LoadBox(const float* box, float margin) {
  const Point half = {0.5f * box[3] + margin, 0.5f * box[4] + margin,
                      0.5f * box[5] + margin};
  return {{box[0] - half.x, box[1] - half.y, box[2] - half.z},
          {box[0] + half.x, box[1] + half.y, box[2] + half.z}};
}

__device__ inline bool Contains(const Box& box, Point p) {
  return IsFinite(p) && p.x >= box.lo.x && p.x <= box.hi.x && p.y >= box.lo.y &&
         p.y <= box.hi.y && p.z >= box.lo.z && p.z <= box.hi.z;
}

// ------------------------------------------------------------ warps and blocks

__device__ inline int Lane() { return threadIdx.x % kWarp; }
__device__ inline int Warp() { return threadIdx.x / kWarp; }

// This warp, and the number of warps, of the whole grid (blocks of one row).
__device__ inline int64_t GlobalWarp() {
  return static_cast<int64_t>(blockIdx.x) * (blockDim.x / kWarp) + Warp();
}
__device__ inline int64_t NumWarps() {
  return static_cast<int64_t>(gridDim.x) * (blockDim.x / kWarp);
}
__device__ inline int64_t GlobalThread() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t NumThreads() {
  return static_cast<int64_t>(gridDim.x) * blockDim.x;
}

// How many lanes below this one are in the mask.
__device__ inline int RankInMask(unsigned mask) {
  return __popc(mask & ((1u << Lane()) - 1));
}

// Replaces values[count] by the sums of those before them; returns the sum of
// all. Called by a whole warp.
template <typename T>
__device__ T WarpExclusiveScan(T* values, int64_t count) {
  T total = 0;
  for (int64_t base = 0; base < count; base += kWarp) {
    const int64_t i = base + Lane();
    const T value = i < count ? values[i] : 0;
    T sum = value;
    for (int step = 1; step < kWarp; step *= 2) {
      const T below = __shfl_up_sync(kAllLanes, sum, step);
      if (Lane() >= step) sum += below;
    }
    if (i < count) values[i] = total + sum - value;
    total += __shfl_sync(kAllLanes, sum, kWarp - 1);
  }
  return total;
}

// Calls visit(index, point) for points[count] in order, the same for all
// threads of the block, through shared memory: tile[blockDim.x]. Called by the
// whole block.
template <typename Visit>
__device__ void ForEachPoint(const float* points, int64_t count, float4* tile,
                             Visit visit) {
  for (int64_t base = 0; base < count; base += blockDim.x) {
    const int64_t i = base + threadIdx.x;
    __syncthreads();  // the tile before has been read
    if (i < count) {
      const Point p = Load(points + 3 * i);
      tile[threadIdx.x] = make_float4(p.x, p.y, p.z, 0.0f);
    }
    __syncthreads();
    const int size =
        static_cast<int>(count - base < blockDim.x ? count - base : blockDim.x);
    for (int j = 0; j < size; ++j) {
      const float4 p = tile[j];
      visit(static_cast<int32_t>(base + j), Point{p.x, p.y, p.z});
    }
  }
}

}  // namespace cuda
}  // namespace gspn

#endif  // GSPN_TF_CUDA_COMMON_CUH_
