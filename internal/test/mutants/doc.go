// Package mutants makes small mistakes in refmon's sources and reports whether the tests notice them. The go command
// compiles each mutant from an overlay, so the sources are never written.
//
//	go run ./internal/test/mutants/run -draw 20 -in core    20 new ones in random functions of the core
//	go run ./internal/test/mutants/run -match A-61          the recorded ones of a rule
//	make mutants                                            all recorded ones, and a table
//
// A [Drawer] draws mutants: an operator changes the typed syntax tree of a random
// function. Those that change no answer are in equivalent.txt.
//
// A [Mutant] is recorded in lists/*.txt, one file per package: one for each rule,
// and those that no test can notice. Its old text must occur once in its folder,
// whatever the line breaks and indentation; TestMutantsMatchSourceExactlyOnce names those that no
// longer do.
//
// A Mutant is immutable. Several goroutines may use a [Runner].
package mutants
