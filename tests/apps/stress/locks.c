/* What C libraries do with pthread's locks: each function holds one while it rests, and returns 0,
 * the error of a call that cannot fail, or -1 if somebody else was inside. */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static int rest(long microseconds)
{
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&time, &time) == -1)
        if (errno != EINTR)
            return errno;
    return 0;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile long in_mutex;

int under_mutex(long token, long microseconds)
{
    int error = pthread_mutex_lock(&mutex);
    if (error)
        return error;
    in_mutex = token;
    error = rest(microseconds);
    if (in_mutex != token)
        error = -1;
    pthread_mutex_unlock(&mutex);
    return error;
}

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static volatile long in_recursive;

int under_recursive_mutex(long token, long microseconds)
{
    int error = pthread_mutex_lock(&recursive);
    if (error)
        return error;
    in_recursive = token;
    error = pthread_mutex_lock(&recursive);
    if (!error) {
        error = rest(microseconds);
        pthread_mutex_unlock(&recursive);
    }
    if (in_recursive != token)
        error = -1;
    pthread_mutex_unlock(&recursive);
    return error;
}

static pthread_rwlock_t pair_lock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long pair[2];

int write_pair(long token, long microseconds)
{
    int error = pthread_rwlock_wrlock(&pair_lock);
    if (error)
        return error;
    pair[0] = token;
    error = rest(microseconds);
    if (pair[0] != token)
        error = -1;
    pair[1] = token;
    pthread_rwlock_unlock(&pair_lock);
    return error;
}

int read_pair(long microseconds)
{
    int error = pthread_rwlock_rdlock(&pair_lock);
    if (error)
        return error;
    long token = pair[0];
    error = pair[1] == token ? rest(microseconds) : -1;
    if (pair[0] != token || pair[1] != token)
        error = -1;
    pthread_rwlock_unlock(&pair_lock);
    return error;
}

#define PERMITS 3
static pthread_mutex_t permits_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t permit_came = PTHREAD_COND_INITIALIZER;
static int permits = PERMITS;

static int use_permit(long microseconds)
{
    int error = permits < 1 || permits > PERMITS ? -1 : 0;
    permits--;
    pthread_mutex_unlock(&permits_lock);
    if (!error)
        error = rest(microseconds);
    pthread_mutex_lock(&permits_lock);
    permits++;
    pthread_cond_signal(&permit_came);
    pthread_mutex_unlock(&permits_lock);
    return error;
}

int with_permit(long microseconds)
{
    int error = pthread_mutex_lock(&permits_lock);
    while (!error && permits == 0)
        error = pthread_cond_wait(&permit_came, &permits_lock);
    return error ? error : use_permit(microseconds);
}

int with_permit_in_time(long microseconds)
{
    int error = pthread_mutex_lock(&permits_lock);
    while (!error && permits == 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += (until.tv_nsec + 5000000) / 1000000000;
        until.tv_nsec = (until.tv_nsec + 5000000) % 1000000000;
        error = pthread_cond_timedwait(&permit_came, &permits_lock, &until);
        if (error == ETIMEDOUT) /* it comes again, behind the others */
            error = 0;
    }
    return error ? error : use_permit(microseconds);
}

static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ticked = PTHREAD_COND_INITIALIZER;
static long ticks;

static void *run_clock(void *unused)
{
    for (;;) {
        rest(2000);
        pthread_mutex_lock(&clock_lock);
        ticks++;
        pthread_cond_broadcast(&ticked);
        pthread_mutex_unlock(&clock_lock);
    }
    return unused;
}

void start_clock(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, run_clock, NULL);
    pthread_detach(thread);
}

int after_a_tick(long microseconds)
{
    int error = pthread_mutex_lock(&clock_lock);
    if (error)
        return error;
    long now = ticks;
    while (!error && ticks == now)
        error = pthread_cond_wait(&ticked, &clock_lock);
    pthread_mutex_unlock(&clock_lock);
    return error ? error : rest(microseconds);
}
