// Package terminal opens pseudo terminals for tests of what a person types and sees, and checks help pages.
//
//	person, program := terminal.Open(t) // skips the test where the host gives none
//	terminal.CheckHelp(t, "refmon", run)
package terminal
