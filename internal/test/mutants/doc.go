// Package mutants seeds faults into refmon's sources and asks whether the tests
// see them. A [Fault] is data: a few words of one package and what stands there
// instead. The go command builds it from an overlay, so that the sources keep
// no switch and are never written to.
//
//	go run ./internal/test/mutants/run -sample 10     ten of them, drawn anew
//	make mutants                                      all, and the table of docs/testing.md
//
// The faults are in faults/*.txt, one file a wing of the module. A text is
// found whatever its line breaks and indentation, in any file of its folder,
// and must be found once; TestFaultsApply says which no longer is.
//
// Guards: a Fault is immutable; [Runner] may be used by several goroutines.
package mutants
