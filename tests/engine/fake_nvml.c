/* Stands in for NVIDIA's management library: one GPU, at 0000:01:00.0, that takes 123.5 of 450 W. */
#include <string.h>

static int g_begun = 0;

__attribute__((visibility("default"))) int nvmlInit_v2(void) {
  ++g_begun;
  return 0;
}

__attribute__((visibility("default"))) int nvmlShutdown(void) {
  --g_begun;
  return 0;
}

__attribute__((visibility("default"))) int nvmlDeviceGetHandleByPciBusId_v2(const char* pci_bus_id,
                                                                            void** device) {
  if (g_begun == 0 || strcmp(pci_bus_id, "0000:01:00.0") != 0) return 6; /* not found */
  *device = &g_begun;
  return 0;
}

__attribute__((visibility("default"))) int nvmlDeviceGetPowerUsage(void* device, unsigned int* milliwatts) {
  if (device != &g_begun || g_begun == 0) return 2; /* invalid argument */
  *milliwatts = 123500;
  return 0;
}

__attribute__((visibility("default"))) int nvmlDeviceGetEnforcedPowerLimit(void* device,
                                                                           unsigned int* milliwatts) {
  if (device != &g_begun || g_begun == 0) return 2;
  *milliwatts = 450000;
  return 0;
}
