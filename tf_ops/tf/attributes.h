// Attributes of the ops, checked; the same for the kernels of every device.
#ifndef GSPN_TF_TF_ATTRIBUTES_H_
#define GSPN_TF_TF_ATTRIBUTES_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/platform/denormal.h"
#include "tf/checks.h"

namespace gspn {

using tensorflow::OpKernelConstruction;

// `radii` and `num_neighbors` of BallQuery, `num_radii` of each.
inline absl::Status GetBalls(OpKernelConstruction* context,
                             std::vector<float>* radii,
                             std::vector<int32_t>* neighbors) {
  // A radius may be denormal, and the thread may take such numbers for zero.
  const tensorflow::port::ScopedDontFlushDenormal denormals;
  int num_radii = 0;
  TF_RETURN_IF_ERROR(context->GetAttr("num_radii", &num_radii));
  TF_RETURN_IF_ERROR(context->GetAttr("radii", radii));
  TF_RETURN_IF_ERROR(context->GetAttr("num_neighbors", neighbors));
  const size_t expected = num_radii;
  if (radii->size() != expected) {
    return Mismatch("ball_query", "radii", absl::StrCat(expected, " of them"),
                    absl::StrCat(radii->size()));
  }
  if (neighbors->size() != expected) {
    return Mismatch("ball_query", "num_neighbors",
                    absl::StrCat("one for each of ", expected, " radii"),
                    absl::StrCat(neighbors->size()));
  }
  for (const float radius : *radii) {
    if (radius > 0 && std::isfinite(radius)) continue;
    return Mismatch("ball_query", "radius", "positive and finite",
                    absl::StrCat(radius));
  }
  for (const int32_t count : *neighbors) {
    if (count >= 1) continue;
    return Mismatch("ball_query", "num_neighbors", ">= 1", absl::StrCat(count));
  }
  return absl::OkStatus();
}

// `iou_threshold` of NMS3D.
inline absl::Status GetThreshold(OpKernelConstruction* context,
                                 float* threshold) {
  TF_RETURN_IF_ERROR(context->GetAttr("iou_threshold", threshold));
  if (*threshold >= 0 && *threshold <= 1) return absl::OkStatus();
  return Mismatch("nms_3d", "iou_threshold", "within 0..1",
                  absl::StrCat(*threshold));
}

// `margin` of an op, by which every box grows.
inline absl::Status GetMargin(OpKernelConstruction* context,
                              absl::string_view op, float* margin) {
  TF_RETURN_IF_ERROR(context->GetAttr("margin", margin));
  if (*margin >= 0 && std::isfinite(*margin)) return absl::OkStatus();
  return Mismatch(op, "margin", ">= 0 and finite", absl::StrCat(*margin));
}

}  // namespace gspn

#endif  // GSPN_TF_TF_ATTRIBUTES_H_
