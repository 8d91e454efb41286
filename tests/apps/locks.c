/* A C library that waits in each of the ways that pthreads have. Compiled by
 * tests/suite/coroutine/locks.rs, called by tests/apps/locks.py. A function that must be alone says
 * how many it has found inside. */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static int inside;

static int alone(int micros)
{
    int others = __atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST);
    usleep(micros);
    __atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
    return others;
}

static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER;

int mutex(int micros)
{
    pthread_mutex_lock(&normal);
    int others = alone(micros);
    pthread_mutex_unlock(&normal);
    return others;
}

/* Calls back with the mutex locked: into Python, which takes the GIL for it. */
int mutex_and_call(int micros, void (*call)(void))
{
    pthread_mutex_lock(&normal);
    int others = alone(micros);
    call();
    pthread_mutex_unlock(&normal);
    return others;
}

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

int recursive_mutex(int micros)
{
    pthread_mutex_lock(&recursive);
    pthread_mutex_lock(&recursive);
    int others = alone(micros);
    pthread_mutex_unlock(&recursive);
    others += alone(micros);
    pthread_mutex_unlock(&recursive);
    return others;
}

int timed_mutex(int micros)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 30;
    int error = pthread_mutex_clocklock(&normal, CLOCK_MONOTONIC, &until);
    if (error != 0)
        return -error;
    int others = alone(micros);
    pthread_mutex_unlock(&normal);
    return others;
}

static pthread_rwlock_t both = PTHREAD_RWLOCK_INITIALIZER;

int rwlock(int micros)
{
    int error = pthread_rwlock_rdlock(&both);
    if (error != 0)
        return -error;
    usleep(micros);
    pthread_rwlock_unlock(&both);
    error = pthread_rwlock_wrlock(&both);
    if (error != 0)
        return -error;
    int others = alone(micros);
    pthread_rwlock_unlock(&both);
    return others;
}

static pthread_spinlock_t spinning;

__attribute__((constructor)) static void make_spin_lock(void)
{
    pthread_spin_init(&spinning, PTHREAD_PROCESS_PRIVATE);
}

int spin_lock(int micros)
{
    pthread_spin_lock(&spinning);
    int others = alone(micros);
    pthread_spin_unlock(&spinning);
    return others;
}

/* Those that compute for so long, and need a lock again and again, as SQLite does to allocate. */

static unsigned long work(void)
{
    volatile unsigned long sum = 0;
    for (int i = 0; i < 50; i++)
        sum += i;
    return sum;
}

#define FIGHT(NAME, LOCK, UNLOCK)                                          \
    int fight_for_##NAME(int micros)                                       \
    {                                                                      \
        struct timespec began, now;                                        \
        clock_gettime(CLOCK_MONOTONIC, &began);                            \
        do {                                                               \
            for (int i = 0; i < 1000; i++) {                               \
                LOCK;                                                      \
                work();                                                    \
                UNLOCK;                                                    \
                work();                                                    \
            }                                                              \
            clock_gettime(CLOCK_MONOTONIC, &now);                          \
        } while ((now.tv_sec - began.tv_sec) * 1000000                     \
                     + (now.tv_nsec - began.tv_nsec) / 1000                \
                 < micros);                                                \
        return 0;                                                          \
    }

FIGHT(mutexes, pthread_mutex_lock(&normal), pthread_mutex_unlock(&normal))
FIGHT(rwlocks, pthread_rwlock_wrlock(&both), pthread_rwlock_unlock(&both))
FIGHT(spin_locks, pthread_spin_lock(&spinning), pthread_spin_unlock(&spinning))

static atomic_flag yielding = ATOMIC_FLAG_INIT;

static void lock_by_yielding(void)
{
    while (atomic_flag_test_and_set(&yielding))
        sched_yield();
}

FIGHT(locks_that_yield, lock_by_yielding(), atomic_flag_clear(&yielding))

/* As Rust's standard library makes them: 0 free, 1 locked, 2 locked and waited for. */
static atomic_int futex;

static void lock_futex(void)
{
    int free = 0;
    if (atomic_compare_exchange_strong(&futex, &free, 1))
        return;
    while (atomic_exchange(&futex, 2) != 0)
        syscall(SYS_futex, &futex, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 2, NULL, NULL, ~0u);
}

static void unlock_futex(void)
{
    if (atomic_exchange(&futex, 0) == 2)
        syscall(SYS_futex, &futex, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
}

FIGHT(futexes, lock_futex(), unlock_futex())

/* A lock that no interposed call sees: its holder computes, and then makes a call that is interposed. */
static atomic_flag unseen_flag = ATOMIC_FLAG_INIT;

int unseen(int micros)
{
    while (atomic_flag_test_and_set(&unseen_flag))
        ;
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += micros % 1000000 * 1000L;
    end.tv_sec += micros / 1000000 + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
    int others = alone(0);
    atomic_flag_clear(&unseen_flag);
    return others;
}

static pthread_barrier_t meeting;

__attribute__((constructor)) static void make_barrier(void)
{
    pthread_barrier_init(&meeting, NULL, 10);
}

int barrier(int micros)
{
    usleep(micros);
    int result = pthread_barrier_wait(&meeting);
    return result == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : result;
}

/* Each waits for the one before it. */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int present, turn;

int condition(int micros)
{
    pthread_mutex_lock(&normal);
    int mine = present++;
    if (present == 10)
        pthread_cond_broadcast(&changed);
    while (present < 10)
        pthread_cond_wait(&changed, &normal);
    while (turn != mine)
        pthread_cond_wait(&changed, &normal);
    usleep(micros);
    turn++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&normal);
    return 0;
}

static mtx_t standard;
static cnd_t standard_changed;
static int standard_present;
static once_flag standard_once = ONCE_FLAG_INIT;

static void make_standard(void)
{
    thrd_sleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    mtx_init(&standard, mtx_recursive);
    cnd_init(&standard_changed);
}

int c11(int micros)
{
    call_once(&standard_once, make_standard);
    if (mtx_lock(&standard) != thrd_success)
        return -1;
    standard_present++;
    cnd_broadcast(&standard_changed);
    while (standard_present < 10)
        cnd_wait(&standard_changed, &standard);
    int others = alone(micros);
    mtx_unlock(&standard);
    return others;
}

/* Waits while somebody else, whom only an OS thread lets go, has it. */
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static int is_taken;

int take(int micros)
{
    pthread_mutex_lock(&normal);
    is_taken = 1;
    while (is_taken)
        pthread_cond_wait(&released, &normal);
    pthread_mutex_unlock(&normal);
    (void)micros;
    return 0;
}

int release(int micros)
{
    usleep(micros);
    pthread_mutex_lock(&normal);
    is_taken = 0;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&normal);
    return 0;
}

/* Waits, computes for four times as long, and leaves. */
int rest_and_compute(int micros)
{
    usleep(micros);
    return unseen(4 * micros);
}

int rest(int micros)
{
    usleep(micros);
    return 0;
}

/* Allocates as fast as it can, with short rests. */
int allocate(int micros)
{
    void *pieces[32];
    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < 32; i++)
            pieces[i] = malloc(16 + 64 * i);
        for (int i = 0; i < 32; i++)
            free(pieces[i]);
        if (round % 25 == 0)
            usleep(micros / 10);
    }
    return 0;
}
