// Package mutants seeds mutants into refmon's sources and asks whether the tests
// see them. A [Mutant] is data: a few words of one package and what stands there
// instead. The go command builds it from an overlay, so that the sources keep
// no switch and are never written to.
//
//	go run ./internal/test/mutants/run -sample 10     ten of them, drawn anew
//	make mutants                                      all, and a table of the outcomes
//
// The mutants are in lists/*.txt, one file a wing of the module. A text is
// found whatever its line breaks and indentation, in any file of its folder,
// and must be found once; TestMutantsApply says which no longer is.
//
// Guards: a Mutant is immutable; [Runner] may be used by several goroutines.
package mutants
