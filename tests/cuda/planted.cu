// Small kernels for the tests of the emulator: some are right, most hold one planted error. They are correct C++ for
// a CUDA compiler, which none of the errors stops.

extern "C" __global__ void block_sum(const float *x, float *y, int n)  // right: y (blocks), one sum per block
{
    extern __shared__ float shared[];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    shared[threadIdx.x] = i < n ? x[i] : 0;
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half)
            shared[threadIdx.x] += shared[threadIdx.x + half];
    }
    if (threadIdx.x == 0)
        y[blockIdx.x] = shared[0];
}

extern "C" __global__ void shuffles(int *y)  // right: one warp, y (8, 32)
{
    int lane = threadIdx.x, half = lane / 16;
    y[lane] = __shfl_sync(0xffffffffu, lane, 5);
    y[32 + lane] = __shfl_up_sync(0xffffffffu, lane, 3);
    y[64 + lane] = __shfl_down_sync(0xffffffffu, lane, 3);
    y[96 + lane] = __shfl_xor_sync(0xffffffffu, lane, 1, 8);
    y[128 + lane] = __shfl_down_sync(half ? 0xffff0000u : 0xffffu, lane, 1, 16);  // each half by itself
    y[160 + lane] = __ballot_sync(0xffffffffu, lane % 2);
    y[192 + lane] = __any_sync(0xffffffffu, lane == 40) + 2 * __all_sync(0xffffffffu, lane < 32);
    __syncwarp();
    y[224 + lane] = y[lane ^ 1];  // written by another lane, before the barrier of the warp
}

extern "C" __global__ void histogram(const int *x, int *count, int n)  // right: atomics of all blocks on one array
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        atomicAdd(&count[x[i]], 1);
}

extern "C" __global__ void where_am_i(unsigned *y)  // right: y (blocks, threads), in the order of CUDA
{
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    y[block * blockDim.x * blockDim.y * blockDim.z + thread] = 1000 * block + thread;
}

extern "C" __global__ void write_at(float *y, int offset) { y[offset] = 1; }  // wrong by its argument

extern "C" __global__ void read_at(const float *x, float *y, int offset) { y[0] = x[offset]; }

extern "C" __global__ void read_halfway(const float *x, float *y)  // wrong: a float at an odd address
{
    y[0] = *(const float *)((const char *)x + 2);
}

extern "C" __global__ void shared_at(float *y, int offset)  // wrong if offset is not less than the dynamic size
{
    extern __shared__ float shared[];
    shared[offset] = 1;
    y[0] = shared[offset];
}

extern "C" __global__ void early_return(float *y)  // wrong: thread 0 does not come to the barrier
{
    if (threadIdx.x == 0)
        return;
    __syncthreads();
    y[threadIdx.x] = 1;
}

extern "C" __global__ void two_barriers(float *y)  // wrong: each branch waits at a barrier of its own
{
    if (threadIdx.x < 32) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    y[threadIdx.x] = 1;
}

extern "C" __global__ void lonely_shuffle(int *y)  // wrong: the mask names lanes that never come
{
    if (threadIdx.x < 16)
        y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, y[threadIdx.x], 1);
}

extern "C" __global__ void stranger_shuffle(int *y)  // wrong: asks lane 20, which the mask leaves out
{
    if (threadIdx.x < 16)
        y[threadIdx.x] = __shfl_sync(0xffffu, y[threadIdx.x], 20);
}

extern "C" __global__ void no_barrier(float *y)  // wrong: reads a neighbour's value with no barrier between
{
    __shared__ float shared[64];
    shared[threadIdx.x] = threadIdx.x;
    y[threadIdx.x] = threadIdx.x > 0 ? shared[threadIdx.x - 1] : 0;
}

extern "C" __global__ void overwritten(float *y)  // wrong: writes what another thread may still be reading
{
    __shared__ float shared[64];
    shared[threadIdx.x] = threadIdx.x;
    __syncthreads();
    float other = threadIdx.x < 32 ? shared[threadIdx.x + 32] : 0;
    shared[threadIdx.x] = 2 * other;
    y[threadIdx.x] = other;
}

extern "C" __global__ void two_blocks(float *y) { y[0] += threadIdx.x; }  // wrong in more than one block

extern "C" __global__ void never_written(float *y)  // wrong: shared memory begins with anything
{
    __shared__ float shared[64];
    y[threadIdx.x] = shared[threadIdx.x];
}
