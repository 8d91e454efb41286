/* Thread-local variables of a C library, compiled by tests/suite/coroutine/own_threads.rs in each of
 * the ways in which a compiler reaches them. The rules are those of own.c. */

#define _GNU_SOURCE
#include <string.h>
#include <time.h>

#define ANOTHERS(what) "another's " what
/* What lies at a fixed distance from the thread's own address has little room. */
#ifndef LARGE
#define LARGE (1 << 16)
#endif

__thread int own_variable_of_the_library;
static __thread int of_the_file;
static __thread char large[LARGE];
static _Thread_local int with_value = 7;

static void nap(int number)
{
    struct timespec time = {0, 1000000 + number * 379 % 17 * 100000};
    nanosleep(&time, NULL);
}

const char *variables(int number)
{
    own_variable_of_the_library = number;
    of_the_file = number + 1;
    nap(number);
    return own_variable_of_the_library != number ? ANOTHERS("variable of the library")
        : of_the_file != number + 1              ? ANOTHERS("variable of the file")
                                                 : NULL;
}

const char *large_variable(int number)
{
    memset(large, number, sizeof large);
    nap(number);
    for (size_t at = 0; at < sizeof large; at += 101)
        if (large[at] != (char)number)
            return ANOTHERS("byte");
    return NULL;
}

const char *initial_value(int number)
{
    if (with_value != 7)
        return "no initial value";
    with_value = number + 100;
    nap(number);
    const char *wrong = with_value == number + 100 ? NULL : ANOTHERS("with_value");
    with_value = 7;
    return wrong;
}

/* A compiler keeps the address of a thread-local variable across a call, and so do many libraries. */
const char *address_of_variable(int number)
{
    int *volatile before = &of_the_file;
    *before = number;
    nap(number);
    int *volatile after = &of_the_file;
    return before != after ? "moved" : *before != number ? ANOTHERS("variable") : NULL;
}
