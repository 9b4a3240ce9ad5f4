package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/internal/verbs/script"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

// writeServices writes docs/services.md: every row of the tables with its
// parameters, its results and its statuses in the order of the tests.
func writeServices(w io.Writer) {
	fmt.Fprint(w, `# Services

Generated from the tables of packages nt, internal/win32 and kernel by
`+"`go test ./cmd/refmon -run ServicesDoc -update`"+`; do not edit.

A service tests its conditions in the order listed, so that of two things wrong
at once the earlier decides the status; `+"`refmon services NAME --faults`"+` shows
each pair. Ids are those of [docs/rules](rules).
`)
	for _, part := range []struct {
		title, intro string
		t            *nt.Table
	}{
		{"User mode", "Methods of `nt.Thread`, and of a thread in a script.", &nt.NtTable},
		{"Win32 functions",
			"Methods of a thread in a script. A function returns a BOOL and leaves the Win32 code of the status for " +
				"GetLastError.", &win32.Table},
		{"Kernel mode",
			"Methods of `kernel.KernelThread`, and of `kernel_mode(thread)` and `system()` in a script. A Zw routine " +
				"is the Nt service with previous mode kernel, and described there.", &kernel.Table},
	} {
		fmt.Fprintf(w, "\n## %s\n\n%s\n\n| service | support | |\n|---|---|---|\n", part.title, part.intro)
		for row := range part.t.All {
			m := row.Info()
			fmt.Fprintf(w, "| [%s](#%s) | %s | %s |\n", m.Name, strings.ToLower(anchor(m.Name)), m.Support(), m.Summary)
		}
		for row := range part.t.All {
			if name := row.Info().Name; anchor(name) == name {
				writeService(w, row)
			}
		}
	}
}

// anchor returns the service whose section describes a routine: a Zw routine is
// described where its Nt service is.
func anchor(name string) string {
	if nt := "Nt" + strings.TrimPrefix(name, "Zw"); strings.HasPrefix(name, "Zw") {
		return nt
	}
	return name
}

func writeService(w io.Writer, row *nt.Row) {
	m := row.Info()
	fmt.Fprintf(w, "\n### %s\n\n`%s` → %s\n\n", m.Name, script.Signature(row), strings.Join(script.OutNames(row), ", "))
	fmt.Fprintf(w, "%s. *%s.* Source: %s.", strings.ToUpper(m.Summary[:1])+m.Summary[1:], m.Support(), m.Document())
	if m.Missing != "" {
		fmt.Fprintf(w, " Not built: %s.", m.Missing)
	}
	fmt.Fprint(w, "\n\n| rule | status | when |\n|---|---|---|\n")
	for _, k := range m.Conditions {
		fmt.Fprintf(w, "| %s | %s | %s |\n", k.Rule, k.Status, strings.ReplaceAll(k.When, "|", `\|`))
	}
}
