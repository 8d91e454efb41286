// The same in C++: what libstdc++ makes of pthreads' locks.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include <unistd.h>

static std::mutex mutex;
static std::condition_variable changed;
static std::shared_timed_mutex shared;
static std::once_flag once;
static int present, made, written, writers;

static bool has_failed;

// The first one fails, by an exception that goes through pthread_once.
static void make(int micros)
{
    usleep(micros);
    if (!has_failed) {
        has_failed = true;
        throw micros;
    }
    made++;
}

static void arrive(int micros)
{
    try {
        std::call_once(once, make, micros);
    } catch (int) {
        std::call_once(once, make, micros);
    }
    std::unique_lock<std::mutex> lock(mutex);
    present++;
    changed.notify_all();
    while (present < 10)
        changed.wait_for(lock, std::chrono::seconds(30));
    usleep(micros);
}

extern "C" int cplusplus(int micros)
{
    arrive(micros);
    {
        std::shared_lock<std::shared_timed_mutex> reading(shared, std::chrono::seconds(30));
        usleep(micros);
    }
    std::unique_lock<std::shared_timed_mutex> writing(shared);
    int others = writers++;
    usleep(micros);
    written++;
    writers--;
    return made == 1 ? others : -1;
}
