// Files of devices: what is read, and what is refused with which words.
#include "placement/machine_file.hpp"

#include <array>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <motley/error.hpp>

#include "support/temporary_directory.hpp"

namespace motley::placement::test {
namespace {

constexpr std::array<std::string_view, 3> kFormats{"q4_0", "q4_k", "q6_k"};

Machine parse(std::string_view text) { return parse_machine(text, "machine.json", kFormats); }

/// A machine of one device with these fields beside its name and memory.
std::string with(const std::string& fields) {
  return R"({"devices": [{"name": "A", "memory_bytes": 1000, )" + fields + "}]}";
}

/// What the refusal of `text` says; empty when it is taken.
std::string refusal(std::string_view text, ErrorCode code = ErrorCode::kInvalidArgument) {
  try {
    parse(text);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
}

void expect_refusal(std::string_view text, std::string_view words) {
  const std::string said = refusal(text);
  EXPECT_NE(said.find(words), std::string::npos) << "'" << said << "' does not say '" << words << "'";
  EXPECT_NE(said.find("'machine.json'"), std::string::npos) << said;
  EXPECT_LT(said.size(), 600U) << said;
}

TEST(MachineFile, ReadsEveryField) {
  const Machine machine = parse(R"({
    "source": "a table",
    "devices": [
      {"name": "RTX 4090", "type": "discrete", "memory_bytes": 25757220864, "bandwidth_gbs": 1008,
       "matrix_tflops": 165, "link_gbs": 25, "dispatch_us": 4.5, "handoff_us": 60, "power_w": 450,
       "rates": {"q4_0": {"matvec_gbs": 900, "matmat_gflops": 7e4}, "source": "measured"},
       "source": {"bandwidth_gbs": "its maker"}},
      {"name": "llvmpipe", "type": "cpu", "memory_bytes": 1.5e9}],
    "host": {"memory_bytes": 68719476736, "bandwidth_gbs": 60, "source": ["a", "b"]}})");
  ASSERT_EQ(machine.devices.size(), 2U);
  const PlanDevice& first = machine.devices[0];
  EXPECT_EQ(first.name, "RTX 4090");
  EXPECT_EQ(first.device_class, DeviceClass::kDiscrete);
  EXPECT_EQ(first.memory_bytes, 25757220864U);
  EXPECT_EQ(first.bandwidth_gbs, 1008);
  EXPECT_EQ(first.matrix_tflops, 165);
  EXPECT_EQ(first.link_gbs, 25);
  EXPECT_EQ(first.dispatch_us, 4.5);
  EXPECT_EQ(first.handoff_us, 60);
  EXPECT_EQ(first.power_w, 450);
  ASSERT_EQ(first.rates.size(), 1U);
  EXPECT_EQ(first.rates[0].format, "q4_0");
  EXPECT_EQ(first.rates[0].matvec_gbs, 900);
  EXPECT_EQ(first.rates[0].matmat_gflops, 70000);
  EXPECT_EQ(machine.devices[1].device_class, DeviceClass::kCpu);
  EXPECT_EQ(machine.devices[1].memory_bytes, 1500000000U);
  EXPECT_EQ(machine.devices[1].bandwidth_gbs, 0);
  EXPECT_EQ(machine.host.memory_bytes, 68719476736U);
  EXPECT_EQ(machine.host.bandwidth_gbs, 60);
}

TEST(MachineFile, NumbersNamesakes) {
  const Machine machine = parse(R"({"devices": [
    {"name": "A", "memory_bytes": 1}, {"name": "A #2", "memory_bytes": 1}, {"name": "A", "memory_bytes": 1},
    {"name": "B", "memory_bytes": 1}, {"name": "A", "memory_bytes": 1}]})");
  EXPECT_EQ(machine.devices[0].name, "A");
  EXPECT_EQ(machine.devices[1].name, "A #2");
  EXPECT_EQ(machine.devices[2].name, "A #3");
  EXPECT_EQ(machine.devices[3].name, "B");
  EXPECT_EQ(machine.devices[4].name, "A #4");
}

TEST(MachineFile, NamesTheFieldAndWhatIsWanted) {
  expect_refusal(with(R"("bandwidth_gbs": -3)"),
                 "devices[0].bandwidth_gbs of 'A': -3, want a figure above 0");
  expect_refusal(with(R"("link_gbs": 0)"), "devices[0].link_gbs of 'A': 0, want a figure above 0");
  expect_refusal(with(R"("power_w": "450")"), R"(devices[0].power_w of 'A': "450", want a figure above 0)");
  expect_refusal(with(R"("dispatch_us": null)"), "dispatch_us of 'A': null, want a figure above 0");
  expect_refusal(with(R"("handoff_us": [4])"), "handoff_us of 'A': [4], want a figure above 0");
  expect_refusal(with(R"("matrix_tflops": 1e300)"), "matrix_tflops of 'A': 1e+300, want a figure from");
  expect_refusal(with(R"("type": "gpu")"), R"(devices[0].type of 'A': "gpu", want discrete, integrated,)");
  expect_refusal(with(R"("type": 3)"), "type of 'A': 3, want discrete");
  expect_refusal(with(R"("rates": [])"), "devices[0].rates: [], want an object in braces");
  expect_refusal(with(R"("rates": {"q4_0": 900})"), "devices[0].rates.q4_0: 900, want an object");
  expect_refusal(with(R"("rates": {"q4_0": {"matvec_gbs": false}})"),
                 "devices[0].rates.q4_0.matvec_gbs: false, want a figure above 0");
  expect_refusal(with(R"("rates": {"q4_k_m": {}})"),
                 "devices[0].rates.q4_k_m: {}, want a weight format; there are, the nearest first: q4_k, ");
}

