# Turns a header into Doxygen's input. The comment at the beginning of a file describes the file. A comment before or
# after a declaration describes the declaration. Tools' marks, headings, and declarations in namespace std are left out.
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
