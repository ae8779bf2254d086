// The coding kernels for every machine.
#define CVK_CODING_TABLE cvk_coding_baseline
#include "CodingBodies.h"
