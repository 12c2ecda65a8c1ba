// Boxes in order of their score; each is compared with the boxes taken so far,
// kBlock at a time.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/simd/simd.h"

namespace {

constexpr int64_t kBlock = gspn::kBlock;
constexpr int kFields = 7;  // lower corner, upper corner, volume

struct Bounds {
  float values[kFields];
};

Bounds FromCenterSize(const float* box) {
  Bounds bounds;
  float size[3];
  for (int axis = 0; axis < 3; ++axis) {
    size[axis] = std::max(box[3 + axis], 0.0f);
    bounds.values[axis] = box[axis] - 0.5f * size[axis];
    bounds.values[3 + axis] = box[axis] + 0.5f * size[axis];
  }
  bounds.values[6] = size[0] * size[1] * size[2];
  return bounds;
}

// The taken boxes: per kBlock of them one array per field, NaN where empty.
class Taken {
 public:
  void Add(const Bounds& box) {
    if (count_ % kBlock == 0) {
      fields_.resize(fields_.size() + kFields * kBlock,
                     std::numeric_limits<float>::quiet_NaN());
    }
    float* at =
        fields_.data() + count_ / kBlock * kFields * kBlock + count_ % kBlock;
    for (int f = 0; f < kFields; ++f) at[f * kBlock] = box.values[f];
    ++count_;
  }

  bool Suppresses(const Bounds& box, float threshold) const {
    const gspn::Simd& simd = gspn::BestSimd();
    for (size_t i = 0; i < fields_.size(); i += kFields * kBlock) {
      if (simd.overlaps(fields_.data() + i, box.values, threshold)) return true;
    }
    return false;
  }

 private:
  std::vector<float> fields_;
  int64_t count_ = 0;
};

bool IsFinite(const float* values, int64_t count) {
  return std::all_of(values, values + count,
                     [](float v) { return std::isfinite(v); });
}

}  // namespace

void gspn_nms_3d(const float* boxes, const float* scores, const bool* valid,
                 int64_t r, float iou_threshold, int64_t k, int32_t* indices,
                 bool* taken) {
  std::vector<int32_t> order;
  for (int64_t i = 0; i < r; ++i) {
    if (valid[i] && std::isfinite(scores[i]) && IsFinite(boxes + 6 * i, 6)) {
      order.push_back(static_cast<int32_t>(i));
    }
  }
  std::stable_sort(order.begin(), order.end(), [scores](int32_t a, int32_t b) {
    return scores[a] > scores[b];
  });
  Taken kept;
  int64_t count = 0;
  for (size_t i = 0; i < order.size() && count < k; ++i) {
    const Bounds box = FromCenterSize(boxes + 6 * order[i]);
    if (kept.Suppresses(box, iou_threshold)) continue;
    kept.Add(box);
    indices[count++] = order[i];
  }
  std::fill(indices + count, indices + k, 0);
  std::fill(taken, taken + count, true);
  std::fill(taken + count, taken + k, false);
}
