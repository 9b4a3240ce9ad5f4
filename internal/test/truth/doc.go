// Package truth records, for tests of an index, which documents and people existed at which time, and what the
// command who-can prints for a tree now.
//
//	k := truth.New(files, people)
//	k.Grant(i, team, func() { ... }) // the change is made between two looks at the clock
//	wrong := k.Judge(i, p, before, after, limit, allowed, because)
//
// Each document is for one team, and each person in one team. An answer is right if it was true at some
// moment between the limit before the question and the answer.
//
// Guards: a [Known] may be used by many goroutines; changes of one document or person are made by one.
package truth
