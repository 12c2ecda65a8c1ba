// The declarations of all ops. B is the batch, N and M are points or queries, R
// and D boxes, K neighbours or outputs, C channels.
//
// Names, types and the order of arguments are part of SavedModels: they stay.
#ifndef GSPN_TF_TF_OPS_H_
#define GSPN_TF_TF_OPS_H_

#include <cmath>

#include "tf/declaration.h"

namespace gspn {

// ------------------------------------------------------- values of attributes

// Radii and numbers of neighbours, as many of each as there are outputs.
inline absl::Status CheckBalls(const Attributes& values, size_t count) {
  if (values.numbers.size() != count) {
    return Mismatch("ball_query", "radii", absl::StrCat(count, " of them"),
                    absl::StrCat(values.numbers.size()));
  }
  if (values.sizes.size() != count) {
    return Mismatch("ball_query", "num_neighbors",
                    absl::StrCat("one for each of ", count, " radii"),
                    absl::StrCat(values.sizes.size()));
  }
  for (const float radius : values.numbers) {
    if (radius > 0 && std::isfinite(radius)) continue;
    return Mismatch("ball_query", "radius", "positive and finite",
                    absl::StrCat(radius));
  }
  for (const int64_t neighbors : values.sizes) {
    if (neighbors >= 1) continue;
    return Mismatch("ball_query", "num_neighbors", ">= 1",
                    absl::StrCat(neighbors));
  }
  return absl::OkStatus();
}

inline absl::Status CheckThreshold(const Attributes& values, size_t) {
  const float threshold = values.numbers[0];
  if (threshold >= 0 && threshold <= 1) return absl::OkStatus();
  return Mismatch("nms_3d", "iou_threshold", "within 0..1",
                  absl::StrCat(threshold));
}

inline absl::Status CheckMargin(const Attributes& values, size_t) {
  const float margin = values.numbers[0];
  if (margin >= 0 && std::isfinite(margin)) return absl::OkStatus();
  return Mismatch("sample_in_boxes", "margin", ">= 0 and finite",
                  absl::StrCat(margin));
}

// ------------------------------------------------------- inputs of several ops

inline constexpr Input kPoints{"points", "float", "BN3"};
inline constexpr Input kQueries{"queries", "float", "BM3"};
inline constexpr Input kBoxes{"boxes", "float", "BR6"};
inline constexpr Input kFeatures{"features", "float", "BNC"};
inline constexpr Input kWeights{"weights", "float", "BM3"};
inline constexpr Input kRowGradient{"gradient", "float", "BMC"};
inline constexpr Input kPointsA{"points_a", "float", "BN3"};
inline constexpr Input kPointsB{"points_b", "float", "BM3"};

inline constexpr Input kNumPoints{"num_points", "int32", "B", Role::kCounts,
                                  'N'};
inline constexpr Input kNumA{"num_a", "int32", "B", Role::kCounts, 'N'};
inline constexpr Input kNumB{"num_b", "int32", "B", Role::kCounts, 'M'};
inline constexpr Input kNumRows{"num_rows", "int32", "", Role::kSize, 'N'};
inline constexpr Input kGroups{"indices", "int32", "BMK", Role::kIndices, 'N'};
inline constexpr Input kTriples{"indices", "int32", "BM3", Role::kIndices, 'N'};

// --------------------------------------------------------- sampling and search

inline constexpr OpDeclaration kFarthestPointSample{
    "Gspn>FarthestPointSample",
    "farthest_point_sample",
    {kPoints, {"num_samples", "int32", "", Role::kSize, 'M'}, kNumPoints},
    {{"indices", "int32", "BM"}},
};

inline constexpr OpDeclaration kBallQuery{
    "Gspn>BallQuery",
    "ball_query",
    {kPoints, kQueries, kNumPoints},
    {{"indices", "num_radii * int32", "BMK"},
     {"counts", "num_radii * int32", "BM"}},
    {{"num_radii", "int >= 1"},
     {"radii", "list(float)"},
     {"num_neighbors", "list(int)", 'K'}},
    CheckBalls,
};

inline constexpr OpDeclaration kKNN{
    "Gspn>KNN",
    "knn",
    {kPoints, kQueries, kNumPoints},
    {{"distances", "float", "BMK"}, {"indices", "int32", "BMK"}},
    {{"k", "int >= 1", 'K'}},
};

// -------------------------------------------------------------------- features

inline constexpr OpDeclaration kGroupPoints{
    "Gspn>GroupPoints",
    "group_points",
    {kFeatures, kGroups},
    {{"groups", "float", "BMKC"}},
};

inline constexpr OpDeclaration kGroupPointsGrad{
    "Gspn>GroupPointsGrad",
    "group_points_grad",
    {{"gradient", "float", "BMKC"}, kGroups, kNumRows},
    {{"features_gradient", "float", "BNC"}},
};

inline constexpr OpDeclaration kThreeInterpolate{
    "Gspn>ThreeInterpolate",
    "three_interpolate",
    {kFeatures, kTriples, kWeights},
    {{"interpolated", "float", "BMC"}},
};

inline constexpr OpDeclaration kThreeInterpolateGrad{
    "Gspn>ThreeInterpolateGrad",
    "three_interpolate_grad",
    {kRowGradient, kTriples, kWeights, kNumRows},
    {{"features_gradient", "float", "BNC"}},
};

inline constexpr OpDeclaration kThreeInterpolateWeightsGrad{
    "Gspn>ThreeInterpolateWeightsGrad",
    "three_interpolate_weights_grad",
    {kFeatures, kTriples, kRowGradient},
    {{"weights_gradient", "float", "BM3"}},
};

// ----------------------------------------------------------- Chamfer distance

inline constexpr OpDeclaration kNNDistance{
    "Gspn>NNDistance",
    "nn_distance",
    {kPointsA, kPointsB, kNumA, kNumB},
    {{"distances_a", "float", "BN"},
     {"indices_a", "int32", "BN"},
     {"distances_b", "float", "BM"},
     {"indices_b", "int32", "BM"}},
};

inline constexpr OpDeclaration kNNDistanceGrad{
    "Gspn>NNDistanceGrad",
    "nn_distance_grad",
    {kPointsA,
     kPointsB,
     kNumA,
     kNumB,
     {"indices_a", "int32", "BN", Role::kMatches, 'M'},
     {"indices_b", "int32", "BM", Role::kMatches, 'N'},
     {"upstream_a", "float", "BN"},
     {"upstream_b", "float", "BM"}},
    {{"grad_a", "float", "BN3"}, {"grad_b", "float", "BM3"}},
};

// ----------------------------------------------- boxes [centre (3), size (3)]

inline constexpr OpDeclaration kNMS3D{
    "Gspn>NMS3D",
    "nms_3d",
    {kBoxes, {"scores", "float", "BR"}, {"valid", "bool", "BR"}},
    {{"indices", "int32", "BK"}, {"taken", "bool", "BK"}},
    {{"iou_threshold", "float"}, {"max_outputs", "int >= 0", 'K'}},
    CheckThreshold,
};

inline constexpr OpDeclaration kSampleInBoxes{
    "Gspn>SampleInBoxes",
    "sample_in_boxes",
    {kPoints, kBoxes, {"seed", "int32", "2", Role::kNumbers}, kNumPoints},
    {{"indices", "int32", "BRM"}, {"counts", "int32", "BR"}},
    {{"num_samples", "int >= 0", 'M'}, {"margin", "float"}},
    CheckMargin,
};

inline constexpr OpDeclaration kNearestAssign{
    "Gspn>NearestAssign",
    "nearest_assign",
    {kPoints,
     {"samples", "float", "BDM3"},
     {"values", "float", "BDM"},
     {"boxes", "float", "BD6"},
     kNumPoints},
    {{"assigned", "float", "BDN"}},
};

}  // namespace gspn

#endif  // GSPN_TF_TF_OPS_H_
