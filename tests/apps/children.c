/* A C library that starts processes: they say what they have of signals. Compiled by
 * tests/suite/python/children.rs. */

#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int ended(pid_t child)
{
    int status;
    return waitpid(child, &status, 0) == child ? status : -1;
}

static int started(pid_t child, int output)
{
    if (child == 0) {
        dup2(output, 1);
        execlp("grep", "grep", "^Sig", "/proc/self/status", (char *)NULL);
        _exit(127);
    }
    return ended(child);
}

int by_vfork(int output)
{
    return started(vfork(), output);
}

/* Waits in the child, which runs in its parent's memory. */
int by_vfork_and_a_wait(int output)
{
    pid_t child = vfork();
    if (child == 0)
        usleep(1000);
    return started(child, output);
}

int by_fork(int output)
{
    return started(fork(), output);
}

int by_popen(int output)
{
    FILE *stream = popen("exec grep ^Sig /proc/self/status", "r");
    char line[256];
    while (fgets(line, sizeof line, stream))
        if (write(output, line, strlen(line)) < 0)
            return -1;
    return pclose(stream);
}
