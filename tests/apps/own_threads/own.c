/* A C library with state of each kind that a thread has. Compiled by
 * tests/suite/coroutine/own_threads.rs, called by in_c.py. Each function makes something the thread's
 * own, waits, and looks whether it still is: it returns NULL, or what is wrong. */

#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE
#include <Python.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define ANOTHERS(what) "another's " what
#define AT_ONCE 64

/* Not all the same time: they do not wake in the order in which they came. */
static void nap(int number)
{
    struct timespec time = {0, 1000000 + number * 379 % 17 * 100000};
    nanosleep(&time, NULL);
}

/* Keys ------------------------------------------------------------------------------------------ */

static Py_tss_t python_key = Py_tss_NEEDS_INIT;
static pthread_key_t key, many_keys[40];
static tss_t c11_key;

static void note(const char *what, long number)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s %ld\n", what, number);
    int notes = open(getenv("NOTES"), O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (write(notes, line, length) != length)
        abort();
    close(notes);
}

static pthread_key_t ending_key, again_key;
static __thread long seen_at_the_end;

/* Destructors wait, and what they see is their own thread's. */
static void end(void *value)
{
    nap((long)value);
    note(seen_at_the_end == (long)value ? "key" : ANOTHERS("key"), (long)value);
}

/* One that leaves a value behind is called again. */
static void end_again(void *value)
{
    static __thread int calls;
    if (++calls < 3)
        pthread_setspecific(again_key, value);
    else
        note("again", (long)value);
}

__attribute__((constructor)) static void make_keys(void)
{
    int error = PyThread_tss_create(&python_key) | pthread_key_create(&key, NULL)
        | tss_create(&c11_key, NULL) | pthread_key_create(&ending_key, end)
        | pthread_key_create(&again_key, end_again);
    /* More than the 32 for which a thread has a place from the beginning. */
    for (int at = 0; at < 40; at++)
        error |= pthread_key_create(&many_keys[at], NULL);
    if (error)
        abort();
}

const char *python_tss(int number)
{
    PyThread_tss_set(&python_key, (void *)(long)(number + 1));
    nap(number);
    void *found = PyThread_tss_get(&python_key);
    PyThread_tss_set(&python_key, NULL);
    return found == (void *)(long)(number + 1) ? NULL : ANOTHERS("value");
}

/* The same as extension modules do it. */
const char *python_tss_with_gil(int number)
{
    PyThread_tss_set(&python_key, (void *)(long)(number + 1));
    Py_BEGIN_ALLOW_THREADS
    nap(number);
    Py_END_ALLOW_THREADS
    void *found = PyThread_tss_get(&python_key);
    PyThread_tss_set(&python_key, NULL);
    return found == (void *)(long)(number + 1) ? NULL : ANOTHERS("value");
}

const char *pthread_keys(int number)
{
    for (int at = 0; at < 40; at++)
        pthread_setspecific(many_keys[at], (void *)(long)(number * 40 + at));
    pthread_setspecific(key, (void *)(long)number);
    nap(number);
    for (int at = 0; at < 40; at++)
        if (pthread_getspecific(many_keys[at]) != (void *)(long)(number * 40 + at))
            return ANOTHERS("one of many values");
    return pthread_getspecific(key) == (void *)(long)number ? NULL : ANOTHERS("value");
}

const char *c11_keys(int number)
{
    tss_set(c11_key, (void *)(long)number);
    nap(number);
    return tss_get(c11_key) == (void *)(long)number ? NULL : ANOTHERS("value");
}

/* What is freed when its thread ends; `end` and `end_again` tell. It takes so long that those who come
 * at once have a thread each. */
const char *until_the_end(int number)
{
    seen_at_the_end = number + 1;
    pthread_setspecific(ending_key, (void *)(long)(number + 1));
    pthread_setspecific(again_key, (void *)(long)(number + 1));
    for (int count = 0; count < 200; count++)
        nap(number);
    return NULL;
}

/* From one call of the library to the next ------------------------------------------------------- */

static __thread int variable;

void set_all(int number)
{
    variable = number;
    PyThread_tss_set(&python_key, (void *)(long)number);
    pthread_setspecific(key, (void *)(long)number);
    tss_set(c11_key, (void *)(long)number);
}

/* The number that all have, or -1. */
int common_number(void)
{
    int number = variable;
    void *value = (void *)(long)number;
    int are_equal = pthread_getspecific(key) == value && tss_get(c11_key) == value
        && PyThread_tss_get(&python_key) == value;
    return are_equal ? number : -1;
}

/* What the C library keeps ------------------------------------------------------------------------- */

void fail_with(int number)
{
    nap(number);
    errno = number;
}

