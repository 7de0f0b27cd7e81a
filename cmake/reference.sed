# A header as Doxygen is to read it. What a file opens with describes the file; a comment behind a declaration describes
# that; tools' marks, and what we say in namespace std, describe nothing.
1,/^[^/]/ {
  1s|^// *|/// @file\n/// |
  s|^//( \|$)|///\1|
}
/\/\/ NOLINT/d
/^template <>$/,/;$/d
s|^( *[^ /].*[;,{]) +// (.*)$|\1  ///< \2|
