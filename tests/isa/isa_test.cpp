// AMD's compiler takes every kernel, on five generations and at both wave sizes, without spilling vector
// registers.
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "isa/report.hpp"
#include "shader_table.hpp"

namespace motley::isa {
namespace {

constexpr const char* kNoCompiler =
    "RADV's null hardware is not here; Mesa has it up to 22.3 (Debian 12's mesa-vulkan-drivers)";

/// Flavours for CPU drivers: bN hand values round subgroups of 4, 8 or 16, t read texels, i8 take rounded
/// activations. And coop and coop2, for the null hardware has no cooperative matrices.
std::set<std::string> flavours_for_others(const Compiled& compiled) {
  std::set<std::string> flavours{"b4", "b8", "b16", "t", "a", "i8", "p2", "wide", "coop", "coop2"};
  if (!compiled.dot_products) flavours.insert({"dot", "round", "quantize"});
  return flavours;
}

bool has_any(const std::string& kernel, const std::set<std::string>& flavours) {
  std::istringstream parts(kernel);
  for (std::string part; std::getline(parts, part, '.');) {
    if (flavours.contains(part)) return true;
  }
  return false;
}

std::string describe(const Row& row) { return row.kernel + " on " + row.family + ", " + row.use; }

class IsaTest : public ::testing::TestWithParam<const char*> {
 protected:
  static void expect_unspilled(const Compiled& compiled) {
    EXPECT_FALSE(compiled.rows.empty());
    for (const Row& row : spilling(compiled.rows))
      ADD_FAILURE() << describe(row) << ": spills " << row.figures.spilled_vgprs << " vector registers";
    for (const Row& row : compiled.rows) EXPECT_GT(row.figures.subgroups_per_simd, 0) << describe(row);
  }
};

TEST_P(IsaTest, EveryKernelCompilesUnspilled) {
  const std::optional<Compiled> compiled = compile(GetParam());
  if (!compiled) GTEST_SKIP() << kNoCompiler;
  expect_unspilled(*compiled);
  std::set<std::string> kernels;
  for (const Row& row : compiled->rows) kernels.insert(row.kernel);
  const std::set<std::string> others = flavours_for_others(*compiled);
  for (const vk::ShaderCode& shader : shaders::table()) {
    EXPECT_NE(kernels.contains(shader.name), has_any(shader.name, others)) << shader.name;
  }
}

/// The driver's own choice is 64, but for workgroups that are smaller.
TEST_P(IsaTest, WavesOf32) {
  const std::optional<Compiled> compiled = compile(GetParam(), 32);
  if (!compiled) GTEST_SKIP() << kNoCompiler;
  if (compiled->min_subgroup_size > 32) {
    EXPECT_TRUE(compiled->rows.empty());
    return;
  }
  expect_unspilled(*compiled);
}

INSTANTIATE_TEST_SUITE_P(Families, IsaTest, ::testing::ValuesIn(all_families().begin(), all_families().end()),
                         [](const auto& of) { return std::string(of.param); });

Row sample(const char* use, double vgprs) {
  Row row{"navi10", use, "matmul.q4_0", {256, 8}, {}};
  row.figures.vgprs = vgprs;
  return row;
}

TEST(IsaReportTest, JsonComesBackAsItWas) {
  const std::vector<Row> rows{sample("one", 84), sample("two", 64)};
  const std::vector<Row> again = from_json(to_json(rows, "driver"));
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[1].use, "two");
  EXPECT_EQ(again[1].constants, rows[1].constants);
  EXPECT_EQ(again[0].figures.vgprs, 84);
  EXPECT_THROW(from_json("{}"), Error);
  EXPECT_THROW(from_json("no JSON"), Error);
}

TEST(IsaReportTest, DifferenceNamesWhatChanged) {
  std::vector<Row> before{sample("one", 84), sample("one", 70), sample("two", 64), sample("gone", 1)};
  std::vector<Row> after{sample("one", 42), sample("one", 70), sample("two", 64), sample("fresh", 1)};
  after[0].kernel = "matmul.q4_0.n8";  // another flavour for the same use
  EXPECT_EQ(difference(before, after),
            "navi10  fresh (matmul.q4_0): new\n"
            "navi10  one (matmul.q4_0.n8): VGPRs 84 -> 42 (-50 %)\n"
            "navi10  gone (matmul.q4_0): gone\n"
            "2 of 4 kernels have the same figures\n");
}

}  // namespace
}  // namespace motley::isa
