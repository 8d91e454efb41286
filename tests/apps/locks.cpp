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

static void arrive(int micros)
{
    std::call_once(once, [=] {
        usleep(micros);
        made = 1;
    });
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
