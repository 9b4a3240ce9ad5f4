// Package terminal opens pseudo terminals for tests of what a person types and sees.
//
//	person, program := terminal.Open(t) // skips the test where the host gives none
package terminal
