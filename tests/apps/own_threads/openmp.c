/* OpenMP keeps a team of threads, and settings, for each thread that has work for one. The rules are
 * those of own.c. */

#define _GNU_SOURCE
#include <omp.h>
#include <time.h>

static void nap(int number)
{
    struct timespec time = {0, 1000000 + number * 379 % 17 * 100000};
    nanosleep(&time, NULL);
}

const char *settings(int number)
{
    omp_set_num_threads(1 + number % 7);
    nap(number);
    return omp_get_max_threads() == 1 + number % 7 ? NULL : "another's number of threads";
}

const char *teams(int number)
{
    long sum = 0;
#pragma omp parallel for num_threads(2) reduction(+ : sum)
    for (int at = 0; at < 1000; at++)
        sum += at % 2 ? number : 0;
    nap(number);
    return sum == 500L * number ? NULL : "another's sum";
}

/* The thread that has the team waits in the midst of their work. */
const char *wait_within_a_team(int number)
{
    int wrong = 0;
#pragma omp parallel num_threads(2) reduction(+ : wrong)
    {
        if (omp_get_thread_num() == 0)
            nap(number);
#pragma omp barrier
        wrong += omp_get_num_threads() != 2 || omp_get_level() != 1;
    }
    return wrong == 0 && !omp_in_parallel() ? NULL : "another's team";
}
