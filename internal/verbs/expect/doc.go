// Package expect runs a team's expectations about permissions: a YAML file names
// principals, descriptors, and who is to be granted or denied what, and why.
//
// [Parse] reads a file, [File.Run] asks every question of it and reports each
// [Case] with its time, and for each descriptor the entries that decided nothing
// in any case: those that no expectation watches.
//
//	f, err := expect.Parse(text, os.ReadFile)
//	r := f.Run(time.Now)
//	for _, c := range r.Cases { … }
//
// The file is described at refmon test --help and shown in
// examples/permissions.yaml. Errors name the line.
//
// Guards: a File is immutable once parsed; Run may be called from several
// goroutines.
package expect
