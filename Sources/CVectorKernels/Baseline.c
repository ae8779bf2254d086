// The kernels for any machine of this architecture.
#define CVK_TABLE cvk_table_baseline
#include "KernelBodies.h"