TEST(MachineFile, MemoryIsWholeBytes) {
  const auto of = [](const std::string& memory) {
    return R"({"devices": [{"name": "A"}, {"name": "B", "memory_bytes": )" + memory + "}]}";
  };
  expect_refusal(of("5"), "devices[0].memory_bytes of 'A' is missing, want the bytes that may be used");
  for (const char* memory : {"0", "-1", "1.5", "2e30", "18446744073709551616", R"("8 GiB")", "true"}) {
    expect_refusal(R"({"devices": [{"name": "B", "memory_bytes": )" + std::string(memory) + "}]}",
                   "devices[0].memory_bytes of 'B': ");
  }
  expect_refusal(R"({"devices": [{"name": "A", "memory_bytes": 1}], "host": {"memory_bytes": -4}})",
                 "host.memory_bytes: -4, want whole bytes from 1 to ");
}

TEST(MachineFile, RefusesWhatItDoesNotKnowNearestFirst) {
  expect_refusal(with(R"("bandwith_gbs": 3)"),
                 "devices[0].bandwith_gbs of 'A' is unknown; known are, the nearest first: bandwidth_gbs, ");
  expect_refusal(R"({"device": []})", "'machine.json': device is unknown; known are, the nearest first: dev");
  expect_refusal(R"({"devices": [{"name": "A", "memory_bytes": 1}], "host": {"memory": 4}})",
                 "host.memory is unknown; known are, the nearest first: memory_bytes");
  expect_refusal(with(R"("bandwidth_gbs": 3, "bandwidth_gbs": 4)"), R"("bandwidth_gbs" is there twice)");
}

TEST(MachineFile, RefusesOtherShapes) {
  expect_refusal("{}", "devices is missing, want a list of 1 to 16 devices");
  expect_refusal("[]", "the file: [], want an object in braces");
  expect_refusal("4", "the file: 4, want an object");
  expect_refusal(R"({"devices": {}})", "devices: {}, want a list of 1 to 16 devices");
  expect_refusal(R"({"devices": []})", "devices: 0 of them, want a list of 1 to 16");
  expect_refusal(R"({"devices": [4]})", "devices[0]: 4, want an object");
  expect_refusal(R"({"devices": [{"memory_bytes": 4}]})", "devices[0].name is missing");
  expect_refusal(R"({"devices": [{"name": "", "memory_bytes": 4}]})", R"(devices[0].name: "", want a name)");
  expect_refusal(R"({"devices": [{"name": 7, "memory_bytes": 4}]})", "devices[0].name: 7, want a name");
  expect_refusal(R"({"devices": [{"name": "A", "memory_bytes": 1}], "host": 3})", "host: 3, want an object");
  std::string many = R"({"devices": [)";
  for (int i = 0; i < 17; ++i) many += R"({"name": "A", "memory_bytes": 1},)";
  many.back() = ']';
  expect_refusal(many + "}", "devices: 17 of them, want a list of 1 to 16");
}

TEST(MachineFile, RefusesWhatIsNoJson) {
  const std::string whole = with(R"("bandwidth_gbs": 3)");
  for (size_t size = 0; size < whole.size(); ++size) {
    expect_refusal(whole.substr(0, size), "is no JSON text: parse error at line 1");
  }
  expect_refusal(with(R"("bandwidth_gbs": 1e999)"), "is no JSON text: number overflow parsing '1e999'");
  expect_refusal(with(R"("bandwidth_gbs": NaN)"), "is no JSON text: parse error");
  expect_refusal(with(R"("bandwidth_gbs": Infinity)"), "is no JSON text: parse error");
  expect_refusal(with(R"("bandwidth_gbs": 3)") + "{}", "is no JSON text: parse error");
  expect_refusal("\xFF\xFE{\0}", "is no JSON text: parse error");
  expect_refusal("{\"devices\": [{\"name\": \"\xFF\"}]}", "is no JSON text: parse error");
}

TEST(MachineFile, NestingBombsAreRefusedAtOnce) {
  expect_refusal(std::string(500000, '['), "more than 8 levels of brackets");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += R"({"source":)";
  expect_refusal(objects, "more than 8 levels of brackets");
}

TEST(MachineFile, LongTextIsCutInMessages) {
  std::string name;
  for (int i = 0; i < 150; ++i) name += "\xC3\xA4";
  expect_refusal(R"({"devices": [{"name": ")" + name + "\"}]}", "..., want a name of 1 to 200 bytes");
  expect_refusal(with("\"" + std::string(5000, 'x') + "\": 1"), "xxx... of 'A' is unknown");
}

TEST(MachineFile, FilesAreReadUpToAMebibyte) {
  const motley::test::TemporaryDirectory directory;
  const auto write = [&](const char* name, const std::string& text) {
    const std::filesystem::path path = directory / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  };
  EXPECT_EQ(read_machine_file(write("good.json", with(R"("power_w": 5)"))).devices[0].power_w, 5);
  for (const std::filesystem::path& path :
       {write("large.json", with(R"("source": ")" + std::string(10 << 20, 'x') + "\"")),
        directory / "absent.json", directory.path()}) {
    try {
      read_machine_file(path);
      ADD_FAILURE() << path << " was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo);
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace motley::placement::test
