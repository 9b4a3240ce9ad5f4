// Package sddl parses and prints security descriptors in the Security
// Descriptor Definition Language (MS-DTYP 2.5.1).
//
// [Parse] accepts the same text as recorded on Windows, including blanks, any
// case and overlong numbers. [ParseStrict] refuses most of these variations. [Format]
// prints the canonical text. A parsed descriptor prints to a text that parses
// to the same bytes.
//
//	d := sddl.MustParse("O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)")
//	text, err := sddl.Format(d, sddl.Options{})
//
// [Options] has the domain for aliases such as DA, and the parts to print. A
// parse error is a [*SyntaxError] with the offset and what was expected there.
//
// Guards: none. The package has no state.
package sddl
