/* What code that handles pages reads of files, by the kernel's names. The program makes these
 * objects itself, filled with zeros, and sets what it needs. */
#ifndef KMAPPER_LINUX_KERNEL_FS_H
#define KMAPPER_LINUX_KERNEL_FS_H

#include "kmapper/linux/kernel_types.h"
#include "kmapper/linux/pagemap.h"
#include "kmapper/linux/rwsem.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

/* Known by their names only. */
struct bio;
struct buffer_head;
struct dentry;
struct iov_iter;
struct kiocb;
struct readahead_control;
struct writeback_control;

#define SECTOR_SHIFT 9
#define SECTOR_SIZE (1 << SECTOR_SHIFT)

struct super_block {
  unsigned long s_blocksize;
  unsigned char s_blocksize_bits;
  loff_t s_maxbytes;
  unsigned long s_flags;
  char s_id[32];
  void* s_fs_info;
};
struct inode;
struct address_space {
  struct inode* host;
  gfp_t gfp_mask;
  unsigned long nrpages;
  unsigned long flags;
  int wb_err;
  void* private_data;
};
struct inode {
  umode_t i_mode;
  unsigned char i_blkbits;
  unsigned long i_ino;
  loff_t i_size;
  u64 i_blocks;
  struct super_block* i_sb;
  struct address_space* i_mapping;
  struct address_space i_data;
  struct rw_semaphore i_rwsem;
  void* i_private;
};
struct file {
  struct inode* f_inode;
  struct address_space* f_mapping;
  loff_t f_pos;
  unsigned int f_flags;
  void* private_data;
};

KMAPPER_INLINE loff_t i_size_read(const struct inode* inode) {
  return __atomic_load_n(&inode->i_size, __ATOMIC_RELAXED);
}
KMAPPER_INLINE void i_size_write(struct inode* inode, loff_t size) {
  __atomic_store_n(&inode->i_size, size, __ATOMIC_RELAXED);
}
KMAPPER_INLINE unsigned int i_blocksize(const struct inode* inode) {
  return 1u << inode->i_blkbits;
}
KMAPPER_INLINE struct inode* file_inode(const struct file* file) { return file->f_inode; }
#define inode_lock(inode) down_write(&(inode)->i_rwsem)
#define inode_unlock(inode) up_write(&(inode)->i_rwsem)
#define inode_lock_shared(inode) down_read(&(inode)->i_rwsem)
#define inode_unlock_shared(inode) up_read(&(inode)->i_rwsem)

#define mapping_gfp_mask(mapping) ((mapping)->gfp_mask)
#define mapping_set_gfp_mask(mapping, flags) ((void)((mapping)->gfp_mask = (flags)))
#define mapping_gfp_constraint(mapping, flags) (mapping_gfp_mask(mapping) & (flags))
/* Notes an error of writing. */
#define mapping_set_error(mapping, error) ((void)((error) != 0 && ((mapping)->wb_err = (error))))
#define folio_inode(folio) ((folio)->mapping->host)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
