/* Nodes of memory, by the kernel's names: there is one. */
#ifndef KMAPPER_LINUX_NUMA_H
#define KMAPPER_LINUX_NUMA_H

#define NUMA_NO_NODE (-1)
#define MAX_NUMNODES 1
#define numa_node_id() 0
#define numa_mem_id() 0
#define cpu_to_node(cpu) ((void)(cpu), 0)
#define page_to_nid(page) ((void)(page), 0)
#define folio_nid(folio) ((void)(folio), 0)

#endif