const char *errno_across_a_wait(int number)
{
    errno = number;
    nap(number);
    return errno == number ? NULL : ANOTHERS("errno");
}

const char *dlerror_across_a_wait(int number)
{
    char name[64], first[256];
    // What stands in front of a call is looked up at its first use, which dlerror tells of as well.
    nap(number);
    snprintf(name, sizeof name, "/nowhere/number-%d.so", number);
    dlerror();
    if (dlopen(name, RTLD_NOW) != NULL)
        return "there is one";
    nap(number);
    const char *error = dlerror();
    snprintf(first, sizeof first, "%s", error ? error : "");
    return strstr(first, name) != NULL ? NULL : ANOTHERS("dlerror");
}

const char *static_buffers(int number)
{
    struct in_addr address = {htonl(0x0a000000 + number)};
    const char *in_buffer = inet_ntoa(address);
    char before[32];
    snprintf(before, sizeof before, "%s", in_buffer);
    nap(number);
    return strcmp(before, in_buffer) == 0 ? NULL : ANOTHERS("address");
}

const char *locale_of_the_thread(int number)
{
    locale_t own = newlocale(LC_ALL_MASK, number % 2 ? "C" : "C.UTF-8", NULL);
    locale_t former = uselocale(own);
    size_t longest = MB_CUR_MAX;
    nap(number);
    const char *wrong = uselocale(NULL) != own ? ANOTHERS("locale")
        : MB_CUR_MAX != longest                ? ANOTHERS("characters")
                                               : NULL;
    uselocale(former);
    freelocale(own);
    return wrong;
}

const char *rounding_mode(int number)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    volatile double one = 1, three = -3;
    volatile long double long_one = 1, long_three = -3;
    fesetround(modes[number % 4]);
    double third = one / three;
    long double long_third = long_one / long_three;
    nap(number);
    const char *wrong = fegetround() != modes[number % 4] ? ANOTHERS("rounding mode")
        : one / three != third                            ? ANOTHERS("rounding")
        : long_one / long_three != long_third             ? ANOTHERS("long rounding")
                                                          : NULL;
    fesetround(FE_TONEAREST);
    return wrong;
}

const char *cancel_state(int number)
{
    int ours = number % 2 ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE, found;
    pthread_setcancelstate(ours, NULL);
    nap(number);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &found);
    return found == ours ? NULL : ANOTHERS("state");
}

const char *signal_mask(int number)
{
    sigset_t ours, former, found;
    sigemptyset(&ours);
    sigaddset(&ours, SIGRTMIN + 5 + number % 10);
    pthread_sigmask(SIG_BLOCK, &ours, &former);
    nap(number);
    pthread_sigmask(SIG_SETMASK, &former, &found);
    for (int at = 0; at < 10; at++)
        if (sigismember(&found, SIGRTMIN + 5 + at) != (at == number % 10))
            return ANOTHERS("mask");
    return NULL;
}

/* Who it is ------------------------------------------------------------------------------------ */

const char *identity(int number)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct { int is_taken; pthread_t thread; thrd_t c11; } inside[AT_ONCE];
    pthread_t ours = pthread_self();
    const char *wrong = NULL;
    int place = -1;
    pthread_mutex_lock(&lock);
    for (int at = 0; at < AT_ONCE; at++) {
        if (!inside[at].is_taken)
            place = at;
        else if (pthread_equal(inside[at].thread, ours) || thrd_equal(inside[at].c11, thrd_current()))
            wrong = ANOTHERS("identity");
    }
    inside[place].is_taken = 1;
    inside[place].thread = ours;
    inside[place].c11 = thrd_current();
    pthread_mutex_unlock(&lock);
    nap(number);
    if (!pthread_equal(pthread_self(), ours) || !thrd_equal(thrd_current(), inside[place].c11))
        wrong = "it has changed";
    pthread_mutex_lock(&lock);
    inside[place].is_taken = 0;
    pthread_mutex_unlock(&lock);
    return wrong;
}

/* Interpreters and garbage collectors look for their stack so (JavaScript's, Java's, CPython 3.14). */
const char *bounds_of_the_stack(int number)
{
    char here[16];
    snprintf(here, sizeof here, "%d", number);
    nap(number);
    pthread_attr_t attributes;
    void *lowest;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return "no attributes";
    int error = pthread_attr_getstack(&attributes, &lowest, &size);
    pthread_attr_destroy(&attributes);
    if (error != 0)
        return "no stack";
    int is_within = here >= (char *)lowest && here < (char *)lowest + size;
    return is_within && atoi(here) == number ? NULL : ANOTHERS("stack");
}

