// Package terminal opens pseudo terminals for tests of programs that a person types into, and checks help pages.
//
//	person, program := terminal.Open(t) // skips the test where the host gives none
//	terminal.CheckHelp(t, "refmon", run)
package terminal
