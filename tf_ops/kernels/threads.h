// Loops that the caller's threads share.
#ifndef GSPN_TF_KERNELS_THREADS_H_
#define GSPN_TF_KERNELS_THREADS_H_

#include <cstdint>

#include "kernels/kernels.h"

namespace gspn {

// work(begin, end) for disjoint ranges that make up [0, total); cost: about the
// nanoseconds of one unit. Without threads (null) the calling one does it all.
template <typename Work>
void ParallelFor(const GspnThreads* threads, int64_t total, int64_t cost,
                 const Work& work) {
  if (total == 0) return;
  if (threads == nullptr) return work(0, total);
  const auto call = [](const void* argument, int64_t begin, int64_t end) {
    (*static_cast<const Work*>(argument))(begin, end);
  };
  threads->run(threads->context, total, cost, call, &work);
}

}  // namespace gspn

#endif  // GSPN_TF_KERNELS_THREADS_H_
