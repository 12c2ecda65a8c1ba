// Blocks of CUDA threads as coroutines.
//
// Blocks run one after the other. Their threads take turns in random order and
// change at barriers and warp functions, which wait for all threads concerned:
// a missing barrier shows as a wrong result; a barrier that some cannot reach,
// or a warp function without all lanes, ends the process.
#ifndef GSPN_TESTS_CUDA_EMULATION_THREADS_H_
#define GSPN_TESTS_CUDA_EMULATION_THREADS_H_

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

struct dim3 {
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
  unsigned x, y, z;
};

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

constexpr int kLanes = 32;
constexpr size_t kStack = 64 << 10;

enum class Wait { kNothing, kBarrier, kWarp, kEnd };

struct Thread {
  ucontext_t start;
  jmp_buf
      here;  // where it goes on; swapcontext would call the system each time
  dim3 index;
  int rank;  // within the block
  bool started;
  Wait wait;
  const char* function;  // the warp function it waits in
  uint64_t operands[2];  // of the warp functions of even and odd turn
  int turn;
};

inline std::vector<Thread> threads;
inline std::vector<char> stacks;
inline Thread* current;
inline jmp_buf scheduler;
inline std::function<void()> kernel;
inline std::mt19937 random;

[[noreturn]] inline void Fail(const char* what, const char* where) {
  std::fprintf(stderr, "CUDA emulation: %s in %s\n", what, where);
  std::abort();
}

inline void Yield(Wait wait, const char* function) {
  current->wait = wait;
  current->function = function;
  if (_setjmp(current->here) == 0) _longjmp(scheduler, 1);
}

inline void Enter() {
  kernel();
  Yield(Wait::kEnd, "");
}

// Lets a thread run until it yields.
inline void Resume(Thread* thread) {
  const bool started = thread->started;
  current = thread;
  threadIdx = thread->index;
  thread->started = true;
  if (_setjmp(scheduler) != 0) return;
  if (started) _longjmp(thread->here, 1);
  setcontext(&thread->start);
}

// Frees the threads [begin, end) if all that have not ended wait for the same.
inline bool Release(Wait wait, size_t begin, size_t end) {
  const Thread* first = nullptr;
  size_t waiting = 0;
  for (size_t i = begin; i < end; ++i) {
    if (threads[i].wait == Wait::kEnd) continue;
    if (threads[i].wait != wait) return false;
    if (first == nullptr) first = &threads[i];
    if (std::strcmp(first->function, threads[i].function) != 0) {
      Fail("lanes in different functions", first->function);
    }
    ++waiting;
  }
  if (waiting == 0) return false;
  if (wait == Wait::kWarp && waiting != kLanes) {
    Fail("not all lanes take part", first->function);
  }
  for (size_t i = begin; i < end; ++i) {
    if (threads[i].wait == wait) threads[i].wait = Wait::kNothing;
  }
  return true;
}

inline bool ReleaseAny() {
  bool released = Release(Wait::kBarrier, 0, threads.size());
  for (size_t i = 0; i < threads.size(); i += kLanes) {
    const size_t end = std::min(i + kLanes, threads.size());
    released = Release(Wait::kWarp, i, end) || released;
  }
  return released;
}

inline void RunBlock() {
  const size_t count = blockDim.x * blockDim.y;
  threads.resize(count);
  if (stacks.size() < count * kStack) stacks.resize(count * kStack);
  std::vector<Thread*> order;
  for (size_t i = 0; i < count; ++i) {
    Thread& thread = threads[i];
    thread.index = dim3(i % blockDim.x, i / blockDim.x);
    thread.rank = static_cast<int>(i);
    thread.started = false;
    thread.wait = Wait::kNothing;
    thread.turn = 0;
    getcontext(&thread.start);
    thread.start.uc_stack.ss_sp = stacks.data() + i * kStack;
    thread.start.uc_stack.ss_size = kStack;
    makecontext(&thread.start, Enter, 0);
    order.push_back(&thread);
  }
  bool running = true;
  uint32_t late = random();  // warps that must wait, for some rounds
  while (running) {
    std::shuffle(order.begin(), order.end(), random);
    bool ready = false, ran = false;
    for (Thread* thread : order) {
      if (thread->wait != Wait::kNothing) continue;
      ready = true;
      if (late >> thread->rank / kLanes & 1) continue;
      ran = true;
      Resume(thread);
    }
    running = ReleaseAny() || ready;
    if (!ran || random() % 64 == 0) late = random();
  }
  for (const Thread& thread : threads) {
    if (thread.wait != Wait::kEnd)
      Fail("some threads wait for ever", thread.function);
  }
}

// Gives every lane the operands of all lanes of its warp.
template <typename T>
struct Exchange {
  Exchange(unsigned mask, T operand, const char* function)
      : lane(current->rank % kLanes), turn(current->turn++ % 2) {
    if (mask != 0xffffffffu) Fail("only full masks are emulated", function);
    std::memcpy(&current->operands[turn], &operand, sizeof(T));
    Yield(Wait::kWarp, function);
  }

  T operator[](int other) const {
    T value;
    const Thread& thread = threads[current->rank - lane + other];
    std::memcpy(&value, &thread.operands[turn], sizeof(T));
    return value;
  }

  int lane, turn;
};

}  // namespace emulation

#endif  // GSPN_TESTS_CUDA_EMULATION_THREADS_H_
