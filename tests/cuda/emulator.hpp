// CUDA's dialect of C++ for g++: a kernel's source is compiled after this header and runs on the CPU, where each
// CUDA thread is a fiber. emulator.cpp holds the fibers, the scheduler and the checks.
//
// The source is compiled with -fsanitize=thread, but not linked against its library: the compiler then calls
// __tsan_read4(address) and the like at every access to memory, and emulator.cpp provides those functions. So every
// load and store of a kernel is checked, exactly, in ordinary process memory.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("shared_memory")))
#define UNCHECKED __attribute__((no_sanitize("thread")))

namespace emulator {

struct Index { unsigned x, y, z; };
Index thread_index(), block_index(), block_size(), grid_size();  // by value: reading them is not an access to memory
void barrier(int line);
// Wait for the lanes in `mask`; then the value that lane `source` brought. source < 0: the "or" of all values.
uint64_t exchange(unsigned mask, uint64_t value, int source, int line);
unsigned lane();
void *dynamic_shared();
void access_atomic(const void *address, unsigned size);

// What a parameter or argument is: kind 'f', 'i', 'u', 'p' or '?', and for pointers the same of what they point to.
struct Type { char kind; unsigned size; char element_kind; unsigned element_size; };

struct Launch {  // laid out as in emulate.py
    unsigned grid[3], block[3];
    unsigned dynamic_shared, parameters;
    const Type *types;            // of the arguments
    void **values;                // where each argument lies, as in cuLaunchKernel
    const uint64_t *bytes;        // for arrays their size, else 0
    unsigned threads_per_block;   // limit of the device
    uint64_t bytes_read, bytes_written, fault;  // out: traffic of the arrays; code address of a fault, from the base
};

template <class T> constexpr char kind()
{
    return std::is_pointer<T>::value ? 'p' : std::is_floating_point<T>::value ? 'f'
         : std::is_signed<T>::value ? 'i' : std::is_unsigned<T>::value ? 'u' : '?';
}
template <class T> constexpr Type type_of()
{
    if constexpr (std::is_pointer<T>::value && !std::is_void<std::remove_pointer_t<T>>::value) {
        using E = std::remove_cv_t<std::remove_pointer_t<T>>;
        return {'p', sizeof(T), kind<E>(), sizeof(E)};
    }
    return {kind<T>(), sizeof(T), '?', 0};
}

const char *run(Launch *launch, const Type *types, unsigned count, void (*body)(void **));  // error, or null

template <auto kernel, class Signature> struct Kernel;
template <auto kernel, class... A> struct Kernel<kernel, void (*)(A...)> {
    template <size_t... I> UNCHECKED static void unpack(void **values, std::index_sequence<I...>)
    {
        kernel(*static_cast<std::remove_cv_t<A> *>(values[I])...);
    }
    UNCHECKED static void body(void **values) { unpack(values, std::index_sequence_for<A...>{}); }
    UNCHECKED static const char *launch(Launch *launch)
    {
        static constexpr Type types[sizeof...(A) + 1] = {type_of<A>()..., {}};
        return run(launch, types, sizeof...(A), body);
    }
};

template <class T> T shuffle(unsigned mask, T value, int source, int line)
{
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = exchange(mask, bits, source, line);
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

}  // namespace emulator

#define EMULATE(name) \
    extern "C" const char *emulate_##name(emulator::Launch *launch) \
    { return emulator::Kernel<&name, decltype(&name)>::launch(launch); }

#define threadIdx (emulator::thread_index())
#define blockIdx (emulator::block_index())
#define blockDim (emulator::block_size())
#define gridDim (emulator::grid_size())
#define warpSize 32
#define __syncthreads() emulator::barrier(__LINE__)

inline void __syncwarp(unsigned mask = ~0u, int line = __builtin_LINE()) { emulator::exchange(mask, 0, -1, line); }

// A lane whose partner lies outside its segment of `width` lanes keeps its own value
// (CUDA C++ Programming Guide, "Warp Shuffle Functions").
template <class T> T __shfl_sync(unsigned mask, T v, int source, int width = 32, int line = __builtin_LINE())
{
    int own = emulator::lane();
    return emulator::shuffle(mask, v, (own & -width) + (source & (width - 1)), line);
}
template <class T> T __shfl_xor_sync(unsigned mask, T v, int with, int width = 32, int line = __builtin_LINE())
{
    int own = emulator::lane(), source = own ^ with;
    return emulator::shuffle(mask, v, source < (own & -width) + width ? source : own, line);
}
template <class T> T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32, int line = __builtin_LINE())
{
    int own = emulator::lane(), source = own + by;
    return emulator::shuffle(mask, v, source < (own & -width) + width ? source : own, line);
}
template <class T> T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32, int line = __builtin_LINE())
{
    int own = emulator::lane(), source = own - by;
    return emulator::shuffle(mask, v, source >= (own & -width) ? source : own, line);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, int line = __builtin_LINE())
{
    return emulator::exchange(mask, predicate ? uint64_t(1) << emulator::lane() : 0, -1, line);
}
inline int __any_sync(unsigned mask, int predicate, int line = __builtin_LINE())
{
    return __ballot_sync(mask, predicate, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, int line = __builtin_LINE())
{
    return __ballot_sync(mask, predicate, line) == mask;
}

template <class T> UNCHECKED T atomicAdd(T *address, std::common_type_t<T> value)
{
    emulator::access_atomic(address, sizeof(T));
    T old = *address;
    *address = old + value;
    return old;
}

template <class T> T __ldg(const T *address) { return *address; }
using std::sqrt;
using std::isnan;
using std::isinf;
template <class T> T min(T a, T b) { return b < a ? b : a; }
template <class T> T max(T a, T b) { return a < b ? b : a; }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
template <class T> T rsqrt(T x) { return 1 / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __fdividef(float a, float b) { return a / b; }
