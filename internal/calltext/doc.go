// Package calltext formats service calls as transcript lines.
//
//	for _, line := range new(calltext.Printer).Lines(call) {
//		fmt.Println(line)
//	}
//
// A line has the caller, the service, its arguments with documented names, the status and the results. Further lines
// give the reason for a failure: the rule, the object and the deciding entry. Values use Starlark syntax, so a line
// can be copied into a script.
//
// The package reads the service tables ([Parameters], [Signature]) and does not link Starlark. refmond formats its
// clients' calls with it, and [internal/cli/script] those of a program.
//
// All functions and methods are safe for concurrent use.
package calltext
