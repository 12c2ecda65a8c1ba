#include "kernels/cloud.h"

#include "kernels/kernels.h"

GspnCloud* gspn_cloud_create(const float* points, int64_t n, int searchable) {
  return new GspnCloud(points, n, searchable != 0);
}

void gspn_cloud_free(GspnCloud* cloud) { delete cloud; }
