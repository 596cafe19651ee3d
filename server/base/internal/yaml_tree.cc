#include "server/base/internal/yaml_tree.h"

#include "server/base/encoding.h"
#include "server/base/strings.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdlib>
#include <istream>
#include <streambuf>
#include <utility>

namespace hookbridge::internal {
namespace {

// Ends the parse from inside yaml-cpp's callbacks; caught in ParseYaml.
struct Stop {
  ConfigProblem problem;
};

int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 0 : mark.line + 1; }

[[noreturn]] void StopAt(const YAML::Mark& mark, std::string message, std::string fix) {
  throw Stop{
      {.line = LineOf(mark), .path = "", .message = std::move(message), .fix = std::move(fix)}};
}

// Builds the tree from yaml-cpp's events, which come as it reads: a limit stops it there and then.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(YamlNode& root) : root_(root) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) StopAt(mark, "a second document begins here", "keep one document a file");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(mark, anchor, YamlNode::Kind::kNull);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    StopAt(mark, "aliases are not supported", "write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseTag(mark, tag);
    YamlNode& node = Add(mark, anchor, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!";
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open(mark, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    RefuseTag(mark, tag);
    Open(mark, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  // yaml-cpp names plain scalars `?`, quoted ones `!`, and leaves containers without a tag or `?`.
  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    StopAt(mark, "tags are not supported", "remove the tag");
  }

  YamlNode& Add(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (anchor != 0) StopAt(mark, "anchors are not supported", "write the value out");
    if (++nodes_ > kYamlNodesMax) {
      StopAt(mark, StrCat("more than ", kYamlNodesMax, " values"), "split the file");
    }
    YamlNode& node = Place(mark, kind);
    node.kind = kind;
    node.line = LineOf(mark);
    return node;
  }

  // Where the next node goes: the root, the next item, or the next key or value of a map.
  YamlNode& Place(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (open_.empty()) return root_;
    YamlNode& parent = *open_.back();
    if (parent.kind == YamlNode::Kind::kMap && parent.keys.size() == parent.children.size()) {
      if (kind != YamlNode::Kind::kScalar) {
        StopAt(mark, "a key must be a name",
               "write `name: value`, and close every bracket and quote");
      }
      return parent.keys.emplace_back();
    }
    return parent.children.emplace_back();
  }

  // Pointers to open nodes stay good: a parent's list does not grow while a child is open.
  void Open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (open_.size() == kYamlDepthMax) {
      StopAt(mark, StrCat("nested deeper than ", kYamlDepthMax, " levels"),
             "no field needs that many");
    }
    open_.push_back(&Add(mark, anchor, kind));
  }

  YamlNode& root_;
  std::vector<YamlNode*> open_;
  size_t nodes_ = 0;
  int documents_ = 0;
};

// Reads a view without copying it.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* const begin = const_cast<char*>(text.data());  // a get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

int LineAt(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  return 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
}

std::optional<ConfigProblem> CheckBytes(std::string_view yaml) {
  if (yaml.size() > kYamlBytesMax) {
    return ConfigProblem{
        .message = StrCat("the file has ", yaml.size(), " bytes; ", kYamlBytesMax, " are allowed"),
        .fix = "split the file"};
  }
  const size_t valid = ValidUtf8PrefixBytes(yaml);
  const size_t zero = yaml.find('\0');
  if (zero < valid) {
    return ConfigProblem{.line = LineAt(yaml, zero),
                         .message = "a NUL byte stands here",
                         .fix = "remove it, and save the file as UTF-8"};
  }
  if (valid < yaml.size()) {
    return ConfigProblem{.line = LineAt(yaml, valid),
                         .message = "this is not UTF-8 text",
                         .fix = "save the file as UTF-8"};
  }
  return std::nullopt;
}

// What is the likely reason, at or beside the line where yaml-cpp gave up.
std::optional<ConfigProblem> FindLikelyFault(std::string_view yaml, int line) {
  size_t begin = 0;
  while (begin < yaml.size()) {
    const size_t indent = std::min(yaml.find_first_not_of(' ', begin), yaml.size());
    if (indent < yaml.size() && yaml[indent] == '\t' &&
        std::abs(LineAt(yaml, indent) - line) <= 1) {
      return ConfigProblem{.line = LineAt(yaml, indent),
                           .message = "not YAML: a tab stands in the indentation",
                           .fix = "indent with spaces"};
    }
    begin = std::min(yaml.find('\n', begin), yaml.size() - 1) + 1;
  }
  if (yaml.find('\r') < yaml.size() && yaml.find('\n') == std::string_view::npos) {
    return ConfigProblem{.line = 1,
                         .message = "not YAML: the lines end in CR alone",
                         .fix = "save the file with LF at the ends of its lines"};
  }
  return std::nullopt;
}

// yaml-cpp's text has the name of an unknown anchor in it, which may be the begin of a secret.
ConfigProblem NotYaml(const YAML::Exception& error) {
  if (error.msg.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) {
    return {.line = LineOf(error.mark),
            .message =
                "not YAML: a value that begins with * is an alias, and aliases are not supported",
            .fix = "write the value out, or put it in quotes"};
  }
  return {.line = LineOf(error.mark),
          .message = StrCat("not YAML: ", error.msg),
          .fix = "check indentation, colons and quotes on this line and above"};
}

}  // namespace

std::optional<ConfigProblem> ParseYaml(std::string_view yaml, YamlNode& root) {
  root = YamlNode{};
  root.line = 1;
  if (auto problem = CheckBytes(yaml)) return problem;
  try {
    ViewBuffer buffer(yaml);
    std::istream in(&buffer);
    YAML::Parser parser(in);
    TreeBuilder builder(root);
    while (parser.HandleNextDocument(builder)) {
    }
    return std::nullopt;
  } catch (const Stop& stop) {
    return stop.problem;
  } catch (const YAML::Exception& error) {
    if (auto fault = FindLikelyFault(yaml, LineOf(error.mark))) return fault;
    return NotYaml(error);
  } catch (const std::exception& error) {
    return ConfigProblem{.message = StrCat("not YAML: ", error.what()),
                         .fix = "check indentation, colons and quotes"};
  }
}

}  // namespace hookbridge::internal
