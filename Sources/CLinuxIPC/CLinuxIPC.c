#include "CLinuxIPC.h"
