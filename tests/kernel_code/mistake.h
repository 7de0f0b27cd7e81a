/* The mistakes that are planted in the pieces of kernel code here. Each piece is a program; its
 * argument says which mistake it makes, 0 none. The line that a report has to name says so in a
 * comment, which has the report's words ("..." stands for any):
 *
 *     kunmap(pages[i - 1]); / * mistake 3: kunmap of a page that was never kmapped * /
 */
#ifndef KMAPPER_TESTS_KERNEL_CODE_MISTAKE_H
#define KMAPPER_TESTS_KERNEL_CODE_MISTAKE_H

extern int mistake;

/* The piece at work. 0: all that it did was right. */
int drive(void);

/* Has a thread of its own call the function, and waits for its end. */
void in_a_thread(void (*function)(void* argument), void* argument);

/* Ends the program with the line, if the condition does not hold. */
#define expect(condition) ((condition) ? (void)0 : did_not_expect(#condition, __FILE__, __LINE__))
void did_not_expect(const char* condition, const char* file, int line);

#endif
