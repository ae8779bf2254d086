// The loops for any machine of this architecture.
#define CML_TABLE cml_table_baseline
#define CML_NAME "baseline"
#define CML_BYTES 16
#include "LoopBodies.h"
