#include "kernels/cloud.h"

#include "kernels/kernels.h"

GspnCloud* gspn_cloud_create(const float* points, int64_t n,
                             int64_t num_queries, bool for_balls,
                             const GspnThreads* threads) {
  return new GspnCloud(points, n, num_queries, for_balls, threads);
}

void gspn_cloud_free(GspnCloud* cloud) { delete cloud; }
