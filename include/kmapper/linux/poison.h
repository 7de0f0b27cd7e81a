/* What the pointers of an entry are when it is in no list any more. */
#ifndef KMAPPER_LINUX_POISON_H
#define KMAPPER_LINUX_POISON_H

#ifdef __LP64__
#define LIST_POISON1 ((void*)0xdead000000000100)
#define LIST_POISON2 ((void*)0xdead000000000122)
#else
#define LIST_POISON1 ((void*)0x100)
#define LIST_POISON2 ((void*)0x122)
#endif

#endif
