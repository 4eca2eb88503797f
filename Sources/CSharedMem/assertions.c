/* Compiles the headers, so that their assertions hold in every build. */
#include "sharedmem.h"
#include "sharedmem_control.h"
#include "sharedmem_layout.h"
#include "sharedmem_offsets.h"
