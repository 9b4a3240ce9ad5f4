// Package expect tests permissions against a team's expectations. A YAML file names principals and descriptors and
// says who must be granted or denied which rights, and why.
//
// [Parse] reads a file. [File.Run] evaluates every case and reports each [Case] with its duration. For each
// descriptor it also reports the entries that decided no case, which no expectation covers.
//
//	f, err := expect.Parse(text, expect.Outside{Open: os.ReadFile})
//	r := f.Run(time.Now)
//	for _, c := range r.Cases { … }
//
// refmon test --help describes the format; examples/permissions.yaml is an example. Errors name the line. A File is
// immutable once parsed. Several goroutines may call Run.
package expect
