/* What a kernel's own headers declare, under names that a C library has, too, with other types; and
 * macros that many kernels have. Included before everything else. */
#ifdef __cplusplus
extern "C" {
#endif

struct proc;
struct spinlock;
int exit(void);
int sleep(void* channel, struct spinlock* lock);
void wakeup(void* channel);
void syscall(void);
int read(int);
int write(int);
int open(char*);
void close(struct proc*);
int fork(void);
int kill(int);
int wait(void);
void panic(char*);
int printf(char*);
void free(void);
void* malloc(int pages);
int memcmp_user(void);
int strncmp(char*, char*, unsigned);
void abort(int);
extern int time;
extern int index;
extern int signal;
extern int clock;
extern int errno;
struct timespec {
  int ticks;
};
struct timeval {
  int ticks;
};
typedef int pthread_t;
typedef int time_t;
struct range {
  int first, last;
};
extern struct range range;
void* window(int);
struct Platform {
  int nothing;
};
struct Pages;
extern int local_maps, limits_of, store, number_of, Reservation;
typedef unsigned char u8;
typedef int bool_t;

#ifdef __cplusplus
}
#endif

#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define swap(a, b) kernel_swap(&(a), &(b))
#define roundup(a, b) (((a) + (b)-1) / (b) * (b))
#define likely(x) __builtin_expect((x), 1)
#define unlikely(x) __builtin_expect((x), 0)
#define current (get_current())
#define barrier() __asm__ volatile("" ::: "memory")
#define container_of(at, type, member) ((type*)((char*)(at)-offsetof(type, member)))
#define assert(x) ((x) ? (void)0 : panic(#x))
#define BIT(n) (1U << (n))
#define PAGE_SIZE 4096
#define NULL_PAGE 0
