/* Code that is written as for the kernel: see kernel_code.h. */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
/* Headers of libc may follow. */
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "kernel_code.h"

int kernel_numbers(void) {
  int a = 3, b = 5;
  u64 big = 1000003;
  EXPECT(min(a, b) == 3 && max(a, b) == 5 && min3(a, b, 1) == 1 && max3(a, b, 9) == 9);
  EXPECT(min_t(u8, 255 + a, 50) == 2 && max_t(int, -1, 2) == 2 && clamp(7, 1, 5) == 5);
  EXPECT(clamp_t(int, -7, 1, 5) == 1 && clamp_val(a, 4, 5) == 4 && min_not_zero(0, 4) == 4);
  EXPECT(max(min(a, b), min(2, 1)) == 3);
  swap(a, b);
  EXPECT(a == 5 && b == 3);
  EXPECT(DIV_ROUND_UP(10, 4) == 3 && DIV_ROUND_CLOSEST(10, 4) == 3 && DIV_ROUND_UP_ULL(9, 3) == 3);
  EXPECT(round_up(4097, 4096) == 8192 && round_up(4096, 4096) == 4096 &&
         round_down(5000, 4096) == 4096);
  EXPECT(roundup(10, 3) == 12 && rounddown(10, 3) == 9 && mult_frac(10, 3, 4) == 7 && abs(-4) == 4);
  EXPECT(ALIGN(5, 4) == 8 && ALIGN_DOWN(5, 4) == 4 && IS_ALIGNED(8, 4) && !IS_ALIGNED(9, 4));
  EXPECT(do_div(big, 10) == 3 && big == 100000 && div_u64(100, 7) == 14 && div64_u64(9, 2) == 4);
  EXPECT(U8_MAX == 255 && S8_MAX == 127 && U16_MAX == 65535 && U64_MAX == ~0ULL &&
         S32_MAX == 2147483647);
  EXPECT(size_add(SIZE_MAX, 1) == SIZE_MAX && size_mul(3, 4) == 12 &&
         array_size(SIZE_MAX, 2) == SIZE_MAX);
  EXPECT(check_add_overflow(a, 1, &b) == 0 && b == 6 && check_mul_overflow(S32_MAX, 2, &b));
  BUILD_BUG_ON(sizeof(u32) != 4);
  return 0;
}

int kernel_bits(void) {
  DECLARE_BITMAP(bits, 200);
  unsigned long bit;
  int count = 0;
  unsigned long* words = bitmap_zalloc(200, GFP_KERNEL);
  bitmap_zero(bits, 200);
  EXPECT(bitmap_empty(bits, 200) && find_first_bit(bits, 200) == 200);
  set_bit(0, bits);
  __set_bit(70, bits);
  EXPECT(!test_and_set_bit(199, bits) && test_and_set_bit(199, bits) && test_bit(70, bits));
  for_each_set_bit(bit, bits, 200) count++;
  EXPECT(count == 3 && bitmap_weight(bits, 200) == 3 && find_next_bit(bits, 200, 1) == 70);
  EXPECT(find_first_zero_bit(bits, 200) == 1 && find_last_bit(bits, 200) == 199);
  EXPECT(test_and_clear_bit(0, bits) && !test_and_clear_bit(0, bits));
  EXPECT(!__test_and_set_bit_le(9, (unsigned char*)bits) && test_bit_le(9, bits));
  EXPECT((((unsigned char*)bits)[1] & 2) != 0 && find_next_zero_bit_le(bits, 200, 9) == 10);
  __clear_bit_le(9, bits);
  bitmap_set(bits, 3, 60);
  EXPECT(bitmap_find_next_zero_area(bits, 200, 0, 10, 0) == 71);
  EXPECT(bitmap_find_next_zero_area(bits, 200, 0, 10, 15) == 80);
  EXPECT(bitmap_find_next_zero_area(bits, 200, 0, 150, 0) >= 200);
  bitmap_fill(words, 200);
  EXPECT(bitmap_full(words, 200));
  bitmap_andnot(words, words, bits, 200);
  EXPECT(bitmap_weight(words, 200) == 200 - bitmap_weight(bits, 200));
  bitmap_free(words);
  EXPECT(ffs(8) == 4 && fls(8) == 4 && fls(0) == 0 && fls64(1ULL << 40) == 41 && __ffs(8) == 3);
  EXPECT(ffz(7) == 3 && hweight32(0xf0f0) == 8 && hweight8(0x1ff) == 8 &&
         rol32(0x80000001, 1) == 3);
  EXPECT(ilog2(4096) == 12 && is_power_of_2(64) && !is_power_of_2(0) &&
         roundup_pow_of_two(65) == 128);
  EXPECT(rounddown_pow_of_two(65) == 64 && order_base_2(65) == 7);
  EXPECT(BIT(3) == 8 && GENMASK(7, 4) == 0xf0 && GENMASK_ULL(63, 60) == 0xf000000000000000ULL);
  return 0;
}

