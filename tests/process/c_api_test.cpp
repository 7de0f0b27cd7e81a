// kmapper.h, used by a C99 program (c_program.c). Each test is one of its functions.
#include <gtest/gtest.h>

#include "c_program.h"
#include "kmapper/kmapper.h"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

class CProgram : public testing::Test {
 protected:
  [[nodiscard]] int descriptor() const { return file_.descriptor(); }

 private:
  const ScratchFile file_{std::int64_t{64} * 4096};
};

TEST_F(CProgram, WritesAndReads) { EXPECT_EQ(c_writes_and_reads(descriptor()), 0); }
TEST_F(CProgram, MapsAcrossGranules) { EXPECT_EQ(c_maps_across_granules(descriptor()), 0); }
TEST_F(CProgram, IsToldWhatIsWrong) { EXPECT_EQ(c_is_told_what_is_wrong(descriptor()), 0); }
TEST_F(CProgram, WaitsWithinLimits) { EXPECT_EQ(c_waits_within_limits(descriptor()), 0); }
TEST_F(CProgram, CancelsAWait) { EXPECT_EQ(c_cancels_a_wait(descriptor()), 0); }
TEST_F(CProgram, OpensByPath) {
  const ScratchFile file(ScratchFile::on_disk, 4096);
  EXPECT_EQ(c_opens_by_path(file.path().c_str()), 0);
}
TEST_F(CProgram, ResizesAndDiscards) { EXPECT_EQ(c_resizes_and_discards(descriptor()), 0); }
TEST_F(CProgram, SurvivesAFileCutShort) { EXPECT_EQ(c_survives_a_file_cut_short(descriptor()), 0); }
TEST_F(CProgram, MovesACursor) { EXPECT_EQ(c_moves_a_cursor(descriptor()), 0); }
TEST_F(CProgram, KeepsPagesInHighMemory) { EXPECT_EQ(c_keeps_pages_in_high_memory(), 0); }
TEST_F(CProgram, ReadsAhead) { EXPECT_EQ(c_reads_ahead(descriptor()), 0); }
TEST_F(CProgram, MapsSeveral) { EXPECT_EQ(c_maps_several(descriptor()), 0); }
TEST_F(CProgram, KeepsAPartForSpans) { EXPECT_EQ(c_keeps_a_part_for_spans(descriptor()), 0); }
TEST_F(CProgram, IsOfAnotherVersion) { EXPECT_EQ(c_is_of_another_version(descriptor()), 0); }
TEST_F(CProgram, ReadsStatistics) { EXPECT_EQ(c_reads_statistics(descriptor()), 0); }
TEST_F(CProgram, Appends) { EXPECT_EQ(c_appends(descriptor()), 0); }
TEST_F(CProgram, WaitsForAPrefetch) { EXPECT_EQ(c_waits_for_a_prefetch(descriptor()), 0); }
TEST_F(CProgram, FindsPagesByName) {
  const ScratchFile file(ScratchFile::on_disk, 0);
  EXPECT_EQ(c_finds_pages_by_name(file.path().c_str()), 0);
}
TEST_F(CProgram, KeepsWritesToItself) { EXPECT_EQ(c_keeps_writes_to_itself(descriptor()), 0); }

}  // namespace
}  // namespace kmapper::process
