// Package truth knows, for tests of an index, what was true of documents and people at which time, and
// what the command who-can says of a tree now.
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