struct item {
  int number;
  struct list_head list;
  struct hlist_node node;
};

int kernel_lists(void) {
  LIST_HEAD(head);
  LIST_HEAD(other);
  HLIST_HEAD(chain);
  struct hlist_node* after;
  struct item items[4], *item, *next;
  unsigned int i;
  int sum = 0;
  for (i = 0; i < ARRAY_SIZE(items); i++) {
    items[i].number = (int)i;
    list_add_tail(&items[i].list, &head);
    hlist_add_head(&items[i].node, &chain);
  }
  list_for_each_entry(item, &head, list) sum = 10 * sum + item->number;
  EXPECT(sum == 123);
  list_move(&items[3].list, &head);
  list_for_each_entry_reverse(item, &head, list) sum = 10 * sum + item->number;
  EXPECT(sum == 1232103);
  EXPECT(list_first_entry(&head, struct item, list) == &items[3]);
  EXPECT(list_last_entry(&head, struct item, list) == &items[2]);
  EXPECT(list_next_entry(&items[3], list) == &items[0]);
  list_for_each_entry_safe(item, next, &head, list) {
    if (item->number % 2) list_move_tail(&item->list, &other);
  }
  EXPECT(!list_empty(&head) && !list_empty(&other) && !list_is_singular(&other));
  list_splice_init(&other, &head);
  EXPECT(list_empty(&other) && list_first_entry(&head, struct item, list) == &items[3]);
  list_for_each_entry_safe(item, next, &head, list) list_del_init(&item->list);
  EXPECT(list_empty(&head) && !list_first_entry_or_null(&head, struct item, list));
  sum = 0;
  hlist_for_each_entry_safe(item, after, &chain, node) {
    sum = 10 * sum + item->number;
    hlist_del_init(&item->node);
  }
  EXPECT(sum == 3210 && hlist_empty(&chain) && hlist_unhashed(&items[0].node));
  EXPECT(container_of(&items[1].list, struct item, list) == &items[1]);
  return 0;
}

int kernel_tables(void) {
  DEFINE_HASHTABLE(table, 4);
  struct item items[40], *item;
  struct hlist_node* after;
  unsigned long bucket;
  int i, sum = 0, key = 17;
  hash_init(table);
  for (i = 0; i < 40; i++) {
    items[i].number = i;
    hash_add(table, &items[i].node, i);
  }
  hash_for_each_possible(table, item, node, key) sum += item->number == key;
  EXPECT(sum == 1 && HASH_SIZE(table) == 16 && HASH_BITS(table) == 4);
  hash_for_each(table, bucket, item, node) sum += item->number;
  EXPECT(sum == 1 + 40 * 39 / 2);
  hash_for_each(table, bucket, item, node) {
    if (item->number == 5) break;
  }
  EXPECT(item && item->number == 5);
  hash_for_each_safe(table, bucket, after, item, node) hash_del(&item->node);
  EXPECT(!hash_hashed(&items[3].node) && hlist_empty(&table[0]));
  EXPECT(hash_32(12345, 8) < 256 && hash_64(1ULL << 60, 5) < 32 && hash_ptr(&table, 3) < 8);
  return 0;
}

