// Layer norm over the last axes of x, seen as (rows R, columns D), in `Real` = float or double.
//
//     m = mean(x),  r = 1 / sqrt(var(x) + eps),  h = (x - m) r,  y = w h + b
//     g = dy w,  dx = r (g - mean(g) - h mean(g h)),  dw = sum over rows of dy h,  db = sum over rows of dy
//
// What must move, per element of x, in bytes of Real = 4 (8 for double):
//     forward   read x, write y                        8 B     about 10 flops
//     backward  read x and dy, write dx               12 B     about 21 flops
// One to two flops per byte, where a GPU offers tens: memory is the only limit, and the arithmetic can afford care.
//
// The shape of it, and what was weighed against it. The tests hold the counts of loads and stores; the choices rest on
// them alone, none has been timed on a device yet.
//   - Two passes for the statistics, the second one corrected, instead of E[x²] - E[x]² (which loses every digit at a
//     large offset) or Welford's update (a division per element). A row is read three times (forward) or twice
//     (backward), but only the first time from DRAM: 1 to 64 KiB lie in L1 or L2. Holding the row in registers would
//     spare those reads at the price of one compiled variant per row length.
//   - One warp per row where D is small, so that there is no barrier at all, and several rows per block to fill it;
//     more warps per row as D grows. Rows are taken in grid strides by no more blocks than the device holds at once.
//   - The mean of a row is kept as two numbers, m and the small shift c that m lacks. (x - m) is exact when x is close
//     to m (Sterbenz), so h is good to the last digits at any offset, for 4 further bytes per row.
//   - Only m, c and r are kept for the backward pass; h is worth recomputing, storing it would cost 4 B per element.
//   - dw and db need sums down the columns, dx along the rows. A kernel of its own reads x and dy once more (20 B
//     instead of 12), but coalesced, with each partial sum in a register. Fusing both means a buffer of D partial sums
//     per block in shared memory, which D > 6144 does not leave; adding by atomics means a result that changes from
//     run to run.

#include "reduce.cuh"

extern "C" __global__ void layer_norm(
    const Real *__restrict__ x, const Real *__restrict__ w, const Real *__restrict__ b, Real *__restrict__ y,
    Real *__restrict__ mean, Real *__restrict__ shift, Real *__restrict__ rstd,
    long long rows, unsigned columns, Real eps)
{
    __shared__ Real scratch[MAX_WARPS];
    long long stride = (long long)gridDim.x * blockDim.y;
    for (long long first = (long long)blockIdx.x * blockDim.y; first < rows; first += stride) {
        long long row = first + threadIdx.y;
        unsigned n = row < rows ? columns : 0;  // a row past the end is empty, but its threads meet every barrier
        const Real *xs = x + row * columns;
        Real *ys = y + row * columns;

        Real sum = 0;
        for (unsigned i = threadIdx.x; i < n; i += blockDim.x)
            sum += xs[i];
        Real m = row_sum(sum, scratch) / columns;

        Real sum_d = 0, sum_dd = 0;  // of the deviations; their mean is what rounding took from m
        for (unsigned i = threadIdx.x; i < n; i += blockDim.x) {
            Real d = xs[i] - m;
            sum_d += d;
            sum_dd += d * d;
        }
        Real c = row_sum(sum_d, scratch) / columns;
        Real variance = row_sum(sum_dd, scratch) / columns - c * c;
        variance = variance < 0 ? 0 : variance;  // by rounding only; written so that NaN stays NaN
        Real r = 1 / sqrt(variance + eps);

        for (unsigned i = threadIdx.x; i < n; i += blockDim.x) {
            Real h = (xs[i] - m - c) * r;
            ys[i] = (w ? w[i] * h : h) + (b ? b[i] : 0);
        }
        if (threadIdx.x == 0 && n > 0) {
            mean[row] = m;
            shift[row] = c;
            rstd[row] = r;
        }
    }
}

