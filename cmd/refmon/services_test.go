package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

var update = flag.Bool("update", false, "write generated documents instead of comparing them")

// TestServicesPageMatchesTable checks that the page equals the tables.
func TestServicesPageMatchesTable(t *testing.T) {
	var b bytes.Buffer
	writeServices(&b)
	generated(t, "services.md", b.Bytes())
}

// generated compares a generated document with the one in docs. With -update it writes it there.
func generated(t *testing.T, name string, got []byte) {
	t.Helper()
	file := "../../docs/" + name
	if *update {
		check.NoError(t, os.WriteFile(file, got, 0o644))
		return
	}
	want := check.Must(os.ReadFile(file))
	if !bytes.Equal(got, want) {
		t.Errorf("docs/%s differs from the table, want it updated: go test ./cmd/refmon -run %s -update",
			name, t.Name())
	}
}

// The list ends with the number of its rows. As JSON it has the same services, with the missing parts of partial
// ones.
func TestServicesAreCounted(t *testing.T) {
	_, page, _ := runLine("services")
	support, names := map[string]int{}, map[string]string{}
	for line := range strings.Lines(page) {
		if cells := strings.Fields(line); strings.HasPrefix(line, "  ") {
			support[cells[1]]++
			names[cells[0]] = cells[1]
		}
	}
	want := fmt.Sprintf("\n%d services, %d complete, %d partial; ", len(names), support["complete"], support["partial"])
	if support["partial"] == 0 || support["complete"]+support["partial"] != len(names) || !strings.Contains(page, want) {
		t.Errorf("%v of %d, want %q at the end:\n%s", support, len(names), want, page[max(0, len(page)-200):])
	}
	_, rows, _ := runLine("services", "--json")
	for line := range strings.Lines(rows) {
		var row struct {
			Name, Support, Missing string
			Statuses               []struct{ Status, Rule, When string }
		}
		check.NoError(t, json.Unmarshal([]byte(line), &row))
		if row.Support != names[row.Name] || (row.Missing != "") != (row.Support == "partial") {
			t.Errorf("%s: support %q with %q missing, the list has %q, want them to agree",
				row.Name, row.Support, row.Missing, names[row.Name])
		}
		for _, s := range row.Statuses {
			check.That(t, strings.Contains(s.Rule, "-") && s.When != "" && s.When != s.Rule && s.Status != "",
				"%s: condition %+v, want a rule, a text and a status", row.Name, s)
		}
		delete(names, row.Name)
	}
	check.That(t, len(names) == 0, "services missing in the JSON: %v, want none", names)
}

// writeServices writes docs/services.md: every row of the tables with its
// parameters, its results and its statuses in the order of the tests.
func writeServices(w io.Writer) {
	fmt.Fprint(w, `# Services

The routines of the Windows kernel that refmon has, such as NtOpenThreadToken, for programmers who call
them from Go, C or a script: what each needs and returns, and its statuses.

Generated from the tables of packages nt, internal/win32 and kernel by
`+"`go test ./cmd/refmon -run ServicesPage -update`"+`; do not edit.

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
	fmt.Fprintf(w, "\n### %s\n\n`%s` → %s\n\n", m.Name, calltext.Signature(row),
		strings.Join(calltext.OutNames(row), ", "))
	fmt.Fprintf(w, "%s. *%s.* Source: %s.", strings.ToUpper(m.Summary[:1])+m.Summary[1:], m.Support(), m.Document())
	if m.Missing != "" {
		fmt.Fprintf(w, " Not built: %s.", m.Missing)
	}
	fmt.Fprint(w, "\n\n| rule | status | when |\n|---|---|---|\n")
	for _, k := range m.Conditions {
		fmt.Fprintf(w, "| %s | %s | %s |\n", k.Rule, k.Status, strings.ReplaceAll(k.When, "|", `\|`))
	}
}

// collected keeps the numbers of records.
type collected struct{ ids []uint16 }

// Write implements audit.Sink.
func (c *collected) Write(e audit.Event) error {
	if e.ID != audit.UnsafeElevationID && e.ID != 4689 { // of the kernel-mode call and of the exit before
		c.ids = append(c.ids, e.ID)
	}
	return nil
}

// TestServicesWriteTheirEvents runs the examples with all auditing enabled: each service writes only the records that
// its table row names.
func TestServicesWriteTheirEvents(t *testing.T) {
	for _, tab := range []*nt.Table{&nt.NtTable, &kernel.Table} {
		for row := range tab.All {
			for _, id := range row.Info().Events() {
				if _, ok := audit.KindOf(id); !ok && id != audit.UnsafeElevationID {
					t.Errorf("%s: event %d is not in the catalogue, want it there", row.Info().Name, id)
				}
			}
		}
	}
	spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{}}
	for s := range audit.Subcategories {
		spec.System[s] = audit.OnBoth
	}
	all := check.Must(audit.NewPolicy(spec))
	names, err := filepath.Glob("../../examples/*.star")
	check.RequireThat(t, err == nil && len(names) >= 3, "example files = %v, %v, want at least 3", names, err)
	seen := map[uint16]bool{}
	for _, name := range names {
		source := check.Must(os.ReadFile(name))
		sink := &collected{}
		r := script.New(script.Config{Policy: all, Audit: sink, Record: func(c script.Recorded) {
			row := nt.NtTable.Find(c.Call)
			if row == nil {
				row = win32.Table.Find(c.Call)
			}
			for _, id := range sink.ids {
				seen[id] = true
				check.That(t, row == nil || nt.NtTable.Find(c.Call) == nil || slices.Contains(row.Info().Events(), id),
					"%s: %s writes event %d, want the event in its row", name, c.Call, id)
			}
			sink.ids = nil
		}})
		check.Equal(t, errors.Join(r.Run(name, source), r.Close()), nil, "example %s", name)
	}
	for _, id := range []uint16{4656, 4658, 4703} {
		check.That(t, seen[id], "no example wrote event %d, want one", id)
	}
}