int kernel_folios(void) {
  struct folio_batch batch;
  unsigned int i;
  folio_batch_init(&batch);
  for (i = 0; i < PAGEVEC_SIZE; i++)
    EXPECT(folio_batch_add(&batch, folio_alloc(GFP_HIGHUSER, 1)) == PAGEVEC_SIZE - 1 - i);
  EXPECT(folio_batch_count(&batch) == PAGEVEC_SIZE);
  mark_page_accessed(&batch.folios[0]->page);
  EXPECT(folio_test_referenced(batch.folios[0]) && page_to_nid(&batch.folios[0]->page) == 0);
  folio_batch_release(&batch);
  EXPECT(folio_batch_space(&batch) == PAGEVEC_SIZE);
  return 0;
}

int kernel_atomics(void) {
  atomic_t count = ATOMIC_INIT(3);
  atomic64_t wide;
  refcount_t references = REFCOUNT_INIT(1);
  int word = 5, expected = 4;
  atomic64_set(&wide, 1LL << 40);
  EXPECT(atomic_read(&count) == 3 && atomic_inc_return(&count) == 4 &&
         atomic_fetch_add(2, &count) == 4);
  EXPECT(atomic_sub_return(5, &count) == 1 && atomic_dec_and_test(&count) &&
         !atomic_inc_not_zero(&count));
  EXPECT(atomic_add_unless(&count, 7, 1) && atomic_cmpxchg(&count, 7, 8) == 7 &&
         atomic_xchg(&count, 9) == 8);
  EXPECT(atomic_dec_if_positive(&count) == 8 && atomic64_add_return(1, &wide) == (1LL << 40) + 1);
  atomic_or(16, &count);
  EXPECT(atomic_read(&count) == 24);
  EXPECT(cmpxchg(&word, 5, 6) == 5 && word == 6 && xchg(&word, 7) == 6 &&
         !try_cmpxchg(&word, &expected, 1));
  EXPECT(expected == 7);
  refcount_inc(&references);
  EXPECT(!refcount_dec_and_test(&references) && refcount_dec_and_test(&references));
  EXPECT(!refcount_inc_not_zero(&references));
  WRITE_ONCE(word, 11);
  smp_mb();
  EXPECT(READ_ONCE(word) == 11 && smp_load_acquire(&word) == 11);
  return 0;
}

int kernel_text(void) {
  char text[8];
  int number = 0;
  unsigned long wide = 0;
  unsigned char small = 0;
  EXPECT(strscpy(text, "hello", sizeof(text)) == 5 && strcmp(text, "hello") == 0);
  EXPECT(strscpy(text, "hello world") == -E2BIG && strcmp(text, "hello w") == 0);
  EXPECT(strscpy(text, "x", 0) == -E2BIG && strscpy_pad(text, "ab", 8) == 2 && text[7] == 0);
  EXPECT(strlcpy(text, "a long text", sizeof(text)) == 11 && strcmp(text, "a long ") == 0);
  EXPECT(scnprintf(text, sizeof(text), "%d", 123456789) == 7 && scnprintf(text, 0, "x") == 0);
  EXPECT(str_has_prefix("prefixed", "pre") == 3 && !str_has_prefix("p", "pre"));
  EXPECT(kstrtoint("-12\n", 10, &number) == 0 && number == -12 && kstrtoul("0x10", 0, &wide) == 0);
  EXPECT(wide == 16 && kstrtou8("256", 10, &small) == -ERANGE && kstrtou8("255", 10, &small) == 0);
  EXPECT(kstrtoint("12x", 10, &number) == -EINVAL && kstrtoint("", 10, &number) == -EINVAL);
  EXPECT(kstrtoul("-1", 10, &wide) == -EINVAL && kstrtoint("3000000000", 10, &number) == -ERANGE);
  memset(text, 5, sizeof(text));
  EXPECT(!memchr_inv(text, 5, sizeof(text)));
  text[6] = 1;
  EXPECT(memchr_inv(text, 5, sizeof(text)) == text + 6);
  return 0;
}

