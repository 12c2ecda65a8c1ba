// CPU kernels of NMS3D, SampleInBoxes and NearestAssign.
#include <algorithm>
#include <cstdint>

#include "kernels/kernels.h"
#include "tf/call.h"
#include "tf/parallel.h"

namespace gspn {
namespace {

absl::Status NMS3D(const Call& call) {
  const float *boxes = call.input<float>(0), *scores = call.input<float>(1);
  const bool* valid = call.input<bool>(2);
  const float threshold = call.attributes().numbers[0];
  int32_t* indices = call.output<int32_t>(0);
  bool* taken = call.output<bool>(1);
  const int64_t r = call['R'], k = call['K'];
  const int64_t cost = r * (20 + std::min(r, k) / 4);
  Parallel(call.context(), call['B'], cost, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      gspn_nms_3d(boxes + b * r * 6, scores + b * r, valid + b * r, r,
                  threshold, k, indices + b * k, taken + b * k);
    }
  });
  return absl::OkStatus();
}

absl::Status SampleInBoxes(const Call& call) {
  const int64_t r = call['R'], m = call['M'];
  const auto clouds = PrepareClouds(call.context(), call.context()->input(0),
                                    call.input<int32_t>(3), r);
  const float* boxes = call.input<float>(1);
  const int32_t* seed = call.input<int32_t>(2);
  const float margin = call.attributes().numbers[0];
  int32_t* indices = call.output<int32_t>(0);
  int32_t* counts = call.output<int32_t>(1);
  ParallelRows(call.context(), call['B'], r, 500 + call['N'] / 32 + m * 3,
               [&](int64_t b, int64_t begin, int64_t end) {
                 gspn_sample_in_boxes(clouds[b].get(), boxes + b * r * 6, begin,
                                      end, seed, b, m, margin,
                                      indices + b * r * m, counts + b * r);
               });
  return absl::OkStatus();
}

absl::Status NearestAssign(const Call& call) {
  const int64_t n = call['N'], m = call['M'], d = call['D'];
  const auto clouds = PrepareClouds(call.context(), call.context()->input(0),
                                    call.input<int32_t>(4), d);
  const float *points = call.input<float>(0), *samples = call.input<float>(1);
  const float *values = call.input<float>(2), *boxes = call.input<float>(3);
  float* assigned = call.output<float>(0);
  ParallelRows(call.context(), call['B'], d, 1000 + n / 4 * (1 + m / 64),
               [&](int64_t b, int64_t begin, int64_t end) {
                 const int64_t at = b * d + begin;
                 gspn_nearest_assign(clouds[b].get(), points + b * n * 3,
                                     boxes + at * 6, samples + at * m * 3,
                                     values + at * m, end - begin, m, n,
                                     assigned + at * n);
               });
  return absl::OkStatus();
}

const bool kRegistered =
    RegisterKernels(tensorflow::DEVICE_CPU, {{kNMS3D, NMS3D},
                                             {kSampleInBoxes, SampleInBoxes},
                                             {kNearestAssign, NearestAssign}});

}  // namespace
}  // namespace gspn
