// The machine behind emulator.hpp: fibers as threads, a scheduler that knows barriers, and a watch on memory.
// Compiled without instrumentation, once, and linked to every emulated kernel.
//
// A block's threads run one after another, each until it waits or returns. Then whoever waits for a warp or for the
// block is released if all that must come have come; if nobody can be released, the block hangs, and the message says
// who waits where. Blocks run one after another.

#include "emulator.hpp"

#include <dlfcn.h>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

// Linker symbols: the bounds of all static __shared__ variables; null when there are none.
extern "C" char __start_shared_memory[] __attribute__((weak, visibility("hidden")));
extern "C" char __stop_shared_memory[] __attribute__((weak, visibility("hidden")));

namespace emulator {
namespace {

constexpr size_t STACK = 64 * 1024;
constexpr unsigned SHARED_LIMIT = 48 * 1024;  // what every device grants without being asked

enum class State { ready, at_barrier, at_warp, done };

struct Thread {
    ucontext_t context;
    State state;
    Index index;
    unsigned number, warp_epoch;
    int line, source;
    unsigned mask;
    uint64_t value;
};

enum class Kind { read, write, atomic };

struct Access { int block = -1; unsigned thread, block_epoch, warp_epoch; bool atomic; };
struct Cell { Access write, first_read, other_read; };  // two readers: if they differ, any writer races with one

struct Region {
    const char *begin, *end;
    int argument;  // its position, or -1 for shared memory
    unsigned unit;  // bytes per cell
    std::vector<Cell> cells;
};

Launch *launch;
void (*body)(void **);
Index grid_now;
int block_number;
unsigned block_epoch, stacks = 0;
std::vector<Thread> threads;
std::vector<Region> regions;
std::vector<char> dynamic_memory;
char *stack_memory = nullptr;
Thread *current;
ucontext_t scheduler;
std::string error;

std::string name(const Thread &t)
{
    std::ostringstream out;
    out << "thread (" << t.index.x << ", " << t.index.y << ", " << t.index.z << ") of block (" << grid_now.x << ", "
        << grid_now.y << ", " << grid_now.z << ")";
    return out.str();
}

void stop(const std::string &message)  // called in a fiber: never to be resumed
{
    error = message;
    swapcontext(&current->context, &scheduler);
}

void wait(State state, int line)
{
    current->state = state;
    current->line = line;
    swapcontext(&current->context, &scheduler);
}

void fiber()
{
    body(launch->values);
    current->state = State::done;
    swapcontext(&current->context, &scheduler);
}

bool release_warp(size_t begin, size_t end)
{
    bool released = false;
    for (size_t i = begin; i < end; i++) {
        Thread &leader = threads[i];
        if (leader.state != State::at_warp)
            continue;
        unsigned mask = leader.mask, present = 0;
        uint64_t all = 0, values[32];
        for (size_t j = begin; j < end; j++) {
            Thread &t = threads[j];
            if (t.state == State::at_warp && t.mask == mask && t.line == leader.line) {
                present |= 1u << (j - begin);
                values[j - begin] = t.value;
                all |= t.value;
            }
        }
        if (!(mask >> (i - begin) & 1)) {
            error = name(leader) + " is not in the mask that it names, line " + std::to_string(leader.line);
            return false;
        }
        if (present != mask)
            continue;
        for (size_t j = begin; j < end; j++)
            if (mask >> (j - begin) & 1) {
                Thread &t = threads[j];
                if (t.source >= 0 && !(mask >> t.source & 1)) {
                    error = name(t) + " asks for the value of lane " + std::to_string(t.source)
                        + ", which is not in the mask, line " + std::to_string(t.line);
                    return false;
                }
                t.value = t.source < 0 ? all : values[t.source];
                t.state = State::ready;
                t.warp_epoch++;
            }
        released = true;
    }
    return released;
}

bool release_block()
{
    for (Thread &t : threads)
        if (t.state != State::at_barrier || t.line != threads[0].line)
            return false;
    for (Thread &t : threads)
        t.state = State::ready;
    block_epoch++;
    return true;
}

std::string describe_hang()
{
    static const char *const what[] = {"", "waits at __syncthreads()", "waits for its warp", "has returned"};
    auto say = [](const Thread &t) {
        std::string line = t.state == State::done ? "" : ", line " + std::to_string(t.line);
        return name(t) + " " + what[int(t.state)] + line;
    };
    const Thread *waiting = nullptr, *other = nullptr;
    for (Thread &t : threads)
        if (!waiting && t.state != State::done)
            waiting = &t;
    for (Thread &t : threads)
        if (!other && (t.state != waiting->state || t.line != waiting->line))
            other = &t;
    std::string missing = other ? say(*other) : "the mask names lanes that the block does not have";
    return "barrier not reached by all: " + say(*waiting) + ", while " + missing;
}

void run_block()
{
    std::memset(__start_shared_memory, 0xff, __stop_shared_memory - __start_shared_memory);  // NaN
    dynamic_memory.assign(launch->dynamic_shared, char(0xff));
    for (Region &r : regions)
        if (r.argument < 0)
            r.cells.assign(r.cells.size(), Cell());
    block_epoch = 0;
    Index size = block_size();
    for (unsigned i = 0; i < threads.size(); i++) {
        Thread &t = threads[i];
        t.index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
        t.number = i;
        t.state = State::ready;
        t.warp_epoch = 0;
        getcontext(&t.context);
        t.context.uc_stack.ss_sp = stack_memory + i * STACK;
        t.context.uc_stack.ss_size = STACK;
        t.context.uc_link = nullptr;
        makecontext(&t.context, fiber, 0);
    }
    for (;;) {
        bool done = true;
        for (Thread &t : threads) {
            if (t.state == State::ready) {
                current = &t;
                swapcontext(&scheduler, &t.context);
                if (!error.empty())
                    return;
            }
            done = done && t.state == State::done;
        }
        if (done)
            return;
        bool released = false;
        for (size_t i = 0; i < threads.size(); i += 32)
            released |= release_warp(i, i + 32 < threads.size() ? i + 32 : threads.size());
        if (error.empty() && !released && !release_block())
            error = describe_hang();
        if (!error.empty())
            return;
    }
}

// Whether `then` is known to come before what the current thread does now.
bool before(const Access &then)
{
    if (then.block < 0 || (then.block == block_number && then.thread == current->number))
        return true;
    if (then.block != block_number)
        return false;
    return then.block_epoch != block_epoch
        || (then.thread / 32 == current->number / 32 && then.warp_epoch != current->warp_epoch);
}

std::string whose(const Access &a)
{
    return "thread number " + std::to_string(a.thread) + " of block number " + std::to_string(a.block)
        + " with no barrier between";
}

std::string locate(const Region &r, const void *address)
{
    std::string what = r.argument < 0 ? "shared memory" : "array argument " + std::to_string(r.argument);
    return what + " at byte " + std::to_string(static_cast<const char *>(address) - r.begin);
}

void check(const void *address, uint64_t size, Kind kind, const void *code)
{
    const char *begin = static_cast<const char *>(address), *end = begin + size;
    const char *stack = stack_memory + current->number * STACK;
    if (begin >= stack && end <= stack + STACK)
        return;
    bool write = kind != Kind::read, atomic = kind == Kind::atomic;
    auto fault = [&](const std::string &what, const std::string &where) {
        Dl_info library;
        dladdr(code, &library);
        launch->fault = static_cast<const char *>(code) - static_cast<const char *>(library.dli_fbase);
        stop(what + ": " + name(*current) + (write ? " writes " : " reads ") + std::to_string(size) + " bytes "
            + where);
    };
    const Region *nearest = nullptr;
    for (Region &r : regions) {
        if (begin < r.begin || end > r.end) {
            if (!nearest || std::abs(begin - r.begin) < std::abs(begin - nearest->begin))
                nearest = &r;
            continue;
        }
        if (r.argument >= 0)
            (write ? launch->bytes_written : launch->bytes_read) += size;
        Access now{block_number, current->number, block_epoch, current->warp_epoch, atomic};
        for (size_t i = (begin - r.begin) / r.unit; i <= (end - 1 - r.begin) / r.unit; i++) {
            Cell &cell = r.cells[i];
            if (!write && r.argument < 0 && cell.write.block < 0)
                return fault("uninitialised", "of " + locate(r, address) + ", which nobody has written yet");
            if (!before(cell.write) && !(atomic && cell.write.atomic))
                return fault("race", "of " + locate(r, address) + ", written by " + whose(cell.write));
            if (write) {
                for (const Access &read : {cell.first_read, cell.other_read})
                    if (!before(read))
                        return fault("race", "of " + locate(r, address) + ", read by " + whose(read));
                cell.write = now;
            } else if (before(cell.first_read)) {
                cell.first_read = now;
            } else {
                cell.other_read = now;
            }
        }
        return;
    }
    if (begin < reinterpret_cast<const char *>(4096))
        return fault("null pointer", "through it");
    fault("out of bounds", nearest ? "in no array; the nearest is " + locate(*nearest, address) + " of "
        + std::to_string(nearest->end - nearest->begin) : "where there is no array at all");
}

void check_aligned(const void *address, unsigned size, Kind kind, const void *code)
{
    if (reinterpret_cast<uintptr_t>(address) % size)
        return stop("misaligned: " + name(*current) + " reaches for " + std::to_string(size)
            + " bytes at an address that is no multiple of that");
    check(address, size, kind, code);
}

std::string describe(const Type &t)
{
    std::string element = t.kind == 'p' ? std::string(" to ") + t.element_kind + std::to_string(t.element_size) : "";
    return t.kind + std::to_string(t.size) + element;
}

// The driver copies as many bytes as a parameter has and asks nothing; a mismatch gives garbage.
std::string check_arguments(const Type *types, unsigned count)
{
    if (count != launch->parameters)
        return "got " + std::to_string(launch->parameters) + " arguments, the kernel has " + std::to_string(count);
    for (unsigned i = 0; i < count; i++) {
        const Type &want = types[i], &got = launch->types[i];
        bool null = want.kind == 'p' && got.kind == 'u' && got.size == 8
            && *static_cast<uint64_t *>(launch->values[i]) == 0;
        bool same = want.kind == got.kind && want.size == got.size && (want.kind != 'p' || want.element_size == 0
            || (want.element_kind == got.element_kind && want.element_size == got.element_size));
        if (!null && !same)
            return "argument " + std::to_string(i) + " is " + describe(got) + ", the kernel takes " + describe(want);
    }
    return "";
}

std::string check_launch()
{
    const unsigned *g = launch->grid, *b = launch->block;
    uint64_t count = uint64_t(b[0]) * b[1] * b[2], shared = __stop_shared_memory - __start_shared_memory;
    if (count == 0 || count > launch->threads_per_block || b[2] > 64)
        return "a block of " + std::to_string(count) + " threads cannot be launched";
    if (!g[0] || !g[1] || !g[2] || g[0] > 0x7fffffff || g[1] > 65535 || g[2] > 65535)
        return "a grid of " + std::to_string(g[0]) + " x " + std::to_string(g[1]) + " x " + std::to_string(g[2])
            + " blocks cannot be launched";
    if (shared + launch->dynamic_shared > SHARED_LIMIT)
        return std::to_string(shared + launch->dynamic_shared) + " bytes of shared memory are more than 48 KiB";
    return "";
}

void watch(const void *begin, uint64_t bytes, int argument, unsigned unit)
{
    const char *at = static_cast<const char *>(begin);
    for (Region &r : regions)
        if (r.begin == at)
            return;  // one array given twice
    if (bytes)
        regions.push_back({at, at + bytes, argument, unit, std::vector<Cell>((bytes + unit - 1) / unit)});
}

}  // namespace

Index thread_index() { return current->index; }
Index block_index() { return grid_now; }
Index block_size() { return {launch->block[0], launch->block[1], launch->block[2]}; }
Index grid_size() { return {launch->grid[0], launch->grid[1], launch->grid[2]}; }
unsigned lane() { return current->number % 32; }
void *dynamic_shared() { return dynamic_memory.data(); }
void barrier(int line) { wait(State::at_barrier, line); }
void access_atomic(const void *address, unsigned size)
{
    check_aligned(address, size, Kind::atomic, __builtin_return_address(0));
}

uint64_t exchange(unsigned mask, uint64_t value, int source, int line)
{
    current->mask = mask;
    current->value = value;
    current->source = source;
    wait(State::at_warp, line);
    return current->value;
}

const char *run(Launch *what, const Type *types, unsigned count, void (*kernel)(void **))
{
    launch = what;
    body = kernel;
    launch->bytes_read = launch->bytes_written = launch->fault = 0;
    error = check_launch();
    if (error.empty())
        error = check_arguments(types, count);
    if (!error.empty())
        return error.c_str();
    regions.clear();
    for (unsigned i = 0; i < count; i++)
        if (launch->bytes[i])
            watch(*static_cast<void **>(launch->values[i]), launch->bytes[i], i, launch->types[i].element_size);
    dynamic_memory.assign(launch->dynamic_shared, 0);
    watch(dynamic_memory.data(), launch->dynamic_shared, -1, 1);
    watch(__start_shared_memory, __stop_shared_memory - __start_shared_memory, -1, 1);

    threads.resize(launch->block[0] * launch->block[1] * launch->block[2]);
    if (threads.size() > stacks) {
        if (stack_memory)
            munmap(stack_memory, stacks * STACK);
        stacks = threads.size();
        stack_memory = static_cast<char *>(mmap(nullptr, stacks * STACK, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    }
    block_number = 0;
    for (grid_now.z = 0; grid_now.z < launch->grid[2]; grid_now.z++)
        for (grid_now.y = 0; grid_now.y < launch->grid[1]; grid_now.y++)
            for (grid_now.x = 0; grid_now.x < launch->grid[0]; grid_now.x++, block_number++) {
                run_block();
                if (!error.empty())
                    return error.c_str();
            }
    return nullptr;
}

}  // namespace emulator

// What the instrumented code calls.
#define HERE __builtin_return_address(0)
#define WATCH(n) \
    extern "C" void __tsan_read##n(void *p) { emulator::check_aligned(p, n, emulator::Kind::read, HERE); } \
    extern "C" void __tsan_write##n(void *p) { emulator::check_aligned(p, n, emulator::Kind::write, HERE); } \
    extern "C" void __tsan_unaligned_read##n(void *p) { emulator::check(p, n, emulator::Kind::read, HERE); } \
    extern "C" void __tsan_unaligned_write##n(void *p) { emulator::check(p, n, emulator::Kind::write, HERE); }
WATCH(1) WATCH(2) WATCH(4) WATCH(8) WATCH(16)
extern "C" void __tsan_read_range(void *p, size_t n) { emulator::check(p, n, emulator::Kind::read, HERE); }
extern "C" void __tsan_write_range(void *p, size_t n) { emulator::check(p, n, emulator::Kind::write, HERE); }
extern "C" void __tsan_init() {}
extern "C" void __tsan_func_entry(void *) {}
extern "C" void __tsan_func_exit() {}