/* Attached to the interpreter, as libraries do it that call back. */
const char *nested_attachment(int number)
{
    if (PyGILState_Check())
        return "has the GIL";
    PyGILState_STATE outer = PyGILState_Ensure();
    PyThreadState *state = PyGILState_GetThisThreadState();
    PyObject *before = PyLong_FromLong(number + 100000), *after = NULL;
    const char *wrong = NULL;
    Py_BEGIN_ALLOW_THREADS
    nap(number);
    PyGILState_STATE inner = PyGILState_Ensure();
    PyObject *time = PyImport_ImportModule("time");
    after = time ? PyObject_CallMethod(time, "sleep", "d", 0.001) : NULL;
    if (PyGILState_GetThisThreadState() != state)
        wrong = ANOTHERS("thread state");
    Py_XDECREF(time);
    PyGILState_Release(inner);
    Py_END_ALLOW_THREADS
    if (after == NULL || PyLong_AsLong(before) != number + 100000)
        wrong = "no sleep";
    Py_XDECREF(after);
    Py_XDECREF(before);
    PyGILState_Release(outer);
    return wrong;
}

/* Owners of locks ----------------------------------------------------------------------------------- */

static pthread_mutex_t make_mutex(int type, int robustness, int protocol)
{
    pthread_mutex_t mutex;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutexattr_setrobust(&attributes, robustness);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    pthread_mutex_init(&mutex, &attributes);
    return mutex;
}

static const char *is_owned(pthread_mutex_t *mutex, int is_recursive, int number)
{
    static int inside[2];
    if (pthread_mutex_lock(mutex) != 0)
        return "no lock";
    int again = pthread_mutex_lock(mutex);
    if (again != (is_recursive ? 0 : EDEADLK))
        return is_recursive ? "not let in again" : "let in again";
    int others = __atomic_fetch_add(&inside[is_recursive], 1, __ATOMIC_SEQ_CST);
    nap(number);
    others += __atomic_sub_fetch(&inside[is_recursive], 1, __ATOMIC_SEQ_CST);
    if (is_recursive && pthread_mutex_unlock(mutex) != 0)
        return "not the owner once";
    if (pthread_mutex_unlock(mutex) != 0)
        return "not the owner";
    /* Nobody has it, or another. */
    if (pthread_mutex_unlock(mutex) != EPERM)
        return "owner of what it has given back";
    return others ? "not alone" : NULL;
}

#define OWNED_MUTEX(function, is_recursive, robustness, protocol)                       \
    static pthread_mutex_t mutex_of_##function;                                          \
    __attribute__((constructor)) static void make_##function(void)                      \
    {                                                                                   \
        int type = is_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK;   \
        mutex_of_##function = make_mutex(type, robustness, protocol);                   \
    }                                                                                   \
    const char *function(int number)                                                    \
    {                                                                                   \
        return is_owned(&mutex_of_##function, is_recursive, number);                    \
    }

OWNED_MUTEX(recursive_mutex, 1, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE)
OWNED_MUTEX(error_checking_mutex, 0, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE)
OWNED_MUTEX(robust_mutex, 0, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE)
OWNED_MUTEX(priority_inheriting_mutex, 1, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT)

const char *mutex_is_tried(int number)
{
    static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    static int owner;
    int error = pthread_mutex_trylock(&mutex);
    if (error == EBUSY)
        return pthread_mutex_unlock(&mutex) == EPERM ? NULL : "another's mutex unlocked";
    if (error != 0 || owner != 0)
        return "let in beside another";
    owner = number + 1;
    nap(number);
    if (owner != number + 1 || pthread_mutex_trylock(&mutex) != 0)
        return "not the owner";
    owner = 0;
    return pthread_mutex_unlock(&mutex) || pthread_mutex_unlock(&mutex) ? "still locked" : NULL;
}

const char *lock_for_writing(int number)
{
    static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    if (pthread_rwlock_wrlock(&lock) != 0)
        return "no lock";
    const char *wrong = pthread_rwlock_wrlock(&lock) == EDEADLK ? NULL : "not known as the owner";
    nap(number);
    if (pthread_rwlock_tryrdlock(&lock) != EBUSY)
        wrong = "let in to read";
    pthread_rwlock_unlock(&lock);
    return wrong;
}

/* The first of each round makes what the others wait for. */
static pthread_once_t onces[AT_ONCE];
static int made[AT_ONCE];
static __thread int round_of_once;

static void make(void)
{
    int round = round_of_once;
    nap(round);
    made[round]++;
}

const char *once_for_all(int number)
{
    int round = number / 100 % AT_ONCE;
    round_of_once = round;
    pthread_once(&onces[round], make);
    return made[round] == 1 ? NULL : "not made once";
}
