// Package sddl reads and prints security descriptors in the Security
// Descriptor Definition Language (MS-DTYP 2.5.1).
//
// [Parse] reads as Windows was recorded to read, its tolerance for blanks,
// case and overlong numbers included; [ParseStrict] refuses what a careful
// author would not write. [Format] prints the canonical text. Both directions
// hold byte for byte: what Parse made prints, and reads back the same.
//
//	d := sddl.MustParse("O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)")
//	text, err := sddl.Format(d, sddl.Options{})
//
// The types: [Options] gives the domain for aliases such as DA and the parts
// to print; a refusal is a [*SyntaxError] with the offset and the expectation.
//
// Guards: none; the package has no state.
package sddl
