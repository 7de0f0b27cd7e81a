// The line that a user types at the kernel's prompt.
#include "kernel/lib/line_editor.hpp"

#include <gtest/gtest.h>

#include <string>

namespace kmapper::kernel {
namespace {

// What the terminal shows after these characters.
std::string type(LineEditor& editor, std::string_view characters) {
  std::string shown;
  for (const char character : characters) shown += editor.take(character);
  return shown;
}

TEST(LineEditor, WhatIsTypedIsShownAndIsTheLine) {
  LineEditor editor;
  EXPECT_EQ(type(editor, "free 12"), "free 12");
  EXPECT_FALSE(editor.has_ended());
  EXPECT_EQ(type(editor, "\n"), "\n");
  EXPECT_TRUE(editor.has_ended());
  EXPECT_EQ(editor.line(), "free 12");
}

TEST(LineEditor, BackspaceAndDeleteTakeTheLastCharacterBack) {
  LineEditor editor;
  EXPECT_EQ(type(editor, "ab\b"), "ab\b \b");
  EXPECT_EQ(type(editor, "c\x7F\x7F"), "c\b \b\b \b");
  EXPECT_EQ(editor.line(), "");
  EXPECT_EQ(type(editor, "\b\x7F"), "") << "an empty line has nothing to take back";
  EXPECT_EQ(type(editor, "x\n"), "x\n");
  EXPECT_EQ(editor.line(), "x");
}

TEST(LineEditor, TheWholeLineCanBeTakenBack) {
  for (const char kill : {'\x15', '\x03'}) {
    LineEditor editor;
    EXPECT_EQ(type(editor, std::string("abc") + kill), "abc\b \b\b \b\b \b");
    EXPECT_EQ(type(editor, "d\n"), "d\n");
    EXPECT_EQ(editor.line(), "d");
  }
}

TEST(LineEditor, ReturnAndLineFeedEndOneLineBetweenThem) {
  LineEditor editor;
  type(editor, "one\r");
  EXPECT_TRUE(editor.has_ended());
  EXPECT_EQ(editor.line(), "one");
  EXPECT_EQ(type(editor, "\n"), "");
  EXPECT_TRUE(editor.has_ended()) << "the line feed is part of the end";
  type(editor, "two\n");
  EXPECT_EQ(editor.line(), "two");
  EXPECT_EQ(type(editor, "\n"), "\n");
  EXPECT_EQ(editor.line(), "") << "an empty line is a line";
}

TEST(LineEditor, ALineIsAsLongAsThereIsRoomAndNoLonger) {
  LineEditor editor;
  const std::string longest(LineEditor::kMostCharacters, 'x');
  EXPECT_EQ(type(editor, longest + "yz"), longest);
  EXPECT_EQ(type(editor, "\b"), "\b \b");
  EXPECT_EQ(type(editor, "z"), "z");
  EXPECT_EQ(editor.take('\x15').size(), 3 * LineEditor::kMostCharacters);
  EXPECT_EQ(editor.line(), "");
}

TEST(LineEditor, OtherControlCharactersAndBytesAreIgnored) {
  LineEditor editor;
  EXPECT_EQ(type(editor,
                 "a\x1B\t\xC3\xA4\x01"
                 "b"),
            "ab");
  EXPECT_EQ(type(editor, std::string_view("\0", 1)), "");
  EXPECT_EQ(editor.line(), "ab");
}

}  // namespace
}  // namespace kmapper::kernel
