#include <cstdlib>
#include <cstring>

#include "kernels/simd/simd.h"

namespace gspn {
namespace {

const Simd& Choose() {
#if defined(__x86_64__)
  const char* cap = std::getenv("GSPN_ISA");
  const bool base = cap != nullptr && std::strcmp(cap, "base") == 0;
  const bool v3 = cap != nullptr && std::strcmp(cap, "v3") == 0;
  __builtin_cpu_init();
  if (!base && !v3 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") &&
      __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return kSimd_v4;
  }
  if (!base && __builtin_cpu_supports("avx2") &&
      __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
    return kSimd_v3;
  }
#endif
  return kSimd_base;
}

}  // namespace

const Simd& BestSimd() {
  static const Simd& best = Choose();
  return best;
}

}  // namespace gspn
