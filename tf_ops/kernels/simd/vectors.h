// Vectors of floats as wide as the instruction set that a file is compiled for.
//
// Only raw pointers and built-in vector types may appear here: an inline
// library function compiled for AVX-512 could otherwise be the copy the linker
// keeps for all.
#ifndef GSPN_TF_KERNELS_SIMD_VECTORS_H_
#define GSPN_TF_KERNELS_SIMD_VECTORS_H_

#include <cstdint>

#if defined(__AVX512F__)
#include <immintrin.h>
#define GSPN_WIDTH 64
#elif defined(__AVX2__)
#include <immintrin.h>
#define GSPN_WIDTH 32
#else
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#define GSPN_WIDTH 16
#endif

namespace gspn {
namespace {

typedef float Floats
    __attribute__((vector_size(GSPN_WIDTH), aligned(4), may_alias));
typedef int32_t Ints
    __attribute__((vector_size(GSPN_WIDTH), aligned(4), may_alias));
constexpr int kLanes = GSPN_WIDTH / 4;

inline Floats Load(const float* p) {
  return *reinterpret_cast<const Floats*>(p);
}
inline Ints Load(const int32_t* p) { return *reinterpret_cast<const Ints*>(p); }
inline void Store(float* p, Floats v) { *reinterpret_cast<Floats*>(p) = v; }
inline void Store(int32_t* p, Ints v) { *reinterpret_cast<Ints*>(p) = v; }

// b where either is NaN.
inline Floats Max(Floats a, Floats b) { return a > b ? a : b; }

// One bit per lane of a comparison.
inline uint64_t Bits(Ints mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask));
#elif defined(__AVX2__)
  return _mm256_movemask_ps(reinterpret_cast<__m256>(mask));
#elif defined(__SSE2__)
  return _mm_movemask_ps(reinterpret_cast<__m128>(mask));
#else
  const Ints weights = {1, 2, 4, 8};
  const Ints bits = mask & weights;
  return static_cast<uint64_t>((bits[0] | bits[1]) | (bits[2] | bits[3]));
#endif
}

// Largest lane.
inline float Largest(Floats v) {
  typedef float Quad __attribute__((vector_size(16), aligned(4), may_alias));
  const Quad* quads = reinterpret_cast<const Quad*>(&v);
  Quad best = quads[0];
  for (int i = 1; i < kLanes / 4; ++i) best = quads[i] > best ? quads[i] : best;
  const float a = best[0] > best[1] ? best[0] : best[1];
  const float b = best[2] > best[3] ? best[2] : best[3];
  return a > b ? a : b;
}

}  // namespace
}  // namespace gspn

#endif  // GSPN_TF_KERNELS_SIMD_VECTORS_H_
