internal import CSharedMem
