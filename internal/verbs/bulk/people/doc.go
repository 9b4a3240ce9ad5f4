// Package people reads directory files: users and groups with their SIDs, and
// makes of each user the token that a network logon gives.
//
//	dir, err := people.Read(file)
//	for _, p := range dir.Principals { … p.Token … }
//
// Guards: a [Directory] is immutable once read and its callers have added what
// they add.
package people
