// Sums over the threads that share a row. The block is (width, height): threadIdx.x runs along a row, threadIdx.y
// picks one of `height` rows. width is a multiple of 32, so that a warp never straddles two rows.

#define WARP 32
#define ALL_LANES 0xffffffffu
#define MAX_WARPS 32  // of a block of 1024 threads, the most that any device allows

// The sum of `value` over the `width` threads of a row, the same bits in each of them. Every thread of the block must
// call it. scratch: MAX_WARPS values of shared memory.
//
// The butterfly (xor) adds the same pairs in every lane, and IEEE addition commutes: hence the same bits, and two runs
// agree. Lanes first, then warps, is also a pairwise summation: the error grows with log(width), not with width.
static __device__ Real row_sum(Real value, Real *scratch)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    unsigned warps = blockDim.x / WARP;  // per row
    if (warps == 1)
        return value;
    unsigned lane = threadIdx.x % WARP;
    Real *row = scratch + threadIdx.y * warps;
    __syncthreads();  // the sum before this one may still be being read
    if (lane == 0)
        row[threadIdx.x / WARP] = value;
    __syncthreads();
    value = lane < warps ? row[lane] : Real(0);
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, distance);
    return value;
}
