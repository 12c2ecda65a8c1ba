// A set of int32 indices that is read in ascending order: a bit per index and,
// to find the words with a bit, a bit per word.
#ifndef GSPN_TF_KERNELS_INDEX_SET_H_
#define GSPN_TF_KERNELS_INDEX_SET_H_

#include <cstdint>
#include <vector>

namespace gspn {

class IndexSet {
 public:
  explicit IndexSet(int64_t n) : words_(n / 64 + 1), used_(n / 4096 + 1) {}

  void Add(int32_t index) {
    const int64_t word = index / 64;
    words_[word] |= uint64_t{1} << index % 64;
    used_[word / 64] |= uint64_t{1} << word % 64;
  }

  // Empties the set; writes its first `limit` indices and returns their number.
  int64_t Drain(int64_t limit, int32_t* indices) {
    int64_t count = 0;
    for (size_t u = 0; u < used_.size(); ++u) {
      for (uint64_t used = used_[u]; used != 0; used &= used - 1) {
        const int64_t word = u * 64 + __builtin_ctzll(used);
        uint64_t bits = words_[word];
        for (; bits != 0 && count < limit; bits &= bits - 1) {
          indices[count++] = word * 64 + __builtin_ctzll(bits);
        }
        words_[word] = 0;
      }
      used_[u] = 0;
    }
    return count;
  }

 private:
  std::vector<uint64_t> words_, used_;
};

}  // namespace gspn

#endif  // GSPN_TF_KERNELS_INDEX_SET_H_
