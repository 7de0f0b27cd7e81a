# A header as Doxygen is to read it. What a file opens with describes the file; a comment before or behind a declaration
# describes that; tools' marks, headings, and what we say in namespace std, describe nothing.
1,/^[^/]/ {
  1s|^// *|/// @file\n/// |
  s|^//( \|$)|///\1|
}
1s|^/\* |/** @file\n * |
/NOLINT/d
/^\/\* ---/b
/^template <>$/,/;$/d
s|^( *)/\* |\1/** |
s|^( *[^ /].*[;,{]) +// (.*)$|\1  ///< \2|
s|^( *[^ /].*[;,{0-9]) +/\* |\1 /**< |