extern "C" __global__ void layer_norm_dx(
    const Real *__restrict__ dy, const Real *__restrict__ x, const Real *__restrict__ w,
    const Real *__restrict__ mean, const Real *__restrict__ shift, const Real *__restrict__ rstd,
    Real *__restrict__ dx, long long rows, unsigned columns)
{
    __shared__ Real scratch[MAX_WARPS];
    long long stride = (long long)gridDim.x * blockDim.y;
    for (long long first = (long long)blockIdx.x * blockDim.y; first < rows; first += stride) {
        long long row = first + threadIdx.y;
        unsigned n = row < rows ? columns : 0;
        Real m = n ? mean[row] : 0, c = n ? shift[row] : 0, r = n ? rstd[row] : 0;
        const Real *xs = x + row * columns, *dys = dy + row * columns;
        Real *dxs = dx + row * columns;

        Real sum_g = 0, sum_gh = 0;
        for (unsigned i = threadIdx.x; i < n; i += blockDim.x) {
            Real g = w ? dys[i] * w[i] : dys[i];
            sum_g += g;
            sum_gh += g * ((xs[i] - m - c) * r);
        }
        Real mean_g = row_sum(sum_g, scratch) / columns;
        Real mean_gh = row_sum(sum_gh, scratch) / columns;

        for (unsigned i = threadIdx.x; i < n; i += blockDim.x) {
            Real g = w ? dys[i] * w[i] : dys[i];
            Real h = (xs[i] - m - c) * r;
            dxs[i] = r * (g - mean_g - h * mean_gh);
        }
    }
}

// Stage one of the sums down the columns. A block owns blockDim.x columns (blockIdx.x) and one chunk of rows
// (blockIdx.y); dw and db receive one row of sums per chunk, (chunks, D). Either may be null.
// Dynamic shared memory: 2 blockDim.x blockDim.y values.
extern "C" __global__ void layer_norm_dw(
    const Real *__restrict__ dy, const Real *__restrict__ x,
    const Real *__restrict__ mean, const Real *__restrict__ shift, const Real *__restrict__ rstd,
    Real *__restrict__ dw, Real *__restrict__ db, long long rows, unsigned columns, long long rows_per_chunk)
{
    extern __shared__ Real sums[];
    Real *sums_w = sums, *sums_b = sums + blockDim.x * blockDim.y;
    unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
    long long begin = blockIdx.y * rows_per_chunk;
    long long end = begin + rows_per_chunk < rows ? begin + rows_per_chunk : rows;

    Real sum_w = 0, sum_b = 0;
    if (column < columns)
        for (long long row = begin + threadIdx.y; row < end; row += blockDim.y) {
            Real g = dy[row * columns + column];
            sum_b += g;
            sum_w += g * ((x[row * columns + column] - mean[row] - shift[row]) * rstd[row]);
        }
    sums_w[threadIdx.y * blockDim.x + threadIdx.x] = sum_w;
    sums_b[threadIdx.y * blockDim.x + threadIdx.x] = sum_b;
    __syncthreads();

    if (threadIdx.y == 0 && column < columns) {
        for (unsigned i = 1; i < blockDim.y; i++) {  // a fixed order: two runs agree to the bit
            sum_w += sums_w[i * blockDim.x + threadIdx.x];
            sum_b += sums_b[i * blockDim.x + threadIdx.x];
        }
        if (dw)
            dw[blockIdx.y * (long long)columns + column] = sum_w;
        if (db)
            db[blockIdx.y * (long long)columns + column] = sum_b;
    }
}

// Stage two: total (D) = parts (chunks, D) summed over the chunks, one thread per column.
extern "C" __global__ void sum_chunks(
    const Real *__restrict__ parts, Real *__restrict__ total, unsigned chunks, unsigned columns)
{
    unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= columns)
        return;
    Real sum = 0;
    for (unsigned chunk = 0; chunk < chunks; chunk++)
        sum += parts[chunk * (long long)columns + column];
    total[column] = sum;
}
