list kernels
