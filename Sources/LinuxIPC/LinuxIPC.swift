internal import CLinuxIPC
