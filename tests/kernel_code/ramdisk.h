/* A disk in high memory. A request is a list of pieces of pages. */
#ifndef KMAPPER_TESTS_KERNEL_CODE_RAMDISK_H
#define KMAPPER_TESTS_KERNEL_CODE_RAMDISK_H

struct bio_vec;
struct ramdisk;

struct ramdisk* ramdisk_create(unsigned long nr_pages);
void ramdisk_destroy(struct ramdisk* disk);
/* These return 0, -EIO (beyond the end of the disk), or -ENOMEM. `sector`: of 512 bytes. */
int ramdisk_read(struct ramdisk* disk, unsigned long sector, const struct bio_vec* pieces,
                 unsigned int count);
int ramdisk_write(struct ramdisk* disk, unsigned long sector, const struct bio_vec* pieces,
                  unsigned int count);
/* What is discarded reads as zeros. Whole pages are freed. */
int ramdisk_discard(struct ramdisk* disk, unsigned long sector, unsigned long sectors);
/* Copies a page that the disk has. */
int ramdisk_clone(struct ramdisk* disk, unsigned long to, unsigned long from);
/* A sum of all bytes, and how many pages are in use. */
unsigned long ramdisk_checksum(struct ramdisk* disk, unsigned long* in_use);

#endif
