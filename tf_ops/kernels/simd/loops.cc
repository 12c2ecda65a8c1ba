// Compiled three times: -DGSPN_ISA=base|v3|v4 (x86-64, -v3, -v4).
#include "kernels/simd/simd.h"
#include "kernels/simd/vectors.h"

#define GSPN_JOIN2(a, b) a##_##b
#define GSPN_JOIN(a, b) GSPN_JOIN2(a, b)

namespace gspn {
namespace {

inline Floats SquaredNorm(Floats dx, Floats dy, Floats dz) {
  return (dx * dx + dy * dy) + dz * dz;
}

// How far the interval [lo, hi] lies from [q_lo, q_hi], 0 where they meet.
inline Floats Gap(const float* lo, const float* hi, float q_lo, float q_hi) {
  return Max(Floats{}, Max(Load(lo) - q_hi, q_lo - Load(hi)));
}

// Rounding is monotone, so this never exceeds the squared distance between any
// point of box i and any point of the other box, computed in the same way.
inline Floats BoxDistance(const float* lo, const float* hi, const float* q_lo,
                          const float* q_hi) {
  return SquaredNorm(Gap(lo, hi, q_lo[0], q_hi[0]),
                     Gap(lo + kBlock, hi + kBlock, q_lo[1], q_hi[1]),
                     Gap(lo + 2 * kBlock, hi + 2 * kBlock, q_lo[2], q_hi[2]));
}

int32_t Largest(const float* values, const int32_t* indices) {
  Floats best = Load(values);
  for (int i = kLanes; i < kBlock; i += kLanes) {
    best = Max(Load(values + i), best);
  }
  const float largest = Largest(best);
  uint64_t mask = 0;
  for (int i = 0; i < kBlock; i += kLanes) {
    mask |= Bits(Load(values + i) == largest) << i;
  }
  int32_t place = __builtin_ctzll(mask);
  while ((mask &= mask - 1) != 0) {
    const int32_t other = __builtin_ctzll(mask);
    if (indices[other] < indices[place]) place = other;
  }
  return place;
}

int32_t Relax(const float* points, const int32_t* indices, float* nearest,
              const float* p) {
  const float px = p[0], py = p[1], pz = p[2];
  for (int i = 0; i < kBlock; i += kLanes) {
    const float* at = points + i;
    const Floats d = SquaredNorm(Load(at) - px, Load(at + kBlock) - py,
                                 Load(at + 2 * kBlock) - pz);
    const Floats old = Load(nearest + i);
    Store(nearest + i, d < old ? d : old);
  }
  return Largest(nearest, indices);
}

uint64_t Reached(const float* lo, const float* hi, const float* p,
                 const float* reach) {
  uint64_t mask = 0;
  for (int i = 0; i < kBlock; i += kLanes) {
    const Floats d = BoxDistance(lo + i, hi + i, p, p);
    mask |= Bits(d < Load(reach + i)) << i;
  }
  return mask;
}

uint64_t Distances(const float* lo, const float* hi, const float* q_lo,
                   const float* q_hi, float limit, float* d) {
  uint64_t mask = 0;
  for (int i = 0; i < kBlock; i += kLanes) {
    const Floats v = BoxDistance(lo + i, hi + i, q_lo, q_hi);
    Store(d + i, v);
    mask |= Bits(v <= limit) << i;
  }
  return mask;
}

uint64_t Near(const float* lo, const float* hi, const float* q_lo,
              const float* q_hi, float limit) {
  uint64_t mask = 0;
  for (int i = 0; i < kBlock; i += kLanes) {
    mask |= Bits(BoxDistance(lo + i, hi + i, q_lo, q_hi) <= limit) << i;
  }
  return mask;
}

uint64_t Touching(const float* lo, const float* hi, const float* q_lo,
                  const float* q_hi) {
  uint64_t mask = 0;
  for (int i = 0; i < kBlock; i += kLanes) {
    Ints meets = ~Ints{};
    for (int axis = 0; axis < 3; ++axis) {
      meets &= (Load(lo + axis * kBlock + i) <= q_hi[axis]) &
               (Load(hi + axis * kBlock + i) >= q_lo[axis]);
    }
    mask |= Bits(meets) << i;
  }
  return mask;
}

// Whether (v, i) comes before (d, index): nearer, or as near and of lower
// index.
inline Ints Before(Floats v, Ints i, Floats d, Ints index) {
  return (v < d) | ((v == d) & (i < index));
}

// The lists of `offer` for kLanes of its queries; kRows > 0 fixes k.
template <int kRows>
void OfferLanes(const float* points, const int32_t* indices, uint64_t mask,
                const float* queries, int64_t rows, float* d, int32_t* index) {
  const int64_t k = kRows > 0 ? kRows : rows;
  const Floats qx = Load(queries), qy = Load(queries + kQueries);
  const Floats qz = Load(queries + 2 * kQueries);
  for (; mask != 0; mask &= mask - 1) {
    const int place = __builtin_ctzll(mask);
    const float* p = points + place;
    const Floats v = SquaredNorm(qx - p[0], qy - p[kBlock], qz - p[2 * kBlock]);
    const Ints i = Ints{} + indices[place];
    int64_t at = (k - 1) * kQueries;
    Ints before = Before(v, i, Load(d + at), Load(index + at));
    if (Bits(before) == 0) continue;
    for (; at > 0; at -= kQueries) {
      const Floats above = Load(d + at - kQueries);
      const Ints above_index = Load(index + at - kQueries);
      const Ints higher = Before(v, i, above, above_index);
      Store(d + at, before ? (higher ? above : v) : Load(d + at));
      Store(index + at, before ? (higher ? above_index : i) : Load(index + at));
      before = higher;
      if (kRows == 0 && Bits(before) == 0) break;
    }
    Store(d + at, before ? v : Load(d + at));
    Store(index + at, before ? i : Load(index + at));
  }
}

float Offer(const float* points, const int32_t* indices, uint64_t mask,
            const float* queries, int64_t k, float* d, int32_t* index) {
  const auto lanes = k == 1   ? OfferLanes<1>
                     : k == 3 ? OfferLanes<3>
                              : OfferLanes<0>;
  float farthest = -1;
  for (int q = 0; q < kQueries; q += kLanes) {
    lanes(points, indices, mask, queries + q, k, d + q, index + q);
    const float last = Largest(Load(d + (k - 1) * kQueries + q));
    farthest = last > farthest ? last : farthest;
  }
  return farthest;
}

void Nearest(const float* queries, const float* points, int64_t n, float* d,
             int32_t* index) {
  constexpr int kUnroll = GSPN_WIDTH == 64 ? 4 : 2;
  for (int q = 0; q < kBlock; q += kUnroll * kLanes) {
    Floats qx[kUnroll], qy[kUnroll], qz[kUnroll], best[kUnroll];
    Ints at[kUnroll];
    for (int u = 0; u < kUnroll; ++u) {
      const int i = q + u * kLanes;
      qx[u] = Load(queries + i), qy[u] = Load(queries + kBlock + i);
      qz[u] = Load(queries + 2 * kBlock + i);
      best[u] = Load(d + i), at[u] = Load(index + i);
    }
    for (int64_t j = 0; j < n; ++j) {
      const float px = points[3 * j], py = points[3 * j + 1];
      const float pz = points[3 * j + 2];
      for (int u = 0; u < kUnroll; ++u) {
        const Floats v = SquaredNorm(qx[u] - px, qy[u] - py, qz[u] - pz);
        const Ints closer = v < best[u];
        best[u] = closer ? v : best[u];
        at[u] = closer ? Ints{} + static_cast<int32_t>(j) : at[u];
      }
    }
    for (int u = 0; u < kUnroll; ++u) {
      Store(d + q + u * kLanes, best[u]);
      Store(index + q + u * kLanes, at[u]);
    }
  }
}

// Cell number of a coordinate, its 10 bits spread to every third place. NaN
// (infinity times zero) ends up in a cell too.
inline uint32_t SpreadCell(float v, float origin, float cells_per_metre) {
  const float cell = (v - origin) * cells_per_metre;
  const float within = cell < kCurveCells - 1 ? cell : kCurveCells - 1;
  uint32_t bits = static_cast<int32_t>(within > 0 ? within : 0);
  bits = (bits | bits << 16) & 0x030000ff;
  bits = (bits | bits << 8) & 0x0300f00f;
  bits = (bits | bits << 4) & 0x030c30c3;
  return (bits | bits << 2) & 0x09249249;
}

void CurveCodes(const float* points, int64_t n, const float* origin,
                float cells_per_metre, uint32_t* codes) {
  const float ox = origin[0], oy = origin[1], oz = origin[2];
  for (int64_t i = 0; i < n; ++i) {
    const float x = points[3 * i], y = points[3 * i + 1];
    const float z = points[3 * i + 2];
    const uint32_t code = SpreadCell(x, ox, cells_per_metre) |
                          SpreadCell(y, oy, cells_per_metre) << 1 |
                          SpreadCell(z, oz, cells_per_metre) << 2;
    const bool finite = (x - x == 0) & (y - y == 0) & (z - z == 0);
    codes[i] = finite ? code : kNowhere;
  }
}

inline Floats Overlap(const float* lo, const float* hi, float a, float b) {
  const Floats low = Load(lo), high = Load(hi), zero = {};
  const Floats from = low > a ? low : zero + a;
  const Floats to = high < b ? high : zero + b;
  return Max(to - from, zero);
}

bool Overlaps(const float* boxes, const float* box, float threshold) {
  uint64_t mask = 0;
  for (int i = 0; i < kBlock; i += kLanes) {
    const float* at = boxes + i;
    Floats common = Overlap(at, at + 3 * kBlock, box[0], box[3]);
    for (int axis = 1; axis < 3; ++axis) {
      common *= Overlap(at + axis * kBlock, at + (3 + axis) * kBlock, box[axis],
                        box[3 + axis]);
    }
    const Floats volume = Load(at + 6 * kBlock) + box[6] - common + 1e-8f;
    mask |= Bits(common / volume > threshold);
  }
  return mask != 0;
}

}  // namespace

extern const Simd GSPN_JOIN(kSimd, GSPN_ISA) = {
    Relax,    Reached, Largest, Distances,  Near,
    Touching, Offer,   Nearest, CurveCodes, Overlaps};

}  // namespace gspn