int kernel_bytes(void) {
  __le32 little = cpu_to_le32(0x01020304);
  __be16 big = cpu_to_be16(0x0102);
  u8 bytes[9] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  u32 packed;
  EXPECT(((u8*)&little)[0] == 4 && ((u8*)&big)[0] == 1 && le32_to_cpu(little) == 0x01020304);
  EXPECT(be16_to_cpup(&big) == 0x0102 && swab32(0x01020304) == 0x04030201);
  EXPECT(get_unaligned_le16(bytes + 1) == 0x0201 && get_unaligned_be32(bytes + 1) == 0x01020304);
  EXPECT(get_unaligned_le64(bytes + 1) == 0x0807060504030201ULL);
  put_unaligned_be32(0x0a0b0c0d, bytes + 3);
  EXPECT(bytes[3] == 10 && bytes[6] == 13);
  packed = get_unaligned((u32*)(bytes + 3));
  put_unaligned(packed, (u32*)(bytes + 1));
  EXPECT(bytes[1] == 10 && bytes[4] == 13);
  le32_add_cpu(&little, 1);
  EXPECT(le32_to_cpu(little) == 0x01020305);
  return 0;
}

int kernel_errors(void) {
  void* error = ERR_PTR(-ENOMEM);
  EXPECT(IS_ERR(error) && PTR_ERR(error) == -ENOMEM && IS_ERR_OR_NULL(NULL) && !IS_ERR(&error));
  EXPECT(PTR_ERR_OR_ZERO(error) == -ENOMEM && PTR_ERR_OR_ZERO(&error) == 0 &&
         IS_ERR(ERR_CAST(error)));
  return 0;
}

int kernel_user_space(void) {
  char bytes[4] = "abc";
  char __user* user = bytes;
  char* copy;
  int number = 7, to = 0;
  char text[10];
  /* Not constant: the compiler would see that nothing is there. */
  char* volatile nowhere = NULL;
  EXPECT(copy_from_user(text, user, 4) == 0 && strcmp(text, "abc") == 0);
  EXPECT(copy_to_user(user, "xyz", 4) == 0 && strcmp(bytes, "xyz") == 0);
  EXPECT(copy_to_user(nowhere, "xyz", 4) == 4 && copy_from_user(text, nowhere, 3) == 3);
  EXPECT(get_user(to, &number) == 0 && to == 7 && put_user(8, &number) == 0 && number == 8);
  EXPECT(get_user(to, (int*)nowhere) == -EFAULT);
  EXPECT(strncpy_from_user(text, user, sizeof(text)) == 3 && strnlen_user(user, 10) == 4);
  EXPECT(strncpy_from_user(text, nowhere, sizeof(text)) == -EFAULT);
  EXPECT(clear_user(user, 2) == 0 && bytes[0] == 0 && bytes[2] == 'z');
  copy = memdup_user(user, 4);
  EXPECT(!IS_ERR(copy) && copy[2] == 'z' && PTR_ERR(memdup_user(nowhere, 4)) == -EFAULT);
  kfree(copy);
  pagefault_disable();
  preempt_disable();
  EXPECT(copy_to_user(user, "abc", 4) == 0); /* page faults are off */
  preempt_enable();
  pagefault_enable();
  return 0;
}

int kernel_file(void) {
  static struct inode inode = {.i_blkbits = 12, .i_size = 10000};
  struct file file = {.f_inode = &inode, .f_mapping = &inode.i_data};
  struct page* page = alloc_page(GFP_HIGHUSER);
  inode.i_mapping = &inode.i_data;
  inode.i_data.host = &inode;
  mapping_set_gfp_mask(inode.i_mapping, GFP_HIGHUSER);
  page->mapping = inode.i_mapping;
  page->index = 2;
  EXPECT(i_size_read(page->mapping->host) == 10000 && i_blocksize(file_inode(&file)) == 4096);
  EXPECT(page_offset(page) == 8192 && mapping_gfp_mask(file.f_mapping) == GFP_HIGHUSER);
  i_size_write(&inode, 5);
  EXPECT(i_size_read(&inode) == 5);
  page->mapping = NULL;
  __free_page(page);
  return 0;
}

static int parameter = 3;
module_param(parameter, int, 0444);
MODULE_PARM_DESC(parameter, "a number");

static int __init start(void) {
  pr_debug("%d", parameter);
  return parameter;
}
static void __exit stop(void) {}
module_init(start);
module_exit(stop);
EXPORT_SYMBOL_GPL(kernel_module);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a test");

int kernel_module(void) {
  EXPECT(start() == 3 && THIS_MODULE == NULL && IS_ENABLED(CONFIG_HIGHMEM));
  switch (parameter) {
    case 3:
      parameter = 4;
      fallthrough;
    default:
      break;
  }
  parameter = 3;
  return 0;
}
