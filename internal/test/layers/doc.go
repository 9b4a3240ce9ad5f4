// Package layers holds the import rules of refmon as a test.
//
// The table in table_test.go is section 2 of docs/DESIGN.md: every package of
// the module has one row, and imports only packages of the rows above it. The
// test reads the source, not the build, so it holds for every build tag and
// platform. It fails on
//
//   - a package that has no row, or stands in no row's place;
//   - an import of a package further down, or of one on the same level;
//   - an import outside the standard library that the layer may not have;
//   - an import with effects (files, network, clock, locks) in layers 0 to 5;
//   - a package without a package comment;
//   - a source file of more than 800 lines, tests apart;
//   - an exported name in ALL_CAPS outside package winnt;
//   - text that belongs to one machine, or work left open (hygiene_test.go);
//   - more lines over 120 columns, functions over 60 lines, long files, names of
//     files without a subject, rule ids without a sentence, doc comments without
//     a verb and stumbling phrases than testdata/house.txt allows their folder
//     (house_test.go). Those counts only go down.
//
// A row whose package does not exist yet is no failure. To see it work:
//
//	go test ./internal/test/layers
//
// The package exports nothing and has no state.
package layers
