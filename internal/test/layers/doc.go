// Package layers tests which package may import which, and the rules of the house in CONTRIBUTING.md.
//
// Section 2 of docs/DESIGN.md says in six sentences which package may import
// which (imports_test.go). The tests read the source, not the build, so they
// hold for every build tag and platform. They fail on
//
//   - an import that breaks a sentence, in any of the three modules;
//   - a program that links what linksNone excludes for it;
//   - a package that is missing on the map in section 2 of docs/DESIGN.md;
//   - a package without a package comment;
//   - a source file of more than 800 lines, tests apart;
//   - an exported name in ALL_CAPS outside package winnt;
//   - text that belongs to one machine, or work left open (hygiene_test.go);
//   - more lines over 120 columns, functions over 60 lines, long files, names of
//     files without a subject, rule ids without a sentence, doc comments without
//     a verb, and test files named after no code file of their
//     folder than testdata/house.txt allows the folder
//     (house_test.go, testfiles_test.go). Those counts only go down.
//
// To see it work:
//
//	go test ./internal/test/layers
//
// The package exports nothing and has no state.
package layers
