// Compiled three times: -DGSPN_ISA=base|v3|v4 (x86-64, -v3, -v4). Only raw
// pointers and built-in vector types may appear here: an inline library
// function compiled for AVX-512 could otherwise be the copy the linker keeps
// for all.
#include "kernels/simd/simd.h"

#if defined(__AVX512F__)
#define GSPN_WIDTH 64
#define GSPN_UNROLL 4
#elif defined(__AVX2__)
#define GSPN_WIDTH 32
#define GSPN_UNROLL 2
#else
#define GSPN_WIDTH 16
#define GSPN_UNROLL 2
#endif
#define GSPN_JOIN2(a, b) a##_##b
#define GSPN_JOIN(a, b) GSPN_JOIN2(a, b)

namespace gspn {
namespace {

typedef float Floats
    __attribute__((vector_size(GSPN_WIDTH), aligned(4), may_alias));
typedef int32_t Ints
    __attribute__((vector_size(GSPN_WIDTH), aligned(4), may_alias));
constexpr int kLanes = GSPN_WIDTH / 4;
constexpr float kInfinity = __builtin_inff();

inline Floats Load(const float* p) {
  return *reinterpret_cast<const Floats*>(p);
}
inline Ints Load(const int32_t* p) { return *reinterpret_cast<const Ints*>(p); }
inline void Store(float* p, Floats v) { *reinterpret_cast<Floats*>(p) = v; }
inline void Store(int32_t* p, Ints v) { *reinterpret_cast<Ints*>(p) = v; }

inline Floats SquaredDistance(Floats x, Floats y, Floats z, float px, float py,
                              float pz) {
  const Floats dx = x - px, dy = y - py, dz = z - pz;
  return (dx * dx + dy * dy) + dz * dz;
}

int32_t Relax(const float* x, const float* y, const float* z, float* nearest,
              int64_t n, const float* p) {
  const float px = p[0], py = p[1], pz = p[2];
  Floats best[2] = {};
  Ints index[2] = {};
  Ints lane;
  for (int j = 0; j < kLanes; ++j) lane[j] = j;
  for (int64_t i = 0; i < n; i += 2 * kLanes) {
    for (int u = 0; u < 2; ++u) {
      const int64_t at = i + u * kLanes;
      const Floats d =
          SquaredDistance(Load(x + at), Load(y + at), Load(z + at), px, py, pz);
      const Floats old = Load(nearest + at);
      const Floats now = d < old ? d : old;
      Store(nearest + at, now);
      const Ints better = now > best[u];
      best[u] = better ? now : best[u];
      index[u] = better ? lane : index[u];
      lane += kLanes;
    }
  }
  float farthest = 0;
  int32_t winner = 0;
  for (int u = 0; u < 2; ++u) {
    for (int j = 0; j < kLanes; ++j) {
      const float d = best[u][j];
      const int32_t k = index[u][j];
      if (d > farthest || (d == farthest && d > 0 && k < winner)) {
        farthest = d;
        winner = k;
      }
    }
  }
  return winner;
}

int32_t Within(const float* x, const float* y, const float* z, const float* p,
               float limit, float* d) {
  const float px = p[0], py = p[1], pz = p[2];
  Ints hits = {};
  for (int i = 0; i < kBlock; i += kLanes) {
    const Floats v =
        SquaredDistance(Load(x + i), Load(y + i), Load(z + i), px, py, pz);
    Store(d + i, v);
    hits -= v <= limit;
  }
  int32_t total = 0;
  for (int j = 0; j < kLanes; ++j) total += hits[j];
  return total;
}

int32_t Inside(const float* x, const float* y, const float* z, const float* lo,
               const float* hi, int32_t* inside) {
  const float ax = lo[0], ay = lo[1], az = lo[2];
  const float bx = hi[0], by = hi[1], bz = hi[2];
  Ints hits = {};
  for (int i = 0; i < kBlock; i += kLanes) {
    const Floats px = Load(x + i), py = Load(y + i), pz = Load(z + i);
    const Ints in = (px >= ax) & (px <= bx) & (py >= ay) & (py <= by) &
                    (pz >= az) & (pz <= bz);
    Store(inside + i, in);
    hits -= in;
  }
  int32_t total = 0;
  for (int j = 0; j < kLanes; ++j) total += hits[j];
  return total;
}

void Nearest(const float* x, const float* y, const float* z,
             const float* points, int64_t n, float* d, int32_t* index) {
  for (int q = 0; q < kBlock; q += GSPN_UNROLL * kLanes) {
    Floats qx[GSPN_UNROLL], qy[GSPN_UNROLL], qz[GSPN_UNROLL], best[GSPN_UNROLL];
    Ints at[GSPN_UNROLL];
    for (int u = 0; u < GSPN_UNROLL; ++u) {
      const int i = q + u * kLanes;
      qx[u] = Load(x + i), qy[u] = Load(y + i), qz[u] = Load(z + i);
      best[u] = Load(d + i), at[u] = Load(index + i);
    }
    for (int64_t j = 0; j < n; ++j) {
      const float px = points[3 * j], py = points[3 * j + 1];
      const float pz = points[3 * j + 2];
      for (int u = 0; u < GSPN_UNROLL; ++u) {
        const Floats v = SquaredDistance(qx[u], qy[u], qz[u], px, py, pz);
        const Ints closer = v < best[u];
        best[u] = closer ? v : best[u];
        at[u] = closer ? Ints{} + static_cast<int32_t>(j) : at[u];
      }
    }
    for (int u = 0; u < GSPN_UNROLL; ++u) {
      Store(d + q + u * kLanes, best[u]);
      Store(index + q + u * kLanes, at[u]);
    }
  }
}

void ThreeNearest(const float* x, const float* y, const float* z,
                  const float* points, int64_t n, float* d, int32_t* index) {
  for (int q = 0; q < kBlock; q += kLanes) {
    const Floats qx = Load(x + q), qy = Load(y + q), qz = Load(z + q);
    Floats d0 = Load(d + q), d1 = Load(d + kBlock + q);
    Floats d2 = Load(d + 2 * kBlock + q);
    Ints i0 = Load(index + q), i1 = Load(index + kBlock + q);
    Ints i2 = Load(index + 2 * kBlock + q);
    for (int64_t j = 0; j < n; ++j) {
      const Floats v = SquaredDistance(qx, qy, qz, points[3 * j],
                                       points[3 * j + 1], points[3 * j + 2]);
      const Ints now = Ints{} + static_cast<int32_t>(j);
      const Ints first = v < d0, second = v < d1, third = v < d2;
      d2 = second ? d1 : (third ? v : d2);
      i2 = second ? i1 : (third ? now : i2);
      d1 = first ? d0 : (second ? v : d1);
      i1 = first ? i0 : (second ? now : i1);
      d0 = first ? v : d0;
      i0 = first ? now : i0;
    }
    Store(d + q, d0), Store(d + kBlock + q, d1), Store(d + 2 * kBlock + q, d2);
    Store(index + q, i0), Store(index + kBlock + q, i1);
    Store(index + 2 * kBlock + q, i2);
  }
}

inline Floats Overlap(const float* lo, const float* hi, float a, float b) {
  const Floats low = Load(lo), high = Load(hi), zero = {};
  const Floats from = low > a ? low : zero + a;
  const Floats to = high < b ? high : zero + b;
  const Floats length = to - from;
  return length > zero ? length : zero;
}

int32_t Overlaps(const float* boxes, const float* box, float threshold) {
  Ints hits = {};
  for (int i = 0; i < kBlock; i += kLanes) {
    const float* at = boxes + i;
    Floats common = Overlap(at, at + 3 * kBlock, box[0], box[3]);
    for (int axis = 1; axis < 3; ++axis) {
      common *= Overlap(at + axis * kBlock, at + (3 + axis) * kBlock, box[axis],
                        box[3 + axis]);
    }
    const Floats volume = Load(at + 6 * kBlock) + box[6] - common + 1e-8f;
    hits -= common / volume > threshold;
  }
  int32_t total = 0;
  for (int j = 0; j < kLanes; ++j) total += hits[j];
  return total;
}

}  // namespace

extern const Simd GSPN_JOIN(kSimd, GSPN_ISA) = {
    Relax, Within, Inside, Nearest, ThreeNearest, Overlaps};

}  // namespace gspn
