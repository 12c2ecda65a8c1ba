// Arrays of millions of points, in memory that goes back to the system with
// them, and in huge pages where it has them: visited in no order, fewer
// accesses wait for the translation of an address.
#ifndef GSPN_TF_KERNELS_LARGE_ARRAY_H_
#define GSPN_TF_KERNELS_LARGE_ARRAY_H_

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace gspn {

struct Release {
  void* mapped = nullptr;  // null: from malloc
  size_t bytes = 0;

  void operator()(void* memory) const {
    if (mapped == nullptr) return std::free(memory);
#if defined(__linux__)
    munmap(mapped, bytes);
#endif
  }
};

template <typename T>
using LargeArray = std::unique_ptr<T[], Release>;

// Not initialised: T must need no construction.
template <typename T>
LargeArray<T> AllocateLarge(int64_t count) {
  const size_t bytes = count * sizeof(T);
#if defined(__linux__)
  constexpr size_t kHugePage = size_t{1} << 21;
  if (bytes >= 2 * kHugePage) {
    const size_t mapped = bytes + kHugePage;  // room to align
    void* base = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    char* start = static_cast<char*>(base);
    start += kHugePage - reinterpret_cast<uintptr_t>(base) % kHugePage;
    // Only the whole pages, so that no memory is held beyond the end.
    madvise(start, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
    return {reinterpret_cast<T*>(start), Release{base, mapped}};
  }
#endif
  void* memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return {static_cast<T*>(memory), Release{}};
}

}  // namespace gspn

#endif  // GSPN_TF_KERNELS_LARGE_ARRAY_H_
